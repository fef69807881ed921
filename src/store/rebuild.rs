//! What the rebuild of a Ledger reads of D1 besides lists and rows: the end of the log, and how many
//! tokens there are.

use serde::Deserialize;
use worker::Env;

use super::d1::{self, Bind};
use postern_domain::audit::verify::Row;
use postern_domain::id::OrganizationId;
use postern_domain::time::Timestamp;
use postern_registry::error::Result;
use postern_registry::ports::TokenCounts;

/// By the key of the table, from its end.
const LAST_EVENT: &str = "select sequence, content, previous, link, kid from audit \
     where organization_id = ? order by sequence desc limit 1";

/// One statement over all events of an organization: asked once, before a rebuild.
const EVENT_KEYS: &str = "select distinct kid from audit where organization_id = ? limit ?";

/// One statement over all tokens of an organization: asked once, before a rebuild.
const COUNTS: &str = "select count(case when revoked_at <= ?2 then 1 end) as revoked, \
     count(case when ifnull(revoked_at > ?2, 1) and quarantined_at is not null then 1 end) \
     as quarantined, \
     count(case when ifnull(revoked_at > ?2, 1) and quarantined_at is null \
     and expires_at <= ?2 then 1 end) as expired, \
     count(case when ifnull(revoked_at > ?2, 1) and quarantined_at is null \
     and ifnull(expires_at > ?2, 1) then 1 end) as active \
     from tokens where organization_id = ?1";

#[derive(Deserialize)]
struct EventRow {
    sequence: u64,
    content: String,
    previous: String,
    link: String,
    kid: String,
}

#[derive(Deserialize)]
struct KeyRow {
    kid: String,
}

#[derive(Deserialize)]
struct CountsRow {
    active: u64,
    quarantined: u64,
    revoked: u64,
    expired: u64,
}

/// The last event of an organization.
///
/// # Errors
/// `Unavailable`.
pub async fn last_event(env: &Env, organization: OrganizationId) -> Result<Option<(u64, Row)>> {
    let values = vec![Bind::text(organization)];
    let rows: Vec<EventRow> = d1::rows(env, LAST_EVENT, values).await?;
    let read = |row: EventRow| {
        let event = Row {
            content: row.content,
            previous: row.previous,
            link: row.link,
            kid: row.kid,
            mended: None,
        };
        (row.sequence, event)
    };
    Ok(rows.into_iter().next().map(read))
}

/// The names of the keys of an organization's events.
///
/// # Errors
/// `Unavailable`.
pub async fn event_keys(
    env: &Env,
    organization: OrganizationId,
    limit: u32,
) -> Result<Vec<String>> {
    let values = vec![Bind::text(organization), Bind::number(limit)];
    let rows: Vec<KeyRow> = d1::rows(env, EVENT_KEYS, values).await?;
    Ok(rows.into_iter().map(|row| row.kid).collect())
}

/// How the tokens of an organization stand at `now`.
///
/// # Errors
/// `Unavailable`.
pub async fn token_counts(
    env: &Env,
    organization: OrganizationId,
    now: Timestamp,
) -> Result<TokenCounts> {
    let values = vec![Bind::text(organization), Bind::time(now)];
    let rows: Vec<CountsRow> = d1::rows(env, COUNTS, values).await?;
    let row = rows.into_iter().next();
    Ok(row.map_or(TokenCounts::default(), |row| TokenCounts {
        active: row.active,
        quarantined: row.quarantined,
        revoked: row.revoked,
        expired: row.expired,
    }))
}

#[cfg(test)]
mod tests {
    use rusqlite::params;

    use super::*;
    use crate::query_plans::record;
    use crate::store::record_changes::{APPEND_AUDIT, QUARANTINE_TOKENS};

