//! Where CI jobs alone get tokens, nobody makes another one, in whatever way; and rules are still added.

use super::*;
use crate::mint::{Client, mint};
use crate::{adopt, organization, origin_tokens, tokens};
use postern_domain::id::Id;
use postern_domain::trust::JobFacts;
use postern_gate::origin_tokens::{claims_with, in_project, jwt};
use postern_wire::own_token::create;

fn from() -> Client {
    Client {
        bucket: "192.0.2.1".to_owned(),
        requester: requester(),
    }
}

/// What each way to make a token is answered with.
fn every_way(caller: &Caller, world: &World) -> [(&'static str, Option<&'static str>); 4] {
    let config = testing::config();
    let old = facts(
        7,
        Scope::Project {
            project: testing::project(),
        },
    );
    let id = old.id.to_string();
    world.keep(old);
    let body = json!({ "project": "shop" }).to_string();
    let minted = now_or_never(mint(caller, ACME, body.as_bytes(), from(), &config, world));
    let rotated = tokens::rotate(caller, ACME, &id, b"", from(), &config, world);
    let body = json!({ "token": jwt(&claims_with(&in_project())) }).to_string();
    let adopted = adopt::adopt(caller, ACME, body.as_bytes(), from(), &config, world);
    let request = create("ci", Some("shop"), None);
    let from = from();
    let reserved = origin_tokens::reserve(caller, &request, &from, &config, world);
    let code = |error: Option<Error>| error.map(|error| error.code());
    [
        ("mint", code(minted.err())),
        ("rotate", code(now_or_never(rotated).err())),
        ("adopt", code(now_or_never(adopted).err())),
        (
            "the origin's own",
            code(now_or_never(reserved).err().map(|refused| refused.error)),
        ),
    ]
}

#[test]
fn r47_where_ci_jobs_alone_get_tokens_nobody_makes_a_stored_one() {
    let manager = || token(Scope::Organization, &["trust_rule:update"]);
    for caller in [manager(), Caller::Administrator(None), session("owner")] {
        // Who stands above organizations, or is a person, calls the origin by no token of its own.
        let is_token = caller.token().is_some();
        let open = every_way(&caller, &World::new());
        let world = World::new();
        world.federated_only.set(true);
        let closed = every_way(&caller, &world);
        for ((way, open), (_, closed)) in open.into_iter().zip(closed) {
            if way == "the origin's own" && !is_token {
                continue;
            }
            assert_eq!(open, None, "{way}");
            assert_eq!(closed, Some("federated_only"), "{way}");
        }
        let asked = world.take_asked();
        let wrote = |asked: &String| {
            ["mint", "rotate", "reserve"]
                .iter()
                .any(|word| asked.starts_with(word))
        };
        assert!(!asked.iter().any(wrote), "{asked:?}");
        added(&rule(), &world);
    }
}

#[test]
fn r47_who_may_not_create_tokens_does_not_learn_of_the_setting() {
    let world = World::new();
    world.federated_only.set(true);
    let viewer = session("viewer");
    for (way, code) in every_way(&viewer, &world) {
        assert_eq!(code, Some("operation_not_allowed"), "{way}");
    }
}

#[test]
fn r47_the_setting_is_changed_by_administrators_and_noted() {
    let world = World::new();
    let change = |caller: &Caller, body: &str| {
        let config = testing::config();
        let changed = organization::update(
            caller,
            "acme",
            body.as_bytes(),
            requester(),
            &config,
            &world,
        );
        Ok::<_, Error>(serde_json::to_value(now_or_never(changed)?).expect("JSON"))
    };
    let admin = Caller::Administrator(None);
    let on = change(&admin, r#"{"federated_only":true}"#).expect("changed");
    assert_eq!(on["federated_only"], true);
    assert_eq!(
        world.take_asked().last().map(String::as_str),
        Some(
            r#"limits None 0 {"federated_only":true,"federated_only.before":false} federated true"#
        )
    );
    world.federated_only.set(true);
    let other = change(&admin, r#"{"max_idle_days":3}"#).expect("changed");
    assert_eq!(other["federated_only"], true, "what is absent stays");
    assert_eq!(
        world.take_asked().last().map(String::as_str),
        Some(r#"limits None 3 {"max_idle_days":3,"max_idle_days.before":0}"#)
    );
    let owner = change(&session("owner"), r#"{"federated_only":false}"#);
    assert_eq!(owner.expect_err("refused").code(), "operation_not_allowed");
    let wrong = change(&admin, r#"{"federated_only":"on"}"#);
    assert_eq!(wrong.expect_err("refused").code(), "body_invalid");
}

#[test]
fn r47_a_token_of_a_job_is_not_rotated() {
    let world = World::new();
    let mut old = facts(
        7,
        Scope::Project {
            project: testing::project(),
        },
    );
    let job = JobFacts::of(&testing::trust::whole_job(), Id::from_u128(9));
    old.ci_job = Some(Box::new(job));
    let id = old.id.to_string();
    world.keep(old);
    let config = testing::config();
    let rotated = tokens::rotate(
        &Caller::Administrator(None),
        ACME,
        &id,
        b"",
        from(),
        &config,
        &world,
    );
    let error = now_or_never(rotated).err().expect("refused");
    assert_eq!(error.code(), "ci_token");
}
