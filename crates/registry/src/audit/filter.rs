//! What a reader of the audit log searches for. A value that no event could have is an error: an
//! empty result would look like an answer.

use crate::error::{Error, Result};
use crate::tokens::{IdRange, named_range};
use postern_domain::audit::{Action, MAX_TEXT};
use postern_domain::id::TokenId;
use postern_domain::name::MAX_TOKEN_NAME;
use postern_domain::time::Timestamp;
use postern_wire::{address, rfc3339};

/// Which events; all that is given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only this action.
    pub action: Option<Action>,
    /// Only one of these actors; empty = all.
    pub actors: Vec<String>,
    /// Only events of one of these tokens; empty = all.
    pub tokens: Vec<TokenId>,
    /// Only requests from this address.
    pub address: Option<String>,
    /// Only this request.
    pub request_id: Option<String>,
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

impl EventFilter {
    /// Whether it leaves out nothing but by time.
    pub(super) fn is_whole(&self) -> bool {
        let timed = Self {
            since: self.since,
            until: self.until,
            ..Self::default()
        };
        *self == timed
    }
}

/// A token as people name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NamedAs {
    /// By its id, or the beginning of it.
    Id(IdRange),
    /// By its name.
    Name(String),
}

/// The parameters of a query, as they stand there.
#[derive(Debug, Clone, Copy, Default)]
pub struct AskedEvents<'a> {
    /// An action.
    pub action: Option<&'a str>,
    /// Who.
    pub actor: Option<&'a str>,
    /// Of which token.
    pub token: Option<&'a str>,
    /// From where.
    pub address: Option<&'a str>,
    /// In which request.
    pub request_id: Option<&'a str>,
    /// From when on.
    pub since: Option<&'a str>,
    /// Until when.
    pub until: Option<&'a str>,
}

/// A filter whose names of tokens and actors are yet to be found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventQuery {
    pub(super) filter: EventFilter,
    pub(super) token: Option<NamedAs>,
    pub(super) actor: Option<String>,
}

impl EventQuery {
    /// Reads the parameters of a query.
    ///
    /// # Errors
    /// `Invalid` for what no event could fit.
    pub fn parse(asked: AskedEvents<'_>) -> Result<Self> {
        let action = asked.action.map(|word| {
            Action::parse(word).ok_or_else(|| {
                Error::invalid(
                    "action_invalid",
                    "`action` must be one of the log's actions, such as `token.mint`",
                )
            })
        });
        let moment = |text: Option<&str>| {
            text.map(|text| {
                rfc3339::parse(text).ok_or_else(|| {
                    Error::invalid(
                        "moment_invalid",
                        "`since` and `until` must be RFC 3339 moments such as \
                         `2030-01-31T12:00:00Z`",
                    )
                })
            })
            .transpose()
        };
        // No event has a longer one.
        if asked.actor.is_some_and(|actor| is_longer(actor, MAX_TEXT)) {
            return Err(Error::invalid(
                "actor_invalid",
                format!("`actor` must have at most {MAX_TEXT} characters"),
            ));
        }
        let request_id = asked.request_id.map(str::to_owned);
        if asked.request_id.is_some_and(|id| is_longer(id, MAX_TEXT)) {
            return Err(Error::invalid(
                "request_id_invalid",
                format!("`request_id` must have at most {MAX_TEXT} characters"),
            ));
        }
        let filter = EventFilter {
            action: action.transpose()?,
            address: asked.address.map(client).transpose()?,
            request_id,
            since: moment(asked.since)?,
            until: moment(asked.until)?,
            ..EventFilter::default()
        };
        Ok(Self {
            filter,
            token: asked.token.map(token).transpose()?,
            actor: asked.actor.map(str::to_owned),
        })
    }
}

fn is_longer(text: &str, limit: usize) -> bool {
    text.chars().nth(limit).is_some()
}

fn token(text: &str) -> Result<NamedAs> {
    match named_range(text) {
        Some(range) => Ok(NamedAs::Id(range)),
        None if is_longer(text, MAX_TOKEN_NAME) => Err(Error::invalid(
            "token_id_invalid",
            "`token` must be the id, the prefix or the name of a token",
        )),
        None => Ok(NamedAs::Name(text.to_owned())),
    }
}

/// An address as events have it.
fn client(text: &str) -> Result<String> {
    address::plain(text)
        .map(|address| address.to_string())
        .ok_or_else(|| Error::invalid("address_invalid", "`address` must be an IP address"))
}
