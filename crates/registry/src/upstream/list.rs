//! Which upstream credentials an organization has set.

use serde::Serialize;

use super::{UpstreamView, permit};
use crate::error::Result;
use crate::organization::resolve_id;
use crate::ports::{Directory, Ledgers};
use postern_domain::caller::Caller;
use postern_domain::operation::Operation;
use postern_ledger::ListUpstreamsCommand;

/// All of them: there are never more than a thousand.
#[derive(Debug, Serialize)]
pub struct UpstreamList {
    upstreams: Vec<UpstreamView>,
}

/// `GET /org/upstreams`: the organization's first, then by the names of project and workflow.
///
/// # Errors
/// `Denied`, `NotFound` for the organization, `Unavailable`.
pub async fn list<P: Directory + Ledgers>(
    caller: &Caller,
    organization: Option<&str>,
    ports: &P,
) -> Result<UpstreamList> {
    let permit = permit(caller, Operation::UpstreamRead)?;
    let organization = resolve_id(caller, organization, ports).await?;
    let command = ListUpstreamsCommand {};
    let states = ports.send(&permit.over(&organization)?, &command).await?;
    Ok(UpstreamList {
        upstreams: states.into_iter().map(Into::into).collect(),
    })
}
