//! Artifact credentials (R46): the event is there before the credential is, and only for a token that
//! is active in that turn.

use postern_domain::audit::Action;
use postern_domain::id::Id;
use postern_domain::standing::{Actor, Inactive};

use super::leases::revoke;
use crate::testing::*;
use crate::{ArtifactCommand, Stop};

const RUN: &str = "run:0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

fn hand_out(token: u128) -> ArtifactCommand {
    ArtifactCommand {
        token: Id::from_u128(token),
        target: Some(RUN.to_owned()),
        call: "AttestationService/GetUploadCreds".to_owned(),
        role: Some("uploader".to_owned()),
        requester: requester(),
    }
}

fn token(id: u128) -> Actor {
    Actor::Token(Id::from_u128(id))
}

#[test]
fn r46_each_credential_has_an_event_that_names_token_run_and_role() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, mint(1, "ci", 0));
    ledger.delivered(i64::MAX).expect("delivered");
    answer(tell_for(&mut ledger, 5, token(1), hand_out(1)));
    let unknown = ArtifactCommand {
        target: None,
        role: None,
        ..hand_out(1)
    };
    answer(tell_for(&mut ledger, 6, token(1), unknown));
    let written = events(&sql);
    let [known, unknown] = written.as_slice() else {
        panic!("{} events", written.len());
    };
    assert_eq!(known.action, Action::ArtifactCredentialIssue);
    assert_eq!(known.token_id, Some(Id::from_u128(1)));
    let target = known.target.as_ref().map(|target| target.as_str());
    assert_eq!((known.at, target), (at(5), Some(RUN)));
    let changes = |event: &postern_domain::audit::Event| {
        serde_json::to_value(&event.changes).expect("serializes")
    };
    let call = "AttestationService/GetUploadCreds";
    let expected = serde_json::json!({ "call": call, "role": "uploader" });
    assert_eq!(changes(known), expected);
    assert_eq!(unknown.target, None);
    assert_eq!(changes(unknown), serde_json::json!({ "call": call }));
    // D1 follows by the alarm.
    assert_eq!(ledger.wakes_at(), Some(at(2_000)));
}

#[test]
fn r46_a_token_that_is_not_active_gets_none_and_leaves_no_event() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, mint(1, "ci", 0));
    minted(&mut ledger, 0, mint(2, "other", 0));
    answer(tell(&mut ledger, 1, revoke(1)));
    let before = events(&sql).len();
    let rows = [
        (token(1), 1, Inactive::Revoked),
        (token(3), 3, Inactive::Unknown),
        // In another token's name, or in nobody's.
        (token(2), 1, Inactive::Unknown),
        (Actor::NotAToken, 2, Inactive::Unknown),
    ];
    for (actor, named, why) in rows {
        let refused = tell_for(&mut ledger, 2, actor, hand_out(named)).map(|_| ());
        assert_eq!(refused, Err(Stop::Inactive(why)), "{actor:?} {named}");
    }
    assert_eq!(events(&sql).len(), before);
    let mut fresh = open(&Sqlite::new());
    let refused = tell_for(&mut fresh, 2, token(1), hand_out(1)).map(|_| ());
    assert_eq!(refused, Err(Stop::Inactive(Inactive::Unknown)));
}

#[test]
fn r46_a_credential_whose_event_cannot_be_written_is_not_handed_out() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, mint(1, "ci", 0));
    let before = events(&sql).len();
    let mut refusals = 0;
    for statements in 0..100 {
        sql.transact("begin");
        sql.fail_after(Some(statements));
        let outcome = tell_for(&mut open(&sql), 1, token(1), hand_out(1)).map(|_| ());
        sql.fail_after(None);
        if outcome.is_ok() {
            sql.transact("commit");
            break;
        }
        assert!(matches!(outcome, Err(Stop::Failed(_))), "{outcome:?}");
        sql.transact("rollback");
        assert_eq!(events(&sql).len(), before, "{statements}");
        refusals += 1;
    }
    assert!(refusals > 3, "{refusals}");
    assert_eq!(events(&sql).len(), before + 1);
}
