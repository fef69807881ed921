//! A revoke of all tokens that meet criteria: first what matches, by name and recent use, then the
//! revoke of exactly these, in parts. A run that was cut off is repeated: what is revoked does not
//! match any more.

use std::collections::HashSet;
use std::io::{BufRead as _, IsTerminal as _, Write as _};

use serde_json::{Map, Value, json};

use super::find::{self, Among};
use super::view::MATCHED;
use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::listing::{Format, Shape};
use crate::output::{Progress, print, print_json, remark};
use crate::text::{count, counted, member};
use crate::when;

/// Tokens that one call revokes: it takes about a second, so that progress can be seen.
const PART: usize = 250;
/// Where the calls go.
const PATH: &str = "/org/tokens/revoke";

/// Which tokens: those that meet every one that is given.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "All active tokens that meet every one of these")]
pub struct Criteria {
    /// Created by this token, by those that it created, and so on: its name, prefix or id
    #[arg(long, value_name = "TOKEN")]
    minted_by: Option<String>,

    /// Of this project and its workflows, by its name or id
    #[arg(long, short, value_name = "NAME")]
    project: Option<String>,

    /// Created after this moment, or within this span, such as 24h
    #[arg(long, value_name = "MOMENT", value_parser = when::past)]
    created_after: Option<String>,

    /// Created before this moment, or longer ago than this span, such as 90d
    #[arg(long, value_name = "MOMENT", value_parser = when::past)]
    created_before: Option<String>,

    /// Never used
    #[arg(long)]
    never_used: bool,

    /// Created from this IP address
    #[arg(long, value_name = "ADDRESS")]
    created_from: Option<String>,
}

impl Criteria {
    /// Whether there are any.
    pub fn are_given(&self) -> bool {
        let texts = [
            &self.minted_by,
            &self.project,
            &self.created_after,
            &self.created_before,
            &self.created_from,
        ];
        self.never_used || texts.iter().any(|text| text.is_some())
    }

    /// As the gateway takes them.
    ///
    /// # Errors
    /// Those of finding the creator; `Usage` for a value that is empty.
    pub async fn body(&self, api: &Api, ids: Vec<String>) -> Outcome<Map<String, Value>> {
        let creator = match &self.minted_by {
            Some(meant) => Some(find::id(api, meant, Among::Every).await?),
            None => None,
        };
        let mut body = Map::new();
        for (name, value) in [
            ("minted_by", creator.as_ref()),
            ("project", self.project.as_ref()),
            ("created_after", self.created_after.as_ref()),
            ("created_before", self.created_before.as_ref()),
            ("created_from", self.created_from.as_ref()),
        ] {
            match value {
                // An empty variable of a script selects nothing.
                Some(value) if value.trim().is_empty() => {
                    let message = format!("`{name}` is empty: give it a value, or leave it out");
                    return Err(Failure::new(Kind::Usage, message));
                }
                Some(value) => {
                    body.insert(name.to_owned(), value.as_str().into());
                }
                None => {}
            }
        }
        if self.never_used {
            body.insert("never_used".to_owned(), true.into());
        }
        if !ids.is_empty() {
            body.insert("ids".to_owned(), ids.into());
        }
        Ok(body)
    }
}

/// A revoke of many.
pub struct Many {
    /// Which.
    pub criteria: Map<String, Value>,
    /// How what matches is written.
    pub shape: Shape,
    /// Whether nobody is asked.
    pub yes: bool,
}

impl Many {
    /// Shows what would be revoked.
    ///
    /// # Errors
    /// What the gateway refuses.
    pub async fn show(&self, api: &Api) -> Outcome {
        let told = self.matched(api).await?;
        let rows = rows(&told);
        self.shape
            .print_of(&told, MATCHED, &rows, "no active token matches")?;
        if self.shape.is_table() && !rows.is_empty() {
            print(&format!("\n{}\nNothing was revoked.\n", summary(&told)))?;
        }
        Ok(())
    }

