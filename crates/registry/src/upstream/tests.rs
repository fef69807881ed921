//! Setting, reading and clearing upstream credentials (R42): by whom, for what, and that the text
//! stays where it is.

use std::rc::Rc;

mod creating;

use super::*;
use crate::testing::{self, World, facts, now_or_never, organization, project, requester};
use postern_domain::caller::Session;
use postern_domain::policy::{Policy, defaults};
use postern_domain::role::policies_of;
use postern_domain::scope::Scope;
use postern_domain::session::UserId;
use postern_domain::upstream::{MAX_CREDENTIAL, MAX_KEEP_SECONDS, open};
use postern_ledger::ReplacedUpstream;

const ACME: Option<&str> = Some("acme");
const TEXT: &str = "a-bearer-text-of-the-origin";

fn reach<'p>(project: Option<&'p str>, workflow: Option<&'p str>) -> ReachNamed<'p> {
    ReachNamed { project, workflow }
}

fn set_by(
    caller: &Caller,
    named: ReachNamed<'_>,
    body: &str,
    world: &World,
) -> Result<UpstreamView> {
    let meant = (body.as_bytes(), requester());
    now_or_never(set(caller, ACME, named, meant, &testing::config(), world))
}

fn body(credential: &str) -> String {
    serde_json::json!({ "credential": credential }).to_string()
}

#[test]
fn r42_a_credential_is_sealed_for_what_it_is_set_for() {
    let rows = [
        (reach(None, None), "organization", serde_json::json!({})),
        (
            reach(Some("shop"), None),
            "project:shop",
            serde_json::json!({ "project": "shop" }),
        ),
        (
            reach(Some("shop"), Some("release")),
            "workflow:shop/release",
            serde_json::json!({ "project": "shop", "workflow": "release" }),
        ),
    ];
    let keys = testing::config().root_keys.upstream;
    let mut seen = Vec::new();
    for (named, target, scope) in rows {
        let world = World::new();
        let view = set_by(&Caller::Administrator(None), named, &body(TEXT), &world).expect("set");
        let document = serde_json::to_value(&view).expect("serializes");
        assert_eq!(document["scope"], scope);
        assert_eq!(document["set_by"], "admin-token");
        assert_eq!(document.get("replaced"), None);
        assert!(!document.to_string().contains(TEXT));

        let asked = world.take_asked();
        assert_eq!(
            asked.last().map(String::as_str),
            Some(format!("set upstream {target} 7200000").as_str())
        );
        let sent = world.set_upstreams.take().pop().expect("a command");
        assert!(
            !format!("{sent:?}").contains(TEXT),
            "it is sealed on the way"
        );
        assert_eq!(document["digest"], sent.digest.as_str());
        let sealed = Sealed {
            organization: organization().id,
            reach: &sent.reach,
            id: sent.id,
        };
        let opened = open(&sent.sealed, sealed, &keys).expect("opens");
        assert_eq!(opened.expose(), TEXT);
        // No nonce and no id comes twice.
        let again = set_by(&Caller::Administrator(None), named, &body(TEXT), &world);
        again.expect("set");
        let other = world.set_upstreams.take().pop().expect("a command");
        assert_ne!((other.id, &other.sealed), (sent.id, &sent.sealed));
        seen.push(sent.sealed);
    }
    assert_eq!(seen.len(), 3);
}

#[test]
fn r42_a_body_that_is_wrong_sets_nothing() {
    let rows = [
        (body(""), "credential_invalid", "must not be empty"),
        (body("a b"), "credential_invalid", "without spaces"),
        (body("a\n"), "credential_invalid", "line ends"),
        (
            body(&"x".repeat(MAX_CREDENTIAL + 1)),
            "credential_invalid",
            "at most 8192",
        ),
        (
            r#"{"credential":"a","keep_replaced_seconds":86401}"#.to_owned(),
            "keep_replaced_seconds_invalid",
            "0 to 86400",
        ),
        (
            "{}".to_owned(),
            "body_invalid",
            "give a `credential`, or `create` and `with`",
        ),
        (
            r#"{"credential":"a","token":"b"}"#.to_owned(),
            "body_invalid",
            "unknown field",
        ),
    ];
    let world = World::new();
    for (body, code, words) in rows {
        let error = set_by(
            &Caller::Administrator(None),
            reach(None, None),
            &body,
            &world,
        );
        let error = error.expect_err("refused");
        assert_eq!(error.code(), code, "{body:.60}");
        assert!(error.public().contains(words), "{}", error.public());
    }
    assert!(world.set_upstreams.borrow().is_empty());
    // Its own limits are within.
    for seconds in [0, MAX_KEEP_SECONDS] {
        let text = "x".repeat(MAX_CREDENTIAL);
        let body = serde_json::json!({ "credential": text, "keep_replaced_seconds": seconds });
        let set = set_by(
            &Caller::Administrator(None),
            reach(None, None),
            &body.to_string(),
            &world,
        );
        set.expect("set");
        let sent = world.set_upstreams.take().pop().expect("a command");
        assert_eq!(sent.keep_ms, seconds * 1_000);
    }
}

