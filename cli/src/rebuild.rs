//! `postern org rebuild`: a Ledger that is lost, or older than D1, rebuilt from D1. Says what would
//! happen, or repeats the call until the gateway says that it is done.

use serde_json::{Value, json};

use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::output::{Format, Progress, print, print_json};
use crate::text::{encoded, member, moment};

/// What does not come back: the API's word, and the sentence for people.
const LOST: [(&str, &str); 6] = [
    (
        "upstream_credentials",
        "upstream credentials: set them again",
    ),
    ("trust_rules", "trust rules for CI jobs: add them again"),
    (
        "undelivered_events",
        "changes and events that D1 had not received",
    ),
    ("runs", "runs of the origin: they are looked up again"),
    (
        "workflow_bindings",
        "which workflow a workflow token is bound to: its next run says",
    ),
    (
        "unrecorded_revokes",
        "revokes that the lost Ledger had accepted and D1 had not received",
    ),
];

/// `postern org rebuild`.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("how").required(true).args(["dry_run", "yes"])))]
pub struct Rebuild {
    /// The organization
    name: String,

    /// Only say what would happen
    #[arg(long)]
    dry_run: bool,

    /// Do it
    #[arg(long)]
    yes: bool,

    /// Believe D1 about active tokens, instead of quarantining each. This undoes revokes that the
    /// lost Ledger had accepted and D1 had not received
    #[arg(long)]
    keep_active: bool,

    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    output: Format,
}

impl Rebuild {
    /// Does it, call by call.
    pub async fn run(self, api: &Api) -> Outcome {
        let path = format!("/orgs/{}/rebuild", encoded(&self.name));
        let active = match self.keep_active {
            true => "keep",
            false => "quarantine",
        };
        let body = json!({ "dry_run": !self.yes, "active": active });
        let progress = Progress::new("events and tokens read");
        let mut told = api.post(&path, &body).await?;
        while member(&told, "status") == "running" {
            progress.at(read(&told));
            let next = api.post(&path, &body).await?;
            if next == told {
                let message = "the rebuild comes no further: see the gateway's log, and repeat it";
                return Err(Failure::new(Kind::Unavailable, message));
            }
            told = next;
        }
        drop(progress);
        match self.output {
            Format::Json => print_json(&told),
            Format::Table => print(&sheet(&self.name, &told)),
        }
    }
}

/// How many events and tokens have been read.
fn read(told: &Value) -> usize {
    let tokens = told.get("tokens").and_then(Value::as_object);
    let tokens = tokens.into_iter().flat_map(|counts| counts.values());
    let numbers = tokens.chain(told.get("verified_sequence"));
    let read: u64 = numbers.filter_map(Value::as_u64).sum();
    usize::try_from(read).unwrap_or(usize::MAX)
}

/// The answer for people.
fn sheet(name: &str, told: &Value) -> String {
    let is_planned = member(told, "status") == "planned";
    let null = Value::Null;
    let (last, tokens) = (
        told.get("last_event").unwrap_or(&null),
        told.get("tokens").unwrap_or(&null),
    );
    let cause = match member(told, "cause").as_str() {
        "lost" => "the Ledger has no event".to_owned(),
        "older" => format!(
            "the Ledger ends with event {}, and D1 has later ones",
            member(told, "ledger_sequence")
        ),
        "other_history" => "D1 has other events than the Ledger".to_owned(),
        other => other.to_owned(),
    };
    let mut lines = vec![
        match is_planned {
            true => format!("The Ledger of {name} can be rebuilt from D1: {cause}."),
            false => format!("The Ledger of {name} was rebuilt from D1: {cause}."),
        },
        format!(
            "D1's last event: {}, {} on {}",
            member(last, "sequence"),
            member(last, "action"),
            moment(last, "at")
        ),
        format!(
            "Tokens: {} active, {} quarantined, {} revoked, {} expired",
            member(tokens, "active"),
            member(tokens, "quarantined"),
            member(tokens, "revoked"),
            member(tokens, "expired")
        ),
        format!(
            "Changes that the Ledger had for D1, and D1 does not get: {}",
            member(told, "undelivered")
        ),
        "Not restored:".to_owned(),
    ];
    let lost = told.get("lost").and_then(Value::as_array);
    for word in lost.into_iter().flatten().filter_map(Value::as_str) {
        let known = LOST.iter().find(|(known, _)| *known == word);
        lines.push(format!("  {}", known.map_or(word, |(_, said)| said)));
    }
    let keeps = member(told, "active") == "keep";
    lines.push(
        match keeps {
            true => "D1 is believed about active tokens: one that was revoked without D1 having received it is active again.",
            false => "Every token that D1 calls active is quarantined: release each one that is to be used.",
        }
        .to_owned(),
    );
    if is_planned {
        lines.push("Nothing was changed: repeat with --yes to do it.".to_owned());
    }
    lines.push(String::new());
    lines.join("\n")
}
