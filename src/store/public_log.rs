//! Checkpoints of audit logs that public keys verify, and the cosignatures of witnesses (R54). Each is
//! signed, so whoever writes here can hide one, and not make one.

use serde::Deserialize;
use worker::Env;

use super::d1::{self, Bind};
use postern_domain::id::OrganizationId;
use postern_domain::time::Timestamp;
use postern_registry::error::Result;
use postern_registry::ports::StoredNote;

/// How long a log goes on before the schedule signs it again.
const NOTE_EVERY_MS: i64 = 86_400_000;
/// Logs that one run of the schedule signs, and as many that it shows to witnesses; the rest wait for the
/// next run.
pub const NOTES_AT_A_TIME: u32 = 50;

/// The largest first. The cosignatures come as one text, a line each.
const NOTES: &str = "select n.size, n.at, n.note, \
    (select group_concat(c.line, char(10)) from audit_cosignatures c \
     where c.organization_id = n.organization_id and c.size = n.size) as lines \
    from audit_notes n where n.organization_id = ? and n.size < ? order by n.size desc limit ?";

const KEEP_NOTE: &str = "insert into audit_notes (organization_id, size, at, note) \
    values (?, ?, ?, ?) on conflict do nothing";

const COSIGNED: &str = "select max(size) as size from audit_cosignatures \
    indexed by audit_cosignatures_by_witness where organization_id = ? and witness = ?";

const KEEP_COSIGNATURE: &str = "insert into audit_cosignatures \
    (organization_id, size, witness, line, at) values (?, ?, ?, ?, ?) \
    on conflict (organization_id, size, witness) do update set line = excluded.line, \
    at = excluded.at";

/// Logs that have grown since their last checkpoint, if that is a day old.
const DUE: &str = "select o.id from organizations o \
    left join audit_notes n on n.organization_id = o.id and n.size = \
        (select max(k.size) from audit_notes k where k.organization_id = o.id) \
    where (n.at is null or n.at <= ?) and coalesce(n.size, 0) < \
        (select max(a.sequence) from audit a where a.organization_id = o.id) \
    order by coalesce(n.at, 0), o.id limit ?";

/// Logs whose newest checkpoint fewer of these witnesses have cosigned than there are, the newest first: a
/// checkpoint that a witness never answers to keeps no later one waiting.
const UNSEEN: &str = "select o.id from organizations o \
    join audit_notes n on n.organization_id = o.id and n.size = \
        (select max(k.size) from audit_notes k where k.organization_id = o.id) \
    where (select count(*) from audit_cosignatures c where c.organization_id = o.id \
        and c.size = n.size and c.witness in (select value from json_each(?1))) \
        < json_array_length(?1) and n.at > ?2 \
    order by n.at desc, o.id limit ?3";

/// For how long a checkpoint is shown again to witnesses that have not cosigned it.
const OFFERED_FOR_MS: i64 = 7 * 86_400_000;

#[derive(Deserialize)]
struct NoteRow {
    size: u64,
    at: i64,
    note: String,
    lines: Option<String>,
}

fn whole(number: u64) -> Bind {
    Bind::whole(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Checkpoints of less than `before` events.
pub async fn notes(
    env: &Env,
    organization: OrganizationId,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<StoredNote>> {
    let values = vec![
        Bind::text(organization),
        whole(before.unwrap_or(1 << 53)),
        Bind::number(limit),
    ];
    let rows: Vec<NoteRow> = d1::rows(env, NOTES, values).await?;
    let read = |row: NoteRow| StoredNote {
        size: row.size,
        at: Timestamp::from_millis(row.at),
        note: row.note,
        cosignatures: row
            .lines
            .iter()
            .flat_map(|lines| lines.lines().map(str::to_owned))
            .collect(),
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Keeps a checkpoint.
pub async fn keep_note(
    env: &Env,
    organization: OrganizationId,
    size: u64,
    at: Timestamp,
    note: &str,
) -> Result<()> {
    let values = vec![
        Bind::text(organization),
        whole(size),
        Bind::time(at),
        Bind::text(note),
    ];
    d1::insert(env, KEEP_NOTE, values, |columns| d1::failed(columns)).await
}

/// The size of the largest checkpoint that a witness has cosigned.
pub async fn cosigned(env: &Env, organization: OrganizationId, witness: &str) -> Result<u64> {
    #[derive(Deserialize)]
    struct Largest {
        size: Option<u64>,
    }
    let values = vec![Bind::text(organization), Bind::text(witness)];
    let rows: Vec<Largest> = d1::rows(env, COSIGNED, values).await?;
    Ok(rows.first().and_then(|row| row.size).unwrap_or_default())
}

/// Keeps a cosignature.
pub async fn keep_cosignature(
    env: &Env,
    organization: OrganizationId,
    size: u64,
    (witness, line): (&str, &str),
    at: Timestamp,
) -> Result<()> {
    let values = vec![
        Bind::text(organization),
        whole(size),
        Bind::text(witness),
        Bind::text(line),
        Bind::time(at),
    ];
    d1::insert(env, KEEP_COSIGNATURE, values, |columns| d1::failed(columns)).await
}

/// Organizations whose log the schedule shall sign now, the longest due first.
pub async fn due(env: &Env, now: Timestamp) -> Result<Vec<OrganizationId>> {
    let values = vec![
        Bind::time(now.plus_millis(-NOTE_EVERY_MS)),
        Bind::number(NOTES_AT_A_TIME),
    ];
    ids(d1::rows(env, DUE, values).await?)
}

/// Organizations whose newest checkpoint the schedule shall show to witnesses.
pub async fn unseen(env: &Env, witnesses: &[&str], now: Timestamp) -> Result<Vec<OrganizationId>> {
    let values = vec![
        Bind::Text(serde_json::to_string(witnesses).map_err(d1::failed)?),
        Bind::time(now.plus_millis(-OFFERED_FOR_MS)),
        Bind::number(NOTES_AT_A_TIME),
    ];
    ids(d1::rows(env, UNSEEN, values).await?)
}

#[derive(Deserialize)]
struct IdRow {
    id: String,
}

fn ids(rows: Vec<IdRow>) -> Result<Vec<OrganizationId>> {
    let id = |row: &IdRow| {
        OrganizationId::parse(&row.id).map_err(|_| d1::failed("an id does not parse"))
    };
    rows.iter().map(id).collect()
}

#[cfg(test)]
mod tests;
