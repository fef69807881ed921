//! Which token is meant: by its id, or by a name or prefix that only one has.

use postern_domain::id::TokenId;
use postern_domain::unicode::likeness;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;

use super::view::scope;
use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::leaks::looks_like_a_token;
use crate::text::member;

/// Most tokens that an error names.
const MAX_NAMED: usize = 5;

/// Among which tokens to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// Those that still open something: only they can be rotated or revoked.
    Active,
    /// Those first; where none is meant, those that have ended too.
    All,
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
        let message = "the token to look for is empty: give its id, name or prefix";
        return Err(Failure::new(Kind::Usage, message));
    }
    // A token, or a mistyped one, goes into no address, error or log.
    if looks_like_a_token(meant) {
        let message = "this is a token itself, not what it is called";
        return Err(Failure::new(Kind::Usage, message)
            .hint("give its id, name or prefix: postern api-token list"));
    }
    let statuses = match among {
        Among::Active => &["active"][..],
        Among::All => &["active", "all"],
    };
    for status in statuses {
        let query = [("status", *status)];
        let mut tokens = api
            .list("/org/tokens", &query, "tokens", usize::MAX)
            .await?;
        tokens.retain(|token| is_meant(token, meant));
        match tokens.as_slice() {
            [] => {}
            [token] => return Ok(member(token, "id")),
            several => return Err(ambiguous(meant, several)),
        }
    }
    let which = match among {
        Among::Active => "no active token",
        Among::All => "no token",
    };
    let message = format!("{which} has the id, name or prefix `{meant}`");
    Err(Failure::new(Kind::NotFound, message).hint("see what there is: postern api-token list"))
}

fn is_meant(token: &Value, meant: &str) -> bool {
    let text = |name: &str| token.get(name).and_then(Value::as_str).unwrap_or_default();
    let alike = |text: &str| likeness(text, |text, _| text.nfc().collect());
    !meant.is_empty() && text("prefix") == meant || alike(text("name")) == alike(meant)
}

fn ambiguous(meant: &str, tokens: &[Value]) -> Failure {
    let mut named: Vec<String> = tokens
        .iter()
        .take(MAX_NAMED)
        .map(|token| format!("{} ({})", member(token, "id"), scope(token)))
        .collect();
    if tokens.len() > MAX_NAMED {
        named.push("…".to_owned());
    }
    let message = format!("`{meant}` is the name or prefix of {} tokens", tokens.len());
    Failure::new(Kind::Usage, message).hint(format!("give one of their ids: {}", named.join(", ")))
}
