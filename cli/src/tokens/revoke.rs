//! `postern token revoke`: the tokens that are named, in the order given, or all that meet criteria.
//! What is done is said as it is done, so that a run that breaks off can be repeated: a second
//! revoke changes nothing.

use http::StatusCode;
use serde_json::Value;

use super::find::{self, Among};
use super::many::{Criteria, Many};
use super::{route, view};
use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::listing::{Format, Shape};
use crate::output::{Progress, print, print_json};
use crate::text::{member, moment, moment_by};

/// Which tokens to end.
#[derive(Debug, clap::Args)]
pub struct Revoke {
    #[command(flatten)]
    tokens: find::Several,

    /// Show what would be revoked, and revoke nothing
    #[arg(long)]
    dry_run: bool,

    /// Do not ask before all that meet the criteria are revoked
    #[arg(long)]
    yes: bool,

    /// Do not wait until the revoke of a named token is final: say by when it is
    #[arg(long)]
    no_wait: bool,

    #[command(flatten)]
    shape: Shape,

    // The last, since its heading would go on.
    #[command(flatten)]
    criteria: Criteria,
}

impl Revoke {
    pub(super) async fn run(self, api: &Api) -> Outcome {
        self.shape.check(view::MATCHED)?;
        let for_a_look = matches!(self.shape.output, Format::Name | Format::Csv);
        if !self.dry_run && for_a_look {
            let message = "-o name and -o csv are for --dry-run";
            return Err(Failure::new(Kind::Usage, message));
        }
        if !self.criteria.are_given() {
            self.tokens.check().map_err(|failure| {
                failure.hint("name some, or say which: --minted-by, --project, --created-before, …")
            })?;
        } else if !self.tokens.is_empty() {
            let message = "name tokens, or give criteria, and not both";
            return Err(Failure::new(Kind::Usage, message));
        }
        let ids = find::ids(api, self.tokens.texts(), Among::Active).await?;
        let is_named = !ids.is_empty();
        if is_named && !self.dry_run {
            return self.revoke_named(api, &ids).await;
        }
        let many = Many {
            criteria: self.criteria.body(api, ids).await?,
            shape: self.shape,
            yes: self.yes,
        };
        match self.dry_run {
            true => many.show(api).await,
            false => many.revoke(api).await,
        }
    }

    async fn revoke_named(&self, api: &Api, ids: &[String]) -> Outcome {
        let (mut done, all) = (Vec::new(), ids.len());
        let progress = Progress::new("revoked");
        let mut ended = Ok(());
        for id in ids {
            match self.revoke(api, id).await {
                Ok(revoked) => {
                    match self.shape.output {
                        Format::Json => {}
                        Format::Jsonl => print(&format!("{}\n", revoked.told))?,
                        _ => print(&revoked.line())?,
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
        if self.shape.output == Format::Json && !done.is_empty() {
            print_json(&Value::Array(done))?;
        }
        ended
    }

    async fn revoke(&self, api: &Api, id: &str) -> Outcome<Revoked> {
        let answer = api.delete(&route(id), !self.no_wait).await?;
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
