//! Calls for the origin: protocol, credential, message, decision, forward. Refuses in the caller's
//! own protocol, and forwards only with a permit in hand.

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;

use super::answer::{Answered, Told};
use super::asked::{bucket, plain};
use super::assertion;
use super::forward::{self, Asking, Outgoing, Reach};
use super::incoming::Incoming;
use super::respond;
use crate::brake;
use crate::log::RequestLog;
use crate::platform::{Platform, now};
use postern_domain::decide::{Denial, Permit, open};
use postern_domain::operation::Operation;
use postern_domain::rpc::{self, Access, Rpc};
use postern_registry::attest::{self, Authorized};
use postern_registry::authenticate::present;
use postern_registry::body::{BodyRead, discard, receive};
use postern_registry::config::Config;
use postern_registry::error::{Error, Result};
use postern_registry::patience::Deadline;
use postern_wire::coding;
use postern_wire::grpc_web::{self, Encoding, FrameError};
use postern_wire::protocol::{Protocol, Unspoken, media_type};
use postern_wire::{connect, connect::ConnectError, timeout};

/// Answers a call below the origin's prefix.
pub async fn handle(
    incoming: &Incoming,
    config: &Config,
    platform: &Platform,
    log: &mut RequestLog,
) -> core::result::Result<web_sys::Response, JsValue> {
    match call(incoming, config, platform, log).await {
        Ok(response) => Ok(response),
        Err(error) => {
            let error = brake::slow(&platform.env, bucket(incoming, config), error).await;
            refuse(incoming, &error, log)
        }
    }
}

/// Refuses in the protocol that the request speaks; as a problem document where it speaks none of
/// ours.
pub fn refuse(
    incoming: &Incoming,
    error: &Error,
    log: &mut RequestLog,
) -> core::result::Result<web_sys::Response, JsValue> {
    if let Some(answer) = respond::options(error, incoming) {
        return answer;
    }
    match protocol(incoming) {
        Ok(Protocol::GrpcWeb(encoding)) => {
            respond::grpc(error, encoding.content_type(), incoming, log)
        }
        Err(Unspoken::Grpc) => respond::grpc(error, "application/grpc", incoming, log),
        Ok(Protocol::Connect) | Err(Unspoken::ConnectJson | Unspoken::ConnectStream) => {
            respond::connect(error, incoming, log)
        }
        Err(Unspoken::Other) => respond::problem(error, incoming, log),
    }
}

fn not_spoken(unspoken: Unspoken) -> Error {
    match unspoken {
        Unspoken::Grpc => Error::NativeGrpc,
        Unspoken::ConnectJson => Error::ConnectJson,
        Unspoken::ConnectStream => Error::MediaType {
            expected: connect::PROTO,
        },
        Unspoken::Other => Error::MediaType {
            expected: "application/grpc-web+proto",
        },
    }
}

fn protocol(incoming: &Incoming) -> core::result::Result<Protocol, Unspoken> {
    Protocol::of(&incoming.header("content-type").unwrap_or_default())
}

async fn call(
    incoming: &Incoming,
    config: &Config,
    platform: &Platform,
    log: &mut RequestLog,
) -> Result<web_sys::Response> {
    let begun = now();
    if incoming.method != "POST" {
        return Err(Error::MethodNotAllowed { allow: "POST" });
    }
    let protocol = protocol(incoming).map_err(not_spoken)?;
    if protocol == Protocol::GrpcWeb(Encoding::Text) && config.origin_speaks_grpc {
        // The platform converts frames, and no text of them.
        return Err(not_spoken(Unspoken::Other));
    }
    // What the table does not know is denied (R33); so is a query, which no call of it has. Nobody
    // learns what is in the table without a credential.
    let rpc = rpc::rpc(&incoming.path).filter(|_| incoming.query.is_empty());
    let presented = match rpc {
        Some(rpc) if rpc.access == Access::Open => None,
        _ => {
            let authorization = incoming.header("authorization");
            Some(present(authorization.as_deref(), config, now())?)
        }
    };
    let rpc = rpc.ok_or(Denial::Operation)?;
    log.operation = Some(rpc.method);

    let headers = forward::headers(incoming, rpc.access, config)?;
    let within = within(protocol, incoming)?;
    let deadline = Deadline::new(begun, within);
    let content = Content::read(protocol, rpc, incoming, &headers, within).await?;
    let authorized = match presented {
        None => Passed::Open(open(Operation::Rpc(rpc))?),
        Some(presented) => {
            let message = content.message();
            let recognized =
                attest::recognize(presented, rpc, message, content.read, config, platform).await?;
            log.caller(&recognized.caller);
            let caller = recognized.caller.clone();
            let origin = Asking {
                caller: &caller,
                incoming,
                config,
                platform,
                deadline,
            };
            let authorized = recognized.decide(rpc, platform, &origin).await?;
            assertion::add(&headers, ("POST", &rpc.path()), &content.body, &origin)?;
            Passed::Token(authorized)
        }
    };
    if rpc.makes_run {
        forward::answer_must_be_readable(&headers)?;
    }

    let asked = now();
    let reach = Reach::new(config, deadline, asked)?;
    let mut answered =
        forward::call(authorized.permit(), rpc, &headers, content.body, &reach).await?;
    log.origin(answered.status(), asked);
    let waited = now().since(asked);
    if let (true, Passed::Token(authorized)) = (rpc.makes_run, &authorized) {
        learn(authorized, &mut answered, platform).await?;
    }
    let told = Told::new(begun, waited, authorized.bound_ms(), config);
    match protocol {
        Protocol::GrpcWeb(_) => answered.pass_on(incoming, &told),
        Protocol::Connect => answered.into_connect(incoming, &told).await,
    }
}

