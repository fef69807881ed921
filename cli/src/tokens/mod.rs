//! `postern token`: the life of tokens, with the flags and columns of the stock client. Shows a
//! secret once, on stdout, and keeps none.

use std::io::{IsTerminal as _, Read as _};

use serde_json::{Map, Value};

use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::settings::{Flags, Settings, trimmed};
use crate::text::encoded;

mod adopt;
pub mod conditions;
mod create;
mod edit;
pub mod exchange;
pub mod find;
mod list;
mod many;
mod release;
mod revoke;
mod rotate;
mod show;
mod view;

/// `postern token`.
#[derive(Debug, clap::Args)]
pub struct Tokens {
    /// What to do.
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Create a token and show it once
    Create(create::Create),
    /// List tokens, or search for some
    #[command(visible_alias = "ls")]
    List(Box<list::List>),
    /// Show everything about a token but its secret
    Show(show::Show),
    /// Rename a token, or make it narrower: fewer addresses, calls or policies, an earlier expiry
    Edit(edit::Edit),
    /// Revoke tokens, at once and permanently: by name, or all that meet criteria
    Revoke(Box<revoke::Revoke>),
    /// End the quarantine of tokens: they work again
    Release(release::Release),
    /// Replace a token with a new one of the same name and rights
    Rotate(rotate::Rotate),
    /// Register a token that the origin created, read from standard input
    Adopt(adopt::Adopt),
    /// Exchange this CI job's own token for a short-lived token, without a stored secret
    Exchange(exchange::Exchange),
}

impl Tokens {
    /// Does it.
    pub async fn run(self, flags: &Flags) -> Outcome {
        let api = Api::new(Settings::find(flags)?)?;
        match self.what {
            What::Create(create) => create.run(&api).await,
            What::List(list) => list.run(&api).await,
            What::Show(show) => show.run(&api).await,
            What::Edit(edit) => edit.run(&api).await,
            What::Revoke(revoke) => revoke.run(&api).await,
            What::Release(release) => release.run(&api).await,
            What::Rotate(rotate) => rotate.run(&api).await,
            What::Adopt(adopt) => adopt.run(&api).await,
            What::Exchange(exchange) => exchange.run(&api.anonymous()).await,
        }
    }
}

/// The route of a token.
fn route(id: &str) -> String {
    format!("/org/tokens/{}", encoded(id))
}

/// A body of those members that were given.
fn body(members: &[(&str, Option<&str>)]) -> Map<String, Value> {
    members
        .iter()
        .filter_map(|(name, value)| Some(((*name).to_owned(), (*value)?.into())))
        .collect()
}

/// The expiration that was asked for; the stock client's `0` is none.
fn expiration(given: Option<&String>) -> Option<&str> {
    given
        .map(String::as_str)
        .filter(|given| !matches!(*given, "0" | "0s"))
}

/// Longest text that is read, in bytes: more than the gateway takes.
const MAX_TEXT: u64 = 64 * 1024;

/// Reads a token, or what may be one, from standard input, so that it stands in no list of
/// processes and no history of a shell.
fn read_stdin(form: &str) -> Outcome<String> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Err(Failure::new(Kind::Usage, form));
    }
    let mut text = String::new();
    let read = stdin.lock().take(MAX_TEXT).read_to_string(&mut text);
    read.map_err(|error| Failure::new(Kind::Usage, format!("standard input: {error}")))?;
    match trimmed(&text) {
        "" => Err(Failure::new(Kind::Usage, "standard input holds no token")),
        token => Ok(token.to_owned()),
    }
}
