//! Calls for the origin: protocol, credential, message, decision, forward. Refuses in the caller's
//! own protocol, and forwards only with a permit in hand.

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;

use super::answer::{Answered, Told};
use super::asked::bucket;
use super::assertion;
use super::forward::{self, Asking, Outgoing};
use super::incoming::Incoming;
use super::{body, respond};
use crate::app::attest::{self, Authorized};
use crate::app::authenticate::present;
use crate::app::config::Config;
use crate::app::error::{Error, Result};
use crate::domain::decide::{Denial, Permit, open};
use crate::domain::operation::Operation;
use crate::domain::rpc::{self, Access, Rpc};
use crate::edge::brake;
use crate::edge::log::RequestLog;
use crate::edge::platform::{Platform, now};
use crate::wire::grpc_web::{self, Encoding, FrameError};
use crate::wire::protocol::{Protocol, Unspoken, media_type};
use crate::wire::{connect, connect::ConnectError};

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
    let content = Content::read(protocol, rpc, incoming, &headers).await?;
    let authorized = match presented {
        None => Passed::Open(open(Operation::Rpc(rpc))?),
        Some(presented) => {
            let message = content.message();
            let recognized = attest::recognize(presented, rpc, message, config, platform).await?;
            log.caller(&recognized.caller);
            let caller = recognized.caller.clone();
            let origin = Asking {
                caller: &caller,
                incoming,
                config,
                platform,
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
    let mut answered =
        forward::call(authorized.permit(), rpc, &headers, content.body, config).await?;
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
    /// The message, from `start` on, where it is read here.
    read: Option<(Vec<u8>, usize)>,
    body: Outgoing,
}

/// Bytes of a frame before its message.
const FRAME_HEAD: usize = 5;

impl Content {
    fn message(&self) -> Option<&[u8]> {
        let (bytes, start) = self.read.as_ref()?;
        bytes.get(*start..)
    }

    /// Reads what must be read to decide, or to speak gRPC-Web for a caller that does not. What
    /// need not be read streams through, from callers who have shown a credential.
    async fn read(
        protocol: Protocol,
        rpc: &Rpc,
        incoming: &Incoming,
        headers: &web_sys::Headers,
    ) -> Result<Self> {
        let limit = match rpc.access {
            // Strangers may call these.
            Access::Open => grpc_web::MAX_OPEN_BODY,
            Access::Token | Access::Person | Access::Closed => grpc_web::MAX_BODY,
        };
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
            Protocol::GrpcWeb(_) if rpc.access == Access::Open => Ok(Self {
                read: None,
                body: Outgoing::Bytes(body::read(incoming, limit).await?.raw),
            }),
            Protocol::GrpcWeb(_) if !rpc.is_inspected() => Ok(Self {
                read: None,
                body: incoming
                    .request
                    .body()
                    .map_or(Outgoing::Nothing, Outgoing::Stream),
            }),
            Protocol::GrpcWeb(encoding) => {
                if !grpc_web::is_uncompressed(incoming.header("content-encoding").as_deref()) {
                    return Err(unreadable(FrameError::Compressed));
                }
                if incoming.has("content-encoding") {
                    headers
                        .delete("content-encoding")
                        .map_err(forward::refused)?;
                }
                let body = body::read(incoming, limit).await?;
                let frames = match encoding {
                    Encoding::Binary => body.bytes,
                    Encoding::Text => encoding
                        .decode(&body.bytes)
                        .map_err(unreadable)?
                        .into_owned(),
                };
                grpc_web::single_message(&frames).map_err(unreadable)?;
                Ok(Self {
                    read: Some((frames, FRAME_HEAD)),
                    body: Outgoing::Bytes(body.raw),
                })
            }
            Protocol::Connect => {
                let timeout = connect::request(
                    incoming.header("connect-protocol-version").as_deref(),
                    incoming.header("connect-timeout-ms").as_deref(),
                    incoming.header("content-encoding").as_deref(),
                )
                .map_err(|error| wrong_connect(&error))?;
                let body = body::read(incoming, limit).await?;
                forward::as_grpc_web(headers)?;
                if let Some(timeout) = timeout {
                    headers
                        .set("grpc-timeout", &timeout)
                        .map_err(forward::refused)?;
                }
                let frame = grpc_web::frame(&body.bytes).map_err(unreadable)?;
                Ok(Self {
                    read: rpc.is_inspected().then_some((body.bytes, 0)),
                    body: Outgoing::Bytes(Uint8Array::from(frame.as_slice())),
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

fn unreadable(error: FrameError) -> Error {
    Error::invalid("body_unreadable", error.to_string())
}

fn wrong_connect(error: &ConnectError) -> Error {
    Error::invalid("connect_header", error.to_string())
}
