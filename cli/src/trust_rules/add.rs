//! `postern trust add`: finds out which repository is meant, says so, and adds the rule.

use serde_json::Value;

use super::{RULES, conditions, identity, view};
use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::output::{Format, print, print_json};

/// What a job gets where no flag says: the calls of an attestation need no policy; these let a job look at its run, its
/// workflow and the contract, and upload.
const ATTESTING: [&str; 4] = [
    "cas_artifact:create",
    "workflow:read",
    "workflow_contract:read",
    "workflow_run:read",
];

/// What to trust, and what to give.
#[derive(Debug, clap::Args)]
pub struct Add {
    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    output: Format,

    #[command(flatten)]
    identity: identity::Whose,

    #[command(flatten)]
    conditions: conditions::Asks,

    #[command(flatten)]
    gives: Gives,
}

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "What a job gets")]
struct Gives {
    /// The project that its token is for, by its name or id
    #[arg(long)]
    project: String,

    /// The workflow of the project that its token is for, by its name or id
    #[arg(long)]
    workflow: Option<String>,

    /// A policy, as resource:action; repeat the flag for more. Default: those that attesting needs
    #[arg(long = "policy", value_name = "POLICY")]
    policies: Vec<String>,

    /// How long its token lives at most, such as 5m or 1h. Default: 15m, and never longer than the job token
    #[arg(long, value_name = "SPAN")]
    life: Option<String>,
}

impl Add {
    pub(super) async fn run(self, api: &Api) -> Outcome {
        let conditions = self.conditions.draft()?;
        let mut rule = self.identity.find(api).await?;
        let conditions =
            serde_json::to_value(&conditions).map_err(|error| Failure::new(Kind::Other, error))?;
        if conditions
            .as_object()
            .is_some_and(|members| !members.is_empty())
        {
            rule.insert("conditions".to_owned(), conditions);
        }
        let Gives {
            project,
            workflow,
            policies,
            life,
        } = self.gives;
        rule.insert("project".to_owned(), project.into());
        if let Some(workflow) = workflow {
            rule.insert("workflow".to_owned(), workflow.into());
        }
        let policies = match policies.is_empty() {
            true => ATTESTING.map(str::to_owned).into(),
            false => policies,
        };
        rule.insert("policies".to_owned(), policies.into());
        if let Some(life) = life {
            rule.insert("longest_life".to_owned(), life.into());
        }
        let added = api.post(RULES, &Value::Object(rule)).await?;
        match self.output {
            Format::Json => print_json(&added),
            Format::Table => print(&view::sheet(&added)),
        }
    }
}
