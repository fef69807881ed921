//! A trust rule: whose jobs, under which conditions, get what.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::condition::{ConditionError, Conditions, ConditionsDraft};
use super::gives::Gives;
use super::issuer::{Forge, Issuer, Issuers};
use super::job::Identity;
use super::text::{ForgeId, JobText};
use crate::id::TrustRuleId;

/// For how long a token lives at most where a rule does not say, in seconds.
pub const DEFAULT_LIFE_SECONDS: u32 = 900;
/// The longest life that a rule can give, in seconds.
pub const MAX_LIFE_SECONDS: u32 = 3_600;
/// The shortest one.
pub const MIN_LIFE_SECONDS: u32 = 60;
/// Most policies that a rule gives.
pub const MAX_POLICIES: usize = 64;
/// Longest subject, in bytes (OpenID Connect Core 1.0, section 2).
const MAX_SUBJECT: usize = 255;

/// Whose jobs a rule is about, as people write it. Which of the members must be there depends on the
/// issuer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuleDraft {
    /// `github`, `gitlab`, or the URL of another issuer of the deployment.
    pub issuer: String,
    /// `acme/shop`: to be shown, and nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// GitHub: the id of the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_id: Option<ForgeId>,
    /// GitHub: the id of its owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_owner_id: Option<ForgeId>,
    /// GitLab: the id of the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_id: Option<ForgeId>,
    /// GitLab: the id of its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_id: Option<ForgeId>,
    /// Other issuers: the whole subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What else a job must meet.
    #[serde(skip_serializing_if = "is_empty")]
    pub conditions: ConditionsDraft,
}

fn is_empty(draft: &ConditionsDraft) -> bool {
    *draft == ConditionsDraft::default()
}

/// A rule by which an organization trusts the jobs of one repository, or of one subject. Made by
/// [`TrustRule::new`] alone; what a store has passes it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct TrustRule {
    id: TrustRuleId,
    issuer: Issuer,
    identity: Identity,
    repository: Option<JobText>,
    conditions: Conditions,
    gives: Gives,
}

/// Why a rule was refused. The sentences say what to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleError {
    /// The deployment does not know the issuer; these it knows.
    UnknownIssuer(Vec<String>),
    /// A job of any repository could meet it: what pins the rule is missing.
    Unpinned(&'static str),
    /// A member is there that the issuer's tokens do not have.
    OtherForge(&'static str),
    /// The subject is empty, too long, not visible ASCII, or has a wildcard.
    Subject,
    /// The name cannot be shown.
    Repository,
    /// A condition is wrong.
    Condition(ConditionError),
    /// It would give the whole organization.
    WholeOrganization,
    /// It gives no policy, so nothing.
    NoPolicy,
    /// It gives too many policies.
    TooManyPolicies,
    /// The life is too short or too long.
    Life,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownIssuer(known) if known.is_empty() => {
                f.write_str("`issuer`: this gateway trusts no issuer of job tokens")
            }
            Self::UnknownIssuer(known) => {
                write!(
                    f,
                    "`issuer`: must be one of this gateway's: {}",
                    known.join(", ")
                )
            }
            Self::Unpinned(missing) => write!(
                f,
                "`{missing}`: add it; without it, jobs of any repository would meet this rule"
            ),
            Self::OtherForge(member) => {
                write!(
                    f,
                    "`{member}`: tokens of this issuer do not have it; leave it out"
                )
            }
            Self::Subject => write!(
                f,
                "`subject`: must be the whole subject, of at most {MAX_SUBJECT} visible ASCII characters; \
                 it has no wildcards"
            ),
            Self::Repository => f.write_str("`repository`: must be a name that can be shown"),
            Self::Condition(error) => error.fmt(f),
            Self::WholeOrganization => {
                f.write_str("`project`: add it; a job never gets the whole organization")
            }
            Self::NoPolicy => {
                f.write_str("`policies`: add one; without any, the rule gives nothing")
            }
            Self::TooManyPolicies => write!(f, "`policies`: must be at most {MAX_POLICIES}"),
            Self::Life => write!(
                f,
                "`longest_life`: must be from {MIN_LIFE_SECONDS} to {MAX_LIFE_SECONDS} seconds"
            ),
        }
    }
}

