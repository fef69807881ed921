//! Queries of management calls. Unknown parameters, doubled ones and empty ones are refused.

use crate::activity;
use crate::audit::{AskedEvents, EventQuery, Span};
use crate::error::{Error, Result};
use crate::page::Page;
use crate::tokens::{Asked, MAX_QUERY, Search, TokenQuery, has_secret};
use postern_domain::time::Timestamp;
use postern_wire::query::{self, QueryError};

/// Which page of a list.
///
/// # Errors
/// `Invalid`.
pub fn page(text: &str) -> Result<Page> {
    let [limit, cursor] = query::read(text, ["limit", "cursor"]).map_err(wrong)?;
    Page::parse(limit.as_deref(), cursor.as_deref())
}

/// Which tokens, and which page of them.
///
/// # Errors
/// `Invalid`.
pub fn tokens(text: &str, now: Timestamp) -> Result<(TokenQuery, Page)> {
    let [
        q,
        status,
        scope,
        project,
        minted_by,
        include_system,
        uses_days,
        expires_before,
        never_expires,
        unused_since,
        quarantined,
        created_after,
        limit,
        cursor,
    ] = query::read(text, TOKEN_PARAMETERS).map_err(wrong)?;
    let asked = Asked {
        status: status.as_deref(),
        scope: scope.as_deref(),
        project: project.as_deref(),
        minted_by: minted_by.as_deref(),
        include_system: include_system.as_deref(),
        uses_days: uses_days.as_deref(),
        expires_before: expires_before.as_deref(),
        never_expires: never_expires.as_deref(),
        unused_since: unused_since.as_deref(),
        quarantined: quarantined.as_deref(),
        created_after: created_after.as_deref(),
    };
    let query = TokenQuery::parse(asked, now)?;
    let page = Page::parse(limit.as_deref(), cursor.as_deref())?;
    Ok(match q {
        Some(text) => (query.of(searched(&text)?), page),
        None => (query, page),
    })
}

const TOKEN_PARAMETERS: [&str; 14] = [
    "q",
    "status",
    "scope",
    "project",
    "minted_by",
    "include_system",
    "uses_days",
    "expires_before",
    "never_expires",
    "unused_since",
    "quarantined",
    "created_after",
    "limit",
    "cursor",
];

/// What is searched for. A secret does not belong into a query, which logs keep.
fn searched(text: &str) -> Result<Search> {
    if has_secret(text) {
        return Err(Error::invalid(
            "secret_in_query",
            "`q` has a secret, and URLs end up in logs: send it in the body of \
             `POST /org/tokens/search`",
        ));
    }
    if text.chars().nth(MAX_QUERY).is_some() {
        return Err(Error::invalid(
            "search_invalid",
            format!("`q` must have 1 to {MAX_QUERY} characters"),
        ));
    }
    Search::parse(text, "q")
}

/// Which events, and which rows of them.
///
/// # Errors
/// `Invalid`.
pub fn events(text: &str) -> Result<(EventQuery, Span)> {
    let [
        action,
        actor,
        token,
        address,
        request_id,
        since,
        until,
        limit,
        cursor,
    ] = query::read(text, EVENT_PARAMETERS).map_err(wrong)?;
    let asked = AskedEvents {
        action: action.as_deref(),
        actor: actor.as_deref(),
        token: token.as_deref(),
        address: address.as_deref(),
        request_id: request_id.as_deref(),
        since: since.as_deref(),
        until: until.as_deref(),
    };
    let span = Span::parse(limit.as_deref(), cursor.as_deref())?;
    Ok((EventQuery::parse(asked)?, span))
}

const EVENT_PARAMETERS: [&str; 9] = [
    "action",
    "actor",
    "token",
    "address",
    "request_id",
    "since",
    "until",
    "limit",
    "cursor",
];

