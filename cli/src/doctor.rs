//! `postern doctor`: what is wrong between here and the gateway, and what to do about it. Reads
//! only; ends with the kind of the first thing that is broken.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use http::header::DATE;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::{Answer, Api};
use crate::fail::{Failure, Kind, Outcome};
use crate::output::{Format, print, print_json};
use crate::settings::{Flags, Settings};
use crate::terminal::{Screen, Tone};
use crate::text::{member, moment, plain};

mod expiry;

/// How far two clocks may be apart without a word.
const SKEW: i64 = 30;

/// `postern doctor`.
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    Odd,
    Broken(Kind),
}

#[derive(Debug, PartialEq, Eq)]
struct Finding {
    about: &'static str,
    state: State,
    found: String,
    advice: Option<String>,
}

impl Finding {
    fn good(about: &'static str, found: impl Into<String>) -> Self {
        Self {
            about,
            state: State::Good,
            found: found.into(),
            advice: None,
        }
    }

    fn odd(about: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            state: State::Odd,
            advice: Some(advice.into()),
            ..Self::good(about, found)
        }
    }

    fn broken(about: &'static str, failure: Failure) -> Self {
        Self {
            state: State::Broken(failure.kind),
            advice: failure.hint,
            ..Self::good(about, failure.message)
        }
    }
}

impl Doctor {
    /// For people.
    pub const TABLE: Self = Self {
        output: Format::Table,
    };

    /// Does it.
    pub async fn run(self, flags: &Flags) -> Outcome {
        let findings = examine(flags).await;
        match self.output {
            Format::Json => print_json(&objects(&findings))?,
            Format::Table => print(&lines(&findings, Screen::stdout()))?,
        }
        let broken = findings.iter().find_map(|finding| match finding.state {
            State::Broken(kind) => Some((finding.about, kind)),
            State::Good | State::Odd => None,
        });
        match broken {
            None => Ok(()),
            Some((about, kind)) => Err(Failure::new(kind, format!("broken: {about}"))),
        }
    }
}

async fn examine(flags: &Flags) -> Vec<Finding> {
    let api = match Settings::find(flags).and_then(Api::new) {
        Ok(api) => api,
        Err(failure) => return vec![Finding::broken("settings", failure)],
    };
    let mut findings = vec![Finding::good(
        "settings",
        api.settings().gateway.to_string(),
    )];
    let began = SystemTime::now();
    let ready = match api.answer(Method::GET, "/readyz", None).await {
        Ok(ready) => ready,
        Err(failure) => {
            findings.push(Finding::broken("connection", failure));
            return findings;
        }
    };
    findings.push(Finding::good("connection", "the gateway answers"));
    findings.extend(readiness(&ready));
    findings.push(clock(&ready, began, SystemTime::now()));
    findings.push(version(api.get("/openapi.json").await));
    findings.extend(credential(&api).await);
    findings
}

/// What `/readyz` says.
fn readiness(ready: &Answer) -> Vec<Finding> {
    let body: Value = serde_json::from_slice(&ready.body).unwrap_or(Value::Null);
    let Some(dependencies) = body.get("dependencies").and_then(Value::as_object) else {
        let failure = match ready.status {
            // A page of somebody else's.
            StatusCode::OK => crate::problem::of_stranger(ready.status, &ready.headers),
            status => crate::problem::failure(status, &ready.headers, &ready.body),
        };
        let failure = match failure.message.contains("(misconfigured") {
            true => failure.hint("mend the gateway's variables: docs/OPERATIONS.md has the table"),
            false => failure,
        };
        return vec![Finding::broken("readiness", failure)];
    };
    let mut findings: Vec<Finding> = dependencies
        .iter()
        .filter(|(_, state)| state.as_str() != Some("ready"))
        .map(|(name, _)| dependency(name))
        .collect();
    let is_ready = ready.status == StatusCode::OK;
    if findings.is_empty() && is_ready {
        findings.push(Finding::good("readiness", "all parts are ready"));
    } else if findings.is_empty() {
        let failure = Failure::new(Kind::Unavailable, "the gateway is not ready");
        findings.push(Finding::broken("readiness", failure));
    }
    let unheeded = body.get("unheeded_variables").and_then(Value::as_array);
    let unheeded: Vec<_> = unheeded
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(plain))
        .collect();
    if !unheeded.is_empty() {
        let found = format!("the gateway ignores {}", unheeded.join(", "));
        findings.push(Finding::odd(
            "variables",
            found,
            "another variable overrides them: unset them",
        ));
    }
    if body.get("client_addresses").and_then(Value::as_str) == Some("unreadable") {
        let found = "the gateway cannot read its clients' addresses";
        let advice = "TRUSTED_IP_HEADER must name a header that has the client's address alone";
        findings.push(Finding::odd("addresses", found.to_owned(), advice));
    }
    findings
}

