//! A job as its token describes it, whatever forge it runs on. `postern_wire::job` makes one of a token
//! whose signature holds; nothing here says whether it did.

use serde::{Deserialize, Serialize};

use super::issuer::{Forge, Issuer};
use super::text::{Commit, ForgeId, GitRef, JobText};

/// What a job is known by: ids that its forge gives once, or for other issuers the whole subject.
///
/// GitHub's and GitLab's `sub` is no part of it. Its form can be configured, and GitHub's changed; it
/// consists of names, which can pass to somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Identity {
    /// A repository of GitHub. It has another owner when it was transferred.
    Repository {
        /// `repository_id`.
        repository_id: ForgeId,
        /// `repository_owner_id`.
        repository_owner_id: ForgeId,
    },
    /// A project of GitLab. It is in another namespace when it was transferred.
    Project {
        /// `project_id`. For the merge request of a fork it is the fork's, since GitLab 18.2.2.
        project_id: ForgeId,
        /// `namespace_id`.
        namespace_id: ForgeId,
    },
    /// A subject of any other issuer, compared byte by byte, and never taken apart.
    Subject {
        /// `sub`.
        subject: JobText,
    },
}

impl Identity {
    /// Whose tokens have such an identity.
    pub fn forge(&self) -> Forge {
        match self {
            Self::Repository { .. } => Forge::GitHub,
            Self::Project { .. } => Forge::GitLab,
            Self::Subject { .. } => Forge::Other,
        }
    }
}

/// A job. Of other issuers than GitHub and GitLab, only the first two are there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Who says so.
    pub issuer: Issuer,
    /// What it is known by.
    pub identity: Identity,
    /// The repository or project by its name as it is now, with its owner's in front (`acme/shop`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<JobText>,
    /// Its owner or namespace by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<JobText>,
    /// The file that the run began with, as the forge writes it: `workflow_ref`
    /// (`acme/shop/.github/workflows/release.yml@refs/heads/main`) or `ci_config_ref_uri`
    /// (`gitlab.com/acme/shop//.gitlab-ci.yml@refs/heads/main`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<JobText>,
    /// The file that the job itself is written in (`job_workflow_ref`). It is another one than `workflow`
    /// where a reusable workflow was called, and may be in another repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_workflow: Option<JobText>,
    /// The environment, as the forge writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<JobText>,
    /// Whether the environment is protected; GitLab says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_protected: Option<bool>,
    /// The Git reference, in full on every forge. None for GitLab's merge requests and child pipelines, whose
    /// `ref` may be a branch of a fork; whether it is protected is not told either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_ref: Option<GitRef>,
    /// Whether the reference is protected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ref_protected: Option<bool>,
    /// What began the run: `event_name`, or `pipeline_source`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<JobText>,
    /// The run: `run_id`, or `pipeline_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<ForgeId>,
    /// Which attempt of the run, from 1; GitHub has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_attempt: Option<ForgeId>,
    /// The job in its run; GitLab has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<ForgeId>,
    /// The commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// Who began the run, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<JobText>,
    /// Who began the run, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<ForgeId>,
    /// Whose machine it runs on: `github-hosted`, `gitlab-hosted` or `self-hosted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_environment: Option<JobText>,
}

impl Job {
    /// A job of which nothing is known but who says so and what it is.
    pub fn new(issuer: Issuer, identity: Identity) -> Self {
        Self {
            issuer,
            identity,
            repository: None,
            owner: None,
            workflow: None,
            job_workflow: None,
            environment: None,
            environment_protected: None,
            git_ref: None,
            ref_protected: None,
            event: None,
            run_id: None,
            run_attempt: None,
            job_id: None,
            commit: None,
            actor: None,
            actor_id: None,
            runner_environment: None,
        }
    }
}
