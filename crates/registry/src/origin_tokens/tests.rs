//! Tokens of the origin that are made and ended through the gateway, as rows: what is taken, refused,
//! registered and written down.

mod ending;

use std::rc::Rc;

use serde_json::{Value, json};

use super::*;
use crate::testing::{self, World, facts, now_or_never, project, requester};
use postern_domain::bucket::Rate;
use postern_domain::policy::{Policy, defaults};
use postern_domain::scope::Scope;
use postern_domain::token::TokenFacts;
use postern_gate::origin_tokens::{claims, claims_with, id, in_project, jwt};
use postern_ledger::MintAnswer;
use postern_wire::message;
use postern_wire::own_token::create;

const TAKE: &str = "take 192.0.2.1";

fn from() -> Client {
    Client {
        bucket: "192.0.2.1".to_owned(),
        requester: requester(),
    }
}

fn holder(scope: Scope, policies: &[&str], expires_at: Option<i64>) -> Caller {
    let mut facts = facts(0x99, scope);
    facts.policies = defaults(&Scope::Organization);
    let more = policies
        .iter()
        .map(|text| Policy::parse(text).expect("a policy"));
    facts.policies.extend(more);
    facts.expires_at = expires_at.map(Timestamp::from_millis);
    Caller::Token(Rc::new(facts))
}

fn manager() -> Caller {
    holder(Scope::Organization, &[], None)
}

fn try_reserve_as(
    caller: &Caller,
    world: &World,
    request: &[u8],
) -> core::result::Result<Reserved, Error> {
    let (from, config) = (from(), testing::config());
    now_or_never(reserve(caller, request, &from, &config, world)).map_err(|refused| refused.error)
}

fn try_register(caller: &Caller, world: &World, claims: &Value) -> Result<()> {
    let reserved = Reserved {
        takes: Vec::new(),
        room: Some(Id::from_u128(5)),
    };
    let jwt = Secret::new(jwt(claims));
    let config = testing::config();
    let requester = requester();
    let how = (&requester, &config);
    let registered = register(caller, &jwt, &reserved, how, world);
    now_or_never(registered).map_err(|refused| refused.error)
}

#[test]
fn r43_room_and_buckets_are_taken_before_the_origin_is_asked() {
    let world = World::new();
    let shop = create("ci", Some("shop"), None);
    let reserved = try_reserve_as(&manager(), &world, &shop).expect("reserved");
    let rate = Rate::per_hour(10).expect("a rate");
    assert_eq!(reserved.takes, [("192.0.2.1".to_owned(), rate)]);
    assert!(reserved.room.is_some());
    let asked = world.take_asked();
    let taken = [TAKE, "reserve 100 90000"];
    assert_eq!(asked[asked.len() - 2..], taken, "{asked:?}");

    now_or_never(give_back(&manager(), &reserved, &world));
    assert_eq!(world.take_asked(), ["give back 192.0.2.1", "unreserve"]);

    // With an organization's own limit, and a bucket of the creator's.
    let config = crate::config::Config {
        minter_rate: Rate::per_hour(5),
        mint_ceiling: 0,
        ..testing::config()
    };
    let (manager, from) = (manager(), from());
    let reserved = now_or_never(reserve(&manager, &shop, &from, &config, &world));
    let reserved = reserved.expect("reserved");
    let minter = format!("minter/org-token:{}", Id::<Project>::from_u128(0x99));
    let buckets: Vec<&str> = reserved
        .takes
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(buckets, ["192.0.2.1", &minter]);
    assert_eq!(reserved.room, None, "there is no limit");
}

