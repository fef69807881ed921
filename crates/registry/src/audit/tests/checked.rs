//! What readers of the audit log are told when D1 was written to: pages with their faults, exports
//! that are mended. The rows are genuine ones, changed as somebody without the key could change
//! them.

use super::*;
use postern_domain::audit::links::next_row;
use postern_domain::audit::mend::Mended;
use postern_domain::audit::verify::verify;
use postern_domain::audit::{Event, GENESIS};

/// Genuine rows of the organization, oldest first, each with its number.
fn log(count: u64) -> Vec<(u64, Row)> {
    let (ring, mut previous) = (config().root_keys.audit, GENESIS);
    let row = |sequence| {
        let event = Event {
            organization_id: organization().id,
            sequence,
            at: Timestamp::from_millis(1_000),
            action: Action::TokenMint,
            token_id: None,
            token_prefix: None,
            requester: requester().noted(),
            replaces: None,
            target: None,
            outcome: None,
            count: None,
            changes: None,
        };
        let content = serde_json::to_string(&event).expect("serializes");
        (sequence, next_row(&ring, &mut previous, content))
    };
    (1..=count).map(row).collect()
}

fn named() -> Named<postern_domain::id::Organization> {
    Named {
        id: organization().id,
        name: organization().name,
    }
}

/// The same as a list reads them: newest first.
fn read_as(rows: &[(u64, Row)]) -> Vec<Listed> {
    let listed = |(sequence, row): &(u64, Row)| Listed {
        place: EventCursor {
            at: Timestamp::from_millis(1_000),
            sequence: *sequence,
        },
        row: row.clone(),
    };
    rows.iter().rev().map(listed).collect()
}

fn faults(page: &serde_json::Value) -> Vec<(u64, &str)> {
    let faults = page["faults"].as_array().expect("a list");
    let fault = |fault: &'_ serde_json::Value| fault["sequence"].as_u64().expect("a number");
    faults
        .iter()
        .map(|one| (fault(one), one["problem"].as_str().expect("a word")))
        .collect()
}

#[test]
fn r35_a_page_tells_what_on_it_does_not_fit() {
    let world = World::new();
    let mut rows = log(6);
    world.events.replace(read_as(&rows));
    let page = shown(&world, &EventQuery::default(), &span());
    assert_eq!(page["faults"], serde_json::json!([]));

    rows[1].1.content = "{}".to_owned();
    rows[2].1.content = rows[2].1.content.replace("admin-token", "somebody");
    rows.remove(4);
    world.events.replace(read_as(&rows));
    let page = shown(&world, &EventQuery::default(), &span());
    let expected = [(6, "missing"), (3, "changed"), (2, "unreadable")];
    assert_eq!(faults(&page), expected);
    assert_eq!(
        page["faults"][1]["detail"],
        "row 3 was changed: its link does not fit"
    );
    // What cannot be read is no event, but hides no other one.
    let shown_rows = page["events"].as_array().expect("a list");
    let numbers: Vec<_> = shown_rows
        .iter()
        .map(|row| row["sequence"].as_u64())
        .collect();
    assert_eq!(numbers, [Some(6), Some(4), Some(3), Some(1)]);

    // A filter leaves rows out, but makes no changed one genuine.
    let filter = EventQuery::parse(AskedEvents {
        action: Some("token.mint"),
        ..AskedEvents::default()
    });
    let filter = filter.expect("a filter");
    let page = shown(&world, &filter, &span());
    assert_eq!(faults(&page), [(3, "changed"), (2, "unreadable")]);
}

#[test]
fn r35_a_row_that_stands_on_another_page_is_not_missing() {
    let world = World::new();
    let rows = log(6);
    world.rows.replace(rows.clone());
    let mut page = rows.clone();
    page.remove(3);
    world.events.replace(read_as(&page));
    assert_eq!(faults(&shown(&world, &EventQuery::default(), &span())), []);
    assert_eq!(world.take_asked(), ["events 100", "rows 3 to 4"]);
    world.rows.borrow_mut().remove(3);
    let page = shown(&world, &EventQuery::default(), &span());
    assert_eq!(faults(&page), [(5, "missing")]);
}

