//! The tree over the audit log (R54): it grows with each event, signs, proves, and catches up with a log
//! that is older than it is.

use std::collections::BTreeMap;

use postern_domain::audit::Action;
use postern_domain::id::Id;
use postern_transparency::checkpoint::Checkpoint;
use postern_transparency::note::Note;
use postern_transparency::parse_hash;
use postern_transparency::proof::{verify_consistency, verify_inclusion};
use postern_transparency::tree::{Frontier, Hash, leaf};

use crate::rebuild::Numbered;
use crate::testing::record::Record;
use crate::testing::*;
use crate::{
    Done, Ledger, NoteCommand, RevokeManyAnswer, Selector, Settings, Stop, TreeAnswer, TreeCommand,
    TreeStep,
};

fn note() -> NoteCommand {
    NoteCommand {
        organization: Id::from_u128(1),
        action: Action::ProjectCreate,
        target: None,
        requester: requester(),
    }
}

fn asked(ledger: &mut Ledger<Sqlite>, step: TreeStep) -> TreeAnswer {
    let organization = Id::from_u128(1);
    match tell(ledger, 20, TreeCommand { organization, step }) {
        Ok(Done::Answer(answer)) => answer,
        Ok(Done::AfterDelivery(waiting)) => arrived(ledger, 21, waiting, None),
        _ => panic!("the tree answers"),
    }
}

fn signed(ledger: &mut Ledger<Sqlite>) -> Checkpoint {
    let TreeAnswer::Signed { size, note } = asked(ledger, TreeStep::Sign) else {
        panic!("it signs");
    };
    let note = Note::parse(&note).expect("a note");
    let keys =
        log_keys().verifiers(&Id::<postern_domain::id::Organization>::from_u128(1).to_string());
    let checkpoint = Checkpoint::open(&note, &keys.expect("keys")).expect("a checkpoint");
    assert_eq!(checkpoint.size, size);
    checkpoint
}

fn proof(ledger: &mut Ledger<Sqlite>, step: TreeStep) -> Vec<Hash> {
    match asked(ledger, step) {
        TreeAnswer::Proof { hashes } => hashes
            .iter()
            .map(|hash| parse_hash(hash).expect("a hash"))
            .collect(),
        other => panic!("{other:?}"),
    }
}

/// The root of the first events that D1 has.
fn root_of(record: &Record, size: u64) -> Hash {
    let mut frontier = Frontier::new();
    for row in record.rows.range(..=size).map(|(_, row)| row) {
        frontier.append(leaf(row.content.as_bytes()));
    }
    assert_eq!(frontier.size(), size, "D1 has them");
    frontier.root()
}

/// A log of so many events, and D1 with all of them.
fn grown(events: usize) -> (Sqlite, Ledger<Sqlite>, Record) {
    let (sql, mut record) = (Sqlite::new(), Record::default());
    let mut ledger = open(&sql);
    for _ in 0..events {
        answer(tell(&mut ledger, 1, note()));
    }
    assert!(record.take(&mut ledger));
    (sql, ledger, record)
}

/// As a release leaves it that knows no tree.
const BACK: &str = "drop table tree; drop table tree_tiles; drop table tree_signed; \
                    drop table pause; drop table call_windows; \
                    alter table policy drop column max_lifetime_days; \
                    alter table policy drop column default_expires_in; \
                    alter table policy drop column trusted_issuers; \
                    update schema set version = 12";

fn numbered(record: &Record, after: u64, limit: usize) -> Vec<Numbered> {
    let rows = record.rows.range(after + 1..).take(limit);
    rows.map(|(sequence, row)| Numbered {
        sequence: *sequence,
        row: row.clone(),
    })
    .collect()
}

