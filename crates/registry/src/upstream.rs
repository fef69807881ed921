//! Upstream credentials (R42): set, read and cleared, for an organization, a project or a workflow.
//! The text comes in once, is sealed here, and never goes out again.

mod body;
mod create;
mod list;

pub use list::{UpstreamList, list};

use serde::Serialize;

use super::config::Config;
use super::error::{Error, Result};
use super::organization::resolve_id;
use super::ports::{Directory, Entropy, Ledgers, Origin, Records};
use super::registry::{find_project, find_workflow, new_id};
use body::{Asked, Source};
use postern_domain::audit::Requester;
use postern_domain::caller::Caller;
use postern_domain::decide::{Grant, Permit, Target, decide};
use postern_domain::id::{Organization, Upstream, UpstreamId};
use postern_domain::operation::{Managed, Operation};
use postern_domain::scope::Named;
use postern_domain::upstream::{Credential, Reach, SEAL_NONCE_BYTES, Sealed, seal};
use postern_ledger::{
    ClearUpstreamAnswer, ClearUpstreamCommand, ReadUpstreamCommand, SetUpstreamAnswer,
    SetUpstreamCommand, UpstreamState,
};
use postern_wire::rfc3339;

/// What a path names: a project, and a workflow of it, each by its name or id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReachNamed<'p> {
    /// The project.
    pub project: Option<&'p str>,
    /// The workflow.
    pub workflow: Option<&'p str>,
}

/// A credential as it is answered: what it is for and how to tell it, and nothing of its text.
#[derive(Debug, Serialize)]
pub struct UpstreamView {
    scope: ScopeView,
    digest: String,
    set_at: String,
    set_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced: Option<ReplacedView>,
}

/// What a credential is for, by names; none of them = the organization.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct ScopeView {
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow: Option<String>,
}

/// One that was replaced and is kept for runs that began under it.
#[derive(Debug, Serialize)]
struct ReplacedView {
    digest: String,
    until: String,
}

impl From<&Reach> for ScopeView {
    fn from(reach: &Reach) -> Self {
        Self {
            project: reach.project().map(str::to_owned),
            workflow: reach.workflow().map(str::to_owned),
        }
    }
}

impl From<UpstreamState> for UpstreamView {
    fn from(state: UpstreamState) -> Self {
        Self {
            scope: (&state.reach).into(),
            digest: state.digest.as_str().to_owned(),
            set_at: rfc3339::print(state.set_at),
            set_by: state.set_by,
            replaced: state.replaced.map(|replaced| ReplacedView {
                digest: replaced.digest.as_str().to_owned(),
                until: rfc3339::print(replaced.until),
            }),
        }
    }
}

/// `PUT …/upstream`. It answers once every call that begins from then on is sent on with it. Where the
/// body asks for it, the credential is made at the origin first.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound` for organization, project or workflow, `Conflict` where the
/// organization has too many, `OriginToken` where the origin made none, `Unavailable`.
pub async fn set<P>(
    caller: &Caller,
    organization: Option<&str>,
    named: ReachNamed<'_>,
    (body, requester): (&[u8], Requester),
    config: &Config,
    ports: &P,
) -> Result<UpstreamView>
where
    P: Directory + Entropy + Ledgers + Origin + Records,
{
    let permit = permit(caller, Operation::UpstreamSet)?;
    let Asked { source, keep_ms } = body::read(body)?;
    let (organization, reach) = find(caller, organization, named, ports).await?;
    let grant = permit.over(&organization)?;
    let id = new_id::<Upstream, _>(None, ports)?;
    let setting = Setting {
        id,
        reach,
        keep_ms,
        set_by: caller.provenance(),
        requester,
    };
    match source {
        Source::Given(credential) => {
            let set = setting.store(&credential, &grant, config, ports).await;
            Ok(set?.into())
        }
        Source::Create(asked) => {
            let made = create::at_origin(&asked, &organization, &setting, ports).await?;
            match setting.store(&made.credential, &grant, config, ports).await {
                Ok(state) => Ok(state.into()),
                // It may be set, and be what calls are sent on with: it must not be revoked then.
                Err(why @ Error::Unavailable { .. }) => Err(made.uncertain(&why)),
                Err(why) => Err(made.undo(&asked, &organization, why, ports).await),
            }
        }
    }
}

/// What is to be set, but for the credential.
struct Setting {
    id: UpstreamId,
    reach: Reach,
    keep_ms: u32,
    set_by: String,
    requester: Requester,
}

