//! What a management request says in its body, query and headers. Media types other than JSON,
//! unknown parameters and repeated ones are refused.

use super::incoming::Incoming;
use crate::platform::now;
use postern_domain::audit::{Requester, Text};
use postern_domain::caller::Caller;
use postern_registry::config::Config;
use postern_registry::error::{Error, Result};
use postern_registry::page::Page;
use postern_registry::tokens::TokenQuery;
use postern_wire::address;
use postern_wire::coding::coding;
use postern_wire::protocol::media_type;
use postern_wire::query::{self, QueryError};

/// Largest body of a management call, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// The body of a write: JSON, or nothing at all.
pub fn json(incoming: &Incoming, body: Vec<u8>) -> Result<Vec<u8>> {
    if !body.is_empty() && !is_json(incoming) {
        return Err(Error::MediaType {
            expected: "application/json",
        });
    }
    plain(incoming, &body)?;
    Ok(body)
}

/// Takes a body that arrives as it was written.
///
/// # Errors
/// `Compressed`.
pub fn plain(incoming: &Incoming, body: &[u8]) -> Result<()> {
    match coding(incoming.header("content-encoding").as_deref(), body) {
        None => Ok(()),
        coding => Err(Error::Compressed { coding }),
    }
}

/// Whether the body is declared as JSON.
pub fn is_json(incoming: &Incoming) -> bool {
    let content_type = incoming.header("content-type").unwrap_or_default();
    media_type(&content_type) == "application/json"
}

/// The bucket of the client's address, or one for all whose address is not known.
pub fn bucket(incoming: &Incoming, config: &Config) -> String {
    incoming
        .address(&config.trusted_ip_header)
        .map_or_else(|| "unknown".to_owned(), address::bucket)
}

pub fn wrong_query(error: QueryError) -> Error {
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

pub fn page(query: &str) -> Result<Page> {
    let [limit, cursor] = query::read(query, ["limit", "cursor"]).map_err(wrong_query)?;
    Page::parse(limit.as_deref(), cursor.as_deref())
}

pub fn token_query(query: &str) -> Result<(TokenQuery, Page)> {
    let [
        status,
        scope,
        project,
        minted_by,
        include_system,
        uses_days,
        limit,
        cursor,
    ] = query::read(
        query,
        [
            "status",
            "scope",
            "project",
            "minted_by",
            "include_system",
            "uses_days",
            "limit",
            "cursor",
        ],
    )
    .map_err(wrong_query)?;
    let tokens = TokenQuery::parse(
        status.as_deref(),
        scope.as_deref(),
        project.as_deref(),
        minted_by.as_deref(),
        include_system.as_deref(),
        uses_days.as_deref(),
        now(),
    )?;
    Ok((tokens, Page::parse(limit.as_deref(), cursor.as_deref())?))
}

/// Who asks from where, for the audit row (R21, R35).
pub fn requester(incoming: &Incoming, config: &Config, caller: &Caller) -> Requester {
    Requester {
        actor: caller.provenance(),
        tier: caller.tier().to_owned(),
        address: incoming
            .address(&config.trusted_ip_header)
            .map(|address| address.to_string()),
        user_agent: incoming
            .header("user-agent")
            // As an event has it: the rest need not travel.
            .map(|agent| Text::new(&agent).as_str().to_owned()),
        request_id: incoming.request_id.clone(),
    }
}
