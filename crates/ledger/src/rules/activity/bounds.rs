//! What a Ledger keeps of calls has bounds (R49): tokens of a day, codes, and what is nobody's.

use super::*;

#[test]
fn r49_tokens_beyond_those_of_a_day_count_for_all_alone() {
    let sql = Sqlite::new();
    let mut ledger = with_tokens(&sql, [1, 2]);
    take(&mut ledger, WHEN, batch(1, 1, vec![used(1, 1, WHEN)]));
    ledger.wake(at(WHEN)).expect("a wake");
    let fill = format!(
        "with recursive n (i) as (select 2 union all select i + 1 from n where i < {MAX_TOKENS_OF_DAY}) \
         insert into activity_days select 20000, 'x' || i, 0, 0, 0, 0, '{{}}', '[]' from n;"
    );
    sql.transact(&fill);
    // The rows were counted by another process.
    let mut ledger = open(&sql);
    take(
        &mut ledger,
        WHEN,
        batch(1, 1, vec![used(2, 5, WHEN), used(1, 1, WHEN)]),
    );
    assert_eq!(today(&read(&mut ledger, WHEN, Some(2), 1)).0, 0);
    assert_eq!(today(&read(&mut ledger, WHEN, Some(1), 1)).0, 2);
    assert_eq!(today(&read(&mut ledger, WHEN, None, 1)).0, 7);
    assert_eq!(sql.number("select sum(uses) from tokens"), 7);
}

#[test]
fn r49_codes_are_words_of_which_there_are_few() {
    let sql = Sqlite::new();
    let mut ledger = with_tokens(&sql, [1]);
    let many: Vec<(String, u64)> = (0..100).map(|n| (format!("code_{n}"), 1)).collect();
    let wrong = [("", 1), ("Not a word", 1), ("<b>", 1)];
    let told = TokenActivity {
        refused: many,
        ..refused(1, &[])
    };
    take(
        &mut ledger,
        WHEN,
        batch(1, 1, vec![refused(1, &wrong), told]),
    );
    let record = read(&mut ledger, WHEN, None, 1);
    let found: BTreeMap<&str, u64> = today(&record).2.into_iter().collect();
    assert!(found.len() <= 33, "{found:?}");
    assert_eq!(found.values().sum::<u64>(), 103, "each is counted");
    assert!(!found.contains_key("<b>"));
}

#[test]
fn r49_failures_of_nobody_are_counted_where_there_is_no_organization() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    // A Ledger without a token keeps nothing of tokens.
    take(&mut ledger, WHEN, batch(1, 1, vec![used(1, 1, WHEN)]));
    assert_eq!(sql.number("select count(*) from sqlite_master"), 0);
    assert_eq!(read(&mut ledger, WHEN, None, 2).days.len(), 2);
    for number in 2..4 {
        let command = ActivityCommand {
            offline: 5,
            ..batch(1, number, Vec::new())
        };
        take(&mut ledger, WHEN, command);
    }
    let later = WHEN + DAY_MS;
    let days = read(&mut ledger, later, None, 2).days;
    assert_eq!((days[0].offline, days[1].offline), (10, 0));
    let entries = ledger.outbox().expect("an outbox");
    assert!(entries.is_empty(), "D1 hears nothing of it");
}
