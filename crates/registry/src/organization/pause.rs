//! Pausing an organization, and resuming it (R53). D1 is not needed: the Ledger pauses, and every call
//! of the organization's tokens asks it.

use serde::{Deserialize, Serialize};

use super::resolve_id;
use crate::error::{Error, Result};
use crate::ports::{Clock, Directory, Ledgers};
use crate::registry::read_optional_body;
use postern_domain::audit::Requester;
use postern_domain::caller::Caller;
use postern_domain::decide::{Denial, Permit, Target, decide};
use postern_domain::id::Organization;
use postern_domain::operation::{Managed, Operation};
use postern_domain::organization::{Pause, reason};
use postern_domain::scope::Named;
use postern_ledger::{PauseAnswer, PauseCommand, ResumeAnswer, ResumeCommand};
use postern_wire::rfc3339;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PauseRequest {
    reason: Option<String>,
}

/// The answer to a pause.
#[derive(Debug, Serialize)]
pub struct PausedView {
    organization: String,
    paused_at: String,
    paused_by: String,
    reason: Option<String>,
    /// From then on at the latest no call with a token of the organization is accepted anywhere.
    final_at: String,
}

/// The answer to a resume.
#[derive(Debug, Serialize)]
pub struct ResumedView {
    organization: String,
    /// `None` where it was not paused.
    resumed_at: Option<String>,
}

/// `POST /org/pause`: it answers when no isolate admits a token of the organization any more, or, with
/// `respond_async` (RFC 7240, section 4.1), at once. Of an organization that is paused already the
/// first pause stands.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound` for the organization, `Unavailable`.
pub async fn pause<P: Clock + Directory + Ledgers>(
    caller: &Caller,
    organization: Option<&str>,
    body: &[u8],
    (requester, respond_async): (Requester, bool),
    ports: &P,
) -> Result<PausedView> {
    let permit = permit(caller, Operation::OrganizationPause)?;
    let request: PauseRequest = read_optional_body(body)?;
    let reason = request.reason.as_deref().map(reason).transpose();
    let reason =
        reason.map_err(|why| Error::invalid("reason_invalid", format!("`reason` {why}")))?;
    let organization = meant(caller, organization, ports).await?;
    let command = PauseCommand {
        organization: organization.id,
        reason: reason.flatten(),
        paused_by: caller.provenance(),
        respond_async,
        requester,
    };
    let grant = permit.over(&organization)?;
    let PauseAnswer::Paused { pause, final_in_ms } = ports.send(&grant, &command).await?;
    let Pause { at, by, reason } = pause;
    // By this clock, which need not agree with the Ledger's.
    let final_at = ports.now().plus_millis(i64::from(final_in_ms)).max(at);
    Ok(PausedView {
        organization: organization.name,
        paused_at: rfc3339::print(at),
        paused_by: by,
        reason,
        final_at: rfc3339::print(final_at),
    })
}

/// `POST /org/resume`.
///
/// # Errors
/// `Denied`, `NotFound` for the organization, `Unavailable`.
pub async fn resume<P: Directory + Ledgers>(
    caller: &Caller,
    organization: Option<&str>,
    requester: Requester,
    ports: &P,
) -> Result<ResumedView> {
    let permit = permit(caller, Operation::OrganizationResume)?;
    let organization = meant(caller, organization, ports).await?;
    let command = ResumeCommand {
        organization: organization.id,
        requester,
    };
    let grant = permit.over(&organization)?;
    let resumed_at = match ports.send(&grant, &command).await? {
        ResumeAnswer::Resumed { at } => Some(rfc3339::print(at)),
        ResumeAnswer::NotPaused => None,
    };
    Ok(ResumedView {
        organization: organization.name,
        resumed_at,
    })
}

/// The organization that is meant. A caller of one organization who names another one is refused: what
/// is ignored elsewhere would stop the wrong one.
async fn meant<P: Directory + Ledgers>(
    caller: &Caller,
    named: Option<&str>,
    ports: &P,
) -> Result<Named<Organization>> {
    let named = named.map(str::trim).filter(|name| !name.is_empty());
    let own = caller.organization().map(|own| own.name.as_str());
    match (own, named) {
        (Some(own), Some(named)) if own != named => Err(Denial::OtherOrganization.into()),
        _ => resolve_id(caller, named, ports).await,
    }
}

/// A pause stops all of the organization: nobody who is confined to a project decides it.
fn permit(caller: &Caller, operation: Operation) -> Result<Permit> {
    let target = Target::Tokens(Managed::OrganizationTokens);
    Ok(decide(caller, operation, target)?)
}

#[cfg(test)]
mod tests;