    /// A token: its id, when revoked, when quarantined, when expiring.
    type Row<'r> = (&'r str, Option<i64>, Option<i64>, Option<i64>);

    /// Tokens of the organization `o`.
    fn with(rows: &[Row]) -> rusqlite::Connection {
        let db = record();
        for organization in ["o", "p"] {
            db.execute(
                "insert into organizations (id, name, created_at, max_idle_days) values (?1, ?1, 0, 0)",
                params![organization],
            )
            .expect("an organization");
        }
        let insert = "insert into tokens (id, organization_id, name, format, policies, is_system, \
                      created_at, created_by, revoked_at, quarantined_at, expires_at) \
                      values (?1, ?2, ?1, 'jwt', '[]', 0, 0, 'a', ?3, ?4, ?5)";
        for (id, revoked, quarantined, expires) in rows {
            db.execute(insert, params![id, "o", revoked, quarantined, expires])
                .expect("a row");
        }
        db.execute(
            insert,
            params!["other", "p", None::<i64>, None::<i64>, None::<i64>],
        )
        .expect("a row");
        db
    }

    #[test]
    fn each_token_is_counted_once() {
        let db = with(&[
            ("active", None, None, None),
            ("rotated out later", Some(101), None, Some(200)),
            ("revoked", Some(100), None, None),
            ("revoked and more", Some(5), Some(6), Some(7)),
            ("quarantined", None, Some(5), None),
            ("quarantined and expired", None, Some(5), Some(7)),
            ("expired", None, None, Some(100)),
        ]);
        let counts = db.query_row(COUNTS, params!["o", 100], |row| {
            Ok(["active", "quarantined", "revoked", "expired"]
                .map(|name| row.get::<_, i64>(name).expect("a number")))
        });
        assert_eq!(counts, Ok([2, 2, 2, 1]));
    }

    #[test]
    fn r35_the_last_event_is_that_of_the_highest_number() {
        let db = with(&[]);
        for (organization, sequence) in [("o", 1), ("o", 2), ("o", 10), ("p", 11)] {
            let values = params![organization, sequence, 0, "a", "b", "", "c", "p", "l", "k"];
            db.execute(APPEND_AUDIT, values).expect("a row");
        }
        let last = |organization: &str| {
            db.query_row(LAST_EVENT, params![organization], |row| {
                row.get::<_, i64>(0)
            })
        };
        assert_eq!(last("o"), Ok(10));
        assert_eq!(last("x"), Err(rusqlite::Error::QueryReturnedNoRows));
    }

    #[test]
    fn r35_each_key_of_the_log_is_told_once() {
        let db = with(&[]);
        for (organization, sequence, kid) in [
            ("o", 1, "k0"),
            ("o", 2, "k1"),
            ("o", 3, "k1"),
            ("p", 1, "k2"),
        ] {
            let values = params![organization, sequence, 0, "a", "b", "", "c", "p", "l", kid];
            db.execute(APPEND_AUDIT, values).expect("a row");
        }
        let keys = |limit: u32| {
            let mut query = db.prepare(EVENT_KEYS).expect("a query");
            let rows = query.query_map(params!["o", limit], |row| row.get::<_, String>(0));
            let keys: rusqlite::Result<Vec<String>> = rows.expect("rows").collect();
            keys.expect("keys")
        };
        assert_eq!(keys(9), ["k0", "k1"]);
        assert_eq!(keys(1), ["k0"]);
    }

    #[test]
    fn r11_a_rebuild_quarantines_what_was_not_released_since() {
        let db = with(&[
            ("a", None, None, None),
            ("b", None, Some(3), None),
            ("c", None, None, None),
            ("d", None, None, None),
        ]);
        let event = params!["o", 8, 0, "token.release", "b", "c", "c", "p", "l", "k"];
        db.execute(APPEND_AUDIT, event).expect("a row");
        let tokens = r#"["a","b","c","other"]"#;
        for _ in 0..2 {
            db.execute(QUARANTINE_TOKENS, params!["o", tokens, 50, 7])
                .expect("applies");
        }
        let held = |id: &str| {
            db.query_row(
                "select quarantined_at from tokens where id = ?",
                [id],
                |row| row.get::<_, Option<i64>>(0),
            )
        };
        let found = ["a", "b", "c", "d", "other"].map(|id| held(id).expect("a row"));
        assert_eq!(found, [Some(50), Some(3), None, None, None]);
    }
}
