//! Queries of the audit log and its checkpoints. They only read: what is written
//! comes from the Ledger, as record changes.

mod asked;
mod guards;

pub use guards::is_guarded;

use serde::Deserialize;
use worker::Env;

use super::d1::{self, Bind};
use super::figures;
use crate::platform::Platform;
use postern_domain::audit::Action;
use postern_domain::audit::checkpoint::Signed;
use postern_domain::audit::verify::Row;
use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::time::Timestamp;
use postern_domain::token::Format;
use postern_registry::audit::{EventFilter, Listed, Span};
use postern_registry::error::Result;
use postern_registry::page::EventCursor;
use postern_registry::ports::{AuditLog, NamedToken};
use postern_registry::tokens::{IdRange, TotalsQuery};

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

/// What an event says of its request, as in migration 0012, for the indexes to be found.
const ADDRESS: &str = "iif(json_valid(content), json_extract(content, '$.origin.address'), null)";
const REQUEST: &str =
    "iif(json_valid(content), json_extract(content, '$.origin.request_id'), null)";

/// What a statement finds its rows by.
#[derive(Debug, Clone, PartialEq, Eq)]
enum By {
    Request(String),
    RequestBegins(String),
    Token(TokenId),
    Actor(String),
    Address(String),
    Action(Action),
    Time,
}

/// What finds the rows of a filter: one statement for each of several tokens or actors, each in the order
/// of the list.
fn ways(filter: &EventFilter) -> Vec<By> {
    if let Some(request) = &filter.request_id {
        return vec![asked::by_request(request)];
    }
    if !filter.tokens.is_empty() {
        return filter.tokens.iter().copied().map(By::Token).collect();
    }
    if !filter.actors.is_empty() {
        return filter.actors.iter().cloned().map(By::Actor).collect();
    }
    vec![match (&filter.address, filter.action) {
        (Some(address), _) => By::Address(address.clone()),
        (None, Some(action)) => By::Action(action),
        (None, None) => By::Time,
    }]
}

