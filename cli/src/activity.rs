//! `postern activity`: calls per day and outcome, and the last that were refused; with `--follow`,
//! those that are refused from now on, as the gateway tells of them.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use serde_json::Value;

use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::listing::{Format, Shape};
use crate::output::{print, print_json, print_on, remark};
use crate::settings::{Flags, Settings};
use crate::terminal::Screen;
use crate::text::{encoded, member};
use crate::tokens::find::{self, Among};

mod view;

use view::RECENT;

/// Between two looks at what was refused.
const PAUSE: Duration = Duration::from_secs(2);
/// Longest pause after failures.
const LONGEST: Duration = Duration::from_secs(30);
/// Refused calls that are remembered as shown: more than the gateway keeps.
const REMEMBERED: usize = 1_000;

/// `postern activity`.
#[derive(Debug, clap::Args)]
pub struct Activity {
    /// Only calls of this token: its name, prefix or id
    #[arg(value_name = "TOKEN")]
    named: Option<String>,

    /// The same as TOKEN
    #[arg(long, value_name = "TOKEN", conflicts_with = "named")]
    token_id: Option<String>,

    /// Days to count, today the last of them
    #[arg(long, value_name = "COUNT", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=30))]
    days: u16,

    /// Refused calls to show, the newest first; the gateway keeps 200
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    limit: usize,

    /// Show refused calls as they happen, until interrupted
    #[arg(long, short)]
    follow: bool,

    #[command(flatten)]
    shape: Shape,
}

impl Activity {
    /// Does it.
    ///
    /// # Errors
    /// What the gateway refuses; `Usage` for a format that cannot follow.
    pub async fn run(self, flags: &Flags) -> Outcome {
        self.shape.check(RECENT)?;
        flags.token_is_credential("postern activity")?;
        if self.follow && !matches!(self.shape.output, Format::Table | Format::Jsonl) {
            let message = "--follow writes lines: -o table or -o jsonl";
            return Err(Failure::new(Kind::Usage, message));
        }
        let api = Api::new(Settings::find(flags)?)?;
        let token = match self.named.as_ref().or(self.token_id.as_ref()) {
            Some(meant) => Some(find::id(&api, meant, Among::Every).await?),
            None => None,
        };
        match self.follow {
            true => follow(&api, &path(token.as_deref(), 1), self.shape.output).await,
            false => self.show(&api, &path(token.as_deref(), self.days)).await,
        }
    }

    async fn show(&self, api: &Api, path: &str) -> Outcome {
        let told = ask(api, path).await?;
        if self.shape.output == Format::Json {
            return print_json(&told);
        }
        let mut recent = rows(&told, "recent");
        recent.truncate(self.limit);
        if !self.shape.is_table() {
            return self.shape.print(RECENT, &recent, "no call was refused");
        }
        print(&view::above(&told, &self.shape, Screen::stdout())?)?;
        self.shape.print(RECENT, &recent, "no call was refused")
    }
}

fn path(token: Option<&str>, days: u16) -> String {
    let token = token.map(|id| format!("&token={}", encoded(id)));
    format!("/org/activity?days={days}{}", token.unwrap_or_default())
}

async fn ask(api: &Api, path: &str) -> Outcome<Value> {
    let told = api.get(path).await.map_err(|failure| match failure.kind {
        Kind::NotAllowed if failure.hint.is_none() => {
            failure.hint("this needs an organization-level token with the policy `audit:read`")
        }
        _ => failure,
    })?;
    match told.get("recent").is_some_and(Value::is_array) {
        true => Ok(told),
        false => {
            let message = "the gateway's answer has no `recent`";
            Err(Failure::new(Kind::Unavailable, message))
        }
    }
}

fn rows(told: &Value, name: &str) -> Vec<Value> {
    let rows = told.get(name).and_then(Value::as_array);
    rows.cloned().unwrap_or_default()
}

/// Writes refused calls, the oldest first, as they come to be known, for as long as somebody reads.
async fn follow(api: &Api, path: &str, output: Format) -> Outcome {
    let mut shown = Shown::default();
    let screen = Screen::stdout();
    let mut pause = PAUSE;
    // Those before the first look are not news.
    for call in rows(&ask(api, path).await?, "recent") {
        shown.is_new(&call);
    }
    remark("waiting for refused calls; isolates tell of them some seconds later. Ctrl-C ends it");
    loop {
        tokio::time::sleep(pause).await;
        let told = match ask(api, path).await {
            Ok(told) => told,
            // What may pass is waited for, and said once.
            Err(failure) if matches!(failure.kind, Kind::Unavailable | Kind::Limit) => {
                if pause == PAUSE {
                    remark(&failure.to_string());
                }
                pause = (pause * 2).min(LONGEST);
                continue;
            }
            Err(failure) => return Err(failure),
        };
        pause = PAUSE;
        for call in rows(&told, "recent").iter().rev() {
            if shown.is_new(call) {
                let line = match output {
                    Format::Jsonl => format!("{call}\n"),
                    _ => view::line(call, screen),
                };
                // Nobody reads any more, as behind `head`.
                if print_on(&line)?.is_break() {
                    return Ok(());
                }
            }
        }
    }
}

/// Refused calls that were written, the last of them.
#[derive(Default)]
struct Shown {
    order: VecDeque<String>,
    known: HashSet<String>,
}

impl Shown {
    /// Whether a call was not written yet; it is from now on.
    fn is_new(&mut self, call: &Value) -> bool {
        let key = ["at", "request_id", "operation", "reason"].map(|name| member(call, name));
        let key = key.join(" ");
        if !self.known.insert(key.clone()) {
            return false;
        }
        self.order.push_back(key);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_call_is_written_once() {
        let mut shown = Shown::default();
        let call = |request: usize| json!({ "at": "t", "request_id": request, "reason": "r" });
        assert!(shown.is_new(&call(1)) && !shown.is_new(&call(1)));
        for request in 2..=REMEMBERED {
            assert!(shown.is_new(&call(request)), "{request}");
        }
        assert!(!shown.is_new(&call(1)), "within what is remembered");
        assert!(shown.is_new(&call(REMEMBERED + 1)));
        assert_eq!(
            (shown.order.len(), shown.known.len()),
            (REMEMBERED, REMEMBERED)
        );
    }
}