/// Of which token and of how many days.
///
/// # Errors
/// `Invalid`.
pub fn activity(text: &str) -> Result<activity::Asked> {
    let [token, days] = query::read(text, ["token", "days"]).map_err(wrong)?;
    activity::Asked::parse(token.as_deref(), days.as_deref())
}

/// Which rows of a list of the log.
///
/// # Errors
/// `Invalid`.
pub fn span(text: &str) -> Result<Span> {
    let [limit, cursor] = query::read(text, ["limit", "cursor"]).map_err(wrong)?;
    Span::parse(limit.as_deref(), cursor.as_deref())
}

/// Takes a query without any parameter.
///
/// # Errors
/// `Invalid`.
pub fn nothing(text: &str) -> Result<()> {
    let [] = query::read(text, []).map_err(wrong)?;
    Ok(())
}

fn wrong(error: QueryError) -> Error {
    let detail = match error {
        QueryError::Unknown(name) => format!("the query has no parameter `{name}`"),
        QueryError::Twice(name) => format!("the parameter `{name}` appears twice"),
        QueryError::Escape => "the query has percent escapes that do not decode".to_owned(),
        QueryError::Empty(name) => {
            format!("the parameter `{name}` is empty: give it a value, or leave it out")
        }
    };
    Error::invalid("query_invalid", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000)
    }

    /// The code of the refusal; nothing where it is taken.
    fn code<T>(read: Result<T>) -> Option<&'static str> {
        read.err().map(|error| error.code())
    }

    #[test]
    fn each_list_knows_its_own_parameters_once_each() {
        let id = "00000000-0000-4000-8000-000000000001";
        let shared = ["limit=2", "cursor=x"];
        let of_tokens = [
            "status=all",
            "scope=project",
            "project=shop",
            &format!("minted_by={id}"),
            "include_system=true",
            "uses_days=7",
            "q=deploy",
            "expires_before=2030-01-31T12:00:00Z",
            "never_expires=true",
            "unused_since=2026-01-31T12:00:00Z",
            "quarantined=true",
            "created_after=2026-01-31T12:00:00Z",
        ];
        let of_events = [
            "action=token.mint",
            "actor=a",
            &format!("token={id}"),
            "address=192.0.2.7",
            "request_id=r",
            "since=2026-01-01T00:00:00Z",
            "until=2026-01-02T00:00:00Z",
        ];
        // A cursor that is known to the list and no cursor of ours has a code of its own.
        let tried = |parameter: &str| {
            [
                code(page(parameter)),
                code(span(parameter)),
                code(tokens(parameter, now())),
                code(events(parameter)),
                code(nothing(parameter)),
            ]
        };
        const NO: Option<&str> = Some("query_invalid");
        const FOREIGN: Option<&str> = Some("cursor_invalid");
        assert_eq!(tried(""), [None; 5]);
        assert_eq!(tried(shared[0]), [None, None, None, None, NO]);
        assert_eq!(tried(shared[1]), [FOREIGN, FOREIGN, FOREIGN, FOREIGN, NO]);
        for parameter in of_tokens {
            assert_eq!(tried(parameter), [NO, NO, None, NO, NO], "{parameter}");
        }
        for parameter in of_events {
            assert_eq!(tried(parameter), [NO, NO, NO, None, NO], "{parameter}");
        }
        for wrong in ["x=1", "limit=1&limit=1", "limit=", "limit=%", "="] {
            assert_eq!(tried(wrong), [NO; 5], "{wrong}");
        }
    }

    #[test]
    fn a_refusal_says_which_parameter_and_what_to_do() {
        for (text, told) in [
            ("x=1", "the query has no parameter `x`"),
            ("limit=1&limit=2", "the parameter `limit` appears twice"),
            (
                "limit=%zz",
                "the query has percent escapes that do not decode",
            ),
            (
                "limit=",
                "the parameter `limit` is empty: give it a value, or leave it out",
            ),
        ] {
            assert_eq!(
                page(text).map_err(|error| error.public()),
                Err(told.to_owned())
            );
        }
    }
}
