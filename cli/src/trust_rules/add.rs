//! `postern trust add`: finds out which repository is meant, says so, and adds the rule.

use serde_json::Value;

use postern_domain::trust::{Forge, Issuer, Loopback};
use postern_wire::duration;

use super::{RULES, conditions, identity, view};
use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::output::{Format, print, print_json, remark};
use crate::text::plain;

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

    /// How long its token lives at most, such as 5m or 1h. Default: 15m. It never outlives the job token: GitHub's
    /// lives 5m
    #[arg(long, value_name = "SPAN")]
    life: Option<String>,
}

impl Add {
    pub(super) async fn run(self, api: &Api) -> Outcome {
        let conditions = self.conditions.draft()?;
        for event in conditions.events.iter().filter(|event| lets_in(event)) {
            remark(&format!(
                "warning: a run by {event} has the rights of this repository, and content of outsiders may run in it"
            ));
        }
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
        let issuer = rule.get("issuer").and_then(Value::as_str);
        let issuer = issuer.unwrap_or_default().to_owned();
        if let Some(life) = life {
            if is_too_long(&life, &issuer) {
                remark(&format!(
                    "note: a job token of GitHub lives 5 minutes, and what the job gets ends with it: --life {} \
                     changes nothing beyond that",
                    plain(&life)
                ));
            }
            rule.insert("longest_life".to_owned(), life.into());
        }
        let added = api.post(RULES, &Value::Object(rule)).await;
        let added = added.map_err(|failure| in_flags(failure, &issuer))?;
        match self.output {
            Format::Json => print_json(&added),
            Format::Table => print(&view::sheet(&added)),
        }
    }
}

/// How long GitHub's job tokens live, in seconds.
const GITHUBS_LIFE: i64 = 300;

/// Whether a life is longer than any job token of the issuer.
fn is_too_long(life: &str, issuer: &str) -> bool {
    let forge = Issuer::parse(issuer, Loopback::Allowed).map(|issuer| issuer.forge());
    let seconds = duration::parse_seconds(life).ok();
    forge == Ok(Forge::GitHub) && seconds.is_some_and(|seconds| seconds > GITHUBS_LIFE)
}

/// Whether runs by an event have the repository's rights, and take in what outsiders wrote.
fn lets_in(event: &str) -> bool {
    ["pull_request_target", "workflow_run", "issue_comment"].contains(&event)
}

/// The members of a rule in the API, and the flags here.
const FLAGS: [(&str, &str); 18] = [
    ("issuer", "--issuer"),
    ("repository", "--repository"),
    ("repository_id", "--repository-id"),
    ("repository_owner_id", "--repository-owner-id"),
    ("project_id", "--project-id"),
    ("namespace_id", "--namespace-id"),
    ("subject", "--subject"),
    ("workflow", "--workflow-file"),
    ("reusable_workflow", "--reusable-workflow"),
    ("environment", "--environment"),
    ("protected_environment", "--protected-environment"),
    ("ref", "--ref"),
    ("protected_ref", "--protected-ref"),
    ("events", "--event"),
    ("project", "--project"),
    ("policies", "--policy"),
    ("longest_life", "--life"),
    ("conditions", "a condition"),
];

/// A refusal in the words of the flags, and with those that the issuer's jobs need.
fn in_flags(failure: Failure, issuer: &str) -> Failure {
    if failure.kind != Kind::Refused {
        return failure;
    }
    let of_places = failure.has_code("workflow_of_other_project");
    let mut message = failure.message.clone();
    for (member, flag) in FLAGS {
        let flag = match member {
            "workflow" if of_places => "--workflow",
            _ => flag,
        };
        message = message.replace(&format!("`{member}`"), &format!("`{flag}`"));
    }
    let ids = [
        "repository_id",
        "repository_owner_id",
        "project_id",
        "namespace_id",
        "subject",
    ];
    let about_ids = ids
        .iter()
        .any(|id| failure.message.starts_with(&format!("`{id}`:")));
    let hint = match about_ids {
        true => Some(format!(
            "jobs of {issuer} need {}",
            identity::flags_of(issuer)
        )),
        false => failure.hint,
    };
    Failure {
        message,
        hint,
        ..failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_flags_and_the_ids_that_the_issuer_has() {
        let needed = "jobs of gitlab need --project-id ID --namespace-id ID";
        for (issuer, message, shown, hint) in [
            (
                "github",
                "`longest_life`: must be from 60 to 3600 seconds",
                "`--life`: must be",
                None,
            ),
            (
                "github",
                "`events`: must be at most 16",
                "`--event`: must be",
                None,
            ),
            (
                "github",
                "`protected_ref`: add `ref` or `environment`",
                "`--protected-ref`: add `--ref` or `--environment`",
                None,
            ),
            (
                "github",
                "`workflow`: must be the file alone",
                "`--workflow-file`: must",
                None,
            ),
            (
                "github",
                "`workflow` does not belong to the requested `project` (workflow_of_other_project, request r1)",
                "`--workflow` does not belong to the requested `--project`",
                None,
            ),
            (
                "gitlab",
                "`project_id`: add it; without it",
                "`--project-id`: add it",
                Some(needed),
            ),
            (
                "gitlab",
                "`repository_id`: tokens of this issuer do not have it",
                "`--repository-id`: tokens",
                Some(needed),
            ),
            (
                "https://ci.example.com",
                "`subject`: add it",
                "`--subject`: add it",
                Some("jobs of https://ci.example.com need --subject TEXT"),
            ),
        ] {
            let code = message
                .rsplit_once(" (")
                .and_then(|(_, end)| end.split_once(','));
            let refused = Failure {
                code: code.map(|(code, _)| code.to_owned()),
                ..Failure::new(Kind::Refused, message)
            };
            let failure = in_flags(refused, issuer);
            assert!(failure.message.starts_with(shown), "{failure:?}");
            assert_eq!(failure.hint.as_deref(), hint, "{message}");
        }
        let other = Failure::new(Kind::NotAllowed, "`events`");
        assert_eq!(in_flags(other.clone(), "github"), other);
    }

    #[test]
    fn a_life_beyond_githubs_is_told() {
        for (life, issuer, expected) in [
            ("5m", "github", false),
            ("301s", "github", true),
            ("PT1H", "github=https://ghe.acme.dev/_services/token", true),
            ("1h", "gitlab", false),
            ("1h", "https://ci.example.com", false),
            ("long", "github", false),
        ] {
            assert_eq!(is_too_long(life, issuer), expected, "{life} {issuer}");
        }
    }
}
