//! Lists of tokens on the tables that the migrations make: every combination of filters goes by the
//! index that is meant, in the order of the list, and the days of a page are those of its tokens.

use rusqlite::{Connection, Row, params_from_iter};

mod million;
mod searched;

use super::*;
use crate::documents::{files, root, text};
use crate::query_plans;
use postern_domain::id::Id;
use postern_domain::time::Timestamp;
use postern_registry::tokens::TokenKinds;

const EVERYTHING: TokenKinds = TokenKinds {
    organization_tokens: true,
    project_tokens: true,
    system_tokens: true,
};
const NOW: i64 = 1_800_000_000_000;

fn filter() -> TokenFilter {
    TokenFilter::all(EVERYTHING, Timestamp::from_millis(NOW))
}

fn first(limit: u32) -> Page {
    Page { limit, after: None }
}

/// Every combination of what decides the statement.
fn filters() -> Vec<TokenFilter> {
    let mut found = Vec::new();
    for status in [Status::Active, Status::Revoked, Status::All] {
        for level in [
            None,
            Some(Level::Organization),
            Some(Level::Project),
            Some(Level::Workflow),
        ] {
            for bits in 0..64_u32 {
                for more in 0..7_u32 {
                    let has = |bit: u32| bits & (1 << bit) != 0;
                    found.push(TokenFilter {
                        status,
                        level,
                        project: has(0).then(|| Id::from_u128(8)),
                        minted_by: has(1).then(|| Id::from_u128(9)),
                        include_system: has(2),
                        uses_days: if has(3) { 14 } else { 0 },
                        reach: TokenKinds {
                            organization_tokens: has(4),
                            project_tokens: has(5),
                            system_tokens: true,
                        },
                        never_expires: more == 1,
                        quarantined: more == 2,
                        unused_since: (more == 3).then_some(filter().now),
                        created_after: (more == 4).then_some(filter().now),
                        // Of active tokens only.
                        expires_before: (more == 5 && status == Status::Active)
                            .then_some(filter().now),
                        search: (more == 6).then(|| searched::words(&["ci", "nightly"])),
                        ..filter()
                    });
                }
            }
        }
    }
    found
}

#[test]
fn every_list_goes_by_the_index_that_is_meant_and_sorts_nothing() {
    let db = query_plans::record();
    let pages = [
        first(101),
        Page {
            limit: 101,
            after: Some(Cursor {
                at: Timestamp::from_millis(NOW),
                id: Id::<postern_domain::id::Token>::from_u128(1).to_string(),
            }),
        },
    ];
    let place = Cursor {
        at: Timestamp::from_millis(NOW - 9),
        id: Id::<postern_domain::id::Token>::from_u128(1).to_string(),
    };
    for filter in filters() {
        let way = Way::Index(index(&filter));
        let column = match way.index() {
            "tokens_by_minter" => "minted_by",
            "tokens_by_project" => "project_id",
            _ => "organization_id",
        };
        for asked in &pages {
            let lowest = is_sparse(&filter).then_some(&place);
            let (sql, values) =
                page(Id::from_u128(1), &filter, asked, &way, lowest).expect("a statement");
            let plan = query_plans::plan(&db, &sql, params_from_iter(values)).join("; ");
            let by = format!("USING INDEX {} ({column}=?", way.index());
            assert!(
                plan.contains(&format!("SEARCH t {by}")),
                "{filter:?}: {plan}"
            );
            // It ends where it was told to.
            let ends = [">?", "<?"].map(|end| plan.contains(end));
            assert!(
                lowest.is_none() || ends.contains(&true),
                "{filter:?}: {plan}"
            );
            assert!(!plan.contains("TEMP B-TREE"), "sorted: {plan}");
            // The page itself, once its rows are found, is gone through for their days.
            let scans = plan
                .replace("SCAN wanted VIRTUAL", "")
                .replace("SCAN CONSTANT", "");
            let scans = scans.matches("SCAN").count();
            assert_eq!(scans, usize::from(filter.uses_days > 0), "{plan}");
            let (sql, values) = floor(Id::from_u128(1), &filter, asked.after.as_ref(), way.index());
            let plan = query_plans::plan(&db, &sql, params_from_iter(values)).join("; ");
            assert!(
                plan.contains(&format!("INDEX {} ({column}=?", way.index())),
                "{plan}"
            );
            assert!(!plan.contains("TEMP B-TREE"), "sorted: {plan}");
        }
    }
}

