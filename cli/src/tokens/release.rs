//! `postern token release`: ends the quarantine of tokens, in the order given. Each is said as it is
//! done, so that a run that breaks off can be repeated.

use http::Method;
use serde_json::Value;

use super::find::{self, Among};
use super::route;
use crate::api::Api;
use crate::fail::{Failure, Outcome};
use crate::output::{Format, print, print_json};
use crate::text::member;

/// Which tokens work again.
#[derive(Debug, clap::Args)]
pub struct Release {
    #[command(flatten)]
    tokens: find::Several,

    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    output: Format,
}

impl Release {
    pub(super) async fn run(self, api: &Api) -> Outcome {
        self.tokens.check()?;
        let ids = find::ids(api, self.tokens.texts(), Among::Active).await?;
        let (mut done, all) = (Vec::new(), ids.len());
        let mut ended = Ok(());
        for id in &ids {
            match release(api, id).await {
                Ok(released) => {
                    if self.output == Format::Table {
                        print(&format!(
                            "API token released! {}\n",
                            member(&released, "id")
                        ))?;
                    }
                    done.push(released);
                }
                Err(failure) if all == 1 => ended = Err(failure),
                Err(failure) => {
                    ended = Err(broke_off(failure, id, done.len(), all));
                    break;
                }
            }
        }
        if self.output == Format::Json && !done.is_empty() {
            print_json(&Value::Array(done))?;
        }
        ended
    }
}

async fn release(api: &Api, id: &str) -> Outcome<Value> {
    let path = format!("{}/release", route(id));
    api.answer(Method::POST, &path, None).await?.json()
}

fn broke_off(failure: Failure, id: &str, done: usize, all: usize) -> Failure {
    let message = format!("{done} of {all} released, then {id}: {}", failure.message);
    let hint = failure.hint;
    Failure::new(failure.kind, message)
        .hint(hint.unwrap_or_else(|| "give those again that are not released yet".to_owned()))
}
