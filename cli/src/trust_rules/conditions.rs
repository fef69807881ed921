//! What a rule asks of a job besides its repository, as flags. The gateway reads and refuses them; here they are only
//! written down.

use postern_domain::trust::ConditionsDraft;

use crate::fail::{Failure, Kind, Outcome};

/// The conditions.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Conditions")]
pub struct Asks {
    /// The file that the run begins with, in the same repository: release.yml
    #[arg(long, value_name = "FILE")]
    workflow_file: Option<String>,

    /// GitHub: the file that the job is written in, in one version:
    /// acme/ci/.github/workflows/build.yml@refs/tags/v1, or a commit after the @
    #[arg(long, value_name = "FILE@VERSION")]
    reusable_workflow: Option<String>,

    /// The environment of the job
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,

    /// GitLab: the environment must be protected
    #[arg(long)]
    protected_environment: bool,

    /// The Git reference in full: refs/heads/main, refs/tags/v1
    #[arg(long = "ref", value_name = "REF")]
    git_ref: Option<String>,

    /// The branch or tag must be protected. For GitHub add --ref or --environment
    #[arg(long)]
    protected_ref: bool,

    /// An event that may begin the run; repeat the flag for more. Default: those that need write access, such as
    /// push and release. A pull request counts only if it is named: pull_request, or merge_request_event for GitLab
    #[arg(long = "event", value_name = "EVENT")]
    events: Vec<String>,
}

impl Asks {
    /// The conditions as they are sent.
    ///
    /// # Errors
    /// `Usage` for an empty one: a variable of a script that is not set would make a wider rule.
    pub fn draft(self) -> Outcome<ConditionsDraft> {
        let texts = [
            ("--workflow-file", &self.workflow_file),
            ("--reusable-workflow", &self.reusable_workflow),
            ("--environment", &self.environment),
            ("--ref", &self.git_ref),
        ];
        let is_empty = |text: &String| text.trim().is_empty();
        let empty = texts
            .iter()
            .find(|(_, text)| text.as_ref().is_some_and(is_empty))
            .map(|(flag, _)| *flag)
            .or_else(|| self.events.iter().any(is_empty).then_some("--event"));
        if let Some(flag) = empty {
            let message = format!("{flag} is empty: give it a value, or leave it out");
            return Err(Failure::new(Kind::Usage, message));
        }
        Ok(ConditionsDraft {
            workflow: self.workflow_file,
            reusable_workflow: self.reusable_workflow,
            environment: self.environment,
            protected_environment: self.protected_environment,
            git_ref: self.git_ref,
            protected_ref: self.protected_ref,
            events: self.events,
        })
    }
}
