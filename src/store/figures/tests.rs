//! Figures on the tables that the migrations make: what each counts, whose tokens, and by which index.

use rusqlite::types::Null;
use rusqlite::{Connection, params_from_iter};

use super::*;
use crate::query_plans::{plan, record};
use postern_domain::id::{Id, Organization, Project, Token};
use postern_registry::tokens::TokenKinds;

const NOW: i64 = 1_800_000_000_000;
const DAY: i64 = 86_400_000;

fn acme() -> OrganizationId {
    Id::<Organization>::from_u128(1)
}

fn at(moment: i64) -> Timestamp {
    Timestamp::from_millis(moment)
}

fn asked(organization_tokens: bool, project_tokens: bool) -> TotalsQuery {
    TotalsQuery {
        reach: TokenKinds {
            organization_tokens,
            project_tokens,
            system_tokens: true,
        },
        project: None,
        now: at(NOW),
        soon: at(NOW + 7 * DAY),
        unused_since: at(NOW - 30 * DAY),
        today: at(NOW - 1_000),
    }
}

fn project(n: u128) -> String {
    Id::<Project>::from_u128(n).to_string()
}

/// A token by what the figures look at.
#[derive(Default)]
struct Row {
    project: Option<u128>,
    is_system: u8,
    created: i64,
    expires: Option<i64>,
    revoked: Option<i64>,
    used: Option<i64>,
    quarantined: Option<i64>,
    over: u8,
}

fn stocked(rows: Vec<Row>) -> Connection {
    let db = record();
    for (n, name) in [(1_u128, "acme"), (2, "other")] {
        let id = Id::<Organization>::from_u128(n).to_string();
        let sql = "insert into organizations (id, name, created_at) values (?, ?, 0)";
        db.execute(sql, (id, name)).expect("an organization");
        let sql =
            "insert into projects (id, organization_id, name, created_at) values (?, ?, ?, 0)";
        let values = (project(n), acme().to_string(), format!("p{n}"));
        db.execute(sql, values).expect("a project");
    }
    for (number, row) in rows.into_iter().enumerate() {
        let sql = "insert into tokens (id, organization_id, project_id, name, format, policies, is_system, \
                   created_at, created_by, expires_at, revoked_at, last_used_at, quarantined_at, over) \
                   values (?, ?, ?, ?, 'jwt', '[]', ?, ?, 'a', ?, ?, ?, ?, ?)";
        let values = (
            Id::<Token>::from_u128(number as u128).to_string(),
            acme().to_string(),
            row.project.map(project),
            format!("t{number}"),
            row.is_system,
            row.created,
            row.expires,
            row.revoked,
            row.used,
            row.quarantined,
            row.over,
        );
        db.execute(sql, values).expect("a token");
    }
    db
}

/// active, expiring, never_expire, unused, quarantined, created_today; and how many were looked at.
fn totals(db: &Connection, asked: &TotalsQuery) -> ([i64; 6], i64) {
    let values = totals_of(acme(), asked);
    db.query_row(TOTALS, params_from_iter(values), |row| {
        let names = [
            "active",
            "expiring",
            "never_expire",
            "unused",
            "quarantined",
            "created_today",
        ];
        let mut found = [0; 6];
        for (place, name) in found.iter_mut().zip(names) {
            *place = row.get(name)?;
        }
        Ok((found, row.get("looked")?))
    })
    .expect("totals")
}

fn rows() -> Vec<Row> {
    vec![
        Row {
            created: NOW - 40 * DAY,
            ..Row::default()
        },
        Row {
            created: NOW - 40 * DAY,
            used: Some(NOW - 40 * DAY),
            expires: Some(NOW + DAY),
            project: Some(1),
            ..Row::default()
        },
        Row {
            created: NOW - 40 * DAY,
            used: Some(NOW),
            expires: Some(NOW + 7 * DAY),
            project: Some(1),
            ..Row::default()
        },
        Row {
            created: NOW - 500,
            project: Some(2),
            quarantined: Some(NOW),
            ..Row::default()
        },
        // Ended, or on its way there, and marked or not.
        Row {
            created: NOW - 500,
            revoked: Some(NOW),
            ..Row::default()
        },
        Row {
            created: NOW - 500,
            expires: Some(NOW),
            ..Row::default()
        },
        Row {
            created: NOW - 500,
            expires: Some(NOW),
            over: 1,
            ..Row::default()
        },
        Row {
            created: NOW - 500,
            revoked: Some(NOW + 1),
            expires: Some(NOW + 8 * DAY),
            ..Row::default()
        },
        Row {
            created: NOW - 500,
            is_system: 1,
            ..Row::default()
        },
    ]
}

