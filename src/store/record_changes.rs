//! The Ledger's record changes as D1 statements. Each can be applied again without harm, because the
//! outbox may deliver twice.

use std::collections::HashMap;

use serde::Deserialize;
use worker::{D1Database, D1PreparedStatement};

use super::d1::{Bind, statement};
use super::limits::{SET_LIMITS, kept_policy};
use postern_domain::token::{Format, TokenFacts, Verifier};
use postern_ledger::{AuditRow, RecordChange, TokenRow};

/// What D1 says, and the outbox too, where an event's number has another row. Migration 0008 has
/// it.
pub const OTHER_ROW: &str = "the audit log has another row of this number";

/// An event as D1 has it.
#[derive(Debug, Deserialize)]
pub struct Landed {
    sequence: u64,
    link: String,
}

/// The statement that shows what D1 has under the numbers of these events, which are those of one
/// organization, in their order. `None` where there are none.
///
/// # Errors
/// When a value cannot be bound.
pub fn show(
    database: &D1Database,
    events: &[&AuditRow],
) -> worker::Result<Option<D1PreparedStatement>> {
    let (Some(first), Some(last)) = (events.first(), events.last()) else {
        return Ok(None);
    };
    let number =
        |row: &AuditRow| Bind::whole(i64::try_from(row.event.sequence).unwrap_or(i64::MAX));
    let values = vec![
        Bind::text(first.event.organization_id),
        number(first),
        number(last),
    ];
    let query = "select sequence, link from audit \
                 where organization_id = ? and sequence between ? and ?";
    statement(database, query, values).map(Some)
}

/// The number of the first of these events that D1 does not have, or has differently.
pub fn not_landed(events: &[&AuditRow], landed: &[Landed]) -> Option<u64> {
    let links: HashMap<u64, &str> = landed
        .iter()
        .map(|row| (row.sequence, row.link.as_str()))
        .collect();
    let lacks = |row: &&&AuditRow| links.get(&row.event.sequence) != Some(&row.link.mac.as_str());
    events.iter().find(lacks).map(|row| row.event.sequence)
}

