//! Queries of management calls. Unknown parameters, doubled ones and empty ones are refused.

use std::borrow::Cow;

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
    let [limit, cursor] = read(text, ["limit", "cursor"])?;
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
    ] = read(text, TOKEN_PARAMETERS)?;
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

/// What is searched for.
fn searched(text: &str) -> Result<Search> {
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
    ] = read(text, EVENT_PARAMETERS)?;
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
    let [token, days] = read(text, ["token", "days"])?;
    activity::Asked::parse(token.as_deref(), days.as_deref())
}

/// Which checkpoints: whether those that public keys verify, and which of them.
///
/// # Errors
/// `Invalid`.
pub fn checkpoints(text: &str) -> Result<(bool, Span)> {
    let known = ["public", "limit", "cursor"];
    let [public, limit, cursor] = read(text, known)?;
    let span = Span::parse(limit.as_deref(), cursor.as_deref())?;
    Ok((choice(public.as_deref(), "public")?, span))
}

/// Whether a checkpoint is to be made now.
///
/// # Errors
/// `Invalid`.
pub fn checkpoint(text: &str) -> Result<bool> {
    let [fresh] = read(text, ["fresh"])?;
    choice(fresh.as_deref(), "fresh")
}

fn choice(text: Option<&str>, name: &str) -> Result<bool> {
    match text {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Error::invalid(
            "query_invalid",
            format!("`{name}` must be `true` or `false`"),
        )),
    }
}

/// From which size of the log to which.
///
/// # Errors
/// `Invalid`.
pub fn sizes(text: &str) -> Result<(u64, Option<u64>)> {
    let [from, to] = read(text, ["from", "to"])?;
    let wrong = || {
        Error::invalid(
            "size_invalid",
            "`from` and `to` must be numbers of events; `to` can be left out",
        )
    };
    let number = |text: &str| text.parse().map_err(|_| wrong());
    let from = number(&from.ok_or_else(wrong)?)?;
    Ok((from, to.as_deref().map(number).transpose()?))
}

/// Of which organization, by its id.
///
/// # Errors
/// `Invalid`.
pub fn organization(text: &str) -> Result<Option<String>> {
    let [organization] = read(text, ["organization"])?;
    Ok(organization.map(Into::into))
}

/// Takes a query without any parameter.
///
/// # Errors
/// `Invalid`.
pub fn nothing(text: &str) -> Result<()> {
    let [] = read(text, [])?;
    Ok(())
}

/// Reads the parameters of a query. A secret does not belong into one, which logs keep: it is refused
/// wherever it stands, and not repeated.
fn read<'a, const N: usize>(
    text: &'a str,
    names: [&'static str; N],
) -> Result<[Option<Cow<'a, str>>; N]> {
    let refused = |detail| Err(Error::invalid("secret_in_query", detail));
    // Also as the name of a parameter, which a refusal would repeat.
    let has_one =
        |(name, value): &(Cow<'_, str>, Cow<'_, str>)| has_secret(name) || has_secret(value);
    match form_urlencoded::parse(text.as_bytes()).find(has_one) {
        None => query::read(text, names).map_err(wrong),
        Some((name, _)) if name == "q" => refused(
            "`q` has a secret, and URLs end up in logs: send it in the body of \
             `POST /org/tokens/search`",
        ),
        Some(_) => refused(
            "the query has a secret, and URLs end up in logs: name the token by its prefix, its \
             name or its id",
        ),
    }
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
                code(checkpoints(parameter)),
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
    fn r48_no_parameter_of_a_list_takes_a_secret() {
        let key = format!("pst_{}_{}", "0".repeat(22), "7".repeat(48));
        let cut = key.get(..50).expect("characters");
        let jwt = format!("eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJ4In0.{}", "A".repeat(43));
        for secret in [&key, cut, &jwt, &key.replace('_', "%5f")] {
            for name in TOKEN_PARAMETERS {
                let refused = tokens(&format!("{name}={secret}"), now());
                assert_eq!(code(refused), Some("secret_in_query"), "{name}");
            }
            for name in EVENT_PARAMETERS {
                let refused = events(&format!("{name}=%20{secret}"));
                assert_eq!(code(refused), Some("secret_in_query"), "{name}");
            }
            for name in ["token", "days"] {
                let refused = activity(&format!("{name}={secret}"));
                assert_eq!(code(refused), Some("secret_in_query"), "{name}");
            }
            for name in ["limit", "cursor"] {
                let query = format!("{name}={secret}");
                assert_eq!(code(page(&query)), Some("secret_in_query"), "{name}");
                assert_eq!(code(checkpoints(&query)), Some("secret_in_query"), "{name}");
            }
        }
        // Nor is one repeated as the name of a parameter.
        for text in [format!("{key}=1"), format!("limit=1&limit={key}")] {
            let refused = page(&text).expect_err("it has a secret");
            assert_eq!(refused.code(), "secret_in_query");
            assert!(!refused.public().contains(&key), "{text}");
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
