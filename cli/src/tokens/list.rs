//! `postern token list`: all of them, page after page, or those that are searched for. A secret is
//! searched for from standard input alone.

use serde_json::{Map, Value};

use super::find::{self, Among};
use super::{read_stdin, view};
use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::listing::Shape;
use crate::output::remark;
use crate::text::member;
use crate::when;

/// Rows of a page of a search: the most that the gateway gives.
const PAGE: u64 = 500;

/// Which tokens to list.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Words that begin words of the name, description, project, workflow or creator's name; or a
    /// prefix or id. `-` reads them, or a whole secret, from standard input
    #[arg(long, short = 'q', value_name = "TEXT")]
    search: Option<String>,

    /// Filter by status
    #[arg(long, default_value = "active", value_parser = ["active", "revoked", "all"])]
    status: String,

    /// Include revoked and expired tokens: the same as --status all
    #[arg(long, short, conflicts_with = "status")]
    all: bool,

    /// Filter by scope; `global` is `organization`
    #[arg(long, short, value_name = "SCOPE", value_parser = ["organization", "global", "project", "workflow"])]
    scope: Option<String>,

    /// Only tokens of this project, by its name or id
    #[arg(long, short)]
    project: Option<String>,

    /// Only tokens created by this one: its name, prefix or id
    #[arg(long, value_name = "TOKEN")]
    minted_by: Option<String>,

    /// Only active tokens that expire before this moment, or within this span, such as 14d
    #[arg(long, value_name = "MOMENT", value_parser = when::future)]
    expires_before: Option<String>,

    /// Only tokens that never expire
    #[arg(long)]
    never_expires: bool,

    /// Only tokens that are older than this moment, or span, and were not used since, such as 30d
    #[arg(long, value_name = "MOMENT", value_parser = when::past)]
    unused_since: Option<String>,

    /// Only quarantined tokens
    #[arg(long)]
    quarantined: bool,

    /// Only tokens created after this moment, or within this span, such as 24h
    #[arg(long, value_name = "MOMENT", value_parser = when::past)]
    created_after: Option<String>,

    #[command(flatten)]
    shape: Shape,
}

impl List {
    pub(super) async fn run(self, api: &Api) -> Outcome {
        self.shape.check(view::TOKENS)?;
        let text = match self.search.as_deref() {
            Some("-") => Some(read_stdin("--search - reads the text from standard input")?),
            Some(text) if find::is_secret(text) => return Err(secret()),
            _ => None,
        };
        let minter = match &self.minted_by {
            Some(meant) => Some(find::id(api, meant, Among::Every).await?),
            None => None,
        };
        let filters = self.filters(minter.as_deref());
        let tokens = match text {
            Some(text) => search(api, &text, filters).await?,
            None => {
                let query: Vec<_> = self
                    .search
                    .as_deref()
                    .map(|text| ("q", text))
                    .into_iter()
                    .chain(filters)
                    .collect();
                api.list("/org/tokens", &query, "tokens", usize::MAX)
                    .await?
            }
        };
        self.shape.print(view::TOKENS, &tokens, &self.none())
    }

    fn status(&self) -> &str {
        if self.all { "all" } else { &self.status }
    }

    fn filters<'f>(&'f self, minter: Option<&'f str>) -> Vec<(&'static str, &'f str)> {
        let scope = match self.scope.as_deref() {
            Some("global") => Some("organization"),
            scope => scope,
        };
        [
            ("status", Some(self.status())),
            ("scope", scope),
            ("project", self.project.as_deref()),
            ("minted_by", minter),
            ("expires_before", self.expires_before.as_deref()),
            ("never_expires", self.never_expires.then_some("true")),
            ("unused_since", self.unused_since.as_deref()),
            ("quarantined", self.quarantined.then_some("true")),
            ("created_after", self.created_after.as_deref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }

    fn none(&self) -> String {
        match self.status() {
            "active" => "no active API token in this organization matches; --all looks among revoked and expired ones too",
            "revoked" => "no revoked API token in this organization matches",
            _ => "no API token in this organization matches",
        }
        .to_owned()
    }
}

/// A secret among the arguments, which is sent nowhere.
fn secret() -> Failure {
    let message =
        "--search holds a whole secret, and other users of this machine can see arguments";
    Failure::new(Kind::Usage, message)
        .hint("give it by standard input: postern token list --search - < FILE")
}

/// Searches for a text that may be a secret: it goes in a body, into no address and no log.
async fn search(api: &Api, text: &str, filters: Vec<(&'static str, &str)>) -> Outcome<Vec<Value>> {
    let mut body: Map<String, Value> = filters
        .into_iter()
        .map(|(name, value)| {
            let value = match name {
                "never_expires" | "quarantined" => Value::Bool(true),
                _ => value.into(),
            };
            (name.to_owned(), value)
        })
        .collect();
    body.insert("text".to_owned(), text.into());
    body.insert("limit".to_owned(), PAGE.into());
    let mut found = Vec::new();
    loop {
        let mut page = api
            .post("/org/tokens/search", &Value::Object(body.clone()))
            .await?;
        let Some(Value::Array(tokens)) = page.get_mut("tokens").map(Value::take) else {
            let message = "the gateway's answer has no `tokens`";
            return Err(Failure::new(Kind::Unavailable, message));
        };
        found.extend(tokens);
        let next = page.get("next_cursor").filter(|next| next.is_string());
        match next {
            // The same cursor twice would never end.
            Some(next) if body.get("cursor") != Some(next) => {
                body.insert("cursor".to_owned(), next.clone());
            }
            _ => {
                tell(&page, found.is_empty());
                return Ok(found);
            }
        }
    }
}

/// What the gateway says of a text that is a secret.
fn tell(page: &Value, is_empty: bool) {
    if member(page, "found_by") != "secret" {
        return;
    }
    match (page.get("genuine").and_then(Value::as_bool), is_empty) {
        (Some(false), _) => remark(
            "no key of this gateway has made this text: it is mistyped, cut, made up, or the token of a CI job",
        ),
        (Some(true), true) => remark(
            "the secret is genuine, but its token is in another organization, or out of your reach",
        ),
        _ => remark("found by the secret, whatever the other filters say"),
    }
}
