//! `postern whoami`: whose the credential is. It is introspected with itself, so it says no more than its holder may
//! know, and is printed nowhere.

use chrono::DateTime;
use serde_json::{Value, json};

use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::output::{Format, print, print_json};
use crate::settings::{Flags, Settings};
use crate::text::{member, plain, utc};
use crate::trust_rules;

/// `postern whoami`.
#[derive(Debug, clap::Args)]
pub struct WhoAmI {
    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    output: Format,
}

impl WhoAmI {
    /// Does it.
    pub async fn run(self, flags: &Flags) -> Outcome {
        let api = Api::new(Settings::find(flags)?)?;
        let own = credential(&api)?;
        let answer = api.form("/oauth/introspect", &[("token", &own)]).await?;
        let told = answer.json()?;
        let active = told.get("active").and_then(Value::as_bool);
        let told = match active {
            Some(true) => told,
            Some(false) => administrator(&api, &told).await?,
            None => {
                let message = "the gateway's answer does not say whether the credential is active";
                return Err(Failure::new(Kind::Unavailable, message));
            }
        };
        match self.output {
            Format::Json => print_json(&told),
            Format::Table => print(&sheet(&told)),
        }
    }
}

/// The credential itself, as it is asked about.
fn credential(api: &Api) -> Outcome<String> {
    let authorization = api.settings().authorization.as_ref();
    let text = authorization.and_then(|value| value.to_str().ok());
    let token = text.and_then(|text| text.strip_prefix("Bearer "));
    token.map(str::to_owned).ok_or_else(|| {
        Failure::new(Kind::Credential, "there is no credential")
            .hint("set POSTERN_TOKEN, or `token` in the configuration file")
    })
}

/// What is accepted and is no token: the key that stands above organizations, if it may list them. The gateway has told
/// its name, if it has one.
async fn administrator(api: &Api, told: &Value) -> Outcome<Value> {
    match api.get("/orgs?limit=1").await {
        Ok(_) => Ok(match told.get("administrator") {
            Some(name) => json!({ "administrator": true, "name": name }),
            None => json!({ "administrator": true }),
        }),
        Err(failure) if matches!(failure.kind, Kind::Credential | Kind::NotAllowed) => {
            let message = "the credential is a token that is not active any more";
            Err(Failure::new(Kind::Credential, message).hint(
                "create a new token; in a CI job, exchange a new job token: postern token exchange",
            ))
        }
        Err(failure) => Err(failure),
    }
}

fn sheet(told: &Value) -> String {
    if told.get("administrator").is_some() {
        let name = member(told, "name");
        let key = match name.is_empty() {
            true => "administrator key".to_owned(),
            false => format!("administrator key `{name}`"),
        };
        return format!(
            "{key}: it stands above all organizations, and holds no token's policies\n"
        );
    }
    let scope = match (member(told, "project_name"), member(told, "workflow_name")) {
        (project, _) if project.is_empty() => "global".to_owned(),
        (project, workflow) if workflow.is_empty() => format!("project/{project}"),
        (project, workflow) => format!("workflow/{project}/{workflow}"),
    };
    let policies = told
        .get("scope")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let policies: Vec<String> = policies.split_whitespace().map(plain).collect();
    let end = match told.get("exp").and_then(Value::as_i64) {
        None => "never".to_owned(),
        Some(seconds) => {
            DateTime::from_timestamp(seconds, 0).map_or_else(|| seconds.to_string(), utc)
        }
    };
    let mut rows = vec![
        ("NAME", member(told, "token_name")),
        ("ID", member(told, "jti")),
        ("ORGANIZATION", member(told, "org_name")),
        ("SCOPE", scope),
        ("EXPIRES AT", end),
        ("POLICIES", policies.join("\n              ")),
    ];
    if let Some(job) = told.get("ci_job").filter(|job| job.is_object()) {
        rows.extend(trust_rules::of_job(job));
    }
    let rows = rows.iter().filter(|(_, value)| !value.is_empty());
    rows.map(|(name, value)| format!("{name:12}  {value}\n"))
        .collect()
}
