//! `postern audit`: what was done in an organization. An export is whole or no file at all.

mod changes;
mod checkpoint;
mod prove;
mod public;
mod tell;
mod tree;
mod verify;
mod witness;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use http::HeaderValue;
use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::listing::{Listed, Shape, of};
use crate::output::Progress;
use crate::settings::{Flags, Settings};
use crate::table::{Cell, Column, Form, Look};
use crate::terminal::Tone;
use crate::text::member;
use crate::tokens::find::{self, Among};
use crate::when;

const NDJSON: HeaderValue = HeaderValue::from_static("application/x-ndjson");

/// Longest line that could be a checkpoint, in bytes.
const MAX_LINE: usize = 64 * 1024;

/// `postern audit`.
#[derive(Debug, clap::Args)]
pub struct Audit {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List events, newest first
    #[command(visible_alias = "ls")]
    List(Box<List>),
    /// Export the whole log with the links of its chain, oldest first, one JSON object per line
    Export {
        /// Output file, which only you can read; created once the export is complete. Default:
        /// stdout
        file: Option<PathBuf>,
    },
    /// Check an exported log, or a proof of one event, offline, without gateway and credential
    ///
    /// With public keys (--key), and at least one checkpoint (--checkpoint): whether the rows follow on
    /// each other, and make the tree of each checkpoint. Who has every key of the gateway cannot write a
    /// log anew that agrees with a checkpoint that somebody has kept.
    ///
    /// With the gateway's own keys, from ROOT_KEYS, or from TOKEN_KEYS if the gateway has no ROOT_KEYS:
    /// which rows were changed, removed or moved, and how far a signed checkpoint proves the log
    /// complete.
    ///
    /// A proof, as `postern audit prove` writes it, needs a public key alone. A checkpoint that is given
    /// besides must be of the same log; with as many rows it must have the same tree. One with another
    /// number of rows, unless it is 0, cannot be compared with a proof: the exit code is 1 then too.
    Verify(verify::Verify),
    /// Get the proof that an event is in the log, for somebody who has the log's public key and nothing
    /// else
    ///
    /// Writes it to stdout, with the event in it. With --key it is verified first.
    Prove(prove::Prove),
    /// Get the newest public checkpoint of the log, to keep it elsewhere
    ///
    /// Writes a signed note to stdout. With --key it is verified first; with --since the gateway must
    /// prove that the log continues a checkpoint that you have kept.
    Checkpoint(checkpoint::Newest),
    /// Cosign the checkpoints of logs, on a machine of your own
    ///
    /// A witness cosigns a checkpoint only if it continues the one that it has cosigned before. Set its
    /// URL and its public key, which it prints, in WITNESSES of the gateway.
    Witness(witness::Options),
}

#[derive(Debug, clap::Args)]
struct List {
    /// Only this action, such as token.revoke
    #[arg(long)]
    action: Option<String>,

    /// Only this actor: admin-token, idle-sweep, …; the prefix, id or name of a token; or the name
    /// of an administrator key
    #[arg(long)]
    actor: Option<String>,

    /// Only events of this token: its name, prefix or id
    #[arg(value_name = "TOKEN")]
    named: Option<String>,

    /// The same as TOKEN
    #[arg(long, value_name = "TOKEN", conflicts_with = "named")]
    token_id: Option<String>,

    /// Only requests from this IP address
    #[arg(long)]
    address: Option<String>,

    /// Only the request with this id
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,

    /// From this moment on, such as 2030-01-31T12:00:00Z
    #[arg(long, value_name = "MOMENT", value_parser = when::past)]
    since: Option<String>,

    /// The same as --since, by a span: 1h, 24h, 7d
    #[arg(long, value_name = "SPAN", value_parser = when::ago, conflicts_with = "since")]
    last: Option<String>,

    /// Before this moment
    #[arg(long, value_name = "MOMENT", value_parser = when::past)]
    until: Option<String>,

    /// Maximum number of events; 0 for all
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,

    #[command(flatten)]
    shape: Shape,
}

impl Audit {
    /// Does it.
    pub async fn run(self, flags: &Flags) -> Outcome {
        match self.what {
            What::Verify(verify) => verify.run(),
            What::Witness(witness) => witness.run().await,
            What::List(list) => {
                flags.token_is_credential("postern audit list")?;
                list.run(&api(flags)?).await
            }
            What::Prove(prove) => {
                let keys = prove.keys()?;
                prove.run(&api(flags)?, keys.as_ref()).await
            }
            What::Checkpoint(newest) => {
                let known = newest.known()?;
                newest.run(&api(flags)?, known).await
            }
            What::Export { file: None } => export(&api(flags)?, &mut std::io::stdout()).await,
            What::Export { file: Some(file) } => export_to(&api(flags)?, &file).await,
        }
    }
}

fn api(flags: &Flags) -> Outcome<Api> {
    Api::new(Settings::find(flags)?)
}

