//! `postern token exchange`: a job's own token for a token of the gateway's (RFC 8693). Stores nothing; the new
//! token goes to stdout, or to the file by which GitHub hands variables to the steps that follow.

use std::fs::OpenOptions;
use std::io::Write as _;

use postern_domain::secret::Secret;
use serde_json::Value;

use crate::api::{Answer, Api};
use crate::fail::{Failure, Kind, Outcome};
use crate::job::Source;
use crate::output::{print_all, remark};
use crate::problem;
use crate::settings::{Environment, variable};
use crate::text::plain;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// Names that decide what runs in later steps.
const RESERVED: [&str; 4] = ["GITHUB_", "RUNNER_", "ACTIONS_", "LD_"];

const AFTER: &str = "\
Needs no credential. The job token is sent to the gateway alone, and counts once.
  export CHAINLOOP_TOKEN=$(postern token exchange --format jwt)
The new token never outlives the job token, and GitHub's lives 5 minutes: exchange right before attesting.
On GitHub the job needs `permissions: id-token: write`; the new token is masked in the log.";

/// What to make of the new token.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Exchange {
    /// On GitHub: set this variable for the steps that follow, and print nothing
    #[arg(long, value_name = "NAME", value_parser = of_variable)]
    github_env: Option<String>,

    /// opaque or jwt: give the stock client a JWT, which it names in the attestation
    #[arg(long, value_parser = ["opaque", "jwt"], default_value = "opaque")]
    format: String,

    #[command(flatten)]
    source: Source,
}

impl Exchange {
    pub(super) async fn run(self, api: &Api) -> Outcome {
        let environment: Environment<'_> = &|name| std::env::var_os(name);
        let hand_over = self.github_env.as_deref();
        let hand_over = hand_over
            .map(|name| HandOver::find(name, environment))
            .transpose()?;
        let token = exchanged(&self.source, &self.format, api).await?;
        if environment("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
            // The runner takes commands from stderr as well as from stdout, shows this one to nobody, and has the
            // mask before the token can be printed. stdout is for the token alone.
            remark(&format!("::add-mask::{}", token.expose()));
        }
        match hand_over {
            Some(file) => file.write(&token),
            None => print_all(&format!("{}\n", token.expose())),
        }
    }
}

/// What the job token of this job becomes, as a token of this format.
///
/// # Errors
/// As [`Source::find`] and [`Source::check`]; `Credential` where the gateway refuses it.
pub async fn exchanged(source: &Source, format: &str, api: &Api) -> Outcome<Secret> {
    let job = source.find(api.settings()).await?;
    source.check(&job, api.settings())?;
    let requested = match format {
        "jwt" => JWT,
        _ => ACCESS_TOKEN,
    };
    let form = [
        ("grant_type", GRANT),
        ("subject_token", job.secret()),
        ("subject_token_type", JWT),
        ("requested_token_type", requested),
    ];
    token_in(&api.form("/oauth/token", &form).await?)
}

/// The token of a good answer.
fn token_in(answer: &Answer) -> Outcome<Secret> {
    if !answer.status.is_success() {
        return Err(refused(answer));
    }
    let stranger = || problem::of_stranger(answer.status, &answer.headers);
    let body: Value = serde_json::from_slice(&answer.body).map_err(|_| stranger())?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let token = Secret::new(text("access_token").to_owned());
    // A line end in it would be another command to the runner, or another variable.
    let usable = !token.expose().is_empty() && token.expose().bytes().all(of_token);
    match usable && text("token_type").eq_ignore_ascii_case("bearer") {
        true => Ok(token),
        false => Err(Failure::new(
            Kind::Unavailable,
            "the gateway's answer has no token that can be used",
        )),
    }
}

/// Whether a byte is one of a bearer token's (RFC 6750, section 2.1).
fn of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)
}

/// The gateway's one sentence; why, it tells the organization's own people.
fn refused(answer: &Answer) -> Failure {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(plain);
    if text("error").as_deref() != Some("invalid_grant") {
        return problem::failure(answer.status, &answer.headers, &answer.body);
    }
    let sentence = text("error_description").or_else(|| text("detail"));
    let sentence = sentence.unwrap_or_else(|| "it gives no reason".to_owned());
    // The gateway's log has the reason under it.
    let request = text("request_id").map(|id| format!(" (request {id})"));
    let request = request.unwrap_or_default();
    Failure::new(
        Kind::Credential,
        format!("the gateway refused the job token: {sentence}{request}"),
    )
    .hint("whoever has the policy `trust_rule:read` sees why: postern trust test")
}

/// Reads the name of a variable.
fn of_variable(name: &str) -> Result<String, String> {
    let inside = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let is_name =
        name.bytes().all(inside) && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !is_name {
        return Err("must be letters, digits and `_`".to_owned());
    }
    let reserved = RESERVED.iter().any(|start| name.starts_with(start));
    match reserved || ["PATH", "NODE_OPTIONS", "BASH_ENV", "ENV"].contains(&name) {
        true => Err("is a variable that others read".to_owned()),
        false => Ok(name.to_owned()),
    }
}

/// A variable for the steps that follow.
struct HandOver {
    name: String,
    file: std::fs::File,
    path: String,
}

impl HandOver {
    /// Opens the runner's file, before the job token is used up.
    fn find(name: &str, environment: Environment<'_>) -> Outcome<Self> {
        let path = variable(environment, "GITHUB_ENV")?.ok_or_else(|| {
            Failure::new(
                Kind::Usage,
                "--github-env is for jobs of GitHub Actions: GITHUB_ENV is not set",
            )
            .hint("elsewhere: export CHAINLOOP_TOKEN=$(postern token exchange --format jwt)")
        })?;
        let file = OpenOptions::new().append(true).open(&path);
        let file = file.map_err(|error| {
            Failure::new(Kind::Configuration, format!("GITHUB_ENV, {path}: {error}"))
        })?;
        Ok(Self {
            name: name.to_owned(),
            file,
            path,
        })
    }

    fn write(mut self, token: &Secret) -> Outcome {
        let line = format!("{}={}\n", self.name, token.expose());
        self.file.write_all(line.as_bytes()).map_err(|error| {
            let message = format!(
                "the token was made and could not be written to {}: {error}",
                self.path
            );
            Failure::new(Kind::Other, message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_later_steps_may_be_given() {
        for good in ["CHAINLOOP_TOKEN", "_a1", "POSTERN_TOKEN"] {
            assert_eq!(of_variable(good).as_deref(), Ok(good));
        }
        for (bad, why) in [
            ("", "letters, digits"),
            ("1A", "letters, digits"),
            ("A=B", "letters, digits"),
            ("A\nB", "letters, digits"),
            ("PATH", "others read"),
            ("NODE_OPTIONS", "others read"),
            ("GITHUB_TOKEN", "others read"),
            ("LD_PRELOAD", "others read"),
        ] {
            assert!(of_variable(bad).unwrap_err().contains(why), "{bad}");
        }
    }
}
