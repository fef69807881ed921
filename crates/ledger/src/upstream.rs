//! Upstream credentials as they travel (R42): set, cleared, read by people without their text, and
//! given, sealed, to an isolate that is to send one.

use serde::{Deserialize, Serialize};

use postern_domain::audit::Requester;
use postern_domain::id::{OrganizationId, UpstreamId};
use postern_domain::name::Label;
use postern_domain::time::Timestamp;
use postern_domain::upstream::{Digest, Reach};

use crate::Command;

/// Most credentials of an organization, those included that are kept after they were replaced.
pub const MAX_UPSTREAMS: u32 = 1_000;

/// Set a credential, in place of the one of the same reach if there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetUpstreamCommand {
    /// Whose it is.
    pub organization: OrganizationId,
    /// What it is for.
    pub reach: Reach,
    /// Of this version alone: no other credential ever has it.
    pub id: UpstreamId,
    /// Its text, sealed for exactly these three.
    pub sealed: String,
    /// What is shown of it.
    pub digest: Digest,
    /// For how many milliseconds runs that began under the one before keep that; 0 = not at all,
    /// and what was kept before goes too.
    pub keep_ms: u32,
    /// Who sets it, as lists name creators.
    pub set_by: String,
    /// Who asked, for the event.
    #[serde(rename = "origin")]
    pub requester: Requester,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SetUpstreamAnswer {
    /// It is set, and no isolate sends another one for a call that begins from now on.
    Set(UpstreamState),
    /// The organization has too many.
    TooMany {
        /// The limit.
        limit: u32,
    },
}

/// Clear the credential of a reach, with all that are kept there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClearUpstreamCommand {
    /// Whose it is.
    pub organization: OrganizationId,
    /// What it is for.
    pub reach: Reach,
    /// Who asked, for the event.
    #[serde(rename = "origin")]
    pub requester: Requester,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClearUpstreamAnswer {
    /// It is gone, and no isolate sends it for a call that begins from now on.
    Cleared,
    /// There was none.
    Unset,
}

/// Tell what is set for a reach, and not for a wider one. It changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadUpstreamCommand {
    /// What it is for.
    pub reach: Reach,
}

/// Tell which are set, for the organization first. It changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListUpstreamsCommand {}

/// What may be shown of a credential that is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamState {
    /// What it is for.
    pub reach: Reach,
    /// Its digest.
    pub digest: Digest,
    /// When it was set.
    pub set_at: Timestamp,
    /// By whom.
    pub set_by: String,
    /// Of those that were replaced, the one that is kept longest: after it none is sent.
    #[serde(default)]
    pub replaced: Option<ReplacedUpstream>,
}

/// A credential that was replaced, and is kept for runs that began under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplacedUpstream {
    /// Its digest.
    pub digest: Digest,
    /// Until when it is kept.
    pub until: Timestamp,
}

/// What a call that asks for its upstream credential is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamQuery {
    /// The project that it names.
    pub project: Option<Label>,
    /// The workflow that it names.
    pub workflow: Option<Label>,
    /// Whether these names are all that it is about: the asker knows the run, or the token's scope,
    /// and the scope adds nothing to them.
    pub is_exact: bool,
    /// The version that its run began under, where the isolate knows.
    pub began: Option<UpstreamId>,
}

/// The credential that a call is sent on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenUpstream {
    /// Its version.
    pub id: UpstreamId,
    /// What it is for: as narrow as there is one.
    pub reach: Reach,
    /// Its text, sealed.
    pub sealed: String,
    /// What is shown of it.
    pub digest: Digest,
    /// Until when it is sent, having been replaced: the run began under it.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

impl Command for SetUpstreamCommand {
    const NAME: &'static str = "set-upstream";
    type Answer = SetUpstreamAnswer;
}

impl Command for ClearUpstreamCommand {
    const NAME: &'static str = "clear-upstream";
    type Answer = ClearUpstreamAnswer;
}

impl Command for ReadUpstreamCommand {
    const NAME: &'static str = "read-upstream";
    type Answer = Option<UpstreamState>;
}

impl Command for ListUpstreamsCommand {
    const NAME: &'static str = "list-upstreams";
    type Answer = Vec<UpstreamState>;
}
