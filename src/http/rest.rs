//! REST requests for the origin: route, credential, what is named, decision, forward. Refuses in
//! problem documents, and forwards only with a permit in hand.

use super::answer::{Answered, Told};
use super::asked::{is_json, plain};
use super::assertion;
use super::forward::{self, Asking, Outgoing, Reach};
use super::incoming::Incoming;
use super::respond;
use crate::log::RequestLog;
use crate::platform::{Platform, now};
use postern_domain::decide::Permit;
use postern_domain::operation::Operation;
use postern_domain::route::Route;
use postern_domain::rpc::Access;
use postern_registry::authenticate::{About, examine, present};
use postern_registry::body::{BodyRead, receive, streamed};
use postern_registry::config::Config;
use postern_registry::error::{Error, Result};
use postern_registry::patience::Deadline;
use postern_registry::rest;
use postern_registry::vouch::Vouched;
use postern_wire::rest::{Found, MAX_BODY, Named, Parameters, Parts};

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
    // No header of REST says how long its caller waits.
    let deadline = Deadline::new(begun, None);
    let authorization = incoming.header("authorization");
    let presented = match route.access {
        Access::Open => None,
        Access::Token | Access::Person | Access::Closed => {
            Some(present(authorization.as_deref(), config, now())?)
        }
    };
    let target = match incoming.query.as_str() {
        "" => incoming.path.clone(),
        query => format!("{}?{query}", incoming.path),
    };
    let headers = forward::headers(incoming, route.access, config)?;
    let content = Content::read(route, incoming).await?;
    if route.inspects_body() {
        // Read here as JSON in UTF-8: no parameter and no second value may say otherwise.
        headers
            .set("content-type", "application/json")
            .and_then(|()| headers.delete("content-encoding"))
            .map_err(forward::refused)?;
    }
    let (permit, bound_ms): (Permit, i64) = match presented {
        None => {
            content.named(route, parameters, incoming)?;
            (rest::pass(route)?, 0)
        }
        Some(presented) => {
            let about = match route.workflow {
                Some(_) => About::Workflow,
                None => About::Nothing,
            };
            let first = (content.inspected.len(), about, route.effect.into());
            let vouched = Vouched::first(presented, first, content.read, config, platform).await?;
            let named = content.named(route, parameters, incoming)?;
            let recognized = rest::recognize(vouched, named, config, platform).await?;
            log.caller(&recognized.caller);
            let caller = recognized.caller.clone();
            let asking = Asking {
                caller: &caller,
                incoming,
                config,
                platform,
                deadline,
            };
            let permit = recognized.decide(route, platform, &asking).await?;
            let signed = (route.method, target.as_str());
            assertion::add(&headers, signed, &content.body, &asking)?;
            (permit, recognized.bound_ms)
        }
    };

    let operation = Operation::Route(route);
    let sent = now();
    let reach = Reach::new(config, deadline, sent)?;
    let response = forward::send(
        &permit,
        operation,
        route.method,
        &target,
        &headers,
        content.body,
        &reach,
    )
    .await?;
    if route.stream {
        // Whoever was revoked while its body came does not get the answer.
        let still = async {
            let presented = present(authorization.as_deref(), config, now())?;
            examine(&presented, config, platform).await
        };
        if let Err(error) = still.await {
            drop(response.body().map(|body| body.cancel()));
            return Err(error);
        }
    }
    let waited = now().since(sent);
    log.origin_status = Some(response.status());
    let told = Told::new(begun, waited, bound_ms, config);
    Answered::plain(response, route, reach.patience())?.pass_on(incoming, &told)
}

/// A request's body: what is looked into here, and what goes to the origin.
struct Content {
    /// Empty where the route has no identity in it.
    inspected: Vec<u8>,
    body: Outgoing,
    read: BodyRead,
}

impl Content {
    /// Reads the body to its end, unless the route's table says that it streams. It goes on byte for
    /// byte.
    async fn read(route: &'static Route, incoming: &Incoming) -> Result<Self> {
        if let Some(read) = streamed(route) {
            let stream = incoming.take_stream();
            return Ok(Self {
                inspected: Vec::new(),
                body: stream.map_or(Outgoing::Nothing, Outgoing::Stream),
                read,
            });
        }
        let inspects = route.inspects_body();
        if inspects && !is_json(incoming) {
            return Err(Error::MediaType {
                expected: "application/json",
            });
        }
        // A GET may say that it has no bytes, by length or in chunks.
        let limit = if route.method == "GET" { 0 } else { MAX_BODY };
        let (body, read) = receive(incoming, limit)
            .await
            .map_err(|error| match error {
                Error::BodyTooLarge { limit: 0 } => {
                    Error::invalid("body_unexpected", "a GET has no body here")
                }
                error => error,
            })?;
        if inspects {
            plain(incoming, &body.bytes)?;
        }
        Ok(Self {
            body: match body.bytes.is_empty() {
                true => Outgoing::Nothing,
                false => Outgoing::Bytes(body.raw),
            },
            inspected: if inspects { body.bytes } else { Vec::new() },
            read,
        })
    }

    /// What the request names.
    fn named(&self, route: &Route, parameters: &Parameters, incoming: &Incoming) -> Result<Named> {
        let parts = Parts {
            parameters,
            query: &incoming.query,
            header: &|name: &str| incoming.header(name),
            body: &self.inspected,
        };
        rest::named(route, &parts)
    }
}
