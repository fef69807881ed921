//! The Ledger's effects as D1 statements. Refuses statements that could fail the second time:
//! each can be applied again without harm, because the outbox may deliver twice.

use worker::{D1Database, D1PreparedStatement};

use super::d1::{Bind, statement};
use crate::app::ledger::{AuditRow, Effect, TokenRow};
use crate::domain::token::{Format, Verifier};

/// The statement that carries out one effect.
///
/// # Errors
/// When a value cannot be bound.
pub fn prepare(database: &D1Database, effect: &Effect) -> worker::Result<D1PreparedStatement> {
    match effect {
        Effect::InsertToken(row) => insert_token(database, row),
        Effect::ForgetToken {
            organization,
            token,
            created_at,
        } => statement(
            database,
            "delete from tokens where id = ? and organization_id = ? and created_at = ?",
            vec![
                Bind::text(token),
                Bind::text(organization),
                Bind::time(*created_at),
            ],
        ),
        Effect::RevokeToken {
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
        Effect::Quarantine {
            organization,
            token,
            at,
        } => statement(
            database,
            "update tokens set quarantined_at = ? where id = ? and organization_id = ?",
            vec![
                Bind::maybe_time(*at),
                Bind::text(token),
                Bind::text(organization),
            ],
        ),
        Effect::RecordUse {
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
        Effect::InsertRun {
            organization,
            run,
            facts,
            token,
            at,
        } => statement(
            database,
            "insert into runs \
             (organization_id, id, project, workflow, workflow_id, token_id, created_at) \
             values (?, ?, ?, ?, ?, ?, ?) on conflict (organization_id, id) do nothing",
            vec![
                Bind::text(organization),
                Bind::text(run),
                Bind::text(&facts.project),
                Bind::text(&facts.workflow),
                Bind::maybe(facts.workflow_id),
                Bind::text(token),
                Bind::time(*at),
            ],
        ),
        Effect::AppendAudit(row) => append_audit(database, row),
        Effect::SetLimits {
            organization,
            sequence,
            mint_ceiling,
            max_idle_days,
            on_leak,
        } => statement(
            database,
            "update organizations set mint_ceiling = ?1, max_idle_days = ?2, on_leak = ?3, \
             limits_sequence = ?4 where id = ?5 and limits_sequence < ?4",
            vec![
                mint_ceiling.map_or(Bind::Null, Bind::number),
                Bind::number(*max_idle_days),
                Bind::text(on_leak.word()),
                Bind::whole(*sequence),
                Bind::text(organization),
            ],
        ),
        Effect::KeepCheckpoint {
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
    statement(
        database,
        "insert into tokens \
         (id, organization_id, project_id, workflow_id, name, description, format, pepper, hash, \
          claims, policies, is_system, created_at, created_by, minted_by, expires_at) \
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do nothing",
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
        ],
    )
}

fn append_audit(database: &D1Database, row: &AuditRow) -> worker::Result<D1PreparedStatement> {
    let event = &row.event;
    let sequence = i64::try_from(event.sequence).unwrap_or(i64::MAX);
    statement(
        database,
        "insert into audit \
         (organization_id, sequence, at, action, actor, token_id, content, previous, link, kid) \
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (organization_id, sequence) do nothing",
        vec![
            Bind::text(event.organization_id),
            Bind::whole(sequence),
            Bind::time(event.at),
            Bind::text(event.action.name()),
            Bind::text(&event.origin.actor),
            // Empty where the event is about no token.
            Bind::text(event.token_id.map_or(String::new(), |id| id.to_string())),
            Bind::text(&row.content),
            Bind::text(&row.previous),
            Bind::text(&row.link.mac),
            Bind::text(&row.link.kid),
        ],
    )
}
