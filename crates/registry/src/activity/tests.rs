//! Who reads what calls have come to, and what they read.

use std::rc::Rc;

use postern_domain::decide::Denial;
use postern_domain::id::Id;
use postern_domain::policy::Policy;
use postern_domain::scope::Scope;
use postern_domain::testing::{facts, project};
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_ledger::CallerActivity;
use serde_json::{Value, json};

use super::*;
use crate::testing::{World, now_or_never};

fn holder(scope: Scope, policies: &[&str]) -> Caller {
    let policy = |text: &&str| Policy::parse(text).expect("a policy");
    Caller::Token(Rc::new(TokenFacts {
        policies: policies.iter().map(policy).collect(),
        ..facts(9, scope)
    }))
}

fn asked(token: Option<&str>, days: Option<&str>) -> Asked {
    Asked::parse(token, days).expect("a good query")
}

/// What the Ledger tells: two days, a token that it knows and one that it has forgotten.
fn record() -> ActivityRecord {
    let day = |day, allowed, refused| DayActivity {
        day,
        allowed,
        origin_trouble: 2,
        refused,
        offline: 0,
    };
    let call = |token, at| RefusedCall {
        at: Timestamp::from_millis(at),
        operation: Some("AttestationService/Init".to_owned()),
        reason: "not_confined".to_owned(),
        token: Id::from_u128(token),
        address: Some("192.0.2.7".to_owned()),
        request_id: "r".to_owned(),
        user_agent: None,
    };
    ActivityRecord {
        days: vec![
            day(20_000, 3, Vec::new()),
            day(20_001, 0, vec![("not_confined".to_owned(), 4)]),
        ],
        recent: vec![call(7, 2_500), call(8, 1_000)],
        most_refused: vec![(Id::from_u128(7), 4), (Id::from_u128(8), 1)],
        callers: vec![CallerActivity {
            address: None,
            user_agent: Some("curl/8".to_owned()),
            last_at: Timestamp::from_millis(1_000),
            calls: 3,
        }],
        tokens: vec![NamedToken {
            id: Id::from_u128(7),
            name: "ci".to_owned(),
            prefix: "pst_00000000".to_owned(),
        }],
    }
}

fn told(caller: &Caller, asked: Asked) -> Result<Value> {
    let world = World::new();
    *world.activity.borrow_mut() = Some(record());
    let organization = caller.organization().is_none().then_some("acme");
    let view = now_or_never(read(caller, organization, asked, &world))?;
    Ok(serde_json::to_value(view).expect("serializes"))
}

#[test]
fn r49_what_calls_have_come_to_is_for_who_reads_the_audit_log() {
    let rows = [
        (Caller::Administrator(None), true),
        (holder(Scope::Organization, &["audit:read"]), true),
        (holder(Scope::Organization, &["org_api_token:list"]), false),
        (
            holder(Scope::Project { project: project() }, &["audit:read"]),
            false,
        ),
    ];
    for (caller, may) in rows {
        let found = told(&caller, asked(None, None));
        assert_eq!(found.is_ok(), may, "{caller:?}");
        if let Err(error) = found {
            assert!(matches!(error, Error::Denied(_)), "{error:?}");
            assert_ne!(error, Error::Denied(Denial::NotAMember));
        }
    }
}

#[test]
fn r49_days_and_refused_calls_are_told_with_what_their_tokens_are_called() {
    let all = told(&Caller::Administrator(None), asked(None, None)).expect("told");
    let ci = json!({
        "id": Id::<postern_domain::id::Token>::from_u128(7).to_string(),
        "name": "ci",
        "prefix": "pst_00000000"
    });
    assert_eq!(
        all["days"],
        json!([
            { "date": "2024-10-04", "allowed": 3, "refused": {}, "origin_trouble": 2 },
            { "date": "2024-10-05", "allowed": 0, "refused": { "not_confined": 4 },
              "origin_trouble": 2 },
        ])
    );
    assert_eq!(
        all["recent"][0],
        json!({
            "at": "1970-01-01T00:00:02.500Z",
            "operation": "AttestationService/Init",
            "reason": "not_confined",
            "token": ci,
            "address": "192.0.2.7",
            "request_id": "r",
            "user_agent": null
        })
    );
    assert_eq!(all["recent"][1]["token"], Value::Null, "it is forgotten");
    assert_eq!(all["most_refused"], json!([{ "token": ci, "refused": 4 }]));
    assert_eq!(all["callers"], Value::Null, "nobody named a token");
    assert_eq!(
        all["offline_failures"],
        json!({ "today": 3, "yesterday": 5 })
    );

    let id = Id::<postern_domain::id::Token>::from_u128(7).to_string();
    let reader = holder(Scope::Organization, &["audit:read"]);
    let one = told(&reader, asked(Some(&id), Some("2"))).expect("told");
    assert_eq!(
        one["callers"],
        json!([{ "address": null, "user_agent": "curl/8",
                 "last_at": "1970-01-01T00:00:01Z", "calls": 3 }])
    );
    assert_eq!(
        one["offline_failures"],
        Value::Null,
        "it is the whole gateway's"
    );
}

#[test]
fn a_token_that_the_ledger_does_not_know_is_not_found() {
    let world = World::new();
    let id = "00000000-0000-0000-0000-000000000007";
    let asked = asked(Some(id), None);
    let told = now_or_never(read(
        &Caller::Administrator(None),
        Some("acme"),
        asked,
        &world,
    ));
    assert_eq!(told.err(), Some(Error::NotFound { what: "token" }));
    assert_eq!(world.take_asked(), [format!("read activity {id} 30")]);
}

#[test]
fn r10_system_tokens_are_hidden_from_all_but_administrators() {
    for (caller, organization, expected) in [
        (
            Caller::Administrator(None),
            Some("acme"),
            "read activity all 30",
        ),
        (
            holder(Scope::Organization, &["audit:read"]),
            None,
            "read activity all 30, no system tokens",
        ),
    ] {
        let world = World::new();
        *world.activity.borrow_mut() = Some(record());
        let read = read(&caller, organization, asked(None, None), &world);
        now_or_never(read).expect("told");
        assert!(
            world.take_asked().contains(&expected.to_owned()),
            "{caller:?}"
        );
    }
}

#[test]
fn a_query_is_a_token_and_some_days() {
    let code = |token, days| Asked::parse(token, days).err().map(|error| error.code());
    for (token, days, expected) in [
        (None, Some("1"), None),
        (None, Some("30"), None),
        (None, Some("0"), Some("days_invalid")),
        (None, Some("31"), Some("days_invalid")),
        (None, Some("x"), Some("days_invalid")),
        (Some("ci"), None, Some("token_id_invalid")),
    ] {
        assert_eq!(code(token, days), expected, "{token:?} {days:?}");
    }
}
