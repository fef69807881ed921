//! The management routes. A text that cannot be a credential is refused first; the Ledger is asked
//! once the body, of at most 64 KiB, has arrived.

use super::incoming::Incoming;
use super::request_fields::{MAX_BODY, bucket, json, page, requester, token_query};
use super::respond::Answer;
use super::ways_in::AtDoor;
use crate::log::{self, RequestLog};
use crate::platform::Platform;
use postern_domain::audit::Requester;
use postern_domain::caller::Caller;
use postern_domain::operation::Operation;
use postern_registry::body::{discard, receive};
use postern_registry::config::Config;
use postern_registry::error::{Error, Result};
use postern_registry::mint::{self, Client};
use postern_registry::{adopt, organization, refusal, registry, tokens};
use postern_wire::prefer;

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
    Audit,
    Checkpoints,
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
        ("org", Some("audit"), None, _) => Route::Audit,
        ("org", Some("audit"), Some("checkpoints"), None) => Route::Checkpoints,
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
        Route::Audit => (Some(Operation::AuditRead), None, None),
        Route::Checkpoints => (
            Some(Operation::AuditRead),
            Some(Operation::AuditCheckpoint),
            None,
        ),
    };
    let allow = match (get, post, delete) {
        (None, None, None) => "PATCH",
        (Some(_), Some(_), _) => "GET, POST",
        (Some(_), None, Some(_)) => "GET, DELETE",
        (Some(_), None, None) => "GET",
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
    let operation = operation(&route, incoming.verb())?;
    log.operation = Some(operation.name());

    let door = AtDoor::new(incoming, operation, config);
    let shown = door.show(incoming, config, platform).await?;
    let (body, read) = match incoming.method.as_str() {
        "POST" | "PATCH" => receive(incoming, MAX_BODY)
            .await
            .map(|(body, read)| (body.bytes, read))?,
        _ => (Vec::new(), discard(incoming).await),
    };
    let caller = door
        .caller(&shown, read, incoming, config, platform)
        .await?;
    log.caller(&caller);
    if matches!(caller, Caller::Administrator | Caller::Session(_)) {
        log.organization(incoming.header("postern-organization").as_deref());
    }

    let body = json(incoming, body)?;
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
        Route::Audit => super::audit::read(&call).await,
        Route::Checkpoints => super::audit::checkpoints(&call, operation).await,
    }?;
    Ok(Answer {
        deprecated: matches!(caller, Caller::WorkflowReader(_)),
        ..answer
    })
}

/// An authenticated call with its body read.
pub struct Call<'a> {
    pub incoming: &'a Incoming,
    pub config: &'a Config,
    pub platform: &'a Platform,
    pub caller: &'a Caller,
    /// As the caller names it.
    pub organization: Option<String>,
    body: &'a [u8],
}

impl Call<'_> {
    async fn registry(&self, route: Route<'_>, operation: Operation) -> Result<Answer> {
        let (caller, ports, body) = (self.caller, self.platform, self.body);
        let named = self.organization.as_deref();
        let page = || page(&self.incoming.query);
        let requester = self.requester();
        match (route, operation) {
            (Route::Workflows(project), Operation::WorkflowCreate) => Answer::new(
                201,
                &registry::create_workflow(caller, named, project, body, requester, ports).await?,
            ),
            (Route::Workflows(project), _) => Answer::new(
                200,
                &registry::list_workflows(caller, named, project, &page()?, ports).await?,
            ),
            (Route::Projects, Operation::ProjectCreate) => Answer::new(
                201,
                &registry::create_project(caller, named, body, requester, ports).await?,
            ),
            (Route::Projects, _) => Answer::new(
                200,
                &registry::list_projects(caller, named, &page()?, ports).await?,
            ),
            (Route::Organization(name), _) => Answer::new(
                200,
                &organization::update(caller, name, body, requester, self.config, ports).await?,
            ),
            (_, Operation::OrganizationCreate) => Answer::new(
                201,
                &organization::create(caller, body, requester, self.config, ports).await?,
            ),
            _ => Answer::new(
                200,
                &organization::list(caller, &page()?, self.config, ports).await?,
            ),
        }
    }

    async fn tokens(&self, route: Route<'_>, operation: Operation) -> Result<Answer> {
        let (caller, ports, body) = (self.caller, self.platform, self.body);
        let named = self.organization.as_deref();
        match (route, operation) {
            (Route::Rotate(id), _) => {
                let from = self.from();
                let rotated =
                    tokens::rotate(caller, named, id, body, from, self.config, ports).await;
                Answer::secret(201, &self.noting(rotated, Some(id)).await?)
            }
            (Route::Adopt, _) => {
                let from = self.from();
                let adopted = adopt::adopt(caller, named, body, from, self.config, ports).await;
                Answer::secret(201, &self.noting(adopted, None).await?)
            }
            (Route::Release(id), _) => {
                let requester = self.requester();
                Answer::new(
                    200,
                    &tokens::release(caller, named, id, requester, ports).await?,
                )
            }
            (Route::RevokeMany, _) => {
                let requester = self.requester();
                Answer::new(
                    200,
                    &tokens::revoke_many(caller, named, body, requester, ports).await?,
                )
            }
            (Route::Token(id), Operation::TokenRead) => {
                Answer::new(200, &tokens::read(caller, named, id, ports).await?)
            }
            (Route::Token(id), _) => {
                let prefer = self.incoming.header("prefer");
                let respond_async = prefer::respond_async(prefer.as_deref());
                let meant = (self.requester(), respond_async);
                let revoked = tokens::revoke(caller, named, id, meant, ports).await?;
                let answer = Answer::new(if respond_async { 202 } else { 200 }, &revoked)?;
                Ok(Answer {
                    is_early: respond_async,
                    ..answer
                })
            }
            (_, Operation::TokenCreate) => {
                let from = self.from();
                let minted = mint::mint(caller, named, body, from, self.config, ports).await;
                Answer::secret(201, &self.noting(minted, None).await?)
            }
            _ => {
                let (query, page) = token_query(&self.incoming.query)?;
                Answer::new(
                    200,
                    &tokens::list(caller, named, query, &page, ports).await?,
                )
            }
        }
    }

    /// A mint, adoption or rotation on its way out: a refusal is written down first (R35). It
    /// stands also where that fails.
    async fn noting<T>(&self, outcome: Result<T>, rotated: Option<&str>) -> Result<T> {
        if let Err(error) = &outcome {
            let named = self.organization.as_deref();
            let requester = self.requester();
            let noted =
                refusal::note(error, self.caller, named, rotated, requester, self.platform).await;
            if let Err(failure) = noted {
                log::failure("audit.mint_refused", &failure.private());
            }
        }
        outcome
    }

    /// Who asks from where, for the audit row (R21, R35).
    fn requester(&self) -> Requester {
        requester(self.incoming, self.config, self.caller)
    }

    /// Whose bucket a mint takes from, and who asks.
    fn from(&self) -> Client {
        Client {
            bucket: bucket(self.incoming, self.config),
            requester: self.requester(),
        }
    }
}

#[cfg(test)]
mod tests;
