//! The gateway's calls to a Ledger. An answer that is not the expected one is a failure, and a
//! failure is never a yes.

use std::cell::OnceCell;

use worker::{Env, Headers, Method, ObjectNamespace, Request, RequestInit, Response, Stub};

use postern_domain::audit::verify::Row;
use postern_domain::id::{Organization, OrganizationId, TokenId};
use postern_domain::scope::Named;
use postern_domain::standing::{Actor, Inactive};
use postern_domain::token::TokenFacts;
use postern_ledger::{ACTOR, Admission, AdmitQuery, Command, KeptQuery};
use postern_registry::error::{CredentialError, Error, Result};

/// The header that carries the name by which a call came to the Ledger.
pub const NAME_HEADER: &str = "organization-name";
/// The Ledger's status for a name that is not its organization's.
pub const MISDIRECTED: u16 = 421;

/// The binding.
const BINDING: &str = "LEDGER";

/// Asks whether a token lives.
pub async fn admit(
    env: &Env,
    organization: OrganizationId,
    query: AdmitQuery,
) -> Result<Admission> {
    let verb = if query.counts { "use" } else { "look" };
    let mut url = format!("http://ledger/{verb}/{}", query.token);
    if query.facts || query.run.is_some() || query.version || query.pin {
        url.push_str(if query.facts { "/facts" } else { "/state" });
    }
    match query.run {
        Some(run) => url.push_str(&format!("/{run}")),
        None if query.version || query.pin => url.push_str("/-"),
        None => {}
    }
    if query.version || query.pin {
        url.push_str(if query.version { "/version" } else { "/-" });
    }
    if query.pin {
        url.push_str("/pin");
    }
    let mut answer = stub(env, organization)?
        .fetch_with_str(&url)
        .await
        .map_err(failed)?;
    match answer.status_code() {
        204 => Ok(Admission::LIVE),
        200 => answer.json().await.map_err(failed),
        status => Err(failed(format!("status {status}"))),
    }
}

/// Whose Ledger a call is for: its id, and the name by which the caller came to it, where one was
/// given.
#[derive(Debug, Clone, Copy)]
pub struct Addressee<'a> {
    id: OrganizationId,
    name: Option<&'a str>,
}

impl From<OrganizationId> for Addressee<'_> {
    fn from(id: OrganizationId) -> Self {
        Self { id, name: None }
    }
}

impl<'a> From<&'a Named<Organization>> for Addressee<'a> {
    fn from(named: &'a Named<Organization>) -> Self {
        Self {
            id: named.id,
            name: Some(&named.name),
        }
    }
}

/// Asks whether the name is the organization's, and tells whether the Ledger knew.
///
/// # Errors
/// `Misdirected`, `Unavailable`.
pub async fn confirm(env: &Env, organization: &Named<Organization>) -> Result<bool> {
    let answer = send(env, organization.into(), Actor::NotAToken, "name", None).await?;
    Ok(answer.status_code() == 200)
}

/// The facts of a token in whatever state it is.
pub async fn describe<'a>(
    env: &Env,
    organization: impl Into<Addressee<'a>>,
    token: TokenId,
) -> Result<Option<TokenFacts>> {
    let path = format!("describe/{token}");
    let mut answer = send(env, organization.into(), Actor::NotAToken, &path, None).await?;
    answer.json().await.map_err(failed)
}

/// The events of which the Ledger has a copy.
pub async fn events(
    env: &Env,
    organization: &Named<Organization>,
    query: KeptQuery,
) -> Result<Vec<(u64, Row)>> {
    let path = format!("events/{}/{}", query.after, query.up_to);
    let mut answer = send(env, organization.into(), Actor::NotAToken, &path, None).await?;
    answer.json().await.map_err(failed)
}