impl List {
    async fn run(self, api: &Api) -> Outcome {
        self.shape.check(EVENTS)?;
        if let Some(actor) = &self.actor {
            find::refuse_secret(actor)?;
        }
        let token = match self.named.as_ref().or(self.token_id.as_ref()) {
            Some(meant) => Some(match find::id(api, meant, Among::Every).await {
                // Who may read the log and list no tokens: the gateway takes names too.
                Err(failure) if failure.kind == Kind::NotAllowed => meant.clone(),
                found => found?,
            }),
            None => None,
        };
        let query: Vec<_> = [
            ("action", self.action.as_deref()),
            ("actor", self.actor.as_deref()),
            ("token", token.as_deref()),
            ("address", self.address.as_deref()),
            ("request_id", self.request_id.as_deref()),
            ("since", self.since.as_deref().or(self.last.as_deref())),
            ("until", self.until.as_deref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
        let most = match self.limit {
            0 => usize::MAX,
            limit => limit,
        };
        let events = api.list("/org/audit", &query, "events", most).await?;
        self.shape.print(EVENTS, &events, "no event matches")
    }
}

/// Lists of events.
const EVENTS: Listed = Listed {
    columns: &[
        Column::new("at", 0, 0, |event, look| look.moment(event, "at").into()),
        Column::new("action", 0, 14, |event, _| of(event, "action")),
        Column::new("token", 1, 16, |event, look| {
            named(event, look, "token_name", "token_prefix")
        }),
        Column::new("actor", 2, 16, |event, look| {
            named(event, look, "actor_name", "actor")
        }),
        Column::new("outcome", 3, 12, |event, _| {
            match member(event, "outcome") {
                ok if ok == "ok" => Cell::new(ok, Tone::Good),
                other => Cell::new(other, Tone::Bad),
            }
        }),
        Column::new("target", 5, 12, |event, _| of(event, "target")),
        Column::new("changes", 4, 16, changes::cell),
        Column::new("address", 6, 0, |event, _| of(event, "address")),
        Column::new("request_id", 7, 0, |event, _| of(event, "request_id")),
    ],
    name: None,
};

/// A token or an actor: by name where there is one, and for programs as the log has it.
fn named(event: &Value, look: &Look, name: &str, other: &str) -> Cell {
    let (name, other) = (member(event, name), member(event, other));
    match (name.is_empty(), look.form) {
        (true, _) | (false, Form::Raw) => other.into(),
        (false, Form::Near) => name.into(),
        (false, Form::Whole) => format!("{name} ({other})").into(),
    }
}

/// Writes the export as it arrives, and fails unless its last line is the signed checkpoint.
async fn export(api: &Api, to: &mut impl Write) -> Outcome {
    let cannot = |error: std::io::Error| {
        let message = format!("cannot write the export: {error}");
        Failure::new(Kind::Other, message)
    };
    let mut body = api.stream("/org/audit", NDJSON).await?.into_body();
    let progress = Progress::new("events");
    let mut lines = Lines::default();
    while let Some(frame) = api.in_time(body.frame()).await? {
        let frame = frame.map_err(|error| broke_off(&error.to_string()))?;
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        to.write_all(&piece).map_err(cannot)?;
        lines.take(&piece);
        progress.at(lines.ended);
    }
    to.flush().map_err(cannot)?;
    match lines.end_with_a_checkpoint() {
        true => Ok(()),
        false => Err(broke_off("it ends without a checkpoint")),
    }
}

async fn export_to(api: &Api, file: &Path) -> Outcome {
    let cannot = |error: std::io::Error| {
        let message = format!("{}: {error}", file.display());
        Failure::new(Kind::Configuration, message)
    };
    let mut partial = file.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    // What an earlier run that was broken off has left.
    let _ = fs::remove_file(&partial);
    let mut to = private(&partial).map_err(cannot)?;
    let exported = export(api, &mut to).await;
    let kept = exported.and_then(|()| {
        // Another file of that name stays as it is.
        fs::hard_link(&partial, file).map_err(cannot)
    });
    let _ = fs::remove_file(&partial);
    kept
}

/// A new file for the owner alone: the log has addresses of people in it.
fn private(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

fn broke_off(why: &str) -> Failure {
    let message = format!("the export broke off: {why}");
    Failure::new(Kind::Unavailable, message).hint("export again")
}

/// Counts lines, and keeps the last one.
#[derive(Default)]
struct Lines {
    ended: usize,
    last: Vec<u8>,
    is_whole: bool,
}

impl Lines {
    fn take(&mut self, piece: &[u8]) {
        for byte in piece {
            if self.is_whole {
                self.last.clear();
                self.is_whole = false;
            }
            match byte {
                b'\n' => {
                    self.ended += 1;
                    self.is_whole = true;
                }
                byte if self.last.len() < MAX_LINE => self.last.push(*byte),
                _ => {}
            }
        }
    }

    fn end_with_a_checkpoint(&self) -> bool {
        let last: Option<Value> = serde_json::from_slice(&self.last).ok();
        self.is_whole && last.is_some_and(|last| last.get("checkpoint").is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_ends_with_its_checkpoint() {
        let row = "{\"content\":\"{}\"}\n";
        let end = "{\"checkpoint\":\"{}\",\"kid\":\"r1\",\"mac\":\"00\"}\n";
        for (text, whole) in [
            (format!("{row}{row}{end}"), true),
            (end.to_owned(), true),
            (format!("{row}{row}"), false),
            (format!("{row}{}", end.trim_end()), false),
            (format!("{end}{row}"), false),
            (String::new(), false),
        ] {
            for size in [1, 7, 1000] {
                let mut lines = Lines::default();
                for piece in text.as_bytes().chunks(size) {
                    lines.take(piece);
                }
                assert_eq!(lines.end_with_a_checkpoint(), whole, "{text}");
                assert_eq!(lines.ended, text.matches('\n').count());
            }
        }
    }
}