#[test]
fn r54_the_tree_is_that_of_the_bytes_that_d1_has() {
    let (sql, mut ledger, mut record) = grown(300);
    let first = signed(&mut ledger);
    assert_eq!((first.size, first.root), (300, root_of(&record, 300)));
    // A bulk revoke is one step with many events; and the process is another one.
    for id in 1..=300 {
        minted(&mut ledger, 2, mint(id, &format!("t{id}"), 2));
    }
    let mut ledger = open(&sql);
    let revoked = given(tell(&mut ledger, 3, revoke_many(Selector::default())).expect("revokes"));
    assert!(matches!(revoked, RevokeManyAnswer::Done { tokens, .. } if tokens.len() == 300));
    assert!(record.take(&mut ledger));
    let second = signed(&mut ledger);
    assert_eq!((second.size, second.root), (900, root_of(&record, 900)));
    let consistency = proof(&mut ledger, TreeStep::Consistency { from: 300, to: 900 });
    let (old, new) = ((300, &first.root), (900, &second.root));
    assert_eq!(verify_consistency(old, new, &consistency), Ok(()));
    for sequence in [1, 255, 256, 257, 512, 513, 768, 900] {
        let index = sequence - 1;
        let proof = proof(&mut ledger, TreeStep::Inclusion { index, size: 900 });
        let own = leaf(record.rows[&sequence].content.as_bytes());
        assert_eq!(
            verify_inclusion(&own, index, new, &proof),
            Ok(()),
            "{sequence}"
        );
    }
    for step in [
        TreeStep::Consistency { from: 1, to: 901 },
        TreeStep::Consistency { from: 3, to: 2 },
        TreeStep::Inclusion {
            index: 900,
            size: 901,
        },
        TreeStep::Inclusion {
            index: 900,
            size: 900,
        },
    ] {
        assert_eq!(
            asked(&mut ledger, step),
            TreeAnswer::OutOfRange { size: 900 }
        );
    }
}

#[test]
fn r54_a_row_is_written_for_each_step_and_few_for_a_tile() {
    let (sql, mut ledger, _) = grown(1);
    let changes = || sql.number("select total_changes()");
    let before = changes();
    answer(tell(&mut ledger, 2, note()));
    // The event's copy, the outbox, the head, and the tree.
    assert_eq!(changes() - before, 4);
    assert_eq!(sql.number("select count(*) from tree_tiles"), 0);
    for _ in 0..255 {
        answer(tell(&mut ledger, 2, note()));
    }
    assert_eq!(sql.number("select count(*) from tree_tiles"), 2);
    assert_eq!(sql.number("select length(tail) from tree"), 44);
}

#[test]
fn r54_an_older_log_is_caught_up_in_steps() {
    let (sql, mut ledger, mut record) = grown(1_300);
    let root = signed(&mut ledger).root;
    sql.transact(BACK);
    let mut ledger = open(&sql);
    answer(tell(&mut ledger, 2, note()));
    let behind = TreeAnswer::Behind {
        size: 0,
        log: 1_301,
    };
    assert_eq!(asked(&mut ledger, TreeStep::Sign), behind);
    assert_eq!(
        asked(&mut ledger, TreeStep::Inclusion { index: 0, size: 1 }),
        behind
    );
    let grow = |ledger: &mut Ledger<Sqlite>, rows| asked(ledger, TreeStep::Grow { rows });
    // Rows that do not follow on what the tree has change nothing, and may come twice.
    assert_eq!(grow(&mut ledger, numbered(&record, 100, 50)), behind);
    let partly = TreeAnswer::Behind {
        size: 200,
        log: 1_301,
    };
    assert_eq!(grow(&mut ledger, numbered(&record, 0, 200)), partly);
    assert_eq!(grow(&mut ledger, numbered(&record, 0, 200)), partly);
    // The rest are the Ledger's own copies: the newest thousand.
    let level = TreeAnswer::Level { size: 1_301 };
    assert_eq!(grow(&mut ledger, numbered(&record, 200, 101)), level);
    assert!(record.take(&mut ledger));
    let now = signed(&mut ledger);
    assert_eq!((now.size, now.root), (1_301, root_of(&record, 1_301)));
    assert_eq!(root_of(&record, 1_300), root);
}

#[test]
fn r54_only_genuine_events_are_taken_in() {
    let (sql, mut ledger, mut record) = grown(1_200);
    sql.transact(BACK);
    ledger = {
        drop(ledger);
        open(&sql)
    };
    let row = record.rows.get_mut(&7).expect("a row");
    row.content = row.content.replace("project.create", "workflow.create");
    let rows = numbered(&record, 0, 50);
    let answer = asked(&mut ledger, TreeStep::Grow { rows });
    let TreeAnswer::NotGenuine { sequence, problem } = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(sequence, 7, "{problem}");
    let gap = [numbered(&record, 0, 3), numbered(&record, 4, 1)].concat();
    let answer = asked(&mut ledger, TreeStep::Grow { rows: gap });
    assert!(
        matches!(answer, TreeAnswer::NotGenuine { .. }),
        "{answer:?}"
    );
    let none = TreeStep::Grow { rows: Vec::new() };
    let behind = TreeAnswer::Behind {
        size: 0,
        log: 1_200,
    };
    assert_eq!(asked(&mut ledger, none), behind);
}