#[test]
fn r43_what_is_wrong_is_refused_before_it_costs_anything() {
    let shop = || create("ci", Some("shop"), None);
    let by_id = |id: &str| message::embedded(4, &message::text(1, id));
    let both = [
        message::text(1, &project().id.to_string()),
        message::text(2, "shop"),
    ]
    .concat();
    let whole = holder(Scope::Organization, &["org_api_token:create"], None);
    let narrow = holder(Scope::Project { project: project() }, &[], None);
    let soon = holder(
        Scope::Organization,
        &[],
        Some(World::new().now.get() + 50_000),
    );
    let rows: [(Caller, Vec<u8>, Option<&str>); 16] = [
        (manager(), shop(), None),
        (manager(), by_id(&project().id.to_string()), None),
        (
            manager(),
            by_id(&project().id.to_string().replace('-', "")),
            None,
        ),
        (
            manager(),
            create("ci", None, None),
            Some("project_required"),
        ),
        (whole, create("ci", None, None), None),
        (narrow, shop(), Some("operation_not_allowed")),
        (
            Caller::Administrator(None),
            create("ci", None, None),
            Some("organization_unnamed"),
        ),
        (
            manager(),
            create("ci", Some("unknown"), None),
            Some("not_registered"),
        ),
        (manager(), by_id("shop"), Some("project_reference_invalid")),
        (
            manager(),
            message::embedded(4, &both),
            Some("project_reference_invalid"),
        ),
        (
            manager(),
            create("ci", Some("shop"), Some(0)),
            Some("expires_in_invalid"),
        ),
        (
            manager(),
            [shop(), message::embedded(2, &message::number(1, u64::MAX))].concat(),
            Some("expires_in_invalid"),
        ),
        (manager(), b"\x22\x7f".to_vec(), Some("message_unreadable")),
        (
            soon.clone(),
            create("ci", Some("shop"), Some(60)),
            Some("lifetime_exceeded"),
        ),
        (soon.clone(), create("ci", Some("shop"), Some(40)), None),
        (soon, shop(), None),
    ];
    for (caller, request, expected) in rows {
        let world = World::new();
        let code = try_reserve_as(&caller, &world, &request)
            .err()
            .map(|error| error.code());
        let asked = world.take_asked();
        match expected {
            // Whatever the word for it is.
            Some("organization_unnamed") => assert!(code.is_some()),
            expected => assert_eq!(code, expected, "{request:x?}"),
        }
        let takes = asked.iter().any(|what| what.starts_with("take"));
        assert_eq!(takes, code.is_none(), "{asked:?}");
    }
}

#[test]
fn r43_a_limit_that_is_reached_gives_back_and_is_written_down() {
    let shop = create("ci", Some("shop"), None);
    let world = World::new();
    world.no_room.set(true);
    let error = try_reserve_as(&manager(), &world, &shop).expect_err("full");
    assert_eq!(error, Error::MintCeiling { ceiling: 100 });
    let asked = world.take_asked();
    let last = ["give back 192.0.2.1", "refused mint_ceiling_reached mint"];
    assert_eq!(asked[asked.len() - 2..], last, "{asked:?}");

    let world = World::new();
    world.bucket.set(0);
    let error = try_reserve_as(&manager(), &world, &shop).expect_err("empty");
    assert_eq!(error.code(), "mint_rate_exceeded");
    let asked = world.take_asked();
    assert_eq!(
        asked.last().map(String::as_str),
        Some("refused mint_rate_exceeded mint")
    );
    assert!(
        !asked.iter().any(|what| what.starts_with("reserve")),
        "{asked:?}"
    );
}

#[test]
fn r43_what_the_origin_made_is_registered_as_adopted() {
    let world = World::new();
    let mut made = claims_with(&in_project());
    made["token_name"] = json!("ci");
    try_register(&manager(), &world, &made).expect("registered");
    let minted = world.minted.borrow();
    let [command] = minted.as_slice() else {
        panic!("one is registered: {minted:?}");
    };
    let TokenFacts {
        id: registered,
        name,
        scope,
        policies,
        ..
    } = &command.facts;
    assert!(command.facts.adopted());
    assert_eq!((*registered, name.as_str()), (id(), "ci"));
    assert_eq!(*scope, Scope::Project { project: project() });
    assert_eq!(*policies, defaults(scope));
    assert_eq!(command.reservation, Some(Id::from_u128(5)));
    assert_eq!(command.minted_by, Some(Id::from_u128(0x99)));
    // The buckets were taken from before.
    let asked = world.take_asked();
    assert!(
        !asked.iter().any(|what| what.starts_with("take")),
        "{asked:?}"
    );
}