/// A call that may go to the origin, whoever makes it.
enum Passed {
    Open(Permit),
    Token(Authorized),
}

impl Passed {
    fn permit(&self) -> &Permit {
        match self {
            Self::Open(permit) => permit,
            Self::Token(authorized) => &authorized.permit,
        }
    }

    fn bound_ms(&self) -> i64 {
        match self {
            Self::Open(_) => 0,
            Self::Token(authorized) => authorized.bound_ms,
        }
    }
}

/// A request's content: what is read of it here, and what goes to the origin.
struct Content {
    /// The message, from `start` on, where it is looked into here.
    inspected: Option<(Vec<u8>, usize)>,
    body: Outgoing,
    read: BodyRead,
}

/// Bytes of a frame before its message.
const FRAME_HEAD: usize = 5;

impl Content {
    fn message(&self) -> Option<&[u8]> {
        let (bytes, start) = self.inspected.as_ref()?;
        bytes.get(*start..)
    }

    /// Reads the body to its end, whether it is looked into or not (R40), and makes of it what goes
    /// to the origin.
    async fn read(
        protocol: Protocol,
        rpc: &Rpc,
        incoming: &Incoming,
        headers: &web_sys::Headers,
        within: Option<u64>,
    ) -> Result<Self> {
        if matches!(rpc.access, Access::Person | Access::Closed) {
            // Refused to every token, whatever it says.
            return Ok(Self {
                inspected: None,
                body: Outgoing::Nothing,
                read: discard(incoming).await,
            });
        }
        let limit = grpc_web::max_body(rpc);
        if let Protocol::GrpcWeb(_) = protocol {
            let media = incoming.header("content-type").unwrap_or_default();
            let bare = media_type(&media);
            if bare != media {
                headers
                    .set("content-type", &bare)
                    .map_err(forward::refused)?;
            }
        }
        match protocol {
            Protocol::GrpcWeb(_) if !rpc.is_inspected() => {
                let (body, read) = receive(incoming, limit).await?;
                Ok(Self {
                    inspected: None,
                    body: Outgoing::Bytes(body.raw),
                    read,
                })
            }
            Protocol::GrpcWeb(encoding) => {
                let (body, read) = receive(incoming, limit).await?;
                plain(incoming, &body.bytes)?;
                if incoming.has("content-encoding") {
                    headers
                        .delete("content-encoding")
                        .map_err(forward::refused)?;
                }
                let frames = match encoding {
                    Encoding::Binary => body.bytes,
                    Encoding::Text => encoding
                        .decode(&body.bytes)
                        .map_err(unreadable)?
                        .into_owned(),
                };
                grpc_web::single_message(&frames).map_err(|error| match error {
                    FrameError::Compressed => compressed(incoming),
                    error => unreadable(error),
                })?;
                Ok(Self {
                    inspected: Some((frames, FRAME_HEAD)),
                    body: Outgoing::Bytes(body.raw),
                    read,
                })
            }
            Protocol::Connect => {
                let (body, read) = receive(incoming, limit).await?;
                plain(incoming, &body.bytes)?;
                forward::as_grpc_web(headers)?;
                match within {
                    Some(ms) => headers.set("grpc-timeout", &timeout::write(ms)),
                    None => headers.delete("grpc-timeout"),
                }
                .map_err(forward::refused)?;
                let frame = grpc_web::frame(&body.bytes).map_err(unreadable)?;
                Ok(Self {
                    inspected: rpc.is_inspected().then_some((body.bytes, 0)),
                    body: Outgoing::Bytes(Uint8Array::from(frame.as_slice())),
                    read,
                })
            }
        }
    }
}

/// Reads the run out of the answer before anybody else has it.
async fn learn(
    authorized: &Authorized,
    answered: &mut Answered,
    platform: &Platform,
) -> Result<()> {
    match answered.read().await? {
        (Some(message), ending) if ending.status == 0 => {
            attest::learn_run(authorized, &message, platform).await
        }
        _ => Ok(()),
    }
}

/// How long the caller waits, in milliseconds, where it says.
fn within(protocol: Protocol, incoming: &Incoming) -> Result<Option<u64>> {
    if protocol == Protocol::Connect {
        return connect::request(
            incoming.header("connect-protocol-version").as_deref(),
            incoming.header("connect-timeout-ms").as_deref(),
        )
        .map_err(|error| wrong_connect(&error));
    }
    let Some(text) = incoming.header("grpc-timeout") else {
        return Ok(None);
    };
    let ms = timeout::millis(&text).ok_or_else(|| {
        Error::invalid(
            "grpc_timeout_invalid",
            "`grpc-timeout` must be one to eight digits and a unit: H, M, S, m, u or n",
        )
    });
    ms.map(Some)
}

/// A message that is compressed by itself, as its frame says.
fn compressed(incoming: &Incoming) -> Error {
    let coding = incoming.header("grpc-encoding");
    Error::Compressed {
        coding: coding.map(|coding| coding::told(coding.trim_ascii())),
    }
}

fn unreadable(error: FrameError) -> Error {
    Error::invalid("body_unreadable", error.to_string())
}

fn wrong_connect(error: &ConnectError) -> Error {
    Error::invalid("connect_header", error.to_string())
}
