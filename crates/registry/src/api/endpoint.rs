//! The routes of the gateway's own API: what each path does under each method, as a table. A path
//! is a list of words; what stands where a name or an id belongs is a segment as it came.

use super::route::NO_ROUTE;
use crate::error::{Error, Result};
use crate::upstream::ReachNamed;
use postern_domain::operation::Operation;

/// What is done at a path under a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint<'p> {
    /// Exchanges a job token for a token.
    Exchange,
    /// Tells the caller about a token.
    Introspect,
    /// Revokes the token that is shown.
    RevokeOwn,
    /// Says what would be decided.
    Explain,
    /// Receives a report of tokens found in public.
    Leaks,
    /// A management call.
    Management(Management<'p>),
}

/// A management call, with what its path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Management<'p> {
    /// Lists organizations.
    Organizations,
    /// Creates one.
    CreateOrganization,
    /// Changes the one of this name.
    UpdateOrganization(&'p str),
    /// Rebuilds the Ledger of the one of this name.
    RebuildLedger(&'p str),
    /// Pauses the caller's.
    Pause,
    /// Resumes it.
    Resume,
    /// Lists projects.
    Projects,
    /// Creates one.
    CreateProject,
    /// Lists the workflows of a project, by its name or id.
    Workflows(&'p str),
    /// Creates one in it.
    CreateWorkflow(&'p str),
    /// Lists tokens.
    Tokens,
    /// Searches them by what the body says.
    SearchTokens,
    /// Counts them.
    Overview,
    /// Creates one.
    CreateToken,
    /// Revokes those that the body selects.
    RevokeMany,
    /// Registers a token of the origin.
    Adopt,
    /// Tells about the token of this id.
    Token(&'p str),
    /// Renames it, or makes it narrower.
    Edit(&'p str),
    /// Revokes it.
    Revoke(&'p str),
    /// Puts a new one in its place.
    Rotate(&'p str),
    /// Ends its quarantine.
    Release(&'p str),
    /// Reads the audit log.
    Audit,
    /// Tells what calls have come to.
    Activity,
    /// Lists the checkpoints that are kept.
    Checkpoints,
    /// Makes one.
    CreateCheckpoint,
    /// Gives the newest one that public keys verify.
    PublicCheckpoint,
    /// Proves that the log of one size is the beginning of the log of another.
    Consistency,
    /// Proves that the event of this number is in the log.
    Inclusion(&'p str),
    /// Lists the upstream credentials that are set.
    Upstreams,
    /// Tells which upstream credential is set for this.
    Upstream(ReachNamed<'p>),
    /// Sets it.
    SetUpstream(ReachNamed<'p>),
    /// Clears it.
    ClearUpstream(ReachNamed<'p>),
    /// Lists the trust rules.
    TrustRules,
    /// Adds one.
    AddTrustRule,
    /// Finds out the ids of a repository.
    FindRepository,
    /// Tells what a job token would get.
    TestJobToken,
    /// Tells about the one of this id.
    TrustRule(&'p str),
    /// Removes it.
    RemoveTrustRule(&'p str),
}

/// What a path does, by method: the combinations that there are.
enum Methods<'p> {
    Get(Endpoint<'p>),
    Post(Endpoint<'p>),
    Patch(Endpoint<'p>),
    GetPost(Endpoint<'p>, Endpoint<'p>),
    GetDelete(Endpoint<'p>, Endpoint<'p>),
    GetPatchDelete([Endpoint<'p>; 3]),
    GetPutDelete([Endpoint<'p>; 3]),
}

impl<'p> Methods<'p> {
    fn under(&self, verb: &str) -> Option<Endpoint<'p>> {
        match (self, verb) {
            (
                Self::Get(one)
                | Self::GetPost(one, _)
                | Self::GetDelete(one, _)
                | Self::GetPatchDelete([one, ..])
                | Self::GetPutDelete([one, ..]),
                "GET",
            )
            | (Self::Post(one) | Self::GetPost(_, one), "POST")
            | (Self::Patch(one) | Self::GetPatchDelete([_, one, _]), "PATCH")
            | (Self::GetPutDelete([_, one, _]), "PUT")
            | (
                Self::GetDelete(_, one)
                | Self::GetPatchDelete([.., one])
                | Self::GetPutDelete([.., one]),
                "DELETE",
            ) => Some(*one),
            _ => None,
        }
    }

    /// The methods, as `Allow` is made from them.
    fn allow(&self) -> &'static str {
        match self {
            Self::Get(_) => "GET",
            Self::Post(_) => "POST",
            Self::Patch(_) => "PATCH",
            Self::GetPost(..) => "GET, POST",
            Self::GetDelete(..) => "GET, DELETE",
            Self::GetPatchDelete(_) => "GET, PATCH, DELETE",
            Self::GetPutDelete(_) => "GET, PUT, DELETE",
        }
    }
}

/// The table.
fn methods(path: &str) -> Option<Methods<'_>> {
    use Endpoint::{Exchange, Explain, Introspect, Leaks, Management as To, RevokeOwn};
    use Management::*;
    use Methods::{Get, GetDelete, GetPatchDelete, GetPost, GetPutDelete, Patch, Post};

    let upstream = |project, workflow| {
        let named = ReachNamed { project, workflow };
        let all = [Upstream(named), SetUpstream(named), ClearUpstream(named)];
        GetPutDelete(all.map(To))
    };

    let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    // An empty part is no name: `/orgs/` is no organization, and no other way to write `/orgs`.
    if parts.iter().any(|part| part.is_empty()) {
        return None;
    }
    Some(match parts.as_slice() {
        ["oauth", "token"] => Post(Exchange),
        ["oauth", "introspect"] => Post(Introspect),
        ["oauth", "revoke"] => Post(RevokeOwn),
        ["explain"] => Post(Explain),
        ["leaks"] => Post(Leaks),
        ["orgs"] => GetPost(To(Organizations), To(CreateOrganization)),
        ["orgs", name] => Patch(To(UpdateOrganization(name))),
        ["orgs", name, "rebuild"] => Post(To(RebuildLedger(name))),
        ["org", "pause"] => Post(To(Pause)),
        ["org", "resume"] => Post(To(Resume)),
        ["org", "projects"] => GetPost(To(Projects), To(CreateProject)),
        ["org", "projects", project, "workflows"] => {
            GetPost(To(Workflows(project)), To(CreateWorkflow(project)))
        }
        ["org", "upstreams"] => Get(To(Upstreams)),
        ["org", "upstream"] => upstream(None, None),
        ["org", "projects", project, "upstream"] => upstream(Some(project), None),
        [
            "org",
            "projects",
            project,
            "workflows",
            workflow,
            "upstream",
        ] => upstream(Some(project), Some(workflow)),
        ["org", "tokens"] => GetPost(To(Tokens), To(CreateToken)),
        ["org", "tokens", "search"] => Post(To(SearchTokens)),
        ["org", "tokens", "revoke"] => Post(To(RevokeMany)),
        ["org", "tokens", "adopt"] => Post(To(Adopt)),
        ["org", "tokens", id] => GetPatchDelete([Token(id), Edit(id), Revoke(id)].map(To)),
        ["org", "tokens", id, "rotate"] => Post(To(Rotate(id))),
        ["org", "tokens", id, "release"] => Post(To(Release(id))),
        ["org", "trust-rules"] => GetPost(To(TrustRules), To(AddTrustRule)),
        ["org", "trust-rules", "find"] => Post(To(FindRepository)),
        ["org", "trust-rules", "test"] => Post(To(TestJobToken)),
        ["org", "trust-rules", id] => GetDelete(To(TrustRule(id)), To(RemoveTrustRule(id))),
        ["org", "overview"] => Get(To(Overview)),
        ["org", "activity"] => Get(To(Activity)),
        ["org", "audit"] => Get(To(Audit)),
        ["org", "audit", "checkpoint"] => Get(To(PublicCheckpoint)),
        ["org", "audit", "consistency"] => Get(To(Consistency)),
        ["org", "audit", sequence, "proof"] => Get(To(Inclusion(sequence))),
        ["org", "audit", "checkpoints"] => GetPost(To(Checkpoints), To(CreateCheckpoint)),
        _ => return None,
    })
}

/// Finds what is done at a path under a method, HEAD being a GET.
///
/// # Errors
/// `NotFound` for a path that is not in the table, `MethodNotAllowed`.
pub fn find<'p>(path: &'p str, verb: &str) -> Result<Endpoint<'p>> {
    let methods = methods(path).ok_or(NO_ROUTE)?;
    let allow = methods.allow();
    methods.under(verb).ok_or(Error::MethodNotAllowed { allow })
}

impl Endpoint<'_> {
    /// What the log and docs/openapi.json call it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Exchange => "token.exchange",
            Self::Introspect => "token.introspect",
            Self::RevokeOwn => Operation::TokenRevokeOwn.name(),
            Self::Explain => "explain",
            Self::Leaks => "leaks.report",
            Self::Management(call) => call.operation().name(),
        }
    }
}

impl Management<'_> {
    /// What the caller must be allowed to do.
    pub fn operation(&self) -> Operation {
        match self {
            Self::Organizations => Operation::OrganizationList,
            Self::CreateOrganization => Operation::OrganizationCreate,
            Self::UpdateOrganization(_) => Operation::OrganizationUpdate,
            Self::RebuildLedger(_) => Operation::OrganizationRebuild,
            Self::Pause => Operation::OrganizationPause,
            Self::Resume => Operation::OrganizationResume,
            Self::Projects => Operation::ProjectList,
            Self::CreateProject => Operation::ProjectCreate,
            Self::Workflows(_) => Operation::WorkflowList,
            Self::CreateWorkflow(_) => Operation::WorkflowCreate,
            Self::Tokens | Self::SearchTokens | Self::Overview => Operation::TokenList,
            Self::CreateToken => Operation::TokenCreate,
            Self::RevokeMany | Self::Revoke(_) => Operation::TokenRevoke,
            Self::Edit(_) => Operation::TokenEdit,
            Self::Adopt => Operation::TokenAdopt,
            Self::Token(_) => Operation::TokenRead,
            Self::Rotate(_) => Operation::TokenRotate,
            Self::Release(_) => Operation::TokenRelease,
            Self::Audit
            | Self::Checkpoints
            | Self::PublicCheckpoint
            | Self::Consistency
            | Self::Inclusion(_) => Operation::AuditRead,
            Self::CreateCheckpoint => Operation::AuditCheckpoint,
            Self::Activity => Operation::ActivityRead,
            Self::Upstreams | Self::Upstream(_) => Operation::UpstreamRead,
            Self::SetUpstream(_) => Operation::UpstreamSet,
            Self::ClearUpstream(_) => Operation::UpstreamClear,
            Self::TrustRules | Self::TrustRule(_) | Self::FindRepository | Self::TestJobToken => {
                Operation::TrustRuleList
            }
            Self::AddTrustRule => Operation::TrustRuleAdd,
            Self::RemoveTrustRule(_) => Operation::TrustRuleRemove,
        }
    }
}

#[cfg(test)]
mod tests;