/// The statement that carries out one change.
///
/// # Errors
/// When a value cannot be bound.
pub fn prepare(
    database: &D1Database,
    change: &RecordChange,
) -> worker::Result<D1PreparedStatement> {
    match change {
        RecordChange::InsertToken(row) => insert_token(database, row),
        RecordChange::ForgetToken {
            organization,
            token,
            created_at,
            sequence,
        } => statement(
            database,
            FORGET_TOKEN,
            vec![
                Bind::text(token),
                Bind::text(organization),
                Bind::time(*created_at),
                Bind::whole(*sequence),
            ],
        ),
        RecordChange::EditToken {
            facts,
            description,
            sequence,
        } => statement(
            database,
            EDIT_TOKEN,
            vec![
                Bind::text(facts.id),
                Bind::text(facts.organization.id),
                Bind::text(facts.name.as_str()),
                Bind::maybe(description.as_ref()),
                Bind::Text(serde_json::to_string(&facts.policies)?),
                Bind::maybe_time(facts.expires_at),
                Bind::maybe(conditions(facts)?),
                Bind::number(facts.revision),
                Bind::whole(*sequence),
            ],
        ),
        RecordChange::RevokeToken {
            organization,
            token,
            at,
            by,
        } => statement(
            database,
            // A token that is being rotated out has an end ahead of it, and may end earlier.
            "update tokens set revoked_at = ?1, revoked_by = ?2 \
             where id = ?3 and organization_id = ?4 \
             and (revoked_at is null or revoked_at > ?1)",
            vec![
                Bind::time(*at),
                Bind::text(by),
                Bind::text(token),
                Bind::text(organization),
            ],
        ),
        RecordChange::Quarantine {
            organization,
            token,
            at,
            sequence,
        } => statement(
            database,
            QUARANTINE,
            vec![
                Bind::text(token),
                Bind::text(organization),
                Bind::maybe_time(*at),
                Bind::whole(*sequence),
            ],
        ),
        RecordChange::QuarantineTokens {
            organization,
            tokens,
            at,
            sequence,
        } => statement(
            database,
            QUARANTINE_TOKENS,
            vec![
                Bind::text(organization),
                Bind::Text(serde_json::to_string(tokens)?),
                Bind::time(*at),
                Bind::whole(*sequence),
            ],
        ),
        RecordChange::RecordUse {
            organization,
            token,
            uses,
            at,
        } => statement(
            database,
            "update tokens set uses = max(uses, ?1), last_used_at = max(coalesce(last_used_at, 0), ?2) \
             where id = ?3 and organization_id = ?4",
            vec![
                Bind::whole(*uses),
                Bind::time(*at),
                Bind::text(token),
                Bind::text(organization),
            ],
        ),
        // A batch has a statement for each change.
        RecordChange::InsertRun => statement(database, "select 1", Vec::new()),
        RecordChange::AppendAudit(row) => append_audit(database, row),
        RecordChange::SetLimits {
            organization,
            sequence,
            mint_ceiling,
            max_idle_days,
            on_leak,
            federated_only,
            policy,
        } => {
            let mut values = vec![
                mint_ceiling.map_or(Bind::Null, Bind::number),
                Bind::number(*max_idle_days),
                Bind::text(on_leak.word()),
                Bind::whole(*sequence),
                Bind::text(organization),
                federated_only.map_or(Bind::Null, |only| Bind::number(u32::from(only))),
            ];
            values.extend(kept_policy(policy.as_ref())?);
            statement(database, SET_LIMITS, values)
        }
        RecordChange::SetPause {
            organization,
            sequence,
            pause,
        } => statement(
            database,
            "update organizations set paused_at = ?1, paused_by = ?2, pause_reason = ?3, \
             pause_sequence = ?4 where id = ?5 and pause_sequence < ?4",
            vec![
                Bind::maybe_time(pause.as_ref().map(|pause| pause.at)),
                Bind::maybe(pause.as_ref().map(|pause| &pause.by)),
                Bind::maybe(pause.as_ref().and_then(|pause| pause.reason.as_ref())),
                Bind::whole(*sequence),
                Bind::text(organization),
            ],
        ),
        RecordChange::KeepCheckpoint {
            organization,
            sequence,
            at,
            signed,
        } => statement(
            database,
            "insert into checkpoints (organization_id, sequence, at, content, kid, mac) \
             values (?, ?, ?, ?, ?, ?) on conflict (organization_id, sequence) do nothing",
            vec![
                Bind::text(organization),
                Bind::whole(*sequence),
                Bind::time(*at),
                Bind::text(&signed.checkpoint),
                Bind::text(&signed.kid),
                Bind::text(&signed.mac),
            ],
        ),
    }
}

fn insert_token(database: &D1Database, row: &TokenRow) -> worker::Result<D1PreparedStatement> {
    let facts = &row.facts;
    let (pepper, hash, claims) = match &facts.verifier {
        Verifier::Opaque { pepper, hash } => (Bind::text(pepper), Bind::text(hash), Bind::Null),
        Verifier::Jwt { .. } => (Bind::Null, Bind::Null, Bind::Null),
        Verifier::Adopted { claims } => {
            let claims = serde_json::to_string(claims)?;
            (Bind::Null, Bind::Null, Bind::Text(claims))
        }
    };
    let format = match facts.verifier.format() {
        Format::Opaque => "opaque",
        Format::Jwt => "jwt",
    };
    let policies = serde_json::to_string(&facts.policies)?;
    let ci_job = facts
        .ci_job
        .as_ref()
        .map(serde_json::to_string)
        .transpose()?;
    statement(
        database,
        INSERT_TOKEN,
        vec![
            Bind::text(facts.id),
            Bind::text(facts.organization.id),
            Bind::maybe(row.project()),
            Bind::maybe(row.workflow()),
            Bind::text(facts.name.as_str()),
            Bind::maybe(row.description.as_ref()),
            Bind::text(format),
            pepper,
            hash,
            claims,
            Bind::Text(policies),
            Bind::number(u32::from(facts.is_system)),
            Bind::time(row.created_at),
            Bind::text(&row.created_by),
            Bind::maybe(row.minted_by),
            Bind::maybe_time(facts.expires_at),
            Bind::whole(row.sequence),
            Bind::maybe(ci_job),
            Bind::maybe(conditions(facts)?),
            Bind::number(facts.revision),
        ],
    )
}