/// The statement of a page. Each filter has an index of migration 0005 or 0012, and the order of all of
/// them is that of the list. The statement names the index: SQLite would take any that has a time.
fn page(
    organization: OrganizationId,
    filter: &EventFilter,
    span: &Span,
    by: &By,
) -> Result<(String, Vec<Bind>)> {
    let (index, found) = match by {
        By::Request(id) => ("audit_by_request", Some((REQUEST, Bind::text(id)))),
        // Also where a client's own id is one of that length.
        By::RequestBegins(_) => ("audit_by_request", None),
        By::Token(id) => ("audit_by_token", Some(("token_id", Bind::text(id)))),
        By::Actor(actor) => ("audit_by_actor", Some(("actor", Bind::text(actor)))),
        By::Address(address) => ("audit_by_address", Some((ADDRESS, Bind::text(address)))),
        By::Action(action) => (
            "audit_by_action",
            Some(("action", Bind::text(action.name()))),
        ),
        By::Time => ("audit_by_time", None),
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
    if let Some((column, value)) = found {
        add(&format!(" and {column} = ?"), vec![value]);
    }
    if let By::RequestBegins(beginning) = by {
        let ends = vec![Bind::text(beginning), Bind::text(format!("{beginning}g"))];
        add(&format!(" and {REQUEST} >= ? and {REQUEST} < ?"), ends);
    }
    // What else must fit; what the rows were found by fits already.
    if let Some(action) = filter.action {
        add(" and action = ?", vec![Bind::text(action.name())]);
    }
    if !filter.actors.is_empty() {
        let actors = serde_json::to_string(&filter.actors).map_err(d1::failed)?;
        let clause = " and actor in (select value from json_each(?))";
        add(clause, vec![Bind::Text(actors)]);
    }
    if let Some(address) = &filter.address {
        add(&format!(" and {ADDRESS} = ?"), vec![Bind::text(address)]);
    }
    if matches!(by, By::Request(_) | By::RequestBegins(_)) && !filter.tokens.is_empty() {
        let tokens = serde_json::to_string(&filter.tokens).map_err(d1::failed)?;
        let clause = " and token_id in (select value from json_each(?))";
        add(clause, vec![Bind::Text(tokens)]);
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
    Ok((sql, values))
}

/// The rows of several statements as one list, in its order.
fn merged(mut rows: Vec<AuditRow>, span: &Span) -> Vec<AuditRow> {
    rows.sort_by_key(|row| core::cmp::Reverse((row.at, row.sequence)));
    rows.dedup_by_key(|row| row.sequence);
    rows.truncate(span.limit as usize + 1);
    rows
}

/// Tokens that have a name, or had it before an edit, as migration 0016 has it.
const CALLED: &str = "select t.id, t.format, t.name, p.name as project, w.name as workflow \
     from tokens t indexed by tokens_by_name \
     left join projects p on p.id = t.project_id left join workflows w on w.id = t.workflow_id \
     where t.organization_id = ?1 and t.name = ?2 and (?3 or t.is_system = 0) \
     union select t.id, t.format, t.name, p.name as project, w.name as workflow \
     from audit a indexed by audit_by_former_name \
     cross join tokens t indexed by sqlite_autoindex_tokens_1 on t.id = a.token_id \
     left join projects p on p.id = t.project_id left join workflows w on w.id = t.workflow_id \
     where a.organization_id = ?1 and a.action = 'token.edit' \
     and iif(json_valid(a.content), json_extract(a.content, '$.changes.\"name.before\"'), null) = ?2 \
     and t.organization_id = ?1 and (?3 or t.is_system = 0) limit ?4";

/// Tokens within ranges of ids.
const WITHIN: &str = "select wanted.key as place, t.id, t.format, t.name, p.name as project, \
     w.name as workflow from json_each(?2) as wanted \
     cross join tokens t indexed by sqlite_autoindex_tokens_1 \
     left join projects p on p.id = t.project_id left join workflows w on w.id = t.workflow_id \
     where t.id >= json_extract(wanted.value, '$[0]') and t.id <= json_extract(wanted.value, '$[1]') \
     and t.organization_id = ?1 and (?4 or t.is_system = 0) limit ?3";

#[derive(Deserialize)]
struct NamedRow {
    #[serde(default)]
    place: usize,
    id: String,
    format: Format,
    name: String,
    project: Option<String>,
    workflow: Option<String>,
}

impl NamedRow {
    fn read(self) -> Result<(usize, NamedToken)> {
        let id = TokenId::parse(&self.id).map_err(|_| d1::failed("an id does not parse"))?;
        let token = NamedToken {
            id,
            format: self.format,
            name: self.name,
            project: self.project,
            workflow: self.workflow,
        };
        Ok((self.place, token))
    }
}

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
        let pages = ways(filter);
        let pages = pages.iter().map(|by| page(organization, filter, span, by));
        let pages: Vec<(String, Vec<Bind>)> = pages.collect::<Result<_>>()?;
        let rows = merged(d1::rows_of_all(&self.env, pages).await?, span);
        let listed = rows.into_iter().map(|row| Listed {
            place: row.place(),
            row: row.row(),
        });
        Ok(listed.collect())
    }

    async fn mints_by_hour(
        &self,
        organization: OrganizationId,
        asked: &TotalsQuery,
        since: Timestamp,
    ) -> Result<Vec<(i64, u32)>> {
        figures::mints_by_hour(&self.env, organization, asked, since).await
    }

    async fn acted(&self, organization: OrganizationId, actors: &[String]) -> Result<Vec<String>> {
        asked::acted(&self.env, organization, actors).await
    }

    async fn tokens_called(
        &self,
        organization: OrganizationId,
        name: &str,
        with_system: bool,
        limit: u32,
    ) -> Result<Vec<NamedToken>> {
        let values = vec![
            Bind::text(organization),
            Bind::text(name),
            Bind::number(u32::from(with_system)),
            Bind::number(limit),
        ];
        let rows: Vec<NamedRow> = d1::rows(&self.env, CALLED, values).await?;
        let tokens = rows.into_iter().map(NamedRow::read);
        tokens.map(|read| read.map(|(_, token)| token)).collect()
    }

    async fn tokens_within(
        &self,
        organization: OrganizationId,
        ranges: &[IdRange],
        with_system: bool,
        limit: u32,
    ) -> Result<Vec<(usize, NamedToken)>> {
        let ends: Vec<[TokenId; 2]> = ranges.iter().map(|all| [all.first, all.last]).collect();
        let values = vec![
            Bind::text(organization),
            Bind::Text(serde_json::to_string(&ends).map_err(d1::failed)?),
            Bind::number(limit),
            Bind::number(u32::from(with_system)),
        ];
        let rows: Vec<NamedRow> = d1::rows(&self.env, WITHIN, values).await?;
        rows.into_iter().map(NamedRow::read).collect()
    }

    async fn rows(
        &self,
        organization: OrganizationId,
        after: u64,
        up_to: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Row)>> {
        rows(&self.env, organization, (after, up_to), limit).await
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

/// Rows in their order, behind the first number and up to the second.
pub async fn rows(
    env: &Env,
    organization: OrganizationId,
    (after, up_to): (u64, u64),
    limit: u32,
) -> Result<Vec<(u64, Row)>> {
    let values = vec![
        Bind::text(organization),
        whole(after),
        whole(up_to),
        Bind::number(limit),
    ];
    let rows: Vec<AuditRow> = d1::rows(env, ROWS, values).await?;
    let rows = rows.into_iter().map(|row| (row.sequence, row.row()));
    Ok(rows.collect())
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

#[cfg(test)]
mod tests;