#[test]
fn r43_what_cannot_be_registered_is_refused_and_gives_the_room_back() {
    let in_shop = |changes: Value| {
        let mut claims = claims_with(&in_project());
        for (name, value) in changes.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        claims
    };
    let other = "00000000-0000-0000-0000-000000000063";
    let taken = |revoked| Some(MintAnswer::IdTaken { revoked });
    let full = Some(MintAnswer::CeilingReached { ceiling: 100 });
    let rows = [
        (claims(), None, "project_required"),
        (
            in_shop(json!({ "org_id": other })),
            None,
            "organization_conflict",
        ),
        (
            in_shop(json!({ "org_id": "" })),
            None,
            "organization_unclaimed",
        ),
        (
            in_shop(json!({ "project_id": other })),
            None,
            "claims_conflict",
        ),
        (
            in_shop(json!({ "project_name": "unknown" })),
            None,
            "not_registered",
        ),
        (
            in_shop(json!({ "aud": ["user-auth.chainloop"] })),
            None,
            "jwt_not_adoptable",
        ),
        (
            in_shop(json!({ "scope": "INSTANCE_ADMIN" })),
            None,
            "jwt_not_adoptable",
        ),
        (in_shop(json!({ "exp": 1 })), None, "token_expired_already"),
        (in_shop(json!({})), taken(false), "already_adopted"),
        (in_shop(json!({})), taken(true), "token_revoked"),
        (in_shop(json!({})), full, "mint_ceiling_reached"),
        (
            in_shop(json!({})),
            Some(MintAnswer::RevokedMeanwhile),
            "revoked_meanwhile",
        ),
    ];
    for (claims, answer, code) in rows {
        let world = World::new();
        if let Some(answer) = answer {
            *world.mint_answer.borrow_mut() = answer;
        }
        let error = try_register(&manager(), &world, &claims).expect_err(code);
        assert_eq!(error.code(), code);
        // The call has statuses of its own: nothing is answered as a route that is not there.
        assert!(
            !matches!(error, Error::Conflict { .. } | Error::NotFound { .. }),
            "{code}"
        );
        let asked = world.take_asked();
        assert!(asked.contains(&"unreserve".to_owned()), "{asked:?}");
        assert!(
            !asked.iter().any(|what| what.starts_with("give back")),
            "{asked:?}"
        );
    }
    let world = World::new();
    let reserved = Reserved::default();
    let config = testing::config();
    let requester = requester();
    let how = (&requester, &config);
    for text in ["garbage", "", "a.b.c"] {
        let jwt = Secret::new(text.to_owned());
        let refused = now_or_never(register(&manager(), &jwt, &reserved, how, &world));
        let refused = refused.expect_err("no token");
        assert_eq!(refused.error.code(), "jwt_invalid", "{text}");
    }
}

/// The origin's answer is not passed on then, so nobody has the token.
#[test]
fn r43_a_registration_that_is_not_answered_is_undone() {
    let world = World::new();
    world.answers_lost.set(true);
    let error = try_register(&manager(), &world, &claims_with(&in_project()));
    assert_eq!(error.expect_err("no answer").code(), "unavailable");
    let revoke = format!("revoke {}", id());
    let asked = world.take_asked();
    assert_eq!(asked, ["mint", &revoke, "unreserve"]);
}

#[test]
fn r43_a_name_that_is_taken_here_does_not_stop_a_registration() {
    let world = World::new();
    *world.mint_answer.borrow_mut() = MintAnswer::NameTaken;
    let error = try_register(&manager(), &world, &claims_with(&in_project())).expect_err("twice");
    assert_eq!(error.code(), "name_taken");
    let names: Vec<String> = world
        .minted
        .borrow()
        .iter()
        .map(|command| command.facts.name.as_str().to_owned())
        .collect();
    assert_eq!(
        names.len(),
        2,
        "the claimed one, and a spare one: {names:?}"
    );
    assert_eq!(names[0], "upstream");
    assert_ne!(names[1], "upstream");
}
