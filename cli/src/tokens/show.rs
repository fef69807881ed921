//! `postern token show`.

use chrono::Utc;
use serde_json::Value;

use super::find::{self, Among};
use super::{conditions, route, view};
use crate::api::Api;
use crate::fail::Outcome;
use crate::output::{Format, print, print_json};
use crate::text::{self, member, moment, texts};
use crate::trust_rules;

/// Which token to show.
#[derive(Debug, clap::Args)]
pub struct Show {
    #[command(flatten)]
    token: find::One,

    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    output: Format,
}

impl Show {
    pub(super) async fn run(self, api: &Api) -> Outcome {
        let id = find::id(api, self.token.text(), Among::All).await?;
        let token = api.get(&route(&id)).await?;
        match self.output {
            Format::Json => print_json(&token),
            Format::Table => print(&sheet(&token)),
        }
    }
}

fn sheet(token: &Value) -> String {
    let organization = token.get("organization").unwrap_or(&Value::Null);
    // By whom it was minted is then who brought it here.
    let adopted = match token.get("adopted") {
        Some(Value::Bool(true)) => "yes, created at the origin",
        _ => "",
    };
    let (state, _) = view::state(token, Utc::now());
    let revoked = match moment(token, "revoked_at") {
        at if !at.is_empty() && state != "revoked" => format!("{at} (to come)"),
        at => at,
    };
    let expires = match moment(token, "expires_at") {
        never if never.is_empty() => "never".to_owned(),
        at => at,
    };
    let created_by = match member(token, "creator_name") {
        none if none.is_empty() => member(token, "created_by"),
        name => format!("{name} ({})", member(token, "created_by")),
    };
    let [from, calls] = conditions::rows(token);
    let mut rows = vec![
        ("ID", member(token, "id")),
        ("NAME", member(token, "name")),
        ("ORGANIZATION", member(organization, "name")),
        ("SCOPE", view::scope(token)),
        ("STATUS", state.to_owned()),
        ("DESCRIPTION", member(token, "description")),
        ("FORMAT", member(token, "format")),
        ("PREFIX", member(token, "prefix")),
        ("CREATED BY", created_by),
        ("ADOPTED", adopted.to_owned()),
        ("CREATED AT", moment(token, "created_at")),
        ("EXPIRES AT", expires),
        ("REVOKED AT", revoked),
        ("QUARANTINED AT", moment(token, "quarantined_at")),
        ("LAST USED AT", moment(token, "last_used_at")),
        ("USES", member(token, "uses")),
        from,
        calls,
        (
            "POLICIES",
            texts(token, "policies").join("\n                "),
        ),
    ];
    if let Some(job) = token.get("ci_job").filter(|job| job.is_object()) {
        rows.extend(trust_rules::of_job(job));
    }
    text::sheet(&rows)
}
