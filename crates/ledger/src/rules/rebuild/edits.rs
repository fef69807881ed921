//! What a rebuild makes of edits: those that D1 has, those that only the Ledger has, and rows that allow more
//! than the Ledger knows (R53).

use postern_domain::conditions::{AddressRange, Conditions};
use postern_domain::edit::TokenEdit;
use postern_domain::id::{self, Id};
use postern_domain::policy::Policy;
use postern_domain::token::TokenFacts;

use super::super::edit::{calls, edit, edited, named, told};
use super::{finished, grown};
use crate::testing::record::{Record, copy};
use crate::testing::*;
use crate::{EditCommand, Ledger, MintAnswer, RecordChange, RecordedToken};

fn from(text: &str) -> TokenEdit {
    TokenEdit {
        address_ranges: Some(vec![AddressRange::parse(text).expect("a range")]),
        ..TokenEdit::default()
    }
}

/// The facts of the first token, with its description.
fn first(ledger: &mut Ledger<Sqlite>) -> (TokenFacts, Option<String>) {
    let stored = ledger.store.editable(Id::from_u128(1)).expect("an answer");
    let stored = stored.expect("the token");
    (stored.facts, stored.description)
}

fn row(record: &mut Record) -> &mut RecordedToken {
    let key = Id::<id::Token>::from_u128(1).to_string();
    record.tokens.get_mut(&key).expect("a row")
}

/// Whether D1 is told of an edit.
fn tells(ledger: &mut Ledger<Sqlite>) -> bool {
    let entries = ledger.outbox().expect("an outbox");
    let mut changes = entries.iter().flat_map(|entry| &entry.changes);
    changes.any(|change| matches!(change, RecordChange::EditToken { .. }))
}

#[test]
fn r53_a_lost_ledger_gets_tokens_as_they_were_edited() {
    let (_, mut ledger, mut record) = grown();
    edited(&mut ledger, 20, edit(1, named("other")));
    let expected = edited(&mut ledger, 20, edit(1, calls(60)));
    assert!(record.take(&mut ledger));
    let mut rebuilt = open(&Sqlite::new());
    finished(record.rebuild(&mut rebuilt, 30, true, 9));
    assert_eq!(first(&mut rebuilt).0, expected);
    assert_eq!(told(&mut rebuilt, 31, 1, 0), Some(expected));
    assert!(!tells(&mut rebuilt), "D1 has it");
    for (name, answer) in [("other", MintAnswer::NameTaken), ("t1", MintAnswer::Minted)] {
        assert_eq!(
            minted(&mut rebuilt, 32, mint(9, name, 32)),
            answer,
            "{name}"
        );
    }
}

#[test]
fn r53_an_older_ledger_takes_over_what_was_edited_since() {
    let (sql, mut ledger, mut record) = grown();
    let backup = copy(&sql);
    let described = EditCommand {
        description: Some("of the shop".to_owned()),
        ..edit(1, calls(60))
    };
    let expected = edited(&mut ledger, 20, described);
    assert!(record.take(&mut ledger));
    let mut older = open(&backup);
    assert_eq!(told(&mut older, 29, 1, 0), None, "it has not heard of it");
    finished(record.rebuild(&mut older, 30, true, 9));
    assert_eq!(
        first(&mut older),
        (expected.clone(), Some("of the shop".to_owned()))
    );
    // An isolate that has the facts from before is told.
    assert_eq!(told(&mut older, 31, 1, 0), Some(expected));
    assert!(!tells(&mut older), "D1 has it");
}

#[test]
fn r53_what_either_has_narrowed_stays_narrow() {
    let (sql, mut ledger, mut record) = grown();
    let backup = copy(&sql);
    let recorded = edited(&mut ledger, 20, edit(1, calls(60)));
    assert!(record.take(&mut ledger));
    let mut older = open(&backup);
    let own = edited(&mut older, 25, edit(1, from("10.0.0.0/8")));
    assert_eq!((own.revision, recorded.revision), (1, 1));
    assert!(!record.take(&mut older), "D1 has another row");
    finished(record.rebuild(&mut older, 30, true, 9));
    let ranges = vec![AddressRange::parse("10.0.0.0/8").expect("a range")];
    let both = Conditions::new(ranges, Some(60)).expect("good");
    let expected = TokenFacts {
        conditions: both.map(Box::new),
        revision: 2,
        ..own
    };
    assert_eq!(first(&mut older).0, expected);
    // No isolate keeps either of the two that have the number 1.
    assert_eq!(told(&mut older, 31, 1, 1), Some(expected.clone()));
    assert!(record.take(&mut older));
    assert_eq!(row(&mut record).facts, expected);
}

#[test]
fn r53_a_row_that_allows_more_widens_nothing() {
    let (sql, mut ledger, mut record) = grown();
    let narrow = TokenEdit {
        expires_at: Some(at(90_000)),
        policies: Some(Vec::new()),
        calls_per_minute: Some(60),
        ..from("10.0.0.0/8")
    };
    let own = edited(&mut ledger, 20, edit(1, narrow));
    assert!(record.take(&mut ledger));
    let backup = copy(&sql);
    edited(&mut ledger, 21, edit(4, calls(5)));
    assert!(record.take(&mut ledger));
    let planted = &mut row(&mut record).facts;
    planted.conditions = None;
    planted.expires_at = None;
    planted.policies = vec![Policy::parse("org_api_token:*").expect("a policy")];
    planted.revision = 9;
    let mut older = open(&backup);
    finished(record.rebuild(&mut older, 30, true, 9));
    let expected = TokenFacts {
        revision: 10,
        ..own
    };
    assert_eq!(first(&mut older).0, expected);
    // And the row is put right.
    assert!(record.take(&mut older));
    assert_eq!(row(&mut record).facts, expected);
}