#[test]
fn r35_the_row_behind_a_page_checks_the_last_one_on_it() {
    let world = World::new();
    let mut rows = log(3);
    rows[0].1.kid = "unknown".to_owned();
    world.events.replace(read_as(&rows));
    let two = Span::parse(Some("2"), None).expect("a span");
    let page = shown(&world, &EventQuery::default(), &two);
    assert_eq!(faults(&page), [], "that row is on the next page");
    rows.remove(1);
    world.events.replace(read_as(&rows));
    let one = Span::parse(Some("1"), None).expect("a span");
    let page = shown(&world, &EventQuery::default(), &one);
    assert_eq!(faults(&page), []);
    rows[0] = log(1).remove(0);
    world.events.replace(read_as(&rows));
    let page = shown(&world, &EventQuery::default(), &one);
    assert_eq!(faults(&page), [(3, "missing")]);
}

#[test]
fn r35_a_list_of_checkpoints_tells_which_are_no_checkpoints() {
    let world = World::new();
    let (admin, acme) = (Caller::Administrator(None), Some("acme"));
    let genuine = now_or_never(checkpoint(&admin, acme, &world)).expect("signs");
    let place = |sequence| EventCursor {
        at: Timestamp::from_millis(1),
        sequence,
    };
    let planted = Signed {
        mac: "00".repeat(32),
        ..genuine.clone()
    };
    world
        .signed
        .replace(vec![(place(9), planted), (place(0), genuine)]);
    let list = now_or_never(checkpoints(&admin, acme, &span(), &config(), &world));
    let list = serde_json::to_value(list.expect("a list")).expect("serializes");
    assert_eq!(faults(&list), [(9, "forged_checkpoint")]);
    assert_eq!(list["checkpoints"].as_array().map(Vec::len), Some(2));
}

#[test]
fn r35_an_export_is_mended_from_what_the_ledger_has() {
    let world = World::new();
    let genuine = log(700);
    let mut recorded = genuine.clone();
    recorded[598].1.content = "forged".to_owned();
    recorded.remove(649);
    recorded.truncate(690);
    world.rows.replace(recorded);
    world.kept.replace(genuine[550..].to_vec());
    let organization = named();
    let mut lines = Vec::new();
    let mut after = Some(0);
    while let Some(behind) = after {
        let part = piece(&organization, behind, 700, &world);
        let part = now_or_never(part).expect("a piece");
        lines.extend(part.rows);
        after = part.next;
    }
    let asked = [
        "rows 0 to 700",
        "kept 0 to 500",
        "rows 500 to 700",
        "kept 500 to 700",
    ];
    assert_eq!(world.take_asked(), asked);
    let text: Vec<String> = lines
        .iter()
        .map(|(_, row)| serde_json::to_string(row).expect("serializes"))
        .collect();
    let report = verify(&text, &config().root_keys.audit);
    assert_eq!(report.rows, 700);
    // The checkpoint is not among the lines.
    assert_eq!(report.faults_in_all, 1, "{:?}", report.faults);
    let mut mended = vec![(599, Mended::Differed), (650, Mended::Missing)];
    mended.extend((692..=700).map(|sequence| (sequence, Mended::Missing)));
    assert_eq!(report.mended, mended);
}

#[test]
fn r35_only_the_end_of_a_long_log_is_asked_of_the_ledger() {
    let world = World::new();
    world.rows.replace(log(1));
    let organization = named();
    let part = piece(&organization, 0, 5_000, &world);
    assert_eq!(now_or_never(part).expect("a piece").next, None);
    assert_eq!(world.take_asked(), ["rows 0 to 5000", "kept 4000 to 5000"]);
    // A full piece far before the end: the Ledger has nothing of it.
    let many = |sequence| (sequence, log(1).remove(0).1);
    world.rows.replace((1..=600).map(many).collect());
    let part = piece(&organization, 0, 5_000, &world);
    assert_eq!(now_or_never(part).expect("a piece").next, Some(500));
    assert_eq!(world.take_asked(), ["rows 0 to 5000"]);
}
