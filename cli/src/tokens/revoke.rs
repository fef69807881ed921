//! `postern api-token revoke`: one token, or several in the order given. What is done is said as it
//! is done, so that a run that breaks off can be repeated: a second revoke changes nothing.

use http::StatusCode;
use serde_json::Value;

use super::find::{self, Among};
use super::route;
use crate::api::Api;
use crate::fail::{Failure, Outcome};
use crate::output::{Format, Progress, print, print_json};
use crate::text::{member, moment, moment_by};

/// Which tokens to end.
#[derive(Debug, clap::Args)]
pub struct Revoke {
    /// The token: its id, or the name or prefix of an active one; repeat the flag for more
    #[arg(long = "id", value_name = "TOKEN", required = true)]
    ids: Vec<String>,

    /// Do not wait until the revoke is final: say by when it is
    #[arg(long)]
    no_wait: bool,

    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    output: Format,
}

impl Revoke {
    pub(super) async fn run(self, api: &Api) -> Outcome {
        let (mut done, all) = (Vec::new(), self.ids.len());
        let progress = Progress::new("revoked");
        let mut ended = Ok(());
        for id in &self.ids {
            match self.revoke(api, id).await {
                Ok(revoked) => {
                    if self.output == Format::Table {
                        print(&revoked.line())?;
                    }
                    done.push(revoked.told);
                    if all > 1 {
                        progress.at(done.len());
                    }
                }
                Err(failure) if all == 1 => ended = Err(failure),
                Err(failure) => {
                    ended = Err(broke_off(failure, id, done.len(), all));
                    break;
                }
            }
        }
        drop(progress);
        if self.output == Format::Json && !done.is_empty() {
            print_json(&Value::Array(done))?;
        }
        ended
    }

    async fn revoke(&self, api: &Api, meant: &str) -> Outcome<Revoked> {
        let id = find::id(api, meant, Among::Active).await?;
        let answer = api.delete(&route(&id), !self.no_wait).await?;
        Ok(Revoked {
            told: answer.json()?,
            is_early: answer.status == StatusCode::ACCEPTED,
        })
    }
}

/// The gateway's answer to a revoke.
struct Revoked {
    told: Value,
    /// It came before the revoke was final.
    is_early: bool,
}

impl Revoked {
    fn line(&self) -> String {
        let (id, at) = (member(&self.told, "id"), moment(&self.told, "revoked_at"));
        let by = moment_by(&self.told, "final_at");
        let when_final = match (by.as_str(), self.is_early) {
            // A gateway of an earlier release, whose answer says that much by itself.
            ("", _) => String::new(),
            (by, true) => format!(", final by {by}"),
            (by, false) => format!(", final {by}"),
        };
        format!("API token revoked! {id}, {at}{when_final}\n")
    }
}

fn broke_off(failure: Failure, id: &str, done: usize, all: usize) -> Failure {
    let message = format!("{done} of {all} revoked, then {id}: {}", failure.message);
    let hint = failure.hint;
    Failure::new(failure.kind, message).hint(hint.unwrap_or_else(|| {
        "give the same ids again: those that are revoked stay as they are".to_owned()
    }))
}
