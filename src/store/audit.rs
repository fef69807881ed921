//! Queries of the audit log and its checkpoints. They only read: what is written
//! comes from the Ledger, as record changes.

use serde::Deserialize;
use worker::Env;

use super::d1::{self, Bind};
use crate::platform::Platform;
use postern_domain::audit::checkpoint::Signed;
use postern_domain::audit::verify::Row;
use postern_domain::id::OrganizationId;
use postern_domain::time::Timestamp;
use postern_registry::audit::{EventFilter, Listed, Span};
use postern_registry::error::Result;
use postern_registry::page::EventCursor;
use postern_registry::ports::AuditLog;

/// How long an organization's log goes on before the schedule signs it again.
const CHECKPOINT_EVERY_MS: i64 = 86_400_000;
/// Organizations that one run of the schedule signs; the rest wait for the next.
pub const CHECKPOINTS_AT_A_TIME: u32 = 200;

#[derive(Deserialize)]
struct AuditRow {
    sequence: u64,
    at: i64,
    content: String,
    previous: String,
    link: String,
    kid: String,
}

impl AuditRow {
    fn place(&self) -> EventCursor {
        EventCursor {
            at: Timestamp::from_millis(self.at),
            sequence: self.sequence,
        }
    }

    fn row(self) -> Row {
        Row {
            content: self.content,
            previous: self.previous,
            link: self.link,
            kid: self.kid,
            mended: None,
        }
    }
}

fn whole(sequence: u64) -> Bind {
    Bind::whole(i64::try_from(sequence).unwrap_or(i64::MAX))
}

/// The statement of a page. Each filter has an index of migration 0005, and the order of all of
/// them is that of the list. The statement names the index: SQLite would take any that has a time.
fn page(organization: OrganizationId, filter: &EventFilter, span: &Span) -> (String, Vec<Bind>) {
    let index = match filter {
        EventFilter { token: Some(_), .. } => "audit_by_token",
        EventFilter { actor: Some(_), .. } => "audit_by_actor",
        EventFilter {
            action: Some(_), ..
        } => "audit_by_action",
        _ => "audit_by_time",
    };
    let mut sql = format!(
        "select sequence, at, content, previous, link, kid from audit indexed by {index} \
         where organization_id = ?"
    );
    let mut values = vec![Bind::text(organization)];
    let mut add = |clause: &str, bound: Vec<Bind>| {
        sql.push_str(clause);
        values.extend(bound);
    };
    if let Some(action) = filter.action {
        add(" and action = ?", vec![Bind::text(action.name())]);
    }
    if let Some(actor) = &filter.actor {
        add(" and actor = ?", vec![Bind::text(actor)]);
    }
    if let Some(token) = filter.token {
        add(" and token_id = ?", vec![Bind::text(token)]);
    }
    if let Some(since) = filter.since {
        add(" and at >= ?", vec![Bind::time(since)]);
    }
    if let Some(until) = filter.until {
        add(" and at < ?", vec![Bind::time(until)]);
    }
    if let Some(after) = span.after {
        let bound = vec![Bind::time(after.at), whole(after.sequence)];
        add(" and (at, sequence) < (?, ?)", bound);
    }
    let limit = vec![Bind::number(span.limit + 1)];
    add(" order by at desc, sequence desc limit ?", limit);
    (sql, values)
}

/// In the order of the chain: the primary key serves it.
const ROWS: &str = "select sequence, at, content, previous, link, kid from audit \
                    where organization_id = ? and sequence > ? and sequence <= ? \
                    order by sequence limit ?";

#[derive(Deserialize)]
struct CheckpointRow {
    sequence: u64,
    at: i64,
    content: String,
    kid: String,
    mac: String,
}

/// The same for checkpoints, newest first.
const CHECKPOINTS: &str = "select sequence, at, content, kid, mac from checkpoints \
                           where organization_id = ? and sequence < ? \
                           order by sequence desc limit ?";