fn dependency(name: &str) -> Finding {
    let found = match name {
        "audit" => "somebody has written to the audit log in D1".to_owned(),
        "facts" => "the KV cache does not answer".to_owned(),
        "record" => "the D1 database does not answer".to_owned(),
        "ledger" => "the Ledger does not answer".to_owned(),
        name => format!("`{}` does not answer", plain(name)),
    };
    let advice = match name {
        "facts" => {
            return Finding::odd(
                "readiness",
                found,
                "see to the KV namespace FACTS; the gateway can do without it",
            );
        }
        "record" => {
            "see to D1, and apply its migrations: npx wrangler d1 migrations apply postern --remote"
        }
        "ledger" => "see to the Durable Object LEDGER",
        "audit" => "look for `audit` in the gateway's log: docs/OPERATIONS.md says what to do",
        _ => "see the gateway's log",
    };
    Finding::broken(
        "readiness",
        Failure::new(Kind::Unavailable, found).hint(advice),
    )
}

/// Compares the clocks: a token with a life of minutes has expired when it arrives where they differ.
fn clock(answer: &Answer, began: SystemTime, ended: SystemTime) -> Finding {
    let date = answer.headers.get(DATE).and_then(|date| date.to_str().ok());
    let theirs = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    let Some(theirs) = theirs.map(|theirs| theirs.with_timezone(&Utc)) else {
        return Finding::odd(
            "clock",
            "the answer has no date",
            "compare the clocks yourself",
        );
    };
    let took = ended.duration_since(began).unwrap_or(Duration::ZERO);
    let ours = DateTime::<Utc>::from(began + took / 2);
    let ahead = (ours - theirs).num_seconds();
    let found = match ahead {
        0 => "this machine's is the gateway's, to the second".to_owned(),
        1.. => format!("this machine is {ahead} s ahead of the gateway"),
        _ => format!("this machine is {} s behind the gateway", -ahead),
    };
    match ahead.abs() {
        0..=SKEW => Finding::good("clock", found),
        _ => Finding::odd(
            "clock",
            found,
            "set this machine's clock: tokens expire by the gateway's",
        ),
    }
}

fn version(description: Outcome<Value>) -> Finding {
    let description = match description {
        Ok(description) => description,
        Err(failure) => return Finding::broken("version", failure),
    };
    let theirs = member(description.get("info").unwrap_or(&Value::Null), "version");
    match theirs == env!("CARGO_PKG_VERSION") {
        true => Finding::good("version", theirs),
        false => Finding::odd(
            "version",
            format!(
                "the gateway is {theirs}, this command {}",
                env!("CARGO_PKG_VERSION")
            ),
            "install the command of the gateway's release",
        ),
    }
}