#[test]
fn r50_an_overview_counts_what_the_lists_of_the_caller_show() {
    let db = stocked(rows());
    assert_eq!(totals(&db, &asked(true, true)), ([4, 1, 2, 2, 1, 5], 8));
    assert_eq!(totals(&db, &asked(false, true)), ([2, 1, 1, 1, 1, 1], 8));
    assert_eq!(totals(&db, &asked(true, false)), ([2, 0, 1, 1, 0, 4], 8));
    let own = TotalsQuery {
        project: Some(Id::from_u128(1)),
        ..asked(false, true)
    };
    assert_eq!(totals(&db, &own), ([2, 1, 0, 1, 0, 0], 8));
    assert_eq!(
        totals(&stocked(Vec::new()), &asked(true, true)),
        ([0; 6], 0)
    );
}

#[test]
fn figures_read_a_bounded_part_of_an_index() {
    let db = record();
    let values = totals_of(acme(), &asked(true, true));
    let totals = plan(&db, TOTALS, params_from_iter(values)).join("; ");
    assert!(
        totals.contains("USING INDEX tokens_not_over (organization_id=?)"),
        "{totals}"
    );
    assert!(!totals.contains("TEMP B-TREE"), "{totals}");
    assert!(
        totals.contains("INDEX tokens_by_age (organization_id=? AND created_at>?)"),
        "{totals}"
    );
    let mints = plan(&db, MINTS, ("o", 0, 1, 1, Null, 1)).join("; ");
    let index = "INDEX tokens_by_age (organization_id=? AND created_at>?)";
    assert!(mints.contains(index), "{mints}");
    let selected = plan(&db, &selection(), (1, "o", "[]")).join("; ");
    assert!(
        selected.contains("SEARCH t USING INDEX sqlite_autoindex_tokens_1 (id=?)"),
        "{selected}"
    );
    assert!(
        selected.contains("SEARCH d USING PRIMARY KEY (token_id=? AND day<?)"),
        "{selected}"
    );
}

#[test]
fn r50_creations_are_counted_by_the_hour_as_the_lists_of_the_caller_show_them() {
    let hour = 3_600_000;
    let row = |created, project, is_system, revoked| Row {
        created,
        project,
        is_system,
        revoked,
        ..Row::default()
    };
    let db = stocked(vec![
        row(hour, None, 0, None),
        row(hour + 1, Some(1), 0, Some(hour + 2)),
        row(2 * hour - 1, Some(2), 0, None),
        row(2 * hour, None, 0, None),
        row(2 * hour, None, 1, None),
        row(hour - 1, None, 0, None),
    ]);
    let mints = |organization_tokens: bool, project_tokens: bool, project: Option<u128>| {
        let mut statement = db.prepare(MINTS).expect("a statement");
        let own = project.map(self::project);
        let values = (
            acme().to_string(),
            hour,
            organization_tokens,
            project_tokens,
            own,
            100,
        );
        let rows = statement.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)));
        let rows = rows.expect("rows").map(|row| row.expect("a row"));
        rows.collect::<Vec<(i64, i64)>>()
    };
    assert_eq!(mints(true, true, None), [(1, 3), (2, 1)]);
    assert_eq!(mints(true, false, None), [(1, 1), (2, 1)]);
    assert_eq!(mints(false, true, None), [(1, 2)]);
    assert_eq!(mints(false, true, Some(1)), [(1, 1)]);
    // The tile beside them has the same number.
    let today = TotalsQuery {
        today: at(hour),
        ..asked(true, true)
    };
    assert_eq!(totals(&db, &today).0[5], 4);
}

#[test]
fn r48_a_selection_tells_the_uses_since_yesterday() {
    let db = stocked(vec![
        Row::default(),
        Row::default(),
        Row {
            created: 1,
            ..Row::default()
        },
    ]);
    let id = |n: u128| Id::<Token>::from_u128(n).to_string();
    for (day, uses) in [(10, 5), (11, 8), (12, 9)] {
        let sql = "update tokens set uses = ?, last_used_at = ? where id = ?";
        db.execute(sql, (uses, day * DAY, id(0))).expect("a use");
    }
    let ids = serde_json::to_string(&[id(0), id(1), id(9)]).expect("a list");
    let recent = |day: i64| -> Vec<(String, i64)> {
        let sql = selection();
        let mut statement = db.prepare(&sql).expect("a statement");
        let rows = statement.query_map((day, acme().to_string(), &ids), |row| {
            Ok((row.get("name")?, row.get("recent")?))
        });
        let mut rows: Vec<(String, i64)> =
            rows.expect("rows").map(|row| row.expect("a row")).collect();
        rows.sort();
        rows
    };
    let of = |uses: i64| vec![("t0".to_owned(), uses), ("t1".to_owned(), 0)];
    assert_eq!(recent(11), of(4));
    assert_eq!(recent(12), of(1));
    assert_eq!(recent(13), of(0));
    assert_eq!(recent(10), of(9));
}
