//! A log of genuine rows, and every way in which somebody who can write D1 or an export, but has no
//! key, could change it. Each test asserts what is found and where.

use super::super::checkpoint::Checkpoint;
use super::super::links::next_row;
use super::super::{Action, Event, Requester, Text, hex};
use super::*;
use crate::id::Id;
use crate::keys::RootKeys;

fn keys(text: &str) -> KeyRing {
    RootKeys::from_root(&KeyRing::parse(text).expect("keys")).audit
}

fn ring() -> KeyRing {
    keys("a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
}

fn event(organization: u128, sequence: u64) -> Event {
    Event {
        organization_id: Id::from_u128(organization),
        sequence,
        at: Timestamp::from_millis(1_000),
        action: Action::TokenMint,
        token_id: Some(Id::from_u128(u128::from(sequence))),
        token_prefix: Some(Text::new("pst_0000")),
        requester: Requester {
            actor: "admin-token".to_owned(),
            tier: "administrator-key".to_owned(),
            address: None,
            user_agent: Some("an \"agent\"\n".to_owned()),
            request_id: "r".to_owned(),
        }
        .noted(),
        replaces: None,
        target: None,
        outcome: None,
        count: None,
        changes: None,
    }
}

/// Rows from `start`, each linked to the one before it.
fn chain(
    organization: u128,
    start: [u8; 32],
    sequences: core::ops::RangeInclusive<u64>,
) -> Vec<Row> {
    let (ring, mut before) = (ring(), start);
    sequences
        .map(|sequence| {
            let content =
                serde_json::to_string(&event(organization, sequence)).expect("serializes");
            next_row(&ring, &mut before, content)
        })
        .collect()
}

fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("serializes")
}

fn checkpoint_on(organization: u128, sequence: u64, link: &str) -> String {
    let checkpoint = Checkpoint {
        organization_id: Id::from_u128(organization),
        sequence,
        link: link.to_owned(),
        at: Timestamp::from_millis(2_000),
    };
    line(&checkpoint.sign(&ring()).expect("signs"))
}

/// The checkpoint that belongs below these rows.
fn checkpoint(rows: &[Row]) -> String {
    let link = rows.last().map_or(hex(&GENESIS), |row| row.link.clone());
    checkpoint_on(1, rows.len() as u64, &link)
}

fn lines(rows: &[Row], end: Option<String>) -> Vec<String> {
    rows.iter().map(line).chain(end).collect()
}

fn five() -> Vec<Row> {
    chain(1, GENESIS, 1..=5)
}

#[test]
fn r35_a_genuine_log_is_clean() {
    for count in [0, 1, 5] {
        let rows = &five()[..count];
        let mut lines = lines(rows, Some(checkpoint(rows)));
        // One kept from earlier, and a blank line, as an editor leaves them.
        lines.insert(0, checkpoint(&rows[..count / 2]));
        lines.push(String::new());
        let report = verify(&lines, &ring());
        assert_eq!(report.faults, [], "{count} rows");
        assert!(report.is_clean());
        assert_eq!(report.rows, count as u64);
        let reach = (count as u64, Timestamp::from_millis(2_000));
        assert_eq!(report.checkpoint, Some(reach));
        assert_eq!(report.organization, Some(Id::from_u128(1)));
    }
}

#[test]
fn r35_a_retired_key_still_verifies_its_rows() {
    let rows = five();
    let text = lines(&rows, Some(checkpoint(&rows)));
    let old = "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let new = "b:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA";
    assert!(verify(&text, &keys(&format!("{new},{old}"))).is_clean());
    let report = verify(&text, &keys(new));
    assert_eq!(report.faults_in_all, 7, "each line, and no reach at all");
    assert!(report.faults[..6].iter().all(|fault| matches!(
        &fault.problem,
        Problem::UnknownKey { kid } if kid == "a"
    )));
    // The same name for other bytes is a forger's key.
    let forged = new.replacen("b:", "a:", 1);
    let report = verify(&text, &keys(&forged));
    assert_eq!(report.faults[0].problem, Problem::Changed { sequence: 1 });
}

