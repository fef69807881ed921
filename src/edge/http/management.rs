//! The management routes. Refuses credentials before it looks at anything else, and bodies of
//! more than 64 KiB.

use super::body;
use super::incoming::Incoming;
use super::respond::Answer;
use crate::app::authenticate::{admit, present};
use crate::app::config::Config;
use crate::app::error::{Error, Result};
use crate::app::mint::{self, From};
use crate::app::page::Page;
use crate::app::tokens::Filter;
use crate::app::{organization, registry, tokens};
use crate::domain::audit::Origin;
use crate::domain::caller::Caller;
use crate::domain::operation::Operation;
use crate::edge::log::RequestLog;
use crate::edge::platform::{Platform, now};
use crate::wire::address;
use crate::wire::query::{self, QueryError};

/// Largest body of a management call, in bytes.
pub const MAX_BODY: usize = 64 * 1024;
/// Longest part of a `User-Agent` that an audit row keeps.
const MAX_USER_AGENT: usize = 200;

/// A route's place in the tree, with what its path names.
enum Route<'a> {
    Organizations,
    Projects,
    Workflows(&'a str),
    Tokens,
    Token(&'a str),
}

fn find(path: &str) -> Option<Route<'_>> {
    let mut parts = path.strip_prefix('/')?.split('/');
    let route = match (parts.next()?, parts.next(), parts.next(), parts.next()) {
        ("orgs", None, ..) => Route::Organizations,
        ("org", Some("projects"), None, _) => Route::Projects,
        ("org", Some("projects"), Some(project), Some("workflows")) => Route::Workflows(project),
        ("org", Some("tokens"), None, _) => Route::Tokens,
        ("org", Some("tokens"), Some(id), None) => Route::Token(id),
        _ => return None,
    };
    parts.next().is_none().then_some(route)
}

/// Answers a management call.
pub async fn handle(
    incoming: &Incoming,
    config: &Config,
    platform: &Platform,
    log: &mut RequestLog,
) -> Result<Answer> {
    let route = find(&incoming.path).ok_or(Error::NotFound { what: "route" })?;
    let operation = match (&route, incoming.method.as_str()) {
        (Route::Organizations, "POST") => Operation::OrganizationCreate,
        (Route::Organizations, "GET") => Operation::OrganizationList,
        (Route::Projects, "POST") => Operation::ProjectCreate,
        (Route::Projects, "GET") => Operation::ProjectList,
        (Route::Workflows(_), "POST") => Operation::WorkflowCreate,
        (Route::Workflows(_), "GET") => Operation::WorkflowList,
        (Route::Tokens, "POST") => Operation::TokenCreate,
        (Route::Tokens, "GET") => Operation::TokenList,
        (Route::Token(_), "GET") => Operation::TokenRead,
        (Route::Token(_), "DELETE") => Operation::TokenRevoke,
        (Route::Token(_), _) => {
            return Err(Error::MethodNotAllowed {
                allow: "GET, DELETE",
            });
        }
        _ => return Err(Error::MethodNotAllowed { allow: "GET, POST" }),
    };
    log.operation = Some(operation.name());

    let authorization = incoming.header("authorization");
    let presented = present(authorization.as_deref(), config, now())?;
    let caller = admit(presented, None, config, platform).await?.caller;
    log.caller(&caller);

    let organization = incoming.header("postern-organization");
    let organization = organization.as_deref();
    let body = match incoming.method.as_str() {
        "POST" => json_body(incoming).await?,
        _ => Vec::new(),
    };
    match (route, operation) {
        (_, Operation::OrganizationCreate) => {
            Answer::new(201, &organization::create(&caller, &body, platform).await?)
        }
        (_, Operation::OrganizationList) => {
            let page = page(&incoming.query)?;
            Answer::new(200, &organization::list(&caller, &page, platform).await?)
        }
        (_, Operation::ProjectCreate) => Answer::new(
            201,
            &registry::create_project(&caller, organization, &body, platform).await?,
        ),
        (_, Operation::ProjectList) => {
            let page = page(&incoming.query)?;
            let list = registry::list_projects(&caller, organization, &page, platform).await?;
            Answer::new(200, &list)
        }
        (Route::Workflows(project), Operation::WorkflowCreate) => {
            let made =
                registry::create_workflow(&caller, organization, project, &body, platform).await?;
            Answer::new(201, &made)
        }
        (Route::Workflows(project), _) => {
            let page = page(&incoming.query)?;
            let list =
                registry::list_workflows(&caller, organization, project, &page, platform).await?;
            Answer::new(200, &list)
        }
        (_, Operation::TokenCreate) => {
            let from = from(incoming, config, &caller);
            let minted = mint::mint(&caller, organization, &body, from, config, platform).await?;
            let mut answer = Answer::new(201, &minted)?;
            answer.no_store = true;
            Ok(answer)
        }
        (Route::Token(id), Operation::TokenRead) => {
            let token = tokens::read(&caller, organization, id, platform).await?;
            Answer::new(200, &token)
        }
        (Route::Token(id), _) => {
            let origin = origin(incoming, config, &caller);
            let revoked = tokens::revoke(&caller, organization, id, origin, platform).await?;
            Answer::new(200, &revoked)
        }
        _ => {
            let (filter, page) = token_query(&incoming.query)?;
            let list = tokens::list(&caller, organization, &filter, &page, platform).await?;
            Answer::new(200, &list)
        }
    }
}

