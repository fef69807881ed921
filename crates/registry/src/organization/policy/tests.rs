//! What new tokens must keep to, as requests set it and as it meets those who create tokens (R53).

use serde_json::json;

use super::*;
use crate::mint::{Client, mint};
use crate::organization::update;
use crate::ports::Clock as _;
use crate::testing::{self, World, facts, now_or_never, requester};
use crate::{adopt, tokens};
use postern_domain::caller::Caller;
use postern_domain::policy::Policy;
use postern_domain::scope::Scope;
use postern_domain::time::Timestamp;
use postern_gate::origin_tokens::{claims, jwt};

const DAY: u32 = 86_400;
const ACME: Option<&str> = Some("acme");

fn from() -> Client {
    Client {
        bucket: "192.0.2.1".to_owned(),
        requester: requester(),
    }
}

fn policy(max_lifetime_days: u32, default_expires_in: Option<u32>) -> OrganizationPolicy {
    OrganizationPolicy {
        max_lifetime_days,
        default_expires_in,
        trusted_issuers: None,
    }
}

fn within(policy: &OrganizationPolicy) -> World {
    let world = World::new();
    *world.policy.borrow_mut() = policy.clone();
    world
}

fn end(world: &World, seconds: i64) -> Timestamp {
    world.now().plus_millis(seconds * 1_000).floor_to_second()
}

/// When the token ends that a creator is given, or the code of the refusal.
fn minted(
    caller: &Caller,
    body: &serde_json::Value,
    world: &World,
) -> core::result::Result<Option<Timestamp>, &'static str> {
    let body = body.to_string();
    let config = testing::config();
    let made = mint(caller, ACME, body.as_bytes(), from(), &config, world);
    match now_or_never(made) {
        Ok(_) => Ok(world
            .minted
            .borrow()
            .last()
            .expect("minted")
            .facts
            .expires_at),
        Err(error) => Err(error.code()),
    }
}

#[test]
fn r18_r53_a_new_token_ends_when_its_creator_says_within_what_both_allow() {
    let day = i64::from(DAY);
    let ends_in = |seconds: i64| {
        let mut facts = facts(8, Scope::Organization);
        facts.policies = vec![Policy::parse("project_api_token:create").expect("a policy")];
        facts.expires_at = Some(end(&World::new(), seconds));
        Caller::Token(facts.into())
    };
    let admin = || Caller::Administrator(None);
    let rows = [
        (policy(0, None), admin(), None, Ok(None)),
        (policy(9, None), admin(), None, Ok(Some(9 * day))),
        (policy(9, None), admin(), Some("9d"), Ok(Some(9 * day))),
        (
            policy(9, None),
            admin(),
            Some("10d"),
            Err("lifetime_too_long"),
        ),
        (policy(0, Some(DAY)), admin(), None, Ok(Some(day))),
        (
            policy(0, Some(DAY)),
            admin(),
            Some("99d"),
            Ok(Some(99 * day)),
        ),
        (policy(9, Some(DAY)), admin(), Some("8d"), Ok(Some(8 * day))),
        // A creator that ends sooner gives what it has; one that ends later, what is usual.
        (policy(9, Some(DAY)), ends_in(60), None, Ok(Some(60))),
        (policy(9, Some(DAY)), ends_in(2 * day), None, Ok(Some(day))),
        (
            policy(9, Some(DAY)),
            ends_in(60),
            Some("1h"),
            Err("lifetime_exceeded"),
        ),
    ];
    for (policy, caller, asked, expected) in rows {
        let world = within(&policy);
        let mut body = json!({ "project": "shop" });
        if let Some(span) = asked {
            body["expires_in"] = span.into();
        }
        let expected = expected.map(|left| left.map(|left| end(&world, left)));
        let told = minted(&caller, &body, &world);
        assert_eq!(told, expected, "{policy:?} {asked:?}");
        assert_eq!(
            world.bucket.get() < 10,
            told.is_ok(),
            "a refusal takes nothing"
        );
    }
}

