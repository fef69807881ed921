//! `postern explain`: what the gateway would decide on a call, and on what. Decides nothing here;
//! ends with the exit code that the call would end with.

use serde_json::{Map, Value};

use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::output::{Format, print, print_json};
use crate::settings::{Flags, Settings};
use crate::terminal::{Screen, Tone};
use crate::text::{member, plain};
use crate::upstream::scope;

/// `postern explain`.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// `Service/Method` of an attestation call, a REST route (`GET /…`), or an operation of the
    /// registry, such as `token.revoke`
    #[arg(value_name = "OPERATION", required_unless_present = "operation_flag")]
    operation: Option<String>,

    /// The same as OPERATION
    #[arg(
        id = "operation_flag",
        long = "operation",
        value_name = "OPERATION",
        conflicts_with = "operation"
    )]
    operation_flag: Option<String>,

    /// The project that the call would name
    #[arg(long, value_name = "NAME")]
    project: Option<String>,

    /// The workflow that the call would name
    #[arg(long, value_name = "NAME")]
    workflow: Option<String>,

    /// The run that the call would name
    #[arg(long, value_name = "ID")]
    run: Option<String>,

    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    output: Format,
}

impl Explain {
    /// Does it.
    pub async fn run(self, flags: &Flags) -> Outcome {
        let api = Api::new(Settings::find(flags)?)?;
        let mut question = Map::new();
        let operation = self.operation.or(self.operation_flag);
        question.insert("operation".to_owned(), operation.into());
        for (name, value) in [
            ("project", self.project),
            ("workflow", self.workflow),
            ("run", self.run),
        ] {
            if let Some(value) = value {
                question.insert(name.to_owned(), value.into());
            }
        }
        let told = api.post("/explain", &Value::Object(question)).await?;
        let Some(allowed) = told.get("allowed").and_then(Value::as_bool) else {
            let message = "the gateway's answer does not say whether the call is allowed";
            return Err(Failure::new(Kind::Unavailable, message));
        };
        match self.output {
            Format::Json => print_json(&told)?,
            Format::Table => print(&lines(&told, allowed))?,
        }
        match allowed {
            true => Ok(()),
            false => Err(refused(&told)),
        }
    }
}

/// What the call would end with.
fn refused(told: &Value) -> Failure {
    let refusal = told.get("refusal").unwrap_or(&Value::Null);
    let (detail, code) = (member(refusal, "detail"), member(refusal, "code"));
    Failure::new(Kind::NotAllowed, format!("{detail} ({code})"))
}

fn lines(told: &Value, allowed: bool) -> String {
    let of = |name: &str| told.get(name).unwrap_or(&Value::Null);
    let word = match allowed {
        true => "allowed",
        false => "refused",
    };
    let screen = Screen::stdout();
    let tone = match allowed {
        true => Tone::Good,
        false => Tone::Bad,
    };
    let word = tone.paint(&format!("{}{word}", tone.mark(screen)), screen);
    let mut lines = vec![format!("{word}: {}", member(told, "operation"))];
    lines.push(format!("caller: {}", caller(of("caller"))));
    let has_token = of("caller").get("token").is_some_and(Value::is_string);
    lines.extend(needs(of("needs"), has_token, allowed));
    lines.extend(run(of("run")));
    lines.extend(upstream(of("upstream")));
    lines.join("\n") + "\n"
}

fn caller(caller: &Value) -> String {
    let text = |name: &str| caller.get(name).and_then(Value::as_str).map(plain);
    let Some(token) = text("token") else {
        return match member(caller, "tier").as_str() {
            "admin" => "an administrator key".to_owned(),
            tier => format!("no token ({tier})"),
        };
    };
    let organization = text("organization").unwrap_or_default();
    let scope = match (text("project"), text("workflow")) {
        (Some(project), Some(workflow)) => format!("workflow/{project}/{workflow}"),
        (Some(project), None) => format!("project/{project}"),
        _ => "global".to_owned(),
    };
    format!("token {token} of {organization}, scope {scope}")
}

fn needs(needs: &Value, has_token: bool, allowed: bool) -> Vec<String> {
    if needs.is_null() {
        return vec!["needs: unknown operation".to_owned()];
    }
    let access = match member(needs, "access").as_str() {
        "open" => "nothing: it is open to everybody".to_owned(),
        "person" => "a user session of the control plane; no token is enough".to_owned(),
        "closed" => "nothing grants it: the gateway refuses this call to everybody".to_owned(),
        "administrator" => "an administrator key; no token is enough".to_owned(),
        // Who has none and is allowed stands above tokens.
        _ if !has_token && allowed => {
            "a token, or who stands above tokens, as the caller does".to_owned()
        }
        _ => "a token".to_owned(),
    };
    let narrow = match member(needs, "narrow").as_str() {
        "any" => "nothing in it belongs to a project",
        "named" => "a token for one project or workflow must name its own, or a run of it",
        "confined" => "a token for one project or workflow must keep to its own",
        _ => "for organization-level tokens only",
    };
    let mut lines = vec![format!("needs: {access}")];
    if access.starts_with("a token") {
        lines.push(format!("scope: {narrow}"));
    }
    let policies = needs.get("policies").and_then(Value::as_array);
    for needed in policies.into_iter().flatten() {
        let held = match needed.get("held").and_then(Value::as_bool) {
            // Who stands above tokens holds no policies, and needs none.
            _ if !has_token => "for tokens",
            Some(true) => "held",
            _ => "not held",
        };
        lines.push(format!("policy: {}, {held}", member(needed, "policy")));
    }
    lines
}

fn run(run: &Value) -> Option<String> {
    let known = run.get("known").and_then(Value::as_bool)?;
    Some(match known {
        true => format!(
            "run: of workflow/{}/{}",
            member(run, "project"),
            member(run, "workflow")
        ),
        false => {
            "run: not seen by the gateway, which would ask the control plane for it".to_owned()
        }
    })
}

/// The credential that would be sent to the origin, where the gateway tells it.
fn upstream(upstream: &Value) -> Option<String> {
    let digest = upstream.get("digest")?.as_str().map(plain)?;
    let scope = scope(upstream.get("scope").unwrap_or(&Value::Null));
    Some(format!(
        "credential for the origin: {digest}, set for {scope}"
    ))
}