/// Whether the gateway takes the credential, and, where an administrator names one, whether it has
/// the organization.
async fn credential(api: &Api) -> Vec<Finding> {
    if api.settings().authorization.is_none() {
        let advice = "set POSTERN_TOKEN, or `token` in the configuration file";
        return vec![Finding::odd("credential", "none", advice)];
    }
    let tokens = api.get("/org/tokens?limit=1").await;
    let about_organization = match &tokens {
        Err(failure) if is_about_organization(failure) => api.get("/orgs?limit=1").await.ok(),
        _ => None,
    };
    match (tokens, about_organization) {
        (Ok(_), _) => {
            let mut findings = vec![Finding::good("credential", "accepted; can list tokens")];
            findings.extend(expiry::look(api).await);
            findings.extend(pause(api).await);
            findings
        }
        // This alone says that the credential can be used, and only not for this.
        (Err(failure), _) if failure.has_code("operation_not_allowed") => {
            vec![Finding::good("credential", "accepted; cannot list tokens")]
        }
        // The credential stands above organizations: what is wrong, or not said yet, is which.
        (Err(failure), Some(organizations)) => {
            let good = Finding::good("credential", "accepted; can manage organizations");
            vec![good, organization(api, failure, &organizations)]
        }
        // It is none, or it can do nothing: from this address, or in a pause.
        (Err(failure), None) => vec![Finding::broken("credential", failure)],
    }
}

/// Whether the organization is paused, for who stands above it: its tokens are told so themselves. An
/// earlier release of the gateway cannot be asked: nothing is said.
async fn pause(api: &Api) -> Option<Finding> {
    let name = api.settings().organization.as_ref()?.to_str().ok()?;
    let overview = api.get("/org/overview").await.ok()?;
    let pause = overview.get("pause").filter(|pause| pause.is_object())?;
    let at = moment(pause, "at");
    let found = format!("`{name}` is paused since {at}: every call of its tokens is refused");
    let advice = format!("resume it: postern org resume {name}");
    Some(Finding::odd("organization", found, advice))
}

/// Whether a list of tokens failed for want of an organization, or of one that exists.
fn is_about_organization(failure: &Failure) -> bool {
    matches!(failure.kind, Kind::NotFound | Kind::Refused)
}

fn organization(api: &Api, failure: Failure, organizations: &Value) -> Finding {
    let organizations = organizations.get("organizations").and_then(Value::as_array);
    let are_none = organizations.is_some_and(Vec::is_empty);
    let create = "create the first one: postern org create NAME";
    let named = api.settings().organization.as_ref();
    let named = named.and_then(|name| name.to_str().ok());
    match named {
        None if are_none => Finding::odd("organization", "there is none yet", create),
        None => Finding::odd(
            "organization",
            "none is named, but managing tokens needs one",
            "name it: --organization, or POSTERN_ORGANIZATION",
        ),
        Some(name) if failure.kind == Kind::NotFound => {
            let message = format!("there is none named `{name}`");
            let failure = Failure::new(Kind::NotFound, message);
            Finding::broken(
                "organization",
                failure.hint(match are_none {
                    true => create,
                    false => "see what there is: postern org list",
                }),
            )
        }
        Some(_) => Finding::broken("organization", failure),
    }
}

fn state(state: State) -> &'static str {
    match state {
        State::Good => "good",
        State::Odd => "odd",
        State::Broken(_) => "broken",
    }
}

fn lines(findings: &[Finding], screen: Screen) -> String {
    let mut text = String::new();
    for finding in findings {
        let (state, about) = (state(finding.state), finding.about);
        let tone = match finding.state {
            State::Good => Tone::Good,
            State::Odd => Tone::Warning,
            State::Broken(_) => Tone::Bad,
        };
        let state = tone.paint(&format!("{}{state:6}", tone.mark(screen)), screen);
        let found = plain(&finding.found);
        text.push_str(&format!("{state}  {about:12}  {found}\n"));
        if let Some(advice) = &finding.advice {
            let indent = 22 + tone.mark(screen).chars().count();
            text.push_str(&format!("{:indent$}-> {}\n", "", plain(advice)));
        }
    }
    text
}

fn objects(findings: &[Finding]) -> Value {
    let object = |finding: &Finding| {
        json!({
            "about": finding.about,
            "state": state(finding.state),
            "found": finding.found,
            "advice": finding.advice,
        })
    };
    findings.iter().map(object).collect()
}

#[cfg(test)]
mod tests;