#[test]
fn r9_r53_a_successor_ends_with_the_old_token_cut_to_what_is_allowed() {
    let day = i64::from(DAY);
    let rows = [
        (policy(0, None), None, "{}", Ok(None)),
        (policy(5, None), None, "{}", Ok(Some(5 * day))),
        (policy(5, None), Some(9 * day), "{}", Ok(Some(5 * day))),
        (policy(5, None), Some(day), "{}", Ok(Some(day))),
        (policy(0, Some(DAY)), Some(9 * day), "{}", Ok(Some(9 * day))),
        (policy(0, Some(DAY)), None, "{}", Ok(Some(day))),
        (
            policy(5, None),
            None,
            r#"{"expires_in":"4d"}"#,
            Ok(Some(4 * day)),
        ),
        (
            policy(5, None),
            None,
            r#"{"expires_in":"6d"}"#,
            Err("lifetime_too_long"),
        ),
    ];
    for (policy, old_end, body, expected) in rows {
        let world = within(&policy);
        let mut old = facts(7, Scope::Organization);
        old.expires_at = old_end.map(|left| end(&world, left));
        let id = old.id.to_string();
        world.keep(old);
        let admin = Caller::Administrator(None);
        let config = testing::config();
        let rotated = tokens::rotate(&admin, ACME, &id, body.as_bytes(), from(), &config, &world);
        let told = match now_or_never(rotated) {
            Ok(_) => {
                let rotated = world.rotated.borrow();
                Ok(rotated.last().expect("rotated").mint.facts.expires_at)
            }
            Err(error) => Err(error.code()),
        };
        let expected = expected.map(|left| left.map(|left| end(&world, left)));
        assert_eq!(told, expected, "{policy:?} {old_end:?} {body}");
    }
}

#[test]
fn r39_r53_a_token_of_the_origin_that_never_ends_is_not_adopted_where_each_needs_an_end() {
    let config = testing::config();
    for (policy, expected) in [
        (policy(0, None), None),
        (policy(9, None), Some("expiry_required")),
        (policy(0, Some(DAY)), Some("expiry_required")),
    ] {
        let world = within(&policy);
        let mut claims = claims();
        claims.as_object_mut().expect("claims").remove("exp");
        let body = json!({ "token": jwt(&claims) }).to_string();
        let admin = Caller::Administrator(None);
        let adopted = adopt::adopt(&admin, ACME, body.as_bytes(), from(), &config, &world);
        let code = now_or_never(adopted).err().map(|error| error.code());
        assert_eq!(code, expected, "{policy:?}");
    }
}

#[test]
fn r53_a_policy_is_set_whole_and_what_is_absent_stays() {
    let world = World::new();
    let config = testing::issuer::with_ci();
    let change = |body: &serde_json::Value| {
        let admin = Caller::Administrator(None);
        let body = body.to_string();
        let changed = update(
            &admin,
            "acme",
            body.as_bytes(),
            requester(),
            &config,
            &world,
        );
        let told = now_or_never(changed).map(|view| serde_json::to_value(view).expect("JSON"));
        told.map_err(|error| error.code())
    };
    let first = change(&json!({ "max_lifetime_days": 90, "default_expires_in": "720h" }));
    let first = first.expect("changed");
    assert_eq!(first["max_lifetime_days"], 90);
    assert_eq!(first["default_expires_in"], "30d");
    assert_eq!(*world.policy.borrow(), policy(90, Some(30 * DAY)));
    let asked = world.take_asked();
    let asked = asked.last().expect("asked");
    let noted =
        r#""default_expires_in":"30d","default_expires_in.before":null,"max_lifetime_days":90"#;
    assert!(
        asked.contains(noted) && asked.ends_with("federated false"),
        "{asked}"
    );
    // What does not name it does not send it.
    change(&json!({ "max_idle_days": 3 })).expect("changed");
    assert_eq!(*world.policy.borrow(), policy(90, Some(30 * DAY)));
    let ci = config.ci.as_ref().expect("it takes jobs");
    let url = ci.issuers.iter().next().expect("an issuer").url();
    let trusting = change(&json!({ "trusted_issuers": [url, url] })).expect("changed");
    assert_eq!(trusting["trusted_issuers"], json!([url]), "each once");
    let none = change(&json!({ "trusted_issuers": [], "default_expires_in": null }));
    assert_eq!(none.expect("changed")["trusted_issuers"], json!([]));
    assert!(!world.policy.borrow().trusts(url));
    change(&json!({ "trusted_issuers": null })).expect("changed");
    assert_eq!(*world.policy.borrow(), policy(90, None));
    for (body, code) in [
        (
            json!({ "max_lifetime_days": 3_651 }),
            "max_lifetime_days_invalid",
        ),
        (
            json!({ "default_expires_in": "91d" }),
            "default_expires_in_invalid",
        ),
        (
            json!({ "default_expires_in": "0s" }),
            "default_expires_in_invalid",
        ),
        (
            json!({ "default_expires_in": "a month" }),
            "default_expires_in_invalid",
        ),
        (
            json!({ "trusted_issuers": ["https://else.example"] }),
            "trusted_issuers_invalid",
        ),
        (json!({ "trusted_issuers": "all" }), "body_invalid"),
    ] {
        assert_eq!(change(&body), Err(code), "{body}");
    }
    assert_eq!(
        *world.policy.borrow(),
        policy(90, None),
        "nothing of it is kept"
    );
}
