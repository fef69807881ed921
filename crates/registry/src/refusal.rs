//! Refused mints for the audit log (R35). Wrong requests and failed dependencies are left out: they
//! do not show who tries what.

use super::error::{Error, Result};
use super::organization::resolve_id;
use super::ports::{Directory, Ledgers};
use postern_domain::audit::Requester;
use postern_domain::caller::Caller;
use postern_domain::id::TokenId;
use postern_ledger::RefusalCommand;

/// Whether a refusal belongs into the log: by a limit, by policy, or by a name or token that is
/// not to be had.
fn belongs(error: &Error) -> bool {
    match error {
        Error::Denied(_)
        | Error::MintRate { .. }
        | Error::MinterRate { .. }
        | Error::MintCeiling { .. }
        | Error::Conflict { .. } => true,
        Error::Credential(_)
        | Error::JobToken(_)
        | Error::Forge { .. }
        | Error::CrossSite
        | Error::ServiceWorker
        | Error::TooManyFailures { .. }
        | Error::Invalid { .. }
        | Error::NotFound { .. }
        | Error::Misdirected { .. }
        | Error::MethodNotAllowed { .. }
        | Error::BodyTooLarge { .. }
        | Error::BodyTimeout { .. }
        | Error::MediaType { .. }
        | Error::Compressed { .. }
        | Error::Deadline
        | Error::ReportRate { .. }
        | Error::CiTokenRate { .. }
        | Error::AddressNotAllowed
        | Error::CallsExceeded { .. }
        | Error::NativeGrpc
        | Error::ConnectJson
        | Error::Unregistered { .. }
        | Error::Unavailable { .. }
        | Error::Origin { .. }
        | Error::OriginToken { .. }
        | Error::UpstreamMissing { .. }
        | Error::UpstreamUnset
        | Error::UpstreamRefused { .. }
        | Error::AuditTree(_)
        | Error::Misconfigured { .. } => false,
    }
}

/// Has the Ledger of the caller's organization write down that a mint was refused, or, where
/// `rotated` has the old token's id, a rotation. The Ledger bounds how often. A text that is not an
/// id is not repeated: the caller could have written anything.
///
/// # Errors
/// `Unavailable`: the refusal stands all the same.
pub async fn note<P: Directory + Ledgers>(
    error: &Error,
    caller: &Caller,
    organization: Option<&str>,
    rotated: Option<&str>,
    requester: Requester,
    ports: &P,
) -> Result<()> {
    if !belongs(error) {
        return Ok(());
    }
    let organization = resolve_id(caller, organization, ports).await?;
    let command = RefusalCommand {
        organization: organization.id,
        outcome: error.code().to_owned(),
        target: rotated
            .and_then(|id| TokenId::parse(id).ok())
            .map(|id| format!("token:{id}")),
        requester,
    };
    let actor = caller.actor();
    ports.refuse(actor, &organization, &command).await
}