/// What the schedule signs: logs that have grown since their last checkpoint, if that is a day old.
const DUE: &str = "select o.id from organizations o \
    left join checkpoints c on c.organization_id = o.id and c.sequence = \
        (select max(k.sequence) from checkpoints k where k.organization_id = o.id) \
    where (c.at is null or c.at <= ?) and coalesce(c.sequence, 0) < \
        (select max(a.sequence) from audit a where a.organization_id = o.id) \
    order by coalesce(c.at, 0), o.id limit ?";

impl AuditLog for Platform {
    async fn events(
        &self,
        organization: OrganizationId,
        filter: &EventFilter,
        span: &Span,
    ) -> Result<Vec<Listed>> {
        let (sql, values) = page(organization, filter, span);
        let rows: Vec<AuditRow> = d1::rows(&self.env, &sql, values).await?;
        let listed = rows.into_iter().map(|row| Listed {
            place: row.place(),
            row: row.row(),
        });
        Ok(listed.collect())
    }

    async fn rows(
        &self,
        organization: OrganizationId,
        after: u64,
        up_to: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Row)>> {
        let values = vec![
            Bind::text(organization),
            whole(after),
            whole(up_to),
            Bind::number(limit),
        ];
        let rows: Vec<AuditRow> = d1::rows(&self.env, ROWS, values).await?;
        let rows = rows.into_iter().map(|row| (row.sequence, row.row()));
        Ok(rows.collect())
    }

    async fn checkpoints(
        &self,
        organization: OrganizationId,
        span: &Span,
    ) -> Result<Vec<(EventCursor, Signed)>> {
        let before = span.after.map_or(1 << 53, |place| place.sequence);
        let values = vec![
            Bind::text(organization),
            whole(before),
            Bind::number(span.limit + 1),
        ];
        let rows: Vec<CheckpointRow> = d1::rows(&self.env, CHECKPOINTS, values).await?;
        let listed = rows.into_iter().map(|row| {
            let place = EventCursor {
                at: Timestamp::from_millis(row.at),
                sequence: row.sequence,
            };
            let signed = Signed {
                checkpoint: row.content,
                kid: row.kid,
                mac: row.mac,
            };
            (place, signed)
        });
        Ok(listed.collect())
    }
}

/// Organizations whose log the schedule shall sign now, the longest due first.
pub async fn due_for_checkpoint(env: &Env, now: Timestamp) -> Result<Vec<OrganizationId>> {
    #[derive(Deserialize)]
    struct Due {
        id: String,
    }
    let values = vec![
        Bind::time(now.plus_millis(-CHECKPOINT_EVERY_MS)),
        Bind::number(CHECKPOINTS_AT_A_TIME),
    ];
    let rows: Vec<Due> = d1::rows(env, DUE, values).await?;
    rows.iter()
        .map(|row| OrganizationId::parse(&row.id).map_err(|_| d1::failed("an id does not parse")))
        .collect()
}

/// Triggers of the audit log and its checkpoints: those that the migrations make, and all there
/// are.
const TRIGGERS: &str = "select count(*) as found, coalesce(sum(name in ( \
    'audit_is_append_only_update', 'audit_is_append_only_delete', 'audit_is_append_only_insert', \
    'audit_has_rows_of_ledgers_only', 'checkpoints_are_append_only_update', \
    'checkpoints_are_append_only_delete', 'checkpoints_are_append_only_insert', \
    'checkpoints_are_of_ledgers_only')), 0) as known \
    from sqlite_master where type = 'trigger' and tbl_name in ('audit', 'checkpoints')";

/// Whether D1 has the triggers that keep the log as it came, and no others on its tables.
pub async fn is_guarded(env: &Env) -> Result<bool> {
    let rows: Vec<Guards> = d1::rows(env, TRIGGERS, Vec::new()).await?;
    Ok(rows.first().is_some_and(Guards::are_all))
}

#[derive(Deserialize)]
struct Guards {
    found: u32,
    known: u32,
}

impl Guards {
    fn are_all(&self) -> bool {
        self.found == 8 && self.known == 8
    }
}

#[cfg(test)]
mod tests;
