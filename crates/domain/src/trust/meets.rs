//! Whether a job meets a rule, and if not, the first condition that fails.

use core::fmt;

use serde::Serialize;

use super::condition::{is_version, unnamed_events};
use super::issuer::Forge;
use super::job::{Identity, Job};
use super::rule::TrustRule;

/// The first condition that a job does not meet, in the order in which they are looked at. It is for the
/// log and for the organization's own people: the answer outside is [`REFUSED`](super::REFUSED) for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmet {
    /// Another issuer.
    Issuer,
    /// Another repository or project; also one of the same name that was made anew.
    Repository,
    /// The repository or project belongs to somebody else now.
    Owner,
    /// Another subject.
    Subject,
    /// The run began with another file, or with one of another repository.
    Workflow,
    /// The job is not written in the reusable workflow, or in another version of it.
    ReusableWorkflow,
    /// Another environment, or none.
    Environment,
    /// The environment is not protected, or the token does not say so.
    UnprotectedEnvironment,
    /// Another Git reference, or none.
    Ref,
    /// The Git reference is not protected, or the token does not say so.
    UnprotectedRef,
    /// None of the events that the rule names.
    Event,
    /// An event that only counts where the rule names it, or none.
    OutsideEvent,
}

impl Unmet {
    /// The word for logs, and for `explain`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::Repository => "repository",
            Self::Owner => "owner",
            Self::Subject => "subject",
            Self::Workflow => "workflow",
            Self::ReusableWorkflow => "reusable_workflow",
            Self::Environment => "environment",
            Self::UnprotectedEnvironment => "unprotected_environment",
            Self::Ref => "ref",
            Self::UnprotectedRef => "unprotected_ref",
            Self::Event => "event",
            Self::OutsideEvent => "outside_event",
        }
    }
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Issuer => "the token is of another issuer",
            Self::Repository => "the job is of another repository, or of one of the same name that was made anew",
            Self::Owner => "the repository belongs to somebody else than when the rule was written",
            Self::Subject => "the token has another subject",
            Self::Workflow => "the run began with another workflow file",
            Self::ReusableWorkflow => "the job is not written in the reusable workflow that the rule names",
            Self::Environment => "the job runs in another environment, or in none",
            Self::UnprotectedEnvironment => "the environment is not protected",
            Self::Ref => "the job runs for another Git reference",
            Self::UnprotectedRef => "the Git reference is not protected",
            Self::Event => "the run was begun by an event that the rule does not name",
            Self::OutsideEvent => {
                "people without write access may begin runs by this event, so it counts only where a rule names it"
            }
        })
    }
}

/// Whether a job meets a rule.
///
/// # Errors
/// The first condition that it does not meet, in the order of [`Unmet`].
pub fn meets(rule: &TrustRule, job: &Job) -> Result<(), Unmet> {
    if rule.issuer() != &job.issuer {
        return Err(Unmet::Issuer);
    }
    identity(rule.identity(), &job.identity)?;
    let asked = rule.conditions();
    let forge = job.issuer.forge();
    let checks = [
        (workflow(rule, job), Unmet::Workflow),
        (reusable(rule, job), Unmet::ReusableWorkflow),
        (environment(rule, job), Unmet::Environment),
        (
            !asked.protected_environment || job.environment_protected == Some(true),
            Unmet::UnprotectedEnvironment,
        ),
        (
            asked.git_ref.is_none() || asked.git_ref == job.git_ref,
            Unmet::Ref,
        ),
        (
            !asked.protected_ref || job.ref_protected == Some(true),
            Unmet::UnprotectedRef,
        ),
    ];
    if let Some((_, unmet)) = checks.into_iter().find(|(met, _)| !met) {
        return Err(unmet);
    }
    let event = job.event.as_ref().map(super::text::JobText::as_str);
    match event {
        // Other issuers do not tell it, and no rule about them can ask.
        _ if forge == Forge::Other => Ok(()),
        Some(event) if asked.events.iter().any(|named| named == event) => Ok(()),
        _ if !asked.events.is_empty() => Err(Unmet::Event),
        Some(event) if unnamed_events(forge).contains(&event) => Ok(()),
        Some(_) | None => Err(Unmet::OutsideEvent),
    }
}

fn identity(wanted: &Identity, found: &Identity) -> Result<(), Unmet> {
    let (thing, owner) = match (wanted, found) {
        (
            Identity::Repository {
                repository_id: wanted,
                repository_owner_id: owner,
            },
            Identity::Repository {
                repository_id,
                repository_owner_id,
            },
        ) => (wanted == repository_id, owner == repository_owner_id),
        (
            Identity::Project {
                project_id: wanted,
                namespace_id: owner,
            },
            Identity::Project {
                project_id,
                namespace_id,
            },
        ) => (wanted == project_id, owner == namespace_id),
        (Identity::Subject { subject: wanted }, Identity::Subject { subject }) => {
            return if wanted == subject {
                Ok(())
            } else {
                Err(Unmet::Subject)
            };
        }
        _ => return Err(Unmet::Repository),
    };
    match (thing, owner) {
        (false, _) => Err(Unmet::Repository),
        (true, false) => Err(Unmet::Owner),
        (true, true) => Ok(()),
    }
}

/// Whether the run began with the rule's file, in the job's own repository: the same token says both.
fn workflow(rule: &TrustRule, job: &Job) -> bool {
    let Some(file) = &rule.conditions().workflow else {
        return true;
    };
    let (Some(repository), Some(claimed)) = (&job.repository, &job.workflow) else {
        return false;
    };
    let version = match job.issuer.forge() {
        Forge::GitHub => claimed
            .as_str()
            .strip_prefix(repository.as_str())
            .and_then(|rest| rest.strip_prefix('/')),
        Forge::GitLab => claimed
            .as_str()
            .strip_prefix(job.issuer.place())
            .and_then(|rest| rest.strip_prefix('/'))
            .and_then(|rest| rest.strip_prefix(repository.as_str()))
            .and_then(|rest| rest.strip_prefix("//")),
        Forge::Other => None,
    };
    let version = version
        .and_then(|rest| rest.strip_prefix(file.as_str()))
        .and_then(|rest| rest.strip_prefix('@'));
    version.is_some_and(is_version)
}

fn reusable(rule: &TrustRule, job: &Job) -> bool {
    match (&rule.conditions().reusable_workflow, &job.job_workflow) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wanted), Some(claimed)) => wanted.is(claimed.as_str()),
    }
}

fn environment(rule: &TrustRule, job: &Job) -> bool {
    match (&rule.conditions().environment, &job.environment) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wanted), Some(found)) => match job.issuer.forge() {
            // Letters of ASCII alone: in Unicode, others than k and s become k and s (U+212A, U+017F).
            Forge::GitHub => wanted.as_str().eq_ignore_ascii_case(found.as_str()),
            Forge::GitLab | Forge::Other => wanted == found,
        },
    }
}
