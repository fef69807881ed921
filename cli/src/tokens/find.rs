//! Which token is meant: by its id, or by a name or prefix that only one has. A whole secret is
//! refused: arguments can be seen by other users of the machine.

use chrono::Utc;
use postern_domain::id::TokenId;
use postern_domain::token::{OPAQUE_ID_DIGITS, OPAQUE_PREFIX};
use postern_domain::unicode::likeness;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;

use super::view::{scope, state};
use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::leaks::looks_like_a_token;
use crate::nearest::did_you_mean;
use crate::text::{encoded, member};

/// Most tokens that an error names.
const MAX_NAMED: usize = 5;
/// Longest text that the gateway searches for, in characters.
const MAX_SEARCHED: usize = 200;

/// One token, as an argument or as the stock client has it.
#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = false)]
pub struct One {
    /// The token: its name, prefix or id
    #[arg(value_name = "TOKEN")]
    named: Option<String>,

    /// The same as TOKEN
    #[arg(long = "id", value_name = "TOKEN")]
    id: Option<String>,
}

impl One {
    /// What was given.
    pub fn text(&self) -> &str {
        let given = self.named.as_deref().or(self.id.as_deref());
        given.unwrap_or_default()
    }
}

/// Some tokens, as arguments or as the stock client has them.
#[derive(Debug, Clone, clap::Args)]
pub struct Several {
    /// The tokens: their names, prefixes or ids
    #[arg(value_name = "TOKEN")]
    tokens: Vec<String>,

    /// The same as TOKEN; repeat the flag for more
    #[arg(long = "id", value_name = "TOKEN")]
    ids: Vec<String>,
}

impl Several {
    /// What was given.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().chain(&self.ids).map(String::as_str)
    }

    /// Whether none was given.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.ids.is_empty()
    }

    /// Refuses none.
    ///
    /// # Errors
    /// `Usage`.
    pub fn check(&self) -> Outcome {
        match self.is_empty() {
            true => Err(Failure::new(Kind::Usage, "which token?")
                .hint("give its name, prefix or id: postern token list")),
            false => Ok(()),
        }
    }
}

/// Among which tokens to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// Those that still open something: only they can be rotated or revoked.
    Active,
    /// Those first; where none is meant, those that have ended too. For a look at one token.
    All,
    /// All alike, whether they have ended or not: what a token has done does not end with it, so
    /// that its successor of the same name is never taken for it.
    Every,
}

impl Among {
    /// The lists to look in, one after the other.
    fn statuses(self) -> &'static [&'static str] {
        match self {
            Self::Active => &["active"],
            Self::All => &["active", "all"],
            Self::Every => &["all"],
        }
    }
}

/// The ids of several, all of them found before anything is done to one.
///
/// # Errors
/// As for one.
pub async fn ids(
    api: &Api,
    meant: impl Iterator<Item = &str>,
    among: Among,
) -> Outcome<Vec<String>> {
    let mut ids = Vec::new();
    for meant in meant {
        ids.push(id(api, meant, among).await?);
    }
    Ok(ids)
}

/// The id of the token that is meant. A text with the form of an id is one, whatever is named so.
///
/// # Errors
/// `Usage` for a text that is a token itself or means several, `NotFound`, and whatever a list ends
/// with.
pub async fn id(api: &Api, meant: &str, among: Among) -> Outcome<String> {
    if TokenId::parse(meant).is_ok() {
        return Ok(meant.to_owned());
    }
    // An empty variable of a script names no token, and is not looked for.
    if meant.trim().is_empty() {
        let message = "the token to look for is empty: give its name, prefix or id";
        return Err(Failure::new(Kind::Usage, message));
    }
    refuse_secret(meant)?;
    for status in among.statuses() {
        let found = candidates(api, status, meant).await?;
        if let Some(id) = only(found, meant, among)? {
            return Ok(id);
        }
    }
    if among == Among::Active
        && let Some(ended) = ended(api, meant).await?
    {
        return Err(ended);
    }
    // One page, the newest: a guess is not worth more. A name with characters that nobody sees is
    // among them, and not among those that were searched for.
    let status = among.statuses().last().copied().unwrap_or("active");
    let newest = api
        .get(&format!("/org/tokens?limit=500&status={status}"))
        .await;
    let newest = newest.unwrap_or_default();
    let newest = newest.get("tokens").and_then(Value::as_array);
    let newest = newest.cloned().unwrap_or_default();
    let failure = none(&newest, meant, among);
    only(newest, meant, among)?.ok_or(failure)
}

/// That the token which is meant has ended. Another one of a like name is no guess then.
async fn ended(api: &Api, meant: &str) -> Outcome<Option<Failure>> {
    let mut tokens = candidates(api, "all", meant).await?;
    tokens.retain(|token| is_meant(token, meant));
    Ok(tokens.first().map(|token| {
        let (prefix, id) = (member(token, "prefix"), member(token, "id"));
        let state = state(token, Utc::now()).0;
        let message = format!("`{meant}` is not active any more: {prefix}, {state}");
        Failure::new(Kind::NotFound, message).hint(format!("see: postern token show {id}"))
    }))
}

