//! The ids that a rule about a repository needs, from the public API of its forge.

use serde::{Deserialize, Serialize};

use super::{ci, permit, refused};
use crate::config::Config;
use crate::error::Result;
use crate::jobs;
use crate::ports::JobKeys;
use crate::registry::read_body;
use postern_domain::caller::Caller;
use postern_domain::operation::Operation;
use postern_domain::trust::{ForgeId, Identity, RuleError};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FindRequest {
    issuer: String,
    repository: String,
}

/// A repository as it is answered: with the ids that tokens of its issuer have.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct FoundView {
    repository: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository_id: Option<ForgeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository_owner_id: Option<ForgeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<ForgeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace_id: Option<ForgeId>,
}

/// `POST /org/trust-rules/find`. Nothing is written.
///
/// # Errors
/// `Denied`; `Conflict` where job tokens are off; `Invalid` for an issuer that the deployment does not
/// trust, and where the forge shows no such repository; `Forge` where it does not answer.
pub async fn find<P: JobKeys>(
    caller: &Caller,
    body: &[u8],
    config: &Config,
    ports: &P,
) -> Result<FoundView> {
    permit(caller, Operation::TrustRuleList)?;
    let asked: FindRequest = read_body(body)?;
    let issuers = &ci(config)?.issuers;
    let known = || issuers.iter().map(ToString::to_string).collect();
    let issuer = issuers
        .named(&asked.issuer)
        .ok_or_else(|| refused(&RuleError::UnknownIssuer(known())))?;
    let found = jobs::find(issuer, &asked.repository, ports).await?;
    let mut view = FoundView {
        repository: found.repository,
        repository_id: None,
        repository_owner_id: None,
        project_id: None,
        namespace_id: None,
    };
    match found.identity {
        Identity::Repository {
            repository_id,
            repository_owner_id,
        } => {
            view.repository_id = Some(repository_id);
            view.repository_owner_id = Some(repository_owner_id);
        }
        Identity::Project {
            project_id,
            namespace_id,
        } => {
            view.project_id = Some(project_id);
            view.namespace_id = Some(namespace_id);
        }
        // No forge knows one.
        Identity::Subject { .. } => {}
    }
    Ok(view)
}
