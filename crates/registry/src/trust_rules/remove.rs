//! Removing a trust rule, with every token that it gave.

use serde::Serialize;

use super::{UNKNOWN, permit, rule_id};
use crate::error::Result;
use crate::organization::resolve_id;
use crate::ports::{Directory, Ledgers};
use postern_domain::audit::Requester;
use postern_domain::caller::Caller;
use postern_domain::id::TrustRuleId;
use postern_domain::operation::Operation;
use postern_ledger::{RemoveTrustRuleAnswer, RemoveTrustRuleCommand};
use postern_wire::rfc3339;

/// What became of it.
#[derive(Debug, Serialize)]
pub struct RemovedRule {
    id: TrustRuleId,
    removed_at: String,
    revoked_tokens: u32,
}

/// `DELETE /org/trust-rules/{id}`. It answers once no job gets a token of the rule, and no token that it
/// gave is accepted for a call that begins.
///
/// # Errors
/// `Denied`, `Invalid` for a malformed id, `NotFound`, `Unavailable`.
pub async fn remove<P: Directory + Ledgers>(
    caller: &Caller,
    organization: Option<&str>,
    id: &str,
    requester: Requester,
    ports: &P,
) -> Result<RemovedRule> {
    let permit = permit(caller, Operation::TrustRuleRemove)?;
    let id = rule_id(id)?;
    let organization = resolve_id(caller, organization, ports).await?;
    let command = RemoveTrustRuleCommand {
        organization: organization.id,
        rule: id,
        requester,
    };
    match ports.send(&permit.over(&organization)?, &command).await? {
        RemoveTrustRuleAnswer::Removed { at, revoked } => Ok(RemovedRule {
            id,
            removed_at: rfc3339::print(at),
            revoked_tokens: revoked,
        }),
        RemoveTrustRuleAnswer::Unknown => Err(UNKNOWN),
    }
}
