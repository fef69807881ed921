//! Where a token came from, as it is kept and told: in the token's facts, its audit event, the claims of
//! assertions, and the log line. One form for all of them.

use serde::{Deserialize, Serialize};

use super::issuer::Issuer;
use super::job::{Identity, Job};
use super::text::{Commit, ForgeId, GitRef, JobText};
use crate::audit::{Changes, NotedChanges};
use crate::id::TrustRuleId;

/// The job that a token was made for, and the rule that allowed it. At most ten texts, each of at most
/// [`MAX_JOB_TEXT`](super::MAX_JOB_TEXT) bytes.
///
/// The serialized form is kept forever: members are only ever added, and left out while absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobFacts {
    /// The rule.
    pub rule: TrustRuleId,
    /// Who says so.
    pub issuer: Issuer,
    /// What the job is known by.
    pub identity: Identity,
    /// The repository or project, by its name at the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<JobText>,
    /// The run, or pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<ForgeId>,
    /// The attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_attempt: Option<ForgeId>,
    /// The job in its run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<ForgeId>,
    /// The commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// The Git reference.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub git_ref: Option<GitRef>,
    /// What began the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<JobText>,
    /// The environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<JobText>,
    /// Whether the environment is protected; GitLab says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_protected: Option<bool>,
    /// The file that the run began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<JobText>,
    /// The file that the job is written in, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_workflow: Option<JobText>,
    /// Who began the run, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<JobText>,
    /// Who began the run, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<ForgeId>,
    /// Whose machine it ran on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_environment: Option<JobText>,
}

impl JobFacts {
    /// What is kept of a job that met a rule.
    pub fn of(job: &Job, rule: TrustRuleId) -> Self {
        let job = job.clone();
        let job_workflow = job
            .job_workflow
            .filter(|own| Some(own) != job.workflow.as_ref());
        Self {
            rule,
            issuer: job.issuer,
            identity: job.identity,
            repository: job.repository,
            run_id: job.run_id,
            run_attempt: job.run_attempt,
            job_id: job.job_id,
            commit: job.commit,
            git_ref: job.git_ref,
            event: job.event,
            environment: job.environment,
            environment_protected: job.environment_protected,
            workflow: job.workflow,
            job_workflow,
            actor: job.actor,
            actor_id: job.actor_id,
            runner_environment: job.runner_environment,
        }
    }

    /// As names and single values, at most sixteen.
    pub fn changes(&self) -> Changes {
        let mut changes = Changes::new();
        let mut put = |name: &str, text: Option<String>| {
            if let Some(text) = text {
                changes.insert(name.to_owned(), text.into());
            }
        };
        let text = |text: &Option<JobText>| text.as_ref().map(|text| text.as_str().to_owned());
        let id = |id: Option<ForgeId>| id.map(|id| id.to_string());
        put("rule", Some(self.rule.to_string()));
        put("issuer", Some(self.issuer.to_string()));
        put("repository", text(&self.repository));
        match &self.identity {
            Identity::Repository {
                repository_id,
                repository_owner_id,
            } => {
                put("repository_id", id(Some(*repository_id)));
                put("repository_owner_id", id(Some(*repository_owner_id)));
            }
            Identity::Project {
                project_id,
                namespace_id,
            } => {
                put("project_id", id(Some(*project_id)));
                put("namespace_id", id(Some(*namespace_id)));
            }
            Identity::Subject { subject } => put("subject", Some(subject.as_str().to_owned())),
        }
        put("run_id", id(self.run_id));
        put("run_attempt", id(self.run_attempt));
        put("job_id", id(self.job_id));
        put(
            "commit",
            self.commit
                .as_ref()
                .map(|commit| commit.as_str().to_owned()),
        );
        put(
            "ref",
            self.git_ref.as_ref().map(|name| name.as_str().to_owned()),
        );
        put("event", text(&self.event));
        put("environment", text(&self.environment));
        put("workflow", text(&self.workflow));
        put("job_workflow", text(&self.job_workflow));
        put("actor", text(&self.actor));
        put("actor_id", id(self.actor_id));
        changes
    }

    /// The same, bounded: what of it stands in events, assertions and log lines. Ids, commits and numbers are
    /// always whole; a name of more than [`MAX_TEXT`](crate::audit::MAX_TEXT) characters is cut.
    pub fn noted(&self) -> NotedChanges {
        NotedChanges::new(&self.changes())
    }

    /// One line for lists: which repository or subject, and which run.
    pub fn summary(&self) -> String {
        let whose = match (&self.repository, &self.identity) {
            (Some(name), _) => name.as_str().to_owned(),
            (None, Identity::Repository { repository_id, .. }) => {
                format!("repository {repository_id}")
            }
            (None, Identity::Project { project_id, .. }) => format!("project {project_id}"),
            (None, Identity::Subject { subject }) => subject.as_str().to_owned(),
        };
        match self.run_id {
            Some(run) => format!("CI job of {whose}, run {run}"),
            None => format!("CI job of {whose}"),
        }
    }
}
