//! The gateway's calls to Ledgers. An answer that is not the expected one is a failure, and a failure
//! is never a yes.

use std::cell::OnceCell;

use js_sys::{Function, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use worker::{Env, Headers, Method, ObjectNamespace, Request, RequestInit, Response, Stub};

use crate::log;
use postern_domain::audit::verify::Row;
use postern_domain::decide::Denial;
use postern_domain::id::{Organization, OrganizationId, TokenId};
use postern_domain::location::{Jurisdiction, LocationHint};
use postern_domain::scope::Named;
use postern_domain::standing::Actor;
use postern_domain::token::TokenFacts;
use postern_ledger::wire::{ACTOR, Call, ORGANIZATION_NAME, Reply, Unanswered, print_actor};
use postern_ledger::{
    ActivityCommand, ActivityRecord, Admission, AdmitQuery, Command, KeptQuery, ReadActivityCommand,
};
use postern_registry::error::{CredentialError, Error, Result};

/// The binding.
const BINDING: &str = "LEDGER";

/// Asks whether a token lives.
pub async fn admit(
    env: &Env,
    organization: OrganizationId,
    query: AdmitQuery,
) -> Result<Admission> {
    let answer = stub(env, organization)?
        .fetch_with_str(&admit_url(query))
        .await
        .map_err(failed)?;
    admission(reply(answer).await?)
}

/// Where that is asked, of the object that has the organization's id as its name.
pub fn admit_url(query: AdmitQuery) -> String {
    url(&Call::Admit(query))
}

/// Reads what was answered to it.
pub fn admission(reply: Reply) -> Result<Admission> {
    let admission = reply.read_unless_usual().map_err(unanswered)?;
    Ok(admission.unwrap_or(Admission::LIVE))
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
    let to = organization.into();
    let reply = ask(env, to, &Call::Confirm).await?;
    reply.read_confirmation().map_err(|why| refused(to, why))
}

/// The facts of a token in whatever state it is.
pub async fn describe<'a>(
    env: &Env,
    organization: impl Into<Addressee<'a>>,
    token: TokenId,
) -> Result<Option<TokenFacts>> {
    let to = organization.into();
    let reply = ask(env, to, &Call::Describe(token)).await?;
    reply.read().map_err(|why| refused(to, why))
}

/// The events of which the Ledger has a copy.
pub async fn events(
    env: &Env,
    organization: &Named<Organization>,
    query: KeptQuery,
) -> Result<Vec<(u64, Row)>> {
    let to = organization.into();
    let reply = ask(env, to, &Call::Kept(query)).await?;
    reply.read().map_err(|why| refused(to, why))
}

/// Sends a command for an actor and reads its answer. An actor that is not active is refused as its
/// credential would be.
pub async fn command<'a, C: Command>(
    env: &Env,
    organization: impl Into<Addressee<'a>>,
    actor: Actor,
    command: &C,
) -> Result<C::Answer> {
    let to = organization.into();
    let body = serde_json::to_string(command).map_err(failed)?;
    let call = Call::Command(C::NAME.to_owned());
    let reply = send(env, to, actor, &call, Some(body)).await?;
    reply.read().map_err(|why| refused(to, why))
}

/// Tells a Ledger, or the object that belongs to no organization, what calls have come to. No = it is
/// of a release that does not understand.
pub async fn tell_activity(
    env: &Env,
    to: Option<OrganizationId>,
    command: &ActivityCommand,
) -> Result<bool> {
    let reply = post(env, to, command).await?;
    match reply.read::<()>() {
        Ok(()) => Ok(true),
        Err(Unanswered::NotKnown(_)) => Ok(false),
        Err(why) => Err(unanswered(why)),
    }
}

/// What credentials have failed before any organization was known, as the object tells that belongs
/// to none.
pub async fn failures(env: &Env, command: &ReadActivityCommand) -> Result<Option<ActivityRecord>> {
    post(env, None, command).await?.read().map_err(unanswered)
}

/// Sends a command for nobody, to a Ledger by its id or to the object that belongs to none.
async fn post<C: Command>(env: &Env, to: Option<OrganizationId>, command: &C) -> Result<Reply> {
    let stub = match to {
        Some(organization) => stub(env, organization)?,
        None => readiness(env)?,
    };
    let body = serde_json::to_string(command).map_err(failed)?;
    let call = Call::Command(C::NAME.to_owned());
    deliver(&stub, None, Actor::NotAToken, &call, Some(body)).await
}

/// Asks a question for nobody in particular.
async fn ask(env: &Env, to: Addressee<'_>, call: &Call) -> Result<Reply> {
    send(env, to, Actor::NotAToken, call, None).await
}

async fn send(
    env: &Env,
    to: Addressee<'_>,
    actor: Actor,
    call: &Call,
    body: Option<String>,
) -> Result<Reply> {
    deliver(&stub(env, to.id)?, to.name, actor, call, body).await
}