    /// Shows them, asks, and revokes exactly these.
    ///
    /// # Errors
    /// What the gateway refuses; `Usage` where nobody can be asked; `Other` where tokens match that
    /// were not shown.
    pub async fn revoke(&self, api: &Api) -> Outcome {
        let told = self.matched(api).await?;
        let rows = rows(&told);
        if rows.is_empty() {
            remark("no active token matches: nothing was revoked");
            return match self.shape.output {
                Format::Json => print("[]\n"),
                _ => Ok(()),
            };
        }
        match self.shape.is_table() {
            true => {
                self.shape.print(MATCHED, &rows, "")?;
                print(&format!("\n{}\n", summary(&told)))?;
            }
            false => {
                Shape::remark_table(MATCHED, &rows)?;
                remark(&summary(&told));
            }
        }
        if !self.yes {
            ask(rows.len())?;
        }
        let ids: Vec<String> = rows.iter().map(|row| member(row, "id")).collect();
        let revoked = self.parts(api, &ids).await?;
        let done = revoked.len();
        match self.shape.output {
            Format::Json => print_json(&Value::Array(revoked))?,
            Format::Jsonl => {}
            _ => print(&format!("{} revoked.\n", counted(done as u64, "token")))?,
        }
        if done < ids.len() {
            remark(&not_any_more(ids.len() - done, self.is_never_used()));
        }
        self.left(api, &ids).await
    }

    async fn matched(&self, api: &Api) -> Outcome<Value> {
        let mut body = self.criteria.clone();
        body.insert("dry_run".to_owned(), true.into());
        api.post(PATH, &Value::Object(body)).await
    }

    fn is_never_used(&self) -> bool {
        self.criteria.contains_key("never_used")
    }

    /// Revokes the ids part by part; a signal ends it between two. Gives those that the gateway says
    /// it has revoked: others may have been revoked before, or used for the first time.
    async fn parts(&self, api: &Api, ids: &[String]) -> Outcome<Vec<Value>> {
        let progress = Progress::new("revoked");
        let mut revoked: Vec<Value> = Vec::new();
        for part in ids.chunks(PART) {
            progress.at(revoked.len());
            let mut body = json!({ "ids": part, "dry_run": false });
            // The one criterion that can cease to hold once a token was shown.
            if let (true, Some(body)) = (self.is_never_used(), body.as_object_mut()) {
                body.insert("never_used".to_owned(), true.into());
            }
            let answer = tokio::select! {
                answer = api.post(PATH, &body) => answer,
                _ = tokio::signal::ctrl_c() => Err(Failure::new(Kind::Other, "interrupted")),
            };
            let answer = answer.map_err(|failure| cut_off(failure, revoked.len(), ids.len()))?;
            let at = answer.get("revoked_at").cloned().unwrap_or_default();
            let Some(named) = answer.get("ids").and_then(Value::as_array) else {
                let message = "the gateway's answer has no `ids`";
                let failure = Failure::new(Kind::Unavailable, message);
                return Err(cut_off(failure, revoked.len(), ids.len()));
            };
            for id in named {
                let row = json!({ "id": id, "revoked_at": at });
                if self.shape.output == Format::Jsonl {
                    print(&format!("{row}\n"))?;
                }
                revoked.push(row);
            }
        }
        drop(progress);
        Ok(revoked)
    }

    /// Says so where tokens match that were created meanwhile.
    async fn left(&self, api: &Api, revoked: &[String]) -> Outcome {
        let told = self.matched(api).await?;
        if let Some(creator) = self.criteria.get("minted_by").and_then(Value::as_str) {
            remark(&format!(
                "the creator itself is not among them: postern token revoke {creator}"
            ));
        }
        let mut left = rows(&told);
        // A list may be a moment behind.
        left.retain(|row| !revoked.contains(&member(row, "id")));
        match left.len() {
            0 => Ok(()),
            more => {
                let message = match more {
                    1 => {
                        "1 token was created meanwhile that matches, and is not revoked".to_owned()
                    }
                    more => format!(
                        "{} were created meanwhile that match, and are not revoked",
                        counted(more as u64, "token")
                    ),
                };
                Err(Failure::new(Kind::Other, message)
                    .hint("revoke the creator, and run the same command again"))
            }
        }
    }
}