#[test]
fn r42_only_who_manages_the_organization_sets_and_reads() {
    let session = |role: &str| {
        Caller::Session(Rc::new(Session {
            user: UserId::parse("u1").expect("an id"),
            organization: organization().named(),
            policies: policies_of(role),
        }))
    };
    let token = |scope: Scope, more: &[&str]| {
        let mut row = facts(8, scope);
        row.policies = defaults(&row.scope);
        let policies = more
            .iter()
            .map(|text| Policy::parse(text).expect("a policy"));
        row.policies.extend(policies);
        Caller::Token(Rc::new(row))
    };
    let narrow = || Scope::Project { project: project() };
    let all = &["upstream_credential:*"][..];
    // Whether the caller may read, and whether it may set and clear.
    let rows = [
        ("administrator", Caller::Administrator(None), true, true),
        ("owner", session("owner"), true, true),
        ("admin", session("admin"), true, true),
        ("member", session("member"), false, false),
        ("viewer", session("viewer"), false, false),
        ("bootstrap", Caller::Bootstrap, false, false),
        ("a token", token(Scope::Organization, &[]), false, false),
        (
            "a reader",
            token(Scope::Organization, &["upstream_credential:read"]),
            true,
            false,
        ),
        ("a manager", token(Scope::Organization, all), true, true),
        ("of a project", token(narrow(), all), false, false),
    ];
    for (who, caller, reads, sets) in rows {
        for named in [reach(None, None), reach(Some("shop"), None)] {
            let world = World::new();
            let allowed = |outcome: Result<()>| match outcome {
                Ok(()) | Err(Error::UpstreamUnset) => true,
                Err(Error::Denied(_)) => false,
                Err(error) => panic!("{who}: {error:?}"),
            };
            let seen = now_or_never(read(&caller, ACME, named, &world)).map(drop);
            assert_eq!(allowed(seen), reads, "{who}");
            let cleared = now_or_never(clear(&caller, ACME, named, requester(), &world));
            assert_eq!(allowed(cleared), sets, "{who}");
            let set = set_by(&caller, named, &body(TEXT), &world).map(drop);
            assert_eq!(allowed(set), sets, "{who}");
            assert_eq!(
                world.set_upstreams.borrow().len(),
                usize::from(sets),
                "{who}"
            );
        }
    }
}

#[test]
fn r42_what_is_set_is_told_with_what_it_replaced_and_what_is_not_has_a_code_of_its_own() {
    let world = World::new();
    let admin = Caller::Administrator(None);
    let nothing = reach(None, None);
    let told = now_or_never(read(&admin, ACME, nothing, &world));
    assert_eq!(told.expect_err("none").code(), "upstream_not_set");
    let cleared = now_or_never(clear(&admin, ACME, nothing, requester(), &world));
    assert_eq!(cleared.expect_err("none").code(), "upstream_not_set");

    set_by(&admin, nothing, &body(TEXT), &world).expect("set");
    if let Some(state) = world.upstream_state.borrow_mut().as_mut() {
        state.replaced = Some(ReplacedUpstream {
            digest: state.digest.clone(),
            until: state.set_at.plus_millis(1_000),
        });
    }
    let told = now_or_never(read(&admin, ACME, nothing, &world)).expect("it is set");
    let document = serde_json::to_value(&told).expect("serializes");
    assert_eq!(document["replaced"]["until"], "2027-01-15T08:00:01Z");
    now_or_never(clear(&admin, ACME, nothing, requester(), &world)).expect("cleared");
    // Nothing is set for what is not in the registry.
    for named in [
        reach(Some("nowhere"), None),
        reach(Some("shop"), Some("nowhere")),
    ] {
        let refused = set_by(&admin, named, &body(TEXT), &world).expect_err("refused");
        assert_eq!(refused.code(), "not_found");
    }
}

#[test]
fn r42_the_list_shows_digests_to_who_may_read_them() {
    let world = World::new();
    let listed = |caller: &Caller| {
        let list = now_or_never(list(caller, ACME, &world))?;
        Ok::<_, Error>(serde_json::to_value(&list).expect("serializes"))
    };
    let none = listed(&Caller::Administrator(None)).expect("lists");
    assert_eq!(none, serde_json::json!({ "upstreams": [] }));
    set_by(
        &Caller::Administrator(None),
        reach(Some("shop"), None),
        &body(TEXT),
        &world,
    )
    .expect("set");
    let one = listed(&Caller::Administrator(None)).expect("lists");
    assert_eq!(
        one["upstreams"][0]["scope"],
        serde_json::json!({ "project": "shop" })
    );
    assert!(!one.to_string().contains(TEXT));
    let mut row = facts(9, Scope::Organization);
    row.policies = defaults(&Scope::Organization);
    let error = listed(&Caller::Token(Rc::new(row))).expect_err("denied");
    assert_eq!(error.code(), "operation_not_allowed");
}
