//! `postern api-token revoke`: one token, or several in the order given. What is done is said as it
//! is done, so that a run that breaks off can be repeated: a second revoke changes nothing.

use serde_json::Value;

use super::find::{self, Among};
use super::route;
use crate::api::Api;
use crate::fail::{Failure, Outcome};
use crate::output::{Format, Progress, print, print_json};
use crate::text::{member, moment};

/// Which tokens to end.
#[derive(Debug, clap::Args)]
pub struct Revoke {
    /// The token: its id, or the name or prefix of an active one; repeat the flag for more
    #[arg(long = "id", value_name = "TOKEN", required = true)]
    ids: Vec<String>,

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
            match revoke(api, id).await {
                Ok(revoked) => {
                    if self.output == Format::Table {
                        print(&line(&revoked))?;
                    }
                    done.push(revoked);
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
}

async fn revoke(api: &Api, meant: &str) -> Outcome<Value> {
    let id = find::id(api, meant, Among::Active).await?;
    api.delete(&route(&id)).await
}

fn line(revoked: &Value) -> String {
    let (id, at) = (member(revoked, "id"), moment(revoked, "revoked_at"));
    format!("API token revoked! {id}, {at}\n")
}

fn broke_off(failure: Failure, id: &str, done: usize, all: usize) -> Failure {
    let message = format!("{done} of {all} revoked, then {id}: {}", failure.message);
    let hint = failure.hint;
    Failure::new(failure.kind, message).hint(hint.unwrap_or_else(|| {
        "give the same ids again: those that are revoked stay as they are".to_owned()
    }))
}
