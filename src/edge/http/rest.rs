//! REST requests for the origin: route, credential, what is named, decision, forward. Refuses in
//! problem documents, and forwards only with a permit in hand.

use js_sys::Uint8Array;

use super::answer::{Answered, Told};
use super::asked::is_json;
use super::assertion;
use super::forward::{self, Asking, Outgoing};
use super::incoming::Incoming;
use super::{body, respond};
use crate::app::authenticate::present;
use crate::app::config::Config;
use crate::app::error::{Error, Result};
use crate::app::rest;
use crate::domain::decide::Permit;
use crate::domain::operation::Operation;
use crate::domain::route::Route;
use crate::domain::rpc::Access;
use crate::edge::log::RequestLog;
use crate::edge::platform::{Platform, now};
use crate::wire::rest::{Found, MAX_BODY, Named, Parameters, Parts};

/// Answers a request; `None` when it is for no route.
pub async fn handle(
    incoming: &Incoming,
    config: &Config,
    platform: &Platform,
    log: &mut RequestLog,
) -> Option<core::result::Result<web_sys::Response, wasm_bindgen::JsValue>> {
    let answered = match rest::find(incoming.verb(), &incoming.path, config) {
        Found::Nothing => return None,
        Found::OtherMethod { allow } => Err(Error::MethodNotAllowed { allow }),
        Found::Route(route, parameters) => {
            log.operation = Some(route.name);
            request(route, &parameters, incoming, config, platform, log).await
        }
    };
    Some(match answered {
        Ok(response) => Ok(response),
        Err(error) => respond::problem(&error, incoming, log),
    })
}

async fn request(
    route: &'static Route,
    parameters: &Parameters,
    incoming: &Incoming,
    config: &Config,
    platform: &Platform,
    log: &mut RequestLog,
) -> Result<web_sys::Response> {
    let begun = now();
    let presented = match route.access {
        Access::Open => None,
        Access::Token | Access::Person | Access::Closed => {
            let authorization = incoming.header("authorization");
            Some(present(authorization.as_deref(), config, now())?)
        }
    };
    let target = match incoming.query.as_str() {
        "" => incoming.path.clone(),
        query => format!("{}?{query}", incoming.path),
    };
    let headers = forward::headers(incoming, route.access, config)?;
    let (named, body) = read(route, parameters, incoming).await?;
    if route.inspects_body() {
        // Read here as JSON in UTF-8: no parameter and no second value may say otherwise.
        headers
            .set("content-type", "application/json")
            .map_err(forward::refused)?;
    }
    let (permit, bound_ms): (Permit, i64) = match presented {
        None => (rest::pass(route)?, 0),
        Some(presented) => {
            let recognized = rest::recognize(presented, route, named, config, platform).await?;
            log.caller(&recognized.caller);
            let caller = recognized.caller.clone();
            let asking = Asking {
                caller: &caller,
                incoming,
                config,
                platform,
            };
            let permit = recognized.decide(route, platform, &asking).await?;
            assertion::add(&headers, (route.method, &target), &body, &asking)?;
            (permit, recognized.bound_ms)
        }
    };

    let operation = Operation::Route(route);
    let sent = now();
    let response = forward::send(
        &permit,
        operation,
        route.method,
        &target,
        &headers,
        body,
        config,
    )
    .await?;
    let waited = now().since(sent);
    log.origin_status = Some(response.status());
    let told = Told::new(begun, waited, bound_ms, config);
    Answered::plain(response, route)?.pass_on(incoming, &told)
}

/// Reads what the request names. The body goes on byte for byte where a route has an identity in
/// it, and unread where none has.
async fn read(
    route: &'static Route,
    parameters: &Parameters,
    incoming: &Incoming,
) -> Result<(Named, Outgoing)> {
    let header = |name: &str| incoming.header(name);
    let named = |bytes: &[u8]| {
        let parts = Parts {
            parameters,
            query: &incoming.query,
            header: &header,
            body: bytes,
        };
        rest::named(route, &parts)
    };
    if !route.inspects_body() {
        let stream = incoming.request.body();
        let body = match stream {
            Some(_) if route.method == "GET" => {
                empty(incoming).await?;
                Outgoing::Nothing
            }
            stream => stream.map_or(Outgoing::Nothing, Outgoing::Stream),
        };
        return Ok((named(&[])?, body));
    }
    if !is_json(incoming) || incoming.header("content-encoding").is_some() {
        return Err(Error::MediaType {
            expected: "application/json",
        });
    }
    let read = body::read(incoming, MAX_BODY).await?;
    let raw: Uint8Array = read.raw;
    Ok((named(&read.bytes)?, Outgoing::Bytes(raw)))
}

/// Reads a content that must be none: a GET may say that it has no bytes, by length or in chunks.
async fn empty(incoming: &Incoming) -> Result<()> {
    match body::read(incoming, 0).await {
        Ok(_) => Ok(()),
        Err(Error::BodyTooLarge { .. }) => {
            Err(Error::invalid("body_unexpected", "a GET has no body here"))
        }
        Err(error) => Err(error),
    }
}
