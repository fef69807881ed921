//! The pause of an organization, and its policy for new tokens, as they travel (R53).

use serde::{Deserialize, Serialize};

use postern_domain::audit::Requester;
use postern_domain::id::OrganizationId;
use postern_domain::organization::{OrganizationPolicy, Pause};
use postern_domain::time::Timestamp;

use crate::{Command, LimitsAnswer, LimitsCommand};

/// Pause the organization: from then on none of its tokens is admitted, none acts, and none is
/// created. One that is paused already stays paused as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PauseCommand {
    /// Which one.
    pub organization: OrganizationId,
    /// Why, as whoever pauses says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who pauses, as lists name creators.
    pub paused_by: String,
    /// Answer at once, and not only when the pause is final (RFC 7240, section 4.1).
    #[serde(default)]
    pub respond_async: bool,
    /// Who asked, for the event.
    #[serde(rename = "origin")]
    pub requester: Requester,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PauseAnswer {
    /// Paused now, or before: that pause stands.
    Paused {
        /// The pause.
        pause: Pause,
        /// After how many milliseconds it is final at the latest; 0 = it is.
        final_in_ms: u32,
    },
}

/// Resume it: its tokens are what they were before the pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResumeCommand {
    /// Which one.
    pub organization: OrganizationId,
    /// Who asked, for the event.
    #[serde(rename = "origin")]
    pub requester: Requester,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ResumeAnswer {
    /// It is not paused any more.
    Resumed {
        /// Since when.
        at: Timestamp,
    },
    /// It was not paused.
    NotPaused,
}

/// Change what new tokens must keep to, and the limits with it. A command of its own, as
/// [`FederationCommand`](crate::FederationCommand) is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyCommand {
    /// The limits, and what was asked for.
    pub limits: LimitsCommand,
    /// Whether CI jobs alone get tokens.
    pub federated_only: bool,
    /// What new tokens must keep to.
    pub policy: OrganizationPolicy,
}

impl Command for PauseCommand {
    const NAME: &'static str = "pause";
    type Answer = PauseAnswer;
}

impl Command for ResumeCommand {
    const NAME: &'static str = "resume";
    type Answer = ResumeAnswer;
}

impl Command for PolicyCommand {
    const NAME: &'static str = "policy";
    type Answer = LimitsAnswer;
}
