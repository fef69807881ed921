//! The management routes. Refuses credentials before it looks at anything else, and bodies of
//! more than 64 KiB.

use super::body;
use super::incoming::Incoming;
use super::respond::Answer;
use super::ways_in;
use crate::app::config::Config;
use crate::app::error::{Error, Result};
use crate::app::mint::{self, From};
use crate::app::page::Page;
use crate::app::tokens::Filter;
use crate::app::{adopt, organization, registry, tokens};
use crate::domain::audit::Origin;
use crate::domain::caller::Caller;
use crate::domain::operation::Operation;
use crate::edge::log::RequestLog;
use crate::edge::platform::{Platform, now};
use crate::wire::address;
use crate::wire::protocol::media_type;
use crate::wire::query::{self, QueryError};

/// Largest body of a management call, in bytes.
pub const MAX_BODY: usize = 64 * 1024;
/// Longest part of a `User-Agent` that an audit row keeps.
const MAX_USER_AGENT: usize = 200;

/// A route's place in the tree, with what its path names.
enum Route<'a> {
    Organizations,
    Organization(&'a str),
    Projects,
    Workflows(&'a str),
    Tokens,
    RevokeMany,
    Adopt,
    Token(&'a str),
    Rotate(&'a str),
    Release(&'a str),
}

fn find(path: &str) -> Option<Route<'_>> {
    // An empty part is no name: `/orgs/` is no organization, and no other way to write `/orgs`.
    if path.split('/').skip(1).any(str::is_empty) {
        return None;
    }
    let mut parts = path.strip_prefix('/')?.split('/');
    let route = match (parts.next()?, parts.next(), parts.next(), parts.next()) {
        ("orgs", None, ..) => Route::Organizations,
        ("orgs", Some(name), None, _) => Route::Organization(name),
        ("org", Some("projects"), None, _) => Route::Projects,
        ("org", Some("projects"), Some(project), Some("workflows")) => Route::Workflows(project),
        ("org", Some("tokens"), None, _) => Route::Tokens,
        ("org", Some("tokens"), Some("revoke"), None) => Route::RevokeMany,
        ("org", Some("tokens"), Some("adopt"), None) => Route::Adopt,
        ("org", Some("tokens"), Some(id), None) => Route::Token(id),
        ("org", Some("tokens"), Some(id), Some("rotate")) => Route::Rotate(id),
        ("org", Some("tokens"), Some(id), Some("release")) => Route::Release(id),
        _ => return None,
    };
    parts.next().is_none().then_some(route)
}

/// What a route does under a method.
fn operation(route: &Route<'_>, method: &str) -> Result<Operation> {
    if let (Route::Organization(_), "PATCH") = (route, method) {
        return Ok(Operation::OrganizationUpdate);
    }
    let (get, post, delete) = match route {
        Route::Organization(_) => (None, None, None),
        Route::Organizations => (
            Some(Operation::OrganizationList),
            Some(Operation::OrganizationCreate),
            None,
        ),
        Route::Projects => (
            Some(Operation::ProjectList),
            Some(Operation::ProjectCreate),
            None,
        ),
        Route::Workflows(_) => (
            Some(Operation::WorkflowList),
            Some(Operation::WorkflowCreate),
            None,
        ),
        Route::Tokens => (
            Some(Operation::TokenList),
            Some(Operation::TokenCreate),
            None,
        ),
        Route::RevokeMany => (None, Some(Operation::TokenRevoke), None),
        Route::Adopt => (None, Some(Operation::TokenAdopt), None),
        Route::Token(_) => (
            Some(Operation::TokenRead),
            None,
            Some(Operation::TokenRevoke),
        ),
        Route::Rotate(_) => (None, Some(Operation::TokenRotate), None),
        Route::Release(_) => (None, Some(Operation::TokenRelease), None),
    };
    let allow = match (get, post, delete) {
        (None, None, None) => "PATCH",
        (Some(_), Some(_), _) => "GET, POST",
        (Some(_), None, _) => "GET, DELETE",
        (None, ..) => "POST",
    };
    match method {
        "GET" => get,
        "POST" => post,
        "DELETE" => delete,
        _ => None,
    }
    .ok_or(Error::MethodNotAllowed { allow })
}

/// Answers a management call.
pub async fn handle(
    incoming: &Incoming,
    config: &Config,
    platform: &Platform,
    log: &mut RequestLog,
) -> Result<Answer> {
    let route = find(&incoming.path).ok_or(Error::NotFound { what: "route" })?;
    let operation = operation(&route, &incoming.method)?;
    log.operation = Some(operation.name());

    let caller = ways_in::caller(incoming, operation, config, platform, log).await?;

    let body = match incoming.method.as_str() {
        "POST" | "PATCH" => json_body(incoming).await?,
        _ => Vec::new(),
    };
    let call = Call {
        incoming,
        config,
        platform,
        caller: &caller,
        organization: incoming.header("postern-organization"),
        body: &body,
    };
    let answer = match route {
        Route::Organizations | Route::Organization(_) | Route::Projects | Route::Workflows(_) => {
            call.registry(route, operation).await
        }
        Route::Tokens
        | Route::RevokeMany
        | Route::Adopt
        | Route::Token(_)
        | Route::Rotate(_)
        | Route::Release(_) => call.tokens(route, operation).await,
    }?;
    Ok(Answer {
        deprecated: matches!(caller, Caller::WorkflowReader(_)),
        ..answer
    })
}

/// An authenticated call with its body read.
struct Call<'a> {
    incoming: &'a Incoming,
    config: &'a Config,
    platform: &'a Platform,
    caller: &'a Caller,
    organization: Option<String>,
    body: &'a [u8],
}

impl Call<'_> {
    async fn registry(&self, route: Route<'_>, operation: Operation) -> Result<Answer> {
        let (caller, ports, body) = (self.caller, self.platform, self.body);
        let named = self.organization.as_deref();
        let page = || page(&self.incoming.query);
        match (route, operation) {
            (Route::Workflows(project), Operation::WorkflowCreate) => Answer::new(
                201,
                &registry::create_workflow(caller, named, project, body, ports).await?,
            ),
            (Route::Workflows(project), _) => Answer::new(
                200,
                &registry::list_workflows(caller, named, project, &page()?, ports).await?,
            ),
            (Route::Projects, Operation::ProjectCreate) => Answer::new(
                201,
                &registry::create_project(caller, named, body, ports).await?,
            ),
            (Route::Projects, _) => Answer::new(
                200,
                &registry::list_projects(caller, named, &page()?, ports).await?,
            ),
            (Route::Organization(name), _) => {
                Answer::new(200, &organization::update(caller, name, body, ports).await?)
            }
            (_, Operation::OrganizationCreate) => {
                Answer::new(201, &organization::create(caller, body, ports).await?)
            }
            _ => Answer::new(200, &organization::list(caller, &page()?, ports).await?),
        }
    }

    async fn tokens(&self, route: Route<'_>, operation: Operation) -> Result<Answer> {
        let (caller, ports, body) = (self.caller, self.platform, self.body);
        let named = self.organization.as_deref();
        match (route, operation) {
            (Route::Rotate(id), _) => {
                let from = self.from();
                Answer::secret(
                    201,
                    &tokens::rotate(caller, named, id, body, from, self.config, ports).await?,
                )
            }
            (Route::Adopt, _) => {
                let from = self.from();
                Answer::secret(
                    201,
                    &adopt::adopt(caller, named, body, from, self.config, ports).await?,
                )
            }
            (Route::Release(id), _) => {
                let origin = self.origin();
                Answer::new(
                    200,
                    &tokens::release(caller, named, id, origin, ports).await?,
                )
            }
            (Route::RevokeMany, _) => {
                let origin = self.origin();
                Answer::new(
                    200,
                    &tokens::revoke_many(caller, named, body, origin, ports).await?,
                )
            }
            (Route::Token(id), Operation::TokenRead) => {
                Answer::new(200, &tokens::read(caller, named, id, ports).await?)
            }
            (Route::Token(id), _) => {
                let origin = self.origin();
                Answer::new(
                    200,
                    &tokens::revoke(caller, named, id, origin, ports).await?,
                )
            }
            (_, Operation::TokenCreate) => {
                let from = self.from();
                Answer::secret(
                    201,
                    &mint::mint(caller, named, body, from, self.config, ports).await?,
                )
            }
            _ => {
                let (filter, page) = token_query(&self.incoming.query)?;
                Answer::new(
                    200,
                    &tokens::list(caller, named, filter, &page, ports).await?,
                )
            }
        }
    }

    /// Who asks from where, for the audit row (R21, R35).
    fn origin(&self) -> Origin {
        origin(self.incoming, self.config, self.caller)
    }

    /// Whose bucket a mint takes from, and who asks.
    fn from(&self) -> From {
        From {
            bucket: bucket(self.incoming, self.config),
            origin: self.origin(),
        }
    }
}

/// The body of a write: JSON, or nothing at all.
async fn json_body(incoming: &Incoming) -> Result<Vec<u8>> {
    let body = body::read(incoming, MAX_BODY).await?.bytes;
    if !body.is_empty() && !is_json(incoming) {
        return Err(Error::MediaType {
            expected: "application/json",
        });
    }
    Ok(body)
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
    let [
        status,
        scope,
        project,
        minted_by,
        include_system,
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
            "limit",
            "cursor",
        ],
    )
    .map_err(wrong_query)?;
    let filter = Filter::parse(
        status.as_deref(),
        scope.as_deref(),
        project.as_deref(),
        minted_by.as_deref(),
        include_system.as_deref(),
        now(),
    )?;
    Ok((filter, Page::parse(limit.as_deref(), cursor.as_deref())?))
}

/// Who asks from where, for the audit row (R21, R35).
pub fn origin(incoming: &Incoming, config: &Config, caller: &Caller) -> Origin {
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

#[cfg(test)]
mod tests;