/// Sends a command for an actor and reads its answer. An actor that is not active is refused as its
/// credential would be.
pub async fn command<'a, C: Command>(
    env: &Env,
    organization: impl Into<Addressee<'a>>,
    actor: Actor,
    command: &C,
) -> Result<C::Answer> {
    let body = serde_json::to_string(command).map_err(failed)?;
    let mut answer = send(env, organization.into(), actor, C::NAME, Some(body)).await?;
    answer.json().await.map_err(failed)
}

/// Sends a command, or, without a body, a question. What comes back has been answered.
async fn send(
    env: &Env,
    to: Addressee<'_>,
    actor: Actor,
    path: &str,
    body: Option<String>,
) -> Result<Response> {
    let headers = Headers::new();
    let method = match body {
        Some(_) => Method::Post,
        None => Method::Get,
    };
    if body.is_some() {
        headers
            .set("content-type", "application/json")
            .map_err(failed)?;
    }
    if let Some(name) = to.name {
        headers.set(NAME_HEADER, name).map_err(failed)?;
    }
    if let Some(token) = actor.token() {
        headers.set(ACTOR, &token.to_string()).map_err(failed)?;
    }
    let init = RequestInit {
        method,
        headers,
        body: body.map(Into::into),
        ..RequestInit::default()
    };
    let request =
        Request::new_with_init(&format!("http://ledger/{path}"), &init).map_err(failed)?;
    let mut answer = stub(env, to.id)?
        .fetch_with_request(request)
        .await
        .map_err(failed)?;
    match answer.status_code() {
        200 | 204 => Ok(answer),
        MISDIRECTED => Err(Error::Misdirected {
            cause: format!(
                "the stores give the name `{}` the id {}, which is another organization's",
                to.name.unwrap_or_default(),
                to.id
            ),
        }),
        401 => {
            let why: Inactive = answer.json().await.map_err(failed)?;
            Err(CredentialError::from(why).into())
        }
        status => Err(failed(format!("status {status}"))),
    }
}

/// Whether Ledgers can be reached at all, and how many of them D1 has lately refused, because it
/// has other rows than they. Asks one that belongs to no organization and stores nothing.
pub async fn ping(env: &Env) -> Result<u32> {
    let mut answer = readiness(env)?
        .fetch_with_str("http://ledger/ping")
        .await
        .map_err(failed)?;
    match answer.status_code() {
        204 => Ok(0),
        200 => answer.json().await.map_err(failed),
        status => Err(failed(format!("status {status}"))),
    }
}

/// Tells the object that answers [`ping`] that D1 has another row than a Ledger.
pub async fn tell_conflict(env: &Env, organization: OrganizationId) -> Result<()> {
    let init = RequestInit {
        method: Method::Post,
        ..RequestInit::default()
    };
    let url = format!("http://ledger/conflict/{organization}");
    let request = Request::new_with_init(&url, &init).map_err(failed)?;
    let answer = readiness(env)?
        .fetch_with_request(request)
        .await
        .map_err(failed)?;
    match answer.status_code() {
        204 => Ok(()),
        status => Err(failed(format!("status {status}"))),
    }
}

fn readiness(env: &Env) -> Result<Stub> {
    env.durable_object(BINDING)
        .and_then(|namespace| namespace.get_by_name("readiness"))
        .map_err(failed)
}

thread_local! {
    /// The binding, found once for an isolate; stubs belong to their request.
    static NAMESPACE: OnceCell<ObjectNamespace> = const { OnceCell::new() };
}

fn stub(env: &Env, organization: OrganizationId) -> Result<Stub> {
    NAMESPACE.with(|cell| {
        let namespace = match cell.get() {
            Some(namespace) => namespace,
            None => {
                let found = env.durable_object(BINDING).map_err(failed)?;
                cell.get_or_init(|| found)
            }
        };
        namespace
            .get_by_name(&organization.to_string())
            .map_err(failed)
    })
}

fn failed(error: impl core::fmt::Display) -> Error {
    Error::unavailable(format!("Ledger: {error}"))
}
