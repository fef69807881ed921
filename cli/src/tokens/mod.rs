//! `postern api-token`: the life of tokens, with the flags and columns of the stock client. Shows a
//! secret once, on stdout, and keeps none.

use serde_json::{Map, Value};

use crate::api::Api;
use crate::fail::Outcome;
use crate::settings::{Flags, Settings};
use crate::text::encoded;

mod adopt;
mod create;
pub mod exchange;
pub mod find;
mod list;
mod release;
mod revoke;
mod rotate;
mod show;
mod view;

/// `postern api-token`.
#[derive(Debug, clap::Args)]
pub struct Tokens {
    /// How to call the gateway.
    #[command(flatten)]
    flags: Flags,
    /// What to do.
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Create a token and show it once
    Create(create::Create),
    /// List tokens
    #[command(visible_alias = "ls")]
    List(list::List),
    /// Show everything about a token but its secret
    Show(show::Show),
    /// Revoke tokens, at once and permanently
    Revoke(revoke::Revoke),
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
    pub async fn run(self) -> Outcome {
        let api = Api::new(Settings::find(&self.flags)?)?;
        match self.what {
            What::Create(create) => create.run(&api).await,
            What::List(list) => list.run(&api).await,
            What::Show(show) => show.run(&api).await,
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