impl Setting {
    /// Seals a credential, and has the Ledger keep it.
    async fn store<P: Entropy + Ledgers>(
        &self,
        credential: &Credential,
        grant: &Grant,
        config: &Config,
        ports: &P,
    ) -> Result<UpstreamState> {
        let mut nonce = [0; SEAL_NONCE_BYTES];
        ports.fill(&mut nonce)?;
        let organization = grant.organization().id;
        let sealed = Sealed {
            organization,
            reach: &self.reach,
            id: self.id,
        };
        let sealed = seal(credential, sealed, &config.root_keys.upstream, nonce);
        let sealed = sealed.map_err(|_| Error::unavailable("a credential was not sealed"))?;
        let command = SetUpstreamCommand {
            organization,
            digest: credential.digest(),
            id: self.id,
            sealed,
            keep_ms: self.keep_ms,
            set_by: self.set_by.clone(),
            requester: self.requester.clone(),
            reach: self.reach.clone(),
        };
        match ports.send(grant, &command).await? {
            SetUpstreamAnswer::Set(state) => Ok(state),
            SetUpstreamAnswer::TooMany { limit } => Err(Error::Conflict {
                code: "upstream_limit_reached",
                detail: format!(
                    "the organization has {limit} upstream credentials, those included that are \
                     kept after they were replaced: clear one, or set a wider one"
                ),
            }),
        }
    }
}

/// `GET …/upstream`: what is set for exactly this, and not for a wider scope.
///
/// # Errors
/// `Denied`, `NotFound` for organization, project or workflow, `UpstreamUnset`, `Unavailable`.
pub async fn read<P>(
    caller: &Caller,
    organization: Option<&str>,
    named: ReachNamed<'_>,
    ports: &P,
) -> Result<UpstreamView>
where
    P: Directory + Ledgers + Records,
{
    let permit = permit(caller, Operation::UpstreamRead)?;
    let (organization, reach) = find(caller, organization, named, ports).await?;
    let command = ReadUpstreamCommand { reach };
    let state = ports.send(&permit.over(&organization)?, &command).await?;
    state.map(Into::into).ok_or(Error::UpstreamUnset)
}

/// `DELETE …/upstream`: the credential goes, with all that are kept for this scope. It answers once
/// no call that begins from then on is sent on with one of them.
///
/// # Errors
/// As [`read`].
pub async fn clear<P>(
    caller: &Caller,
    organization: Option<&str>,
    named: ReachNamed<'_>,
    requester: Requester,
    ports: &P,
) -> Result<()>
where
    P: Directory + Ledgers + Records,
{
    let permit = permit(caller, Operation::UpstreamClear)?;
    let (organization, reach) = find(caller, organization, named, ports).await?;
    let command = ClearUpstreamCommand {
        organization: organization.id,
        reach,
        requester,
    };
    match ports.send(&permit.over(&organization)?, &command).await? {
        ClearUpstreamAnswer::Cleared => Ok(()),
        ClearUpstreamAnswer::Unset => Err(Error::UpstreamUnset),
    }
}

/// A credential is the whole organization's matter, whatever it is for: whose calls are made in its
/// name at the origin, nobody who is confined to a project decides.
fn permit(caller: &Caller, operation: Operation) -> Result<Permit> {
    let target = Target::Tokens(Managed::OrganizationTokens);
    Ok(decide(caller, operation, target)?)
}

/// What the path names, as the record knows it. For the organization itself the record is not asked.
async fn find<P>(
    caller: &Caller,
    organization: Option<&str>,
    named: ReachNamed<'_>,
    ports: &P,
) -> Result<(Named<Organization>, Reach)>
where
    P: Directory + Ledgers + Records,
{
    let organization = resolve_id(caller, organization, ports).await?;
    let Some(project) = named.project else {
        return Ok((organization, Reach::Organization));
    };
    let project = find_project(organization.id, project, ports).await?;
    let workflow = match named.workflow {
        Some(meant) => Some(find_workflow(organization.id, project.id, meant, ports).await?),
        None => None,
    };
    let workflow = workflow.as_ref().map(|workflow| workflow.name.as_str());
    let reach = Reach::of(Some(&project.name), workflow);
    // A name that is no label would make it a wider one.
    match reach.project() == Some(project.name.as_str()) && reach.workflow() == workflow {
        true => Ok((organization, reach)),
        false => Err(Error::invalid(
            "name_invalid",
            "no credential can be set for a project or workflow whose name is no RFC 1123 label",
        )),
    }
}

#[cfg(test)]
mod tests;