/// A token's conditions as its row has them.
fn conditions(facts: &TokenFacts) -> worker::Result<Option<String>> {
    let conditions = facts.conditions.as_ref();
    Ok(conditions.map(serde_json::to_string).transpose()?)
}

// A batch that was given up may arrive late, behind what came after it. Where that matters, the
// events that D1 has by then tell: each of these goes to D1 with its own.

/// Not where the creation was abandoned since: the row of an adoption would come back to stay.
const INSERT_TOKEN: &str = "insert into tokens \
     (id, organization_id, project_id, workflow_id, name, description, format, pepper, hash, \
      claims, policies, is_system, created_at, created_by, minted_by, expires_at, ci_job, \
      conditions, revision) \
     select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?18, ?19, ?20 \
     where not exists (select 1 from audit where organization_id = ?2 and token_id = ?1 \
     and action = 'token.mint_abandoned' and sequence > ?17) on conflict (id) do nothing";

/// Not where it was made anew since: an adoption, or the token of a CI job.
const FORGET_TOKEN: &str = "delete from tokens where id = ?1 and organization_id = ?2 \
     and created_at = ?3 and not exists (select 1 from audit where organization_id = ?2 \
     and token_id = ?1 and action in ('token.adopt', 'token.mint') and sequence > ?4)";

/// Not where it was edited again since.
pub(super) const EDIT_TOKEN: &str = "update tokens set name = ?3, description = ?4, policies = ?5, \
     expires_at = ?6, conditions = ?7, revision = ?8 where id = ?1 and organization_id = ?2 \
     and not exists (select 1 from audit where organization_id = ?2 and token_id = ?1 \
     and action = 'token.edit' and sequence > ?9)";

/// Not where it was released, or quarantined again, since.
const QUARANTINE: &str = "update tokens set quarantined_at = ?3 where id = ?1 \
     and organization_id = ?2 and not exists (select 1 from audit where organization_id = ?2 \
     and token_id = ?1 and action in ('token.quarantine', 'token.release', 'token.adopt') \
     and sequence > ?4)";

/// Not those that were quarantined already, or released, or quarantined again, since.
pub(super) const QUARANTINE_TOKENS: &str = "update tokens set quarantined_at = ?3 \
     where id in (select value from json_each(?2)) and organization_id = ?1 \
     and quarantined_at is null and not exists (select 1 from audit where organization_id = ?1 \
     and token_id = tokens.id and action in ('token.quarantine', 'token.release') \
     and sequence > ?4)";

/// The same row again changes nothing; for another one of its number the trigger of migration 0008
/// ends the batch.
pub(super) const APPEND_AUDIT: &str = "insert into audit \
     (organization_id, sequence, at, action, actor, token_id, content, previous, link, kid) \
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (organization_id, sequence) do nothing";

fn append_audit(database: &D1Database, row: &AuditRow) -> worker::Result<D1PreparedStatement> {
    let event = &row.event;
    let sequence = i64::try_from(event.sequence).unwrap_or(i64::MAX);
    statement(
        database,
        APPEND_AUDIT,
        vec![
            Bind::text(event.organization_id),
            Bind::whole(sequence),
            Bind::time(event.at),
            Bind::text(event.action.name()),
            Bind::text(event.requester.actor.as_str()),
            // Empty where the event is about no token.
            Bind::text(event.token_id.map_or(String::new(), |id| id.to_string())),
            Bind::text(&row.content),
            Bind::text(&row.previous),
            Bind::text(&row.link.mac),
            Bind::text(&row.link.kid),
        ],
    )
}

#[cfg(test)]
mod tests;
