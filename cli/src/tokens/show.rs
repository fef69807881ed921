//! `postern api-token show`.

use serde_json::Value;

use super::find::{self, Among};
use super::{route, view};
use crate::api::Api;
use crate::fail::Outcome;
use crate::output::{Format, print, print_json};
use crate::text::{member, moment, plain};
use crate::trust_rules;

/// Which token to show.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// The token: its id, name or prefix
    #[arg(long, value_name = "TOKEN")]
    id: String,

    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    output: Format,
}

impl Show {
    pub(super) async fn run(self, api: &Api) -> Outcome {
        let id = find::id(api, &self.id, Among::All).await?;
        let token = api.get(&route(&id)).await?;
        match self.output {
            Format::Json => print_json(&token),
            Format::Table => print(&sheet(&token)),
        }
    }
}

fn sheet(token: &Value) -> String {
    let organization = token.get("organization").unwrap_or(&Value::Null);
    let policies = token.get("policies").and_then(Value::as_array);
    let policies: Vec<_> = policies
        .into_iter()
        .flatten()
        .filter_map(|policy| policy.as_str().map(plain))
        .collect();
    // By whom it was minted is then who brought it here.
    let adopted = match token.get("adopted") {
        Some(Value::Bool(true)) => "yes, created at the origin",
        _ => "",
    };
    let mut rows = vec![
        ("ID", member(token, "id")),
        ("NAME", member(token, "name")),
        ("ORGANIZATION", member(organization, "name")),
        ("SCOPE", view::scope(token)),
        ("DESCRIPTION", member(token, "description")),
        ("FORMAT", member(token, "format")),
        ("PREFIX", member(token, "prefix")),
        ("CREATED BY", member(token, "created_by")),
        ("ADOPTED", adopted.to_owned()),
        ("CREATED AT", moment(token, "created_at")),
        ("EXPIRES AT", moment(token, "expires_at")),
        ("REVOKED AT", moment(token, "revoked_at")),
        ("QUARANTINED AT", moment(token, "quarantined_at")),
        ("LAST USED AT", moment(token, "last_used_at")),
        ("USES", member(token, "uses")),
        ("POLICIES", policies.join("\n                ")),
    ];
    if let Some(job) = token.get("ci_job").filter(|job| job.is_object()) {
        rows.extend(trust_rules::of_job(job));
    }
    let mut text = String::new();
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&format!("{name:14}  {value}\n"));
    }
    text
}
