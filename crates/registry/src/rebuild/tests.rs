//! A Ledger rebuilt from the record: by whom, when, in how many calls, and what is refused.

use super::*;
use crate::testing::{self, World, facts, now_or_never, requester};
use postern_domain::audit::checkpoint::Checkpoint;
use postern_domain::audit::hex;
use postern_domain::id::Id;
use postern_domain::policy::defaults;
use postern_domain::scope::Scope;
use postern_domain::time::Timestamp;
use postern_ledger::testing::record::Record;
use postern_ledger::testing::{Sqlite, mint, minted, open, revoke_many};
use postern_ledger::{Ledger, Liveness, Selector};
use std::rc::Rc;

use crate::page::EventCursor;

/// Puts into the world what D1 has of so many tokens, the first of which was revoked.
fn grown(world: &World, tokens: u128) -> (Ledger<Sqlite>, Record) {
    let mut record = Record::default();
    let mut ledger = open(&Sqlite::new());
    for id in 1..=tokens {
        minted(&mut ledger, 0, mint(id, &format!("t{id}"), 0));
    }
    let first = Selector {
        ids: Some(vec![Id::from_u128(1)]),
        ..Selector::default()
    };
    let revoked = postern_ledger::testing::tell(&mut ledger, 5, revoke_many(first));
    postern_ledger::testing::answer(revoked);
    assert!(record.take(&mut ledger));
    show(world, &record);
    (ledger, record)
}

/// Has the world's D1 be this.
fn show(world: &World, record: &Record) {
    let rows = record.rows.iter();
    *world.rows.borrow_mut() = rows
        .map(|(sequence, row)| (*sequence, row.clone()))
        .collect();
    let row = |token: &RecordedToken| TokenRecord {
        created_at: token.created_at,
        revoked_at: token.revoked_at,
        quarantined_at: token.quarantined_at,
        ..testing::record(token.facts.clone())
    };
    *world.recorded.borrow_mut() = record.tokens.values().map(row).collect();
}

/// A world whose Ledger is lost, and the body that asks what would be done.
pub(crate) fn lost(world: &World) -> &'static [u8] {
    grown(world, 3);
    b""
}

fn call(caller: &Caller, body: &str, world: &World) -> Result<serde_json::Value> {
    let meant = ("acme", body.as_bytes(), requester());
    let view = now_or_never(rebuild(caller, meant, &testing::config(), world))?;
    Ok(serde_json::to_value(view).expect("serializes"))
}

fn asked(body: &str, world: &World) -> Result<serde_json::Value> {
    call(&Caller::Administrator(None), body, world)
}

fn live(world: &World, id: u128) -> bool {
    let mut rebuilt = world.rebuilt.borrow_mut();
    let ledger = rebuilt.as_mut().expect("a Ledger");
    postern_ledger::testing::liveness(ledger, 10, id) == Liveness::Live
}

/// Has the world's D1 have a checkpoint of an event, or one that no key has signed.
fn signed(world: &World, sequence: u64, forged: bool) {
    let at = Timestamp::from_millis(5);
    let checkpoint = Checkpoint {
        organization_id: Id::from_u128(1),
        sequence,
        link: hex(&[7; 32]),
        at,
    };
    let ring = &testing::config().root_keys.audit;
    let mut signed = checkpoint.sign(ring).expect("signs");
    if forged {
        signed.mac = hex(&[7; 32]);
    }
    let place = EventCursor { at, sequence };
    world.signed.borrow_mut().push((place, signed));
}

const KEEP: &str = r#"{"dry_run":false,"active":"keep"}"#;
const QUARANTINE: &str = r#"{"dry_run":false}"#;