/// The body of a write: JSON, or nothing at all.
async fn json_body(incoming: &Incoming) -> Result<Vec<u8>> {
    let body = body::read(incoming, MAX_BODY).await?.bytes;
    let content_type = incoming.header("content-type").unwrap_or_default();
    let media = content_type.split(';').next().unwrap_or_default().trim();
    if !body.is_empty() && !media.eq_ignore_ascii_case("application/json") {
        return Err(Error::MediaType {
            expected: "application/json",
        });
    }
    Ok(body)
}

fn wrong_query(error: QueryError) -> Error {
    let detail = match error {
        QueryError::Unknown(name) => format!("the query has no parameter `{name}`"),
        QueryError::Twice(name) => format!("the parameter `{name}` appears twice"),
    };
    Error::invalid("query_invalid", detail)
}

fn page(query: &str) -> Result<Page> {
    let [limit, cursor] = query::read(query, ["limit", "cursor"]).map_err(wrong_query)?;
    Page::parse(limit.as_deref(), cursor.as_deref())
}

fn token_query(query: &str) -> Result<(Filter, Page)> {
    let [status, scope, project, include_system, limit, cursor] = query::read(
        query,
        [
            "status",
            "scope",
            "project",
            "include_system",
            "limit",
            "cursor",
        ],
    )
    .map_err(wrong_query)?;
    let filter = Filter::parse(
        status.as_deref(),
        scope.as_deref(),
        project.as_deref(),
        include_system.as_deref(),
        now(),
    )?;
    Ok((filter, Page::parse(limit.as_deref(), cursor.as_deref())?))
}

/// Who asks from where, for the audit row (R21, R35).
fn origin(incoming: &Incoming, config: &Config, caller: &Caller) -> Origin {
    Origin {
        actor: caller.provenance(),
        tier: caller.tier().to_owned(),
        address: incoming
            .address(&config.trusted_ip_header)
            .map(|address| address.to_string()),
        user_agent: incoming
            .header("user-agent")
            .map(|agent| agent.chars().take(MAX_USER_AGENT).collect()),
        request_id: incoming.request_id.clone(),
    }
}

/// The mint's bucket: the client's address, or one for all whose address is not known.
fn from(incoming: &Incoming, config: &Config, caller: &Caller) -> From {
    From {
        bucket: incoming
            .address(&config.trusted_ip_header)
            .map_or_else(|| "unknown".to_owned(), address::bucket),
        origin: origin(incoming, config, caller),
    }
}