/// The id of the only token that is meant, if one is.
fn only(mut tokens: Vec<Value>, meant: &str, among: Among) -> Outcome<Option<String>> {
    tokens.retain(|token| is_meant(token, meant));
    match tokens.as_slice() {
        [] => Ok(None),
        [token] => Ok(Some(member(token, "id"))),
        several => Err(ambiguous(meant, several, among)),
    }
}

/// A token, a mistyped one, or a part of one goes into no address, error or log.
///
/// # Errors
/// `Usage`, with the way to look for one.
pub fn refuse_secret(meant: &str) -> Outcome {
    match is_secret(meant) {
        false => Ok(()),
        true => {
            let message = "this is a token itself: other users of this machine can see arguments";
            Err(Failure::new(Kind::Usage, message).hint(
                "find it by standard input, and give its name, prefix or id: postern token list \
                 --search - < FILE",
            ))
        }
    }
}

/// Whether a text has a whole secret in it, one that is mistyped, or a part of one.
pub fn is_secret(text: &str) -> bool {
    let parts = text.match_indices(OPAQUE_PREFIX).any(|(place, _)| {
        let key = text.get(place + OPAQUE_PREFIX.len()..).unwrap_or_default();
        let (id, rest) = key.split_once('_').unwrap_or_default();
        id.len() == OPAQUE_ID_DIGITS && rest.starts_with(|c: char| c.is_ascii_alphanumeric())
    });
    parts || looks_like_a_token(text) || (text.contains("eyJ") && text.contains('.'))
}

/// Tokens among which the one that is meant must be. What the gateway cannot search for (signs
/// alone, case beyond ASCII, or anything in an earlier release) is looked for among all.
async fn candidates(api: &Api, status: &str, meant: &str) -> Outcome<Vec<Value>> {
    let status = ("status", status);
    let list =
        async |query: &[(&str, &str)]| api.list("/org/tokens", query, "tokens", usize::MAX).await;
    if !meant.is_ascii() || meant.len() > MAX_SEARCHED {
        return list(&[status]).await;
    }
    match list(&[status, ("q", meant)]).await {
        Err(failure) if failure.kind == Kind::Refused => list(&[status]).await,
        found => found,
    }
}

fn is_meant(token: &Value, meant: &str) -> bool {
    let text = |name: &str| token.get(name).and_then(Value::as_str).unwrap_or_default();
    let alike = |text: &str| likeness(text, |text, _| text.nfc().collect());
    !meant.is_empty() && text("prefix") == meant || alike(text("name")) == alike(meant)
}

/// That there is none, with the name that was probably meant.
fn none(newest: &[Value], meant: &str, among: Among) -> Failure {
    let which = match among {
        Among::Active => "no active token",
        Among::All | Among::Every => "no token",
    };
    let message = format!("{which} has the id, name or prefix `{meant}`");
    let failure = Failure::new(Kind::NotFound, message);
    let names: Vec<&str> = newest
        .iter()
        .flat_map(|token| ["name", "prefix"].map(|name| token.get(name)))
        .filter_map(|text| text?.as_str())
        .collect();
    failure.hint(match did_you_mean(meant, names) {
        Some(near) => near,
        None => format!("search: {}", search(meant, among)),
    })
}

/// The command that lists the tokens of such a name.
fn search(meant: &str, among: Among) -> String {
    let all = match among {
        Among::Active => "",
        Among::All | Among::Every => " --all",
    };
    format!("postern token list{all} --search {}", quoted(meant))
}

/// A text as an argument of a shell.
fn quoted(text: &str) -> String {
    match encoded(text) == text {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// That several have this name. Where they may have ended, it says which have.
fn ambiguous(meant: &str, tokens: &[Value], among: Among) -> Failure {
    let now = Utc::now();
    let named: Vec<String> = tokens
        .iter()
        .take(MAX_NAMED)
        .map(|token| {
            let (id, prefix) = (member(token, "id"), member(token, "prefix"));
            let state = match among {
                Among::Active => String::new(),
                Among::All | Among::Every => format!(", {}", state(token, now).0),
            };
            format!("{id} ({}, {prefix}{state})", scope(token))
        })
        .collect();
    let more = match tokens.len() > MAX_NAMED {
        true => format!(", …: {}", search(meant, among)),
        false => String::new(),
    };
    let message = format!("`{meant}` is the name or prefix of {} tokens", tokens.len());
    let hint = format!("give one of their ids: {}{more}", named.join(", "));
    Failure::new(Kind::Usage, message).hint(hint)
}