/// What a list shows, row by row.
fn listed<T>(
    db: &Connection,
    filter: &TokenFilter,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Vec<T> {
    let way = Way::Index(index(filter));
    let (sql, values) =
        page(Id::from_u128(1), filter, &first(100), &way, None).expect("a statement");
    let mut statement = db.prepare(&sql).expect("a statement");
    let rows = statement
        .query_map(params_from_iter(values), |row| read(row))
        .expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

#[test]
fn what_has_ended_is_marked_and_lists_are_the_same_before_and_after() {
    let db = query_plans::record();
    used(&db, &[]);
    let rows = [
        // Name, revoked, expires, whether it is over.
        ("live", None, None, 0),
        ("lives on", None, Some(NOW + 1), 0),
        ("rotated out", Some(NOW + 1), Some(NOW + 5), 0),
        ("revoked", Some(NOW), None, 1),
        ("expired", None, Some(NOW), 1),
        ("both", Some(NOW + 9), Some(NOW - 1), 1),
    ];
    for (number, (name, revoked, expires, _)) in rows.iter().enumerate() {
        let organization = Id::<postern_domain::id::Organization>::from_u128(1).to_string();
        let id = Id::<postern_domain::id::Token>::from_u128(100 + number as u128).to_string();
        let sql = "insert into tokens (id, organization_id, name, format, policies, is_system, created_at, \
                   created_by, revoked_at, expires_at) values (?, ?, ?, 'jwt', '[]', 0, 1, 'admin-token', ?, ?)";
        db.execute(sql, (id, organization, name, revoked, expires))
            .expect("a token");
    }
    let lists = || {
        [Status::Active, Status::Revoked, Status::All].map(|status| {
            let list: Vec<String> = listed(&db, &TokenFilter { status, ..filter() }, |row| {
                row.get("name")
            });
            assert!(
                list.len() > usize::from(status != Status::Revoked),
                "{list:?}"
            );
            list
        })
    };
    let before = lists();
    let plan = query_plans::plan(&db, &mark(), (NOW, 5)).join("; ");
    assert!(
        plan.contains("SEARCH tokens USING INDEX tokens_ending"),
        "{plan}"
    );
    assert_eq!(db.execute(&mark(), (NOW, 2)), Ok(2), "a few at a time");
    assert_eq!(db.execute(&mark(), (NOW, 5)), Ok(1));
    assert_eq!(db.execute(&mark(), (NOW, 5)), Ok(0));
    assert_eq!(lists(), before);
    for (name, _, _, over) in rows {
        let query = "select over from tokens where name = ?";
        let marked: i64 = db
            .query_row(query, [name], |row| row.get(0))
            .expect("a row");
        assert_eq!(marked, over, "{name}");
    }
}

/// Three tokens, of which the second is used as told: by `(day, total)`.
fn used(db: &Connection, totals: &[(i64, i64)]) {
    let organization = Id::<postern_domain::id::Organization>::from_u128(1).to_string();
    db.execute(
        "insert into organizations (id, name, created_at) values (?, 'acme', 0)",
        [&organization],
    )
    .expect("an organization");
    for number in 1..=3_u128 {
        let id = Id::<postern_domain::id::Token>::from_u128(number).to_string();
        let name = format!("token-{number}");
        let sql = "insert into tokens (id, organization_id, name, format, policies, is_system, created_at, created_by) \
                   values (?, ?, ?, 'jwt', '[]', 0, 0, 'admin-token')";
        db.execute(sql, (&id, &organization, &name))
            .expect("a token");
    }
    let id = Id::<postern_domain::id::Token>::from_u128(2).to_string();
    for (day, total) in totals {
        // As the statements have it, twice.
        for _ in 0..2 {
            let sql = "update tokens set uses = max(uses, ?1), \
                       last_used_at = max(coalesce(last_used_at, 0), ?2) where id = ?3";
            db.execute(sql, (total, day * 86_400_000 + 5, &id))
                .expect("a use");
        }
    }
}

fn days(db: &Connection) -> Vec<(String, String)> {
    let asked = TokenFilter {
        uses_days: 14,
        ..filter()
    };
    listed(db, &asked, |row| Ok((row.get("name")?, row.get("days")?)))
}

#[test]
fn uses_are_kept_by_day_for_thirty_days_with_the_total_before_them() {
    type Used<'a> = (&'a [(i64, i64)], &'a str);
    let rows: [Used<'_>; 7] = [
        (&[], "[]"),
        (&[(100, 3)], "[[100,3]]"),
        (&[(100, 3), (100, 7), (101, 8)], "[[100,7],[101,8]]"),
        // A late word of fewer uses, or of an earlier moment.
        (&[(100, 7), (101, 6)], "[[100,7]]"),
        (&[(101, 7), (100, 9)], "[[101,9]]"),
        // Day 70 is the first before the thirty that end with day 100: their total.
        (
            &[(60, 1), (70, 2), (71, 3), (100, 4)],
            "[[70,2],[71,3],[100,4]]",
        ),
        (&[(1, 1), (2, 2), (900, 3)], "[[2,2],[900,3]]"),
    ];
    for (totals, expected) in rows {
        let db = query_plans::record();
        used(&db, totals);
        let expected: Vec<(String, String)> =
            [("token-3", "[]"), ("token-2", expected), ("token-1", "[]")]
                .map(|(name, days)| (name.to_owned(), days.to_owned()))
                .into();
        assert_eq!(days(&db), expected, "{totals:?}");
    }
}

#[test]
fn uses_from_before_days_were_counted_are_on_none() {
    let db = Connection::open_in_memory().expect("a database");
    let migrations = files(&root().join("migrations"), ".sql");
    let (before, since) = migrations.split_at(5);
    for file in before {
        db.execute_batch(&text(file)).expect("a migration");
    }
    used(&db, &[(90, 9)]);
    for file in since {
        db.execute_batch(&text(file)).expect("a migration");
    }
    let own = |db: &Connection| days(db).into_iter().find(|(name, _)| name == "token-2");
    assert_eq!(own(&db), Some(("token-2".to_owned(), "[[0,9]]".to_owned())));
    let sql = "update tokens set uses = 12, last_used_at = 100 * 86400000 where name = 'token-2'";
    assert_eq!(db.execute(sql, []), Ok(1));
    assert_eq!(
        own(&db),
        Some(("token-2".to_owned(), "[[0,9],[100,12]]".to_owned()))
    );
}
