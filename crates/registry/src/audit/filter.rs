//! What a reader of the audit log searches for. A value that no event could have is an error: an
//! empty result would look like an answer.

use crate::error::{Error, Result};
use postern_domain::audit::{Action, MAX_TEXT};
use postern_domain::id::TokenId;
use postern_domain::time::Timestamp;
use postern_wire::rfc3339;

/// Which events; all that is given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only this action.
    pub action: Option<Action>,
    /// Only this actor.
    pub actor: Option<String>,
    /// Only events of this token.
    pub token: Option<TokenId>,
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

impl EventFilter {
    /// Reads the parameters of a query: action, actor, token, since, until.
    ///
    /// # Errors
    /// `Invalid` for what no event could fit.
    pub fn parse(
        action: Option<&str>,
        actor: Option<&str>,
        token: Option<&str>,
        since: Option<&str>,
        until: Option<&str>,
    ) -> Result<Self> {
        let action = action.map(|word| {
            Action::parse(word).ok_or_else(|| {
                Error::invalid(
                    "action_invalid",
                    "`action` must be one of the log's actions, such as `token.mint`",
                )
            })
        });
        let token = token.map(|id| {
            TokenId::parse(id).map_err(|_| {
                Error::invalid("token_id_invalid", "`token` must be the id of a token")
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
        if actor.is_some_and(|actor| actor.chars().nth(MAX_TEXT).is_some()) {
            return Err(Error::invalid(
                "actor_invalid",
                format!("`actor` must have at most {MAX_TEXT} characters"),
            ));
        }
        Ok(Self {
            action: action.transpose()?,
            actor: actor.map(str::to_owned),
            token: token.transpose()?,
            since: moment(since)?,
            until: moment(until)?,
        })
    }

    /// Whether it leaves out nothing but by time.
    pub(super) fn is_whole(&self) -> bool {
        self.action.is_none() && self.actor.is_none() && self.token.is_none()
    }
}
