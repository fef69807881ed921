//! The token that a CI system has signed for a job: where it is found, and for whom it was made. Nothing here keeps,
//! prints or logs it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use postern_wire::job::MAX_JOB_TOKEN;

use crate::fail::{Failure, Kind, Outcome};
use crate::files::named;
use crate::settings::{Environment, Settings, trimmed, variable};

mod claims;
mod github;

pub use claims::{Claims, JobToken};
use github::Runner;

/// The variable that GitLab's `id_tokens` sets, where no other is named.
const VARIABLE: &str = "POSTERN_ID_TOKEN";
/// What is read of a file: a token, blanks around it, and more than that is none.
const MAX_READ: u64 = 2 * MAX_JOB_TOKEN as u64;

/// Where the job token is.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Job token")]
pub struct Source {
    /// The file with the job token; `-` for standard input. Default: this job's own environment
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// The variable with the job token, as GitLab's id_tokens sets it. Default: POSTERN_ID_TOKEN; without it, the
    /// token is asked for as GitHub Actions has it
    #[arg(long, value_name = "NAME", conflicts_with = "token_file")]
    token_variable: Option<String>,

    /// For whom the token is made. Default: the gateway's URL, `/` and the organization, or the URL alone where no
    /// organization is named
    #[arg(long, value_name = "TEXT")]
    audience: Option<String>,
}

impl Source {
    /// Whether anything is said of it.
    pub fn is_given(&self) -> bool {
        self.token_file.is_some() || self.token_variable.is_some() || self.audience.is_some()
    }

    /// Finds the token, or asks this job's CI system for it.
    ///
    /// # Errors
    /// `Usage` for something else than a job token; `Credential` where there is none, with what to add.
    pub async fn find(&self, settings: &Settings) -> Outcome<JobToken> {
        let environment: Environment<'_> = &|name| std::env::var_os(name);
        if let Some(file) = &self.token_file {
            return of_file(file);
        }
        if let Some(token) = self.of_variable(environment)? {
            return Ok(token);
        }
        match Runner::find(environment)? {
            Some(runner) => {
                let token = runner
                    .token(&self.wanted(settings), settings.timeout)
                    .await?;
                JobToken::parse(token, "GitHub's answer")
            }
            None => Err(nowhere(environment)),
        }
    }

    fn of_variable(&self, environment: Environment<'_>) -> Outcome<Option<JobToken>> {
        let name = self.token_variable.as_deref().unwrap_or(VARIABLE);
        match variable(environment, name)? {
            Some(text) => JobToken::parse(trimmed(&text).to_owned(), name).map(Some),
            None if self.token_variable.is_some() => {
                let message = format!("the variable {name} is not set");
                let of_gitlab = environment("GITLAB_CI").is_some_and(|value| value == "true");
                Err(
                    Failure::new(Kind::Credential, message).hint(match of_gitlab {
                        true => format!("name it under id_tokens in .gitlab-ci.yml: {name}"),
                        false => {
                            "check the name: it must be the variable with the job token".to_owned()
                        }
                    }),
                )
            }
            None => Ok(None),
        }
    }

    /// The audience that a token is to have.
    pub fn wanted(&self, settings: &Settings) -> String {
        if let Some(audience) = &self.audience {
            return audience.clone();
        }
        let organization = settings.organization.as_ref();
        match organization.and_then(|name| name.to_str().ok()) {
            Some(name) => format!("{}/{name}", settings.gateway),
            None => settings.gateway.to_string(),
        }
    }

    /// Refuses a token that was made for somebody else than this gateway and organization, before it is sent: whoever
    /// it was made for would take it.
    ///
    /// # Errors
    /// `Usage`, with the audience that it must have.
    pub fn check(&self, token: &JobToken, settings: &Settings) -> Outcome<()> {
        let (wanted, gateway) = (self.wanted(settings), settings.gateway.to_string());
        let of_gateway = |audience: &str| match settings.organization {
            // The gateway alone leaves the organization to the request.
            Some(_) => audience == gateway,
            None => audience
                .strip_prefix(&gateway)
                .is_some_and(|rest| rest.starts_with('/')),
        };
        let audiences = token.claims().audiences();
        let fits = match audiences.as_slice() {
            [one] => *one == wanted || (self.audience.is_none() && of_gateway(one)),
            _ => false,
        };
        if fits {
            return Ok(());
        }
        let named = match audiences.as_slice() {
            [] => "nobody".to_owned(),
            several => several.join(", "),
        };
        let message =
            format!("the job token is made for {named}, and must be made for {wanted} alone");
        Err(Failure::new(Kind::Usage, message).hint(format!(
            "set its audience: `aud: {wanted}` under id_tokens, or --audience here; or check POSTERN_URL and \
             POSTERN_ORGANIZATION"
        )))
    }
}

/// Reads the token in a file, or in standard input for `-`.
fn of_file(file: &Path) -> Outcome<JobToken> {
    let (text, from) = read(file)?;
    JobToken::parse(trimmed(&text).to_owned(), &from)
}

/// Reads only what the token in a file claims.
///
/// # Errors
/// `Configuration` for a file that cannot be read, `Usage` for one without a token.
pub fn claims_of_file(file: &Path) -> Outcome<Claims> {
    let (text, from) = read(file)?;
    Claims::parse(trimmed(&text), &from)
}

/// What is in a file, and what errors call it.
fn read(file: &Path) -> Outcome<(String, String)> {
    let is_stdin = file.as_os_str() == "-";
    let from = named(file);
    let wrong = |error: std::io::Error| {
        let kind = if is_stdin {
            Kind::Usage
        } else {
            Kind::Configuration
        };
        Failure::new(kind, format!("{from}: {error}"))
    };
    let source: Box<dyn Read> = match is_stdin {
        true => Box::new(std::io::stdin()),
        false => Box::new(File::open(file).map_err(wrong)?),
    };
    let mut text = String::new();
    source
        .take(MAX_READ)
        .read_to_string(&mut text)
        .map_err(wrong)?;
    Ok((text, from))
}

/// What to add where a job has no token.
fn nowhere(environment: Environment<'_>) -> Failure {
    let is = |name: &str| environment(name).is_some_and(|value| value == "true");
    let (message, hint) = if is("GITHUB_ACTIONS") {
        (
            "this job may not ask GitHub for a token".to_owned(),
            "add `permissions: id-token: write` to the job; GitHub gives none to pull requests of forks",
        )
    } else if is("GITLAB_CI") {
        (
            format!("this job has no variable {VARIABLE}"),
            "add `id_tokens: POSTERN_ID_TOKEN: aud: GATEWAY/ORGANIZATION` to the job",
        )
    } else {
        (
            "no job token: this is no job of GitHub Actions or GitLab CI".to_owned(),
            "give the token of another CI system with --token-file or --token-variable",
        )
    };
    Failure::new(Kind::Credential, message).hint(hint)
}
