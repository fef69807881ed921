//! An answer of the API that is no refusal, and the headers that it has beside those of every
//! answer.

use std::borrow::Cow;

use postern_gate::ending::TOKEN_EXPIRES;
use serde::Serialize;

use super::Later;
use crate::audit::{Lines, NDJSON};
use crate::error::{Error, Result};

/// Since when management calls with a workflow token are deprecated: the first release,
/// 2026-11-22 in the syntax of RFC 9745.
const WORKFLOW_READ_DEPRECATED: &str = "@1795305600";

/// The media type of notes, proofs and keys.
pub const TEXT: &str = "text/plain; charset=utf-8";

/// What an answer carries.
#[derive(Debug)]
pub enum Content {
    /// A JSON document.
    Json(String),
    /// A text: a note, a proof or keys.
    Text(String),
    /// None.
    Nothing,
    /// Lines of JSON: the first ones, and those that are read as the client takes them.
    Lines(Vec<u8>, Lines),
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The content.
    pub content: Content,
    /// Answers with a secret must not be kept anywhere.
    pub no_store: bool,
    /// The way in that the caller took is going away (RFC 9745).
    pub deprecated: bool,
    /// It did not wait for the end, as its caller preferred (RFC 7240).
    pub is_early: bool,
    /// When its caller's token ends, where that is near.
    pub token_expires: Option<String>,
    /// What is done once the answer has left.
    pub later: Option<Later>,
}

impl Answer {
    /// An answer with this content.
    pub fn new(status: u16, content: Content) -> Self {
        Self {
            status,
            content,
            no_store: false,
            deprecated: false,
            is_early: false,
            token_expires: None,
            later: None,
        }
    }

    /// An answer with this value as its content.
    ///
    /// # Errors
    /// When the value does not serialize.
    pub fn json(status: u16, value: &impl Serialize) -> Result<Self> {
        let text = serde_json::to_string(value).map_err(Error::unavailable)?;
        Ok(Self::new(status, Content::Json(text)))
    }

    /// An answer that must not be kept anywhere.
    ///
    /// # Errors
    /// When the value does not serialize.
    pub fn secret(status: u16, value: &impl Serialize) -> Result<Self> {
        Ok(Self {
            no_store: true,
            ..Self::json(status, value)?
        })
    }

    /// The headers that depend on the answer, names in lower case, each once.
    pub fn headers(&self) -> Vec<(&'static str, Cow<'static, str>)> {
        let content_type = match &self.content {
            Content::Nothing => None,
            Content::Json(_) => Some("application/json"),
            Content::Text(_) => Some(TEXT),
            Content::Lines(..) => Some(NDJSON),
        };
        let kept = match self.no_store {
            true => "no-store",
            false => "private, no-cache",
        };
        let mut headers: Vec<(&str, Cow<'_, str>)> = Vec::new();
        headers.extend(content_type.map(|value| ("content-type", value.into())));
        headers.push(("cache-control", kept.into()));
        if self.is_early {
            headers.push(("preference-applied", "respond-async".into()));
        }
        if let Some(end) = &self.token_expires {
            headers.push((TOKEN_EXPIRES, end.clone().into()));
        }
        if self.deprecated {
            headers.push(("deprecation", WORKFLOW_READ_DEPRECATED.into()));
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_tell_what_the_answer_is() {
        let plain = || Answer::json(200, &1).expect("serializes");
        let early = Answer {
            is_early: true,
            ..plain()
        };
        let deprecated = Answer {
            deprecated: true,
            ..plain()
        };
        let json = ("content-type", "application/json");
        let kept = ("cache-control", "private, no-cache");
        let rows = [
            (plain(), vec![json, kept]),
            (
                Answer {
                    token_expires: Some("2026-12-01T00:00:00Z".to_owned()),
                    ..plain()
                },
                vec![
                    json,
                    kept,
                    ("postern-token-expires", "2026-12-01T00:00:00Z"),
                ],
            ),
            (
                Answer::secret(201, &1).expect("serializes"),
                vec![json, ("cache-control", "no-store")],
            ),
            (
                early,
                vec![json, kept, ("preference-applied", "respond-async")],
            ),
            (deprecated, vec![json, kept, ("deprecation", "@1795305600")]),
        ];
        for (answer, headers) in rows {
            let found = answer.headers();
            let found: Vec<_> = found
                .iter()
                .map(|(name, value)| (*name, &**value))
                .collect();
            assert_eq!(found, headers);
        }
    }
}