#[test]
fn r11_nothing_is_done_that_was_not_asked_for() {
    let world = World::new();
    lost(&world);
    for body in [
        "",
        "{}",
        r#"{"dry_run":true}"#,
        r#"{"active":"quarantine"}"#,
    ] {
        let view = asked(body, &world).expect("a plan");
        assert_eq!(
            (&view["status"], &view["cause"]),
            (&"planned".into(), &"lost".into())
        );
        assert_eq!(view["tokens"]["quarantined"], 2, "{body}");
        assert_eq!(view["tokens"]["revoked"], 1, "{body}");
        assert_eq!(view["last_event"]["sequence"], 4);
        assert_eq!(view["last_event"]["action"], "token.revoke");
        assert!(
            view["lost"]
                .as_array()
                .is_some_and(|lost| lost.contains(&"unrecorded_revokes".into()))
        );
    }
    let view = asked(r#"{"active":"keep"}"#, &world).expect("a plan");
    assert_eq!(view["tokens"]["active"], 2);
    let steps = world.take_asked();
    let written = |step: &&String| {
        step.starts_with("rebuild") && !step.ends_with("look") && !step.ends_with("begin")
    };
    assert_eq!(steps.iter().find(written), None);
}

#[test]
fn r18_only_the_administrator_key_rebuilds() {
    let world = World::new();
    lost(&world);
    let token = |scope, policies: &[&str]| {
        let mut facts = facts(7, scope);
        facts.policies = policies
            .iter()
            .map(|policy| postern_domain::policy::Policy::parse(policy).expect("a policy"))
            .collect();
        Caller::Token(Rc::new(facts))
    };
    let mut plain = facts(7, Scope::Organization);
    plain.policies = defaults(&Scope::Organization);
    for caller in [
        token(
            Scope::Organization,
            &[
                "org_api_token:*",
                "project_api_token:*",
                "upstream_credential:update",
            ],
        ),
        token(Scope::Organization, &["org_api_token:*", "audit:read"]),
        Caller::Token(Rc::new(plain)),
        Caller::Bootstrap,
    ] {
        let refused = call(&caller, KEEP, &world).expect_err("it is refused");
        assert!(matches!(refused, Error::Denied(_)), "{refused:?}");
    }
    assert_eq!(world.take_asked(), Vec::<String>::new());
}

#[test]
fn r11_a_lost_ledger_is_rebuilt() {
    for (body, keeps) in [(KEEP, true), (QUARANTINE, false)] {
        let world = World::new();
        lost(&world);
        let view = asked(body, &world).expect("rebuilt");
        assert_eq!(view["status"], "finished");
        assert_eq!(view["verified_sequence"], 4);
        assert_eq!([1, 2, 3].map(|id| live(&world, id)), [false, keeps, keeps]);
        let refused = asked(body, &world).expect_err("it is healthy");
        assert_eq!(refused.code(), "ledger_not_lost", "{refused:?}");
    }
}

/// More than one call reads: whoever comes in between finds it closed, and the next call goes on.
#[test]
fn r11_a_large_rebuild_takes_several_calls() {
    let world = World::new();
    let tokens = PAGES as u128 * u128::from(REBUILD_TOKENS) + 1;
    grown(&world, tokens);
    let mut calls = 0;
    let view = loop {
        calls += 1;
        let view = asked(KEEP, &world).expect("an answer");
        if view["status"] != "running" {
            break view;
        }
        let mut rebuilt = world.rebuilt.borrow_mut();
        let ledger = rebuilt.as_mut().expect("a Ledger");
        let query = postern_ledger::AdmitQuery::look(Id::from_u128(2));
        let told = ledger.admit(Timestamp::from_millis(10), query);
        assert_eq!(told, Err(postern_ledger::Stop::Rebuilding));
    };
    assert!(calls > 1, "{calls}");
    assert_eq!(view["tokens"]["active"], tokens as u64 - 1);
    assert!(live(&world, 2) && !live(&world, 1));
}

#[test]
fn r11_what_is_refused_says_why() {
    type Change = fn(&World, &mut Record);
    let rows: [(&str, Change); 6] = [
        ("nothing_recorded", |_, record| record.rows.clear()),
        ("log_not_genuine", |_, record| drop(record.rows.remove(&2))),
        ("log_not_genuine", |_, record| {
            let row = record.rows.get_mut(&4).expect("a row");
            row.content = row.content.replace("revoke", "release");
        }),
        // D1's end was cut off, but for a checkpoint.
        ("log_not_genuine", |world, record| {
            record.rows.remove(&4);
            signed(world, 4, false);
        }),
        // The same, and a forged one stands before it; and a forged one alone.
        ("log_not_genuine", |world, record| {
            record.rows.remove(&4);
            signed(world, 9, true);
            signed(world, 4, false);
        }),
        ("log_not_genuine", |world, _| signed(world, 9, true)),
    ];
    for (code, change) in rows {
        let world = World::new();
        let (_, mut record) = grown(&world, 3);
        change(&world, &mut record);
        show(&world, &record);
        let refused = asked(KEEP, &world).expect_err("it is refused");
        assert_eq!(refused.code(), code, "{refused:?}");
    }
    // A key that has left its ring: it is named, and nothing is closed.
    let world = World::new();
    let (_, mut record) = grown(&world, 3);
    record.rows.get_mut(&2).expect("a row").kid = "r0".to_owned();
    show(&world, &record);
    for body in ["", KEEP] {
        let refused = asked(body, &world).expect_err("a key is missing");
        assert_eq!(refused.code(), "log_not_genuine");
        assert!(
            format!("{refused:?}").contains("the key `r0`"),
            "{refused:?}"
        );
    }
    assert!(!live(&world, 2), "it answers, and has no token");
    // A healthy one, and one with another choice under way.
    let world = World::new();
    let (ledger, record) = grown(&world, 3);
    *world.rebuilt.borrow_mut() = Some(ledger);
    assert_eq!(
        asked(KEEP, &world).expect_err("healthy").code(),
        "ledger_not_lost"
    );
    assert!(live(&world, 2));
    *world.rebuilt.borrow_mut() = None;
    let mut cut = record.clone();
    cut.rows.remove(&2);
    show(&world, &cut);
    asked(KEEP, &world).expect_err("not genuine");
    show(&world, &record);
    assert_eq!(
        asked(QUARANTINE, &world).expect_err("another").code(),
        "rebuild_running"
    );
    asked(KEEP, &world).expect("the same");
    let unknown = now_or_never(rebuild(
        &Caller::Administrator(None),
        ("globex", b"", requester()),
        &testing::config(),
        &world,
    ));
    assert_eq!(unknown.err().map(|error| error.code()), Some("not_found"));
}

#[test]
fn r11_a_ledger_that_does_not_answer_is_not_rebuilt() {
    let world = World::new();
    lost(&world);
    world.ledger_down.set(true);
    assert_eq!(asked(KEEP, &world).expect_err("down").code(), "unavailable");
}

#[test]
fn r35_a_forged_checkpoint_before_a_genuine_one_is_passed_over() {
    let world = World::new();
    lost(&world);
    signed(&world, 9, true);
    signed(&world, 4, false);
    signed(&world, 3, false);
    let view = asked(KEEP, &world).expect("rebuilt");
    assert_eq!(view["status"], "finished");
}

#[test]
fn r11_a_rebuild_that_is_done_is_told_so_whatever_d1_does_then() {
    let world = World::new();
    lost(&world);
    // The events; not the last one, once more.
    world.rows_left.set(Some(1));
    let view = asked(KEEP, &world).expect("rebuilt");
    assert_eq!(view["status"], "finished");
    assert_eq!(view["last_event"], serde_json::Value::Null);
    assert_eq!(view["verified_sequence"], 4);
}