/// A release that knows no tree has written events: the copies close the gap, without D1.
#[test]
fn r54_a_gap_is_closed_from_copies() {
    let (sql, mut ledger, _) = grown(5);
    sql.transact("create temp table saved as select * from tree");
    for _ in 0..3 {
        answer(tell(&mut ledger, 2, note()));
    }
    // What such a release leaves: the head has moved, and the tree has not.
    sql.transact("delete from tree; insert into tree select * from saved");
    let level = TreeAnswer::Level { size: 8 };
    assert_eq!(
        asked(&mut ledger, TreeStep::Grow { rows: Vec::new() }),
        level
    );
    answer(tell(&mut ledger, 3, note()));
    assert_eq!(sql.number("select size from tree"), 9);
}

#[test]
fn r54_a_rebuilt_ledger_has_the_tree_of_d1s_log() {
    let (_, mut ledger, record) = grown(40);
    let before = signed(&mut ledger);
    let mut record = record;
    let mut lost = open(&Sqlite::new());
    record.rebuild(&mut lost, 10, true, 7);
    assert!(record.take(&mut lost));
    let behind = TreeAnswer::Behind { size: 0, log: 41 };
    let none = || TreeStep::Grow { rows: Vec::new() };
    assert_eq!(asked(&mut lost, none()), behind);
    let rows = numbered(&record, 0, 30);
    asked(&mut lost, TreeStep::Grow { rows });
    let rows = numbered(&record, 30, 30);
    assert_eq!(
        asked(&mut lost, TreeStep::Grow { rows }),
        TreeAnswer::Level { size: 41 }
    );
    let after = signed(&mut lost);
    let consistency = proof(&mut lost, TreeStep::Consistency { from: 40, to: 41 });
    let (old, new) = ((40, &before.root), (41, &after.root));
    assert_eq!(verify_consistency(old, new, &consistency), Ok(()));
}

/// A Ledger that has signed a checkpoint, and is then rebuilt from a log that is another one, signs no fork.
#[test]
fn r54_what_does_not_continue_the_last_checkpoint_is_not_signed() {
    let (sql, mut ledger, record) = grown(10);
    assert_eq!(signed(&mut ledger).size, 10);
    // D1 was put back to its fifth event, and another Ledger has gone on from there.
    let mut older = Record {
        rows: BTreeMap::from_iter(record.rows.range(..=5).map(|(n, row)| (*n, row.clone()))),
        ..record
    };
    let mut other = open(&Sqlite::new());
    older.rebuild(&mut other, 10, true, 50);
    for _ in 0..9 {
        answer(tell(&mut other, 30, note()));
    }
    assert!(older.take(&mut other));
    let mut ledger = open(&sql);
    older.rebuild(&mut ledger, 40, true, 50);
    assert!(older.take(&mut ledger));
    let rows = numbered(&older, 0, 50);
    let level = asked(&mut ledger, TreeStep::Grow { rows });
    assert!(matches!(level, TreeAnswer::Level { .. }), "{level:?}");
    let forked = asked(&mut ledger, TreeStep::Sign);
    assert_eq!(forked, TreeAnswer::Forked { size: 10 });
}

#[test]
fn r54_without_keys_nothing_is_signed_and_without_events_the_empty_log_is() {
    let mut ledger = open(&Sqlite::new());
    let empty = signed(&mut ledger);
    assert_eq!((empty.size, empty.root), (0, Frontier::new().root()));
    let (sql, _, _) = grown(2);
    let settings = Settings {
        audit: audit(),
        jwt_leeway_ms: 0,
        normalize: |text, _| text.to_owned(),
        lease_ms: 0,
        instance: Id::from_u128(99),
        log_keys: None,
    };
    let mut keyless = Ledger::open(sql, settings);
    assert_eq!(asked(&mut keyless, TreeStep::Sign), TreeAnswer::NoKeys);
    let level = asked(&mut keyless, TreeStep::Grow { rows: Vec::new() });
    assert_eq!(level, TreeAnswer::Level { size: 2 });
    let organization = Id::from_u128(1);
    let step = TreeStep::Sign;
    let addressed = crate::Addressed {
        by: Some("other"),
        actor: postern_domain::standing::Actor::NotAToken,
    };
    let misdirected = keyless.handle(at(3), addressed, TreeCommand { organization, step });
    assert!(matches!(misdirected, Err(Stop::Misdirected)));
}