impl TrustRule {
    /// A rule about jobs of an issuer that the deployment trusts.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn new(
        id: TrustRuleId,
        draft: &RuleDraft,
        gives: Gives,
        issuers: &Issuers,
    ) -> Result<Self, RuleError> {
        let known = || issuers.iter().map(ToString::to_string).collect();
        let issuer = issuers.named(&draft.issuer);
        let issuer = issuer.ok_or_else(|| RuleError::UnknownIssuer(known()))?;
        Self::of(id, draft, gives, issuer.clone())
    }

    fn of(
        id: TrustRuleId,
        draft: &RuleDraft,
        gives: Gives,
        issuer: Issuer,
    ) -> Result<Self, RuleError> {
        let forge = issuer.forge();
        let repository = draft.repository.as_deref().map(JobText::parse).transpose();
        let conditions = Conditions::parse(&draft.conditions, forge);
        Ok(Self {
            id,
            issuer,
            identity: pinned(draft, forge)?,
            repository: repository.map_err(|_| RuleError::Repository)?,
            conditions: conditions.map_err(RuleError::Condition)?,
            gives,
        })
    }

    /// Its id.
    pub fn id(&self) -> TrustRuleId {
        self.id
    }

    /// Whose tokens it is about.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Which jobs it is about: under this, and the issuer, a store finds it.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What it asks besides.
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// What it gives.
    pub fn gives(&self) -> &Gives {
        &self.gives
    }

    /// The repository's name as it was when the rule was written: to be shown.
    pub fn repository(&self) -> Option<&JobText> {
        self.repository.as_ref()
    }

    /// Whether another rule asks exactly the same: one of the two would never count.
    pub fn asks_the_same(&self, other: &Self) -> bool {
        (&self.issuer, &self.identity, &self.conditions)
            == (&other.issuer, &other.identity, &other.conditions)
    }

    /// As people write it.
    pub fn draft(&self) -> RuleDraft {
        let mut draft = RuleDraft {
            issuer: self.issuer.to_string(),
            repository: self
                .repository
                .as_ref()
                .map(|name| name.as_str().to_owned()),
            conditions: self.conditions.draft(),
            ..RuleDraft::default()
        };
        match self.identity.clone() {
            Identity::Repository {
                repository_id,
                repository_owner_id,
            } => {
                draft.repository_id = Some(repository_id);
                draft.repository_owner_id = Some(repository_owner_id);
            }
            Identity::Project {
                project_id,
                namespace_id,
            } => {
                draft.project_id = Some(project_id);
                draft.namespace_id = Some(namespace_id);
            }
            Identity::Subject { subject } => draft.subject = Some(subject.as_str().to_owned()),
        }
        draft
    }
}

/// What pins a rule to one repository. INVARIANT (a rule names one repository): everything that the
/// forge's tokens tell it by must be there.
fn pinned(draft: &RuleDraft, forge: Forge) -> Result<Identity, RuleError> {
    let members = [
        (
            "repository_id",
            draft.repository_id.is_some(),
            Forge::GitHub,
        ),
        (
            "repository_owner_id",
            draft.repository_owner_id.is_some(),
            Forge::GitHub,
        ),
        ("project_id", draft.project_id.is_some(), Forge::GitLab),
        ("namespace_id", draft.namespace_id.is_some(), Forge::GitLab),
        ("subject", draft.subject.is_some(), Forge::Other),
    ];
    for (member, given, of) in members {
        if given && of != forge {
            return Err(RuleError::OtherForge(member));
        }
    }
    let id = |id: Option<ForgeId>, name| id.ok_or(RuleError::Unpinned(name));
    match forge {
        Forge::GitHub => Ok(Identity::Repository {
            repository_id: id(draft.repository_id, "repository_id")?,
            repository_owner_id: id(draft.repository_owner_id, "repository_owner_id")?,
        }),
        Forge::GitLab => Ok(Identity::Project {
            project_id: id(draft.project_id, "project_id")?,
            namespace_id: id(draft.namespace_id, "namespace_id")?,
        }),
        Forge::Other => {
            let subject = draft
                .subject
                .as_deref()
                .ok_or(RuleError::Unpinned("subject"))?;
            let visible = subject.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
            if !visible || subject.contains('*') || subject.len() > MAX_SUBJECT {
                return Err(RuleError::Subject);
            }
            let subject = JobText::parse(subject).map_err(|_| RuleError::Subject)?;
            Ok(Identity::Subject { subject })
        }
    }
}

/// A rule as stores have it. The form is kept: members are only ever added. One that is not known is refused,
/// as it may narrow the rule.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    id: TrustRuleId,
    asks: RuleDraft,
    gives: Gives,
}

impl From<TrustRule> for Stored {
    fn from(rule: TrustRule) -> Self {
        Self {
            id: rule.id,
            asks: rule.draft(),
            gives: rule.gives,
        }
    }
}

impl TryFrom<Stored> for TrustRule {
    type Error = RuleError;

    fn try_from(stored: Stored) -> Result<Self, RuleError> {
        let Stored { id, asks, gives } = stored;
        let issuer = Issuer::parse(&asks.issuer, super::issuer::Loopback::Allowed);
        let issuer = issuer.map_err(|_| RuleError::UnknownIssuer(Vec::new()))?;
        Self::of(id, &asks, gives, issuer)
    }
}
