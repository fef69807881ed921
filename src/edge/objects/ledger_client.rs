//! The gate's calls to a Ledger. Refuses to guess: an answer that is not the expected one is a
//! failure, and a failure is never a yes.

use std::cell::OnceCell;

use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::{Env, Headers, Method, ObjectNamespace, Request, RequestInit, Stub};

use crate::app::error::{Error, Result};
use crate::app::ledger::{Admission, AdmitQuery};
use crate::domain::id::{OrganizationId, TokenId};
use crate::domain::token::TokenFacts;

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
    if query.facts || query.run.is_some() || query.version {
        url.push_str(if query.facts { "/facts" } else { "/state" });
    }
    match query.run {
        Some(run) => url.push_str(&format!("/{run}")),
        None if query.version => url.push_str("/-"),
        None => {}
    }
    if query.version {
        url.push_str("/version");
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

/// The facts of a token, whether or not it still lives.
pub async fn describe(
    env: &Env,
    organization: OrganizationId,
    token: TokenId,
) -> Result<Option<TokenFacts>> {
    let url = format!("http://ledger/describe/{token}");
    let mut answer = stub(env, organization)?
        .fetch_with_str(&url)
        .await
        .map_err(failed)?;
    match answer.status_code() {
        200 => answer.json().await.map_err(failed),
        status => Err(failed(format!("status {status}"))),
    }
}

/// Sends a command and reads its answer.
pub async fn command<C: Serialize, A: DeserializeOwned>(
    env: &Env,
    organization: OrganizationId,
    name: &str,
    command: &C,
) -> Result<A> {
    let body = serde_json::to_string(command).map_err(failed)?;
    let headers = Headers::new();
    headers
        .set("content-type", "application/json")
        .map_err(failed)?;
    let init = RequestInit {
        method: Method::Post,
        headers,
        body: Some(body.into()),
        ..RequestInit::default()
    };
    let request =
        Request::new_with_init(&format!("http://ledger/{name}"), &init).map_err(failed)?;
    let mut answer = stub(env, organization)?
        .fetch_with_request(request)
        .await
        .map_err(failed)?;
    match answer.status_code() {
        200 => answer.json().await.map_err(failed),
        status => Err(failed(format!("status {status}"))),
    }
}

/// Whether Ledgers can be reached at all. Asks one that belongs to no organization and stores
/// nothing.
pub async fn ping(env: &Env) -> Result<()> {
    let stub = env
        .durable_object(BINDING)
        .and_then(|namespace| namespace.get_by_name("readiness"))
        .map_err(failed)?;
    let answer = stub
        .fetch_with_str("http://ledger/ping")
        .await
        .map_err(failed)?;
    match answer.status_code() {
        204 => Ok(()),
        status => Err(failed(format!("status {status}"))),
    }
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
