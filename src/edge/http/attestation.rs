//! Calls for the origin: protocol, credential, message, decision, forward. Refuses in the caller's
//! own protocol, and forwards only with a permit in hand.

use wasm_bindgen::JsValue;

use super::body;
use super::forward::{self, Answered};
use super::incoming::Incoming;
use super::respond;
use crate::app::assertion::{Forwarded, assertion};
use crate::app::attest::{self, Authorized};
use crate::app::authenticate::present;
use crate::app::config::Config;
use crate::app::error::{Error, Result};
use crate::domain::decide::Denial;
use crate::domain::operation;
use crate::edge::log::RequestLog;
use crate::edge::platform::{Platform, now};
use crate::wire::grpc_web::{self, Encoding, FrameError};

/// Answers a call below the origin's prefix.
pub async fn handle(
    incoming: &Incoming,
    config: &Config,
    platform: &Platform,
    log: &mut RequestLog,
) -> core::result::Result<web_sys::Response, JsValue> {
    match call(incoming, config, platform, log).await {
        Ok(response) => Ok(response),
        Err(error) => refuse(incoming, &error, log),
    }
}

/// Refuses in the protocol that the request speaks; in JSON where it speaks none of ours.
pub fn refuse(
    incoming: &Incoming,
    error: &Error,
    log: &mut RequestLog,
) -> core::result::Result<web_sys::Response, JsValue> {
    let content_type = incoming.header("content-type").unwrap_or_default();
    let encoding = Encoding::of(&content_type);
    if encoding.is_some() || is_grpc(&content_type) {
        respond::grpc(error, respond::grpc_content_type(encoding), incoming, log)
    } else {
        respond::problem(error, incoming, log)
    }
}

fn is_grpc(content_type: &str) -> bool {
    content_type
        .get(..16)
        .is_some_and(|start| start.eq_ignore_ascii_case("application/grpc"))
}

async fn call(
    incoming: &Incoming,
    config: &Config,
    platform: &Platform,
    log: &mut RequestLog,
) -> Result<web_sys::Response> {
    if incoming.method != "POST" {
        return Err(Error::MethodNotAllowed { allow: "POST" });
    }
    let content_type = incoming.header("content-type").unwrap_or_default();
    let Some(encoding) = Encoding::of(&content_type) else {
        return Err(if is_grpc(&content_type) {
            Error::NativeGrpc
        } else {
            Error::MediaType {
                expected: "application/grpc-web+proto",
            }
        });
    };
    let authorization = incoming.header("authorization");
    let presented = present(authorization.as_deref(), config, now())?;
    // What the table does not know is denied (R33); so is a query, which no call of it has.
    let rpc = operation::rpc(&incoming.path)
        .filter(|_| incoming.query.is_empty())
        .ok_or(Denial::Operation)?;
    log.operation = Some(rpc.operation.name());

    let body = body::read(incoming, grpc_web::MAX_BODY).await?;
    let frames = encoding.decode(&body.bytes).map_err(unreadable)?;
    let message = grpc_web::single_message(&frames).map_err(unreadable)?;
    let recognized = attest::recognize(presented, rpc, message, config, platform).await?;
    log.caller(&recognized.caller);
    let authorized = recognized.decide(rpc)?;

    let forwarded = Forwarded {
        operation: rpc.path,
        body: Some(&body.bytes),
        request_id: &incoming.request_id,
    };
    let assertion = assertion(authorized.caller(), forwarded, config, platform)?;
    let (permit, raw) = (&authorized.permit, &body.raw);
    let answered = forward::send(permit, rpc, incoming, raw, assertion.as_ref(), config).await?;
    log.origin_status = Some(answered.status());
    if authorized.makes_run() {
        learn(&authorized, answered, platform, incoming).await
    } else {
        answered.pass_on(incoming)
    }
}

/// Reads the run out of the answer before anybody else has it.
async fn learn(
    authorized: &Authorized,
    answered: Answered,
    platform: &Platform,
    incoming: &Incoming,
) -> Result<web_sys::Response> {
    if answered.failed() {
        return answered.pass_on(incoming);
    }
    let encoding = answered.encoding();
    let (answered, bytes) = answered.read().await?;
    let unreadable = |error: FrameError| Error::Origin {
        cause: format!("the Init answer: {error}"),
    };
    let frames = encoding.decode(&bytes).map_err(unreadable)?;
    if let Some(message) = grpc_web::answer_message(&frames).map_err(unreadable)? {
        attest::learn_run(authorized, message, platform).await?;
    }
    answered.pass_on(incoming)
}

fn unreadable(error: FrameError) -> Error {
    Error::invalid("body_unreadable", error.to_string())
}