/// A log after a manipulation, and every fault that must be told, by line.
type Case = (&'static str, Vec<String>, Vec<(usize, Problem)>);

fn manipulations() -> Vec<Case> {
    let rows = five();
    let end = || Some(checkpoint(&rows));
    let with = |change: fn(&mut Vec<Row>)| {
        let mut rows = five();
        change(&mut rows);
        lines(&rows, Some(checkpoint(&five())))
    };
    let mut mixed = lines(&rows[..3], None);
    mixed.push(line(&chain(2, GENESIS, 1..=1)[0]));
    mixed.extend(lines(&rows[3..], end()));
    // A chain that its key holder has begun elsewhere: every link fits, but not the first one.
    let elsewhere = chain(1, [7; 32], 1..=2);
    // Two histories under one key, spliced: each row is genuine.
    let mut other = five();
    other.truncate(2);
    let branch = chain(1, [9; 32], 3..=5);
    other.extend(branch);
    let rewritten = lines(&other, Some(checkpoint(&other)));
    let kept = checkpoint(&rows[..4]);
    vec![
        (
            "a changed content",
            with(|rows| rows[2].content = rows[2].content.replace("admin-token", "somebody")),
            vec![(3, Problem::Changed { sequence: 3 })],
        ),
        (
            "a changed link",
            with(|rows| rows[2].link = hex(&[1; 32])),
            vec![
                (3, Problem::Changed { sequence: 3 }),
                (4, Problem::Unlinked { sequence: 4 }),
            ],
        ),
        (
            "a changed predecessor",
            with(|rows| rows[2].previous = hex(&[1; 32])),
            vec![
                (3, Problem::Changed { sequence: 3 }),
                (3, Problem::Unlinked { sequence: 3 }),
            ],
        ),
        (
            "a dropped first row",
            with(|rows| drop(rows.remove(0))),
            vec![(1, Problem::Missing { from: 1, to: 1 })],
        ),
        (
            "two dropped rows",
            with(|rows| drop(rows.drain(1..3))),
            vec![(2, Problem::Missing { from: 2, to: 3 })],
        ),
        (
            "a swapped pair",
            with(|rows| rows.swap(1, 2)),
            vec![(
                3,
                Problem::Misplaced {
                    sequence: 2,
                    after: 3,
                },
            )],
        ),
        (
            "a repeated row",
            with(|rows| rows.insert(2, rows[1].clone())),
            vec![(3, Problem::Repeated { sequence: 2 })],
        ),
        (
            "a dropped tail under its checkpoint",
            with(|rows| rows.truncate(3)),
            vec![(
                4,
                Problem::Truncated {
                    last: 3,
                    checkpoint: 5,
                },
            )],
        ),
        (
            "a dropped tail with its checkpoint",
            lines(&rows[..3], None),
            vec![(3, Problem::Open { last: 3 })],
        ),
        (
            "a dropped tail under an earlier checkpoint",
            lines(&rows[..4], Some(checkpoint(&rows[..2]))),
            vec![(5, Problem::Open { last: 4 })],
        ),
        (
            "everything dropped",
            Vec::new(),
            vec![(0, Problem::Open { last: 0 })],
        ),
        (
            "everything but the checkpoint dropped",
            lines(&[], end()),
            vec![(
                1,
                Problem::Truncated {
                    last: 0,
                    checkpoint: 5,
                },
            )],
        ),
        (
            "two organizations mixed",
            mixed,
            vec![(
                4,
                Problem::Foreign {
                    organization: Id::from_u128(2),
                },
            )],
        ),
        (
            "a checkpoint of another organization",
            lines(&rows, Some(checkpoint_on(2, 5, &rows[4].link))),
            vec![
                (
                    6,
                    Problem::Foreign {
                        organization: Id::from_u128(2),
                    },
                ),
                (6, Problem::Open { last: 5 }),
            ],
        ),
        (
            "a genesis forged",
            lines(&elsewhere, Some(checkpoint(&elsewhere))),
            vec![(1, Problem::Genesis)],
        ),
        (
            "a row before the first",
            lines(&chain(1, GENESIS, 0..=0), Some(checkpoint(&[]))),
            vec![
                (1, Problem::Genesis),
                (2, Problem::OtherHistory { sequence: 0 }),
            ],
        ),
        (
            "a history spliced into another",
            rewritten.clone(),
            vec![(3, Problem::Unlinked { sequence: 3 })],
        ),
        (
            "a history written anew, against a checkpoint that was kept",
            rewritten.into_iter().chain([kept]).collect(),
            vec![
                (3, Problem::Unlinked { sequence: 3 }),
                (7, Problem::OtherHistory { sequence: 4 }),
            ],
        ),
        (
            "a checkpoint signed by nobody",
            lines(
                &rows,
                end().map(|text| text.replace(r#"sequence\":5"#, r#"sequence\":4"#)),
            ),
            vec![
                (6, Problem::ForgedCheckpoint),
                (6, Problem::Open { last: 5 }),
            ],
        ),
        (
            "lines of something else",
            vec![
                "{}".to_owned(),
                "not JSON".to_owned(),
                line(&rows[0]).replace(r#""kid""#, r#""more":1,"kid""#),
                line(&rows[0]).replace(&rows[0].link, "zz"),
                checkpoint(&[]),
            ],
            (1..=4).map(|line| (line, Problem::Unreadable)).collect(),
        ),
    ]
}

#[test]
fn r35_every_manipulation_is_found_where_it_is() {
    for (what, lines, expected) in manipulations() {
        let report = verify(&lines, &ring());
        let found: Vec<(usize, Problem)> = report
            .faults
            .into_iter()
            .map(|fault| (fault.line, fault.problem))
            .collect();
        assert_eq!(found, expected, "{what}");
        assert_eq!(report.faults_in_all, expected.len(), "{what}");
    }
}

#[test]
fn r35_faults_say_what_and_where() {
    let rows = five();
    let mut text = lines(&rows, Some(checkpoint(&rows)));
    text.swap(0, 1);
    text.remove(4);
    let report = verify(&text, &ring());
    let told: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "line 2: row 1 stands behind row 2",
            "line 5: the log ends with row 4, but the checkpoint has seen row 5",
        ]
    );
}

#[test]
fn a_report_stays_readable() {
    let garbage = vec!["x"; 1_000];
    let report = verify(&garbage, &ring());
    assert_eq!(report.faults.len(), MAX_FAULTS);
    assert_eq!(report.faults_in_all, 1_001, "and no checkpoint");
    assert!(!report.is_clean());
}

#[test]
fn what_is_no_log_is_told_from_one_that_was_changed() {
    let recognized = |text: &str| verify(text.lines(), &ring()).recognized;
    for text in [
        "",
        "\n\n",
        "hello",
        "{}\n[]",
        "[{\"sequence\":1}]",
        "{\"content\":1}",
    ] {
        assert_eq!(recognized(text), 0, "{text}");
    }
    let mut rows = five();
    let whole = lines(&rows, Some(checkpoint(&rows))).join("\n");
    assert_eq!(recognized(&whole), 6);
    for row in &mut rows {
        row.content = "nothing".to_owned();
    }
    assert_eq!(recognized(&lines(&rows, None).join("\n")), 5);
}
