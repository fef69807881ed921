//! Trust in the jobs of CI systems (R47): which issuers' job tokens count, which rule of an organization
//! a job meets, and what that rule gives it. `postern_wire::job` reads the tokens.
//!
//! A job is known by ids that never change hands: a repository that was renamed keeps them, and one that
//! was deleted and made again under the same name has others. Names are kept to be shown, and decide
//! nothing but which file a workflow is.
//!
//! INVARIANT (a rule names one repository): a [`TrustRule`] that jobs of any repository could meet cannot
//! be made; see [`RuleError`].

mod audience;
mod choose;
mod condition;
mod facts;
mod gives;
mod grant;
mod issuer;
mod job;
mod meets;
mod rule;
mod text;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

pub use audience::{Audience, Audiences, AudiencesError, MAX_AUDIENCE, NoOrganization, Way};
pub use choose::{Explained, choose, explain};
pub use condition::{ConditionError, Conditions, ConditionsDraft, MAX_EVENTS, unnamed_events};
pub use facts::JobFacts;
pub use gives::Gives;
pub use grant::{Grant, NoGrant, grant};
pub use issuer::{Forge, Issuer, IssuerError, Issuers, Loopback, MAX_ISSUER, MAX_ISSUERS};
pub use job::{Identity, Job};
pub use meets::{Unmet, meets};
pub use rule::{
    DEFAULT_LIFE_SECONDS, MAX_LIFE_SECONDS, MAX_POLICIES, MIN_LIFE_SECONDS, RuleDraft, RuleError,
    TrustRule,
};
pub use text::{Commit, ForgeId, GitRef, JobText, Jti, MAX_GIT_REF, MAX_JOB_TEXT, MAX_JTI, NoText};

/// The one sentence that whoever presents a job token gets when it opens nothing, for whatever reason: an
/// answer that told which condition failed would let strangers find out what a rule says. The reason goes
/// to the log, and to the organization's own people through [`explain`].
pub const REFUSED: &str = "this job token opens nothing here: whoever manages the organization's \
                           trust rules can test it, and the gateway's log has the reason";