async fn deliver(
    stub: &Stub,
    name: Option<&str>,
    actor: Actor,
    call: &Call,
    body: Option<String>,
) -> Result<Reply> {
    let headers = Headers::new();
    if body.is_some() {
        headers
            .set("content-type", "application/json")
            .map_err(failed)?;
    }
    if let Some(name) = name {
        headers.set(ORGANIZATION_NAME, name).map_err(failed)?;
    }
    if let Some(actor) = print_actor(actor) {
        headers.set(ACTOR, &actor).map_err(failed)?;
    }
    let init = RequestInit {
        method: method(call),
        headers,
        body: body.map(Into::into),
        ..RequestInit::default()
    };
    let request = Request::new_with_init(&url(call), &init).map_err(failed)?;
    let answer = stub.fetch_with_request(request).await.map_err(failed)?;
    reply(answer).await
}

/// Has a Ledger made where it is to be, by asking it what stores nothing.
///
/// # Errors
/// `Invalid` where the platform keeps nothing in the jurisdiction that the id tells.
pub async fn place(
    env: &Env,
    organization: OrganizationId,
    near: Option<LocationHint>,
) -> Result<()> {
    let namespace = namespace(env, organization).map_err(|error| {
        log::failure("ledgers", &error.private());
        Error::invalid(
            "jurisdiction_unsupported",
            "this deployment cannot keep anything in `jurisdiction`: leave it out",
        )
    })?;
    let name = organization.to_string();
    let stub = match near {
        Some(near) => namespace.get_by_name_with_location_hint(&name, near.word()),
        None => namespace.get_by_name(&name),
    };
    let stub = stub.map_err(failed)?;
    let answer = stub.fetch_with_str(&url(&Call::Ping)).await;
    let told = reply(answer.map_err(failed)?).await?;
    told.read_unless_usual::<u32>().map_err(unanswered)?;
    Ok(())
}

/// Whether Ledgers can be reached at all, and how many of them D1 has lately refused, because it
/// has other rows than they. Asks one that belongs to no organization and stores nothing.
pub async fn ping(env: &Env) -> Result<u32> {
    let answer = readiness(env)?
        .fetch_with_str(&url(&Call::Ping))
        .await
        .map_err(failed)?;
    let refused = reply(answer).await?.read_unless_usual();
    Ok(refused.map_err(unanswered)?.unwrap_or(0))
}

/// Tells the object that answers [`ping`] that D1 has another row than a Ledger.
pub async fn tell_conflict(env: &Env, organization: OrganizationId) -> Result<()> {
    let call = Call::Conflict(organization);
    let init = RequestInit {
        method: method(&call),
        ..RequestInit::default()
    };
    let request = Request::new_with_init(&url(&call), &init).map_err(failed)?;
    let answer = readiness(env)?
        .fetch_with_request(request)
        .await
        .map_err(failed)?;
    let told = reply(answer).await?.read_unless_usual::<()>();
    told.map(|_| ()).map_err(unanswered)
}

fn url(call: &Call) -> String {
    format!("http://ledger/{call}")
}

fn method(call: &Call) -> Method {
    match call.posts() {
        true => Method::Post,
        false => Method::Get,
    }
}

async fn reply(mut answer: Response) -> Result<Reply> {
    let status = answer.status_code();
    let body = match status {
        204 => String::new(),
        _ => answer.text().await.map_err(failed)?,
    };
    Ok(Reply { status, body })
}

/// A call that came by no name and was not answered.
fn unanswered(why: Unanswered) -> Error {
    match why {
        Unanswered::Inactive(why) => CredentialError::from(why).into(),
        Unanswered::Misdirected => failed("another organization's name"),
        Unanswered::Paused => Denial::OrganizationPaused.into(),
        Unanswered::Rebuilding => failed("it is being rebuilt from D1"),
        Unanswered::NotKnown(cause) | Unanswered::Failed(cause) => failed(cause),
    }
}

/// A call that was not answered.
fn refused(to: Addressee<'_>, why: Unanswered) -> Error {
    match why {
        Unanswered::Misdirected => Error::Misdirected {
            cause: format!(
                "the stores give the name `{}` the id {}, which is another organization's",
                to.name.unwrap_or_default(),
                to.id
            ),
        },
        why => unanswered(why),
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
    namespace(env, organization)?
        .get_by_name(&organization.to_string())
        .map_err(failed)
}

/// The Ledgers of the jurisdiction that the id tells.
fn namespace(env: &Env, organization: OrganizationId) -> Result<ObjectNamespace> {
    NAMESPACE.with(|cell| {
        let everywhere = match cell.get() {
            Some(namespace) => namespace,
            None => {
                let found = env.durable_object(BINDING).map_err(failed)?;
                cell.get_or_init(|| found)
            }
        };
        match organization.jurisdiction() {
            None => Ok(everywhere.clone()),
            Some(jurisdiction) => within(everywhere, jurisdiction),
        }
    })
}

/// `namespace.jurisdiction(…)`, which the binding has no method for yet.
fn within(namespace: &ObjectNamespace, jurisdiction: Jurisdiction) -> Result<ObjectNamespace> {
    let thrown = |error: JsValue| failed(worker::Error::from(error));
    let method = Reflect::get(namespace.as_ref(), &"jurisdiction".into()).map_err(thrown)?;
    let method: Function = method
        .dyn_into()
        .map_err(|_| failed("this runtime knows no jurisdictions"))?;
    let narrowed = method
        .call1(namespace.as_ref(), &jurisdiction.word().into())
        .map_err(thrown)?;
    Ok(narrowed.unchecked_into())
}

fn failed(error: impl core::fmt::Display) -> Error {
    Error::unavailable(format!("Ledger: {error}"))
}