/// What matches, in the gateway's order: by recent use. Ids that it cannot tell more about come last:
/// tokens that D1 does not have yet, all of them while D1 does not answer or in an earlier release.
fn rows(told: &Value) -> Vec<Value> {
    let array = |name: &str| told.get(name).and_then(Value::as_array);
    let mut rows = array("tokens").cloned().unwrap_or_default();
    let known: HashSet<String> = rows.iter().map(|row| member(row, "id")).collect();
    let others = array("ids").into_iter().flatten().filter(|id| {
        let id = id.as_str().unwrap_or_default();
        !known.contains(id)
    });
    rows.extend(others.map(|id| json!({ "id": id })));
    rows
}

/// How many, of which projects, and how many are in use.
fn summary(told: &Value) -> String {
    let number = |of: &Value, name: &str| of.get(name).and_then(Value::as_u64).unwrap_or(0);
    let projects = told.get("projects").and_then(Value::as_array);
    let projects: Vec<String> = projects
        .into_iter()
        .flatten()
        .map(|project| {
            let tokens = count(number(project, "count"));
            match member(project, "name") {
                none if none.is_empty() => format!("{tokens} of no project"),
                name => format!("{tokens} of {name}"),
            }
        })
        .collect();
    let projects = match projects.is_empty() {
        true => String::new(),
        false => format!(": {}", projects.join(", ")),
    };
    let matched = counted(rows(told).len() as u64, "token");
    let used = count(number(told, "used_in_last_day"));
    format!("{matched} matched{projects}. {used} used in the last day.")
}

/// Asks a person at the terminal, who answers with the number.
fn ask(matched: usize) -> Outcome {
    let tokens = counted(matched as u64, "token");
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        let message = format!("{tokens} would be revoked, and nobody can be asked");
        return Err(Failure::new(Kind::Usage, message)
            .hint("add --yes to revoke them, or --dry-run to see them"));
    }
    let question = format!(
        "Requests using them will fail immediately, and this can't be undone.\n\
         Type {matched} to revoke {tokens}: "
    );
    let mut stderr = std::io::stderr();
    let _ = write!(stderr, "{question}").and_then(|()| stderr.flush());
    let mut answer = String::new();
    let read = stdin.lock().read_line(&mut answer);
    match read.is_ok() && answer.trim() == matched.to_string() {
        true => Ok(()),
        false => Err(Failure::new(Kind::Other, "nothing was revoked")),
    }
}

/// Of those that were shown, some that the gateway did not revoke.
fn not_any_more(count: usize, is_never_used: bool) -> String {
    let why = match is_never_used {
        true => "revoked, expired or used",
        false => "revoked or expired",
    };
    match count {
        1 => format!("1 token that was shown is not among them: it was {why} meanwhile"),
        more => format!(
            "{} that were shown are not among them: they were {why} meanwhile",
            counted(more as u64, "token")
        ),
    }
}

fn cut_off(failure: Failure, done: usize, all: usize) -> Failure {
    let message = format!(
        "cut off: {done} of {all} revoked, and perhaps some of the next {PART}: {}",
        failure.message
    );
    Failure::new(failure.kind, message)
        .hint("run the same command again: it goes on with those that are still active")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_is_left_out() {
        let told = json!({ "ids": ["1", "2", "3"], "tokens": [{ "id": "2", "name": "ci" }] });
        let ids: Vec<String> = rows(&told).iter().map(|row| member(row, "id")).collect();
        assert_eq!(ids, ["2", "1", "3"]);
    }

    #[test]
    fn a_summary_counts_by_project() {
        for (told, expected) in [
            (
                json!({
                    "tokens": [{ "id": "1" }, { "id": "2" }, { "id": "3" }], "used_in_last_day": 2,
                    "projects": [{ "name": "shop", "count": 2 }, { "name": null, "count": 1 }],
                }),
                "3 tokens matched: 2 of shop, 1 of no project. 2 used in the last day.",
            ),
            // D1 does not have every one of them.
            (
                json!({
                    "ids": ["1", "2"], "tokens": [{ "id": "2" }], "used_in_last_day": 0,
                    "projects": [{ "name": "shop", "count": 1 }],
                }),
                "2 tokens matched: 1 of shop. 0 used in the last day.",
            ),
            (
                json!({ "ids": ["1"], "tokens": null, "projects": null, "used_in_last_day": 0 }),
                "1 token matched. 0 used in the last day.",
            ),
        ] {
            assert_eq!(summary(&told), expected);
        }
    }
}
