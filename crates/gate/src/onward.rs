//! What goes to the origin. It cannot be made without a permit, and takes its method, and for an
//! RPC its path, from there: what the origin serves is what was decided on.
//!
//! INVARIANT (permission is a value): only [`Outbound::new`] makes one.

use core::fmt;

use postern_domain::caller::Caller;
use postern_domain::decide::{Denial, Permit};
use postern_domain::operation::Operation;
use postern_domain::rpc::{Access, OwnToken};
use postern_domain::time::Timestamp;
use postern_wire::forwarding::{Sent, Target, Way, plan};
use postern_wire::headers::Plan;

use crate::Gate;
use crate::assertion::{Forwarded, assertion};
use crate::call::Call;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::patience::Patience;
use crate::upstream;

/// A request body on its way to the origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// None.
    Nothing,
    /// The request's own body, byte for byte.
    AsItCame,
    /// Other bytes.
    Made(Vec<u8>),
    /// The request's own body, which nobody has read.
    Stream,
}

/// A request for the origin.
pub struct Outbound {
    permit: Permit,
    method: &'static str,
    target: String,
    headers: Plan,
    body: Outgoing,
    patience: Patience,
    converts: bool,
}

/// What is told of a request for the origin.
pub(crate) struct Going<'a> {
    pub permit: Permit,
    pub caller: Option<&'a Caller>,
    pub sent: Sent<'a>,
    pub body: Outgoing,
    /// The bytes of a body that goes on as it came, where all were looked at.
    pub raw: Option<&'a [u8]>,
    /// Whether the answer is read here.
    pub answer_is_read: bool,
}

/// Without its headers and body: a credential can be in either.
impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound")
            .field("method", &self.method)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// How long the answer may take. What makes or ends a token at the origin is not given up with its
/// caller: nobody would know of the token (R43).
fn patience(call: &Call, now: Timestamp, permit: &Permit, config: &Config) -> Result<Patience> {
    let ms = config.origin_timeout_ms;
    let patience = call.deadline.patience(now, ms);
    match permit.operation() {
        Operation::Rpc(row) if row.own_token == Some(OwnToken::Revoke) => {
            Ok(Patience { ms, callers: false })
        }
        Operation::Rpc(row) if row.is_governed() => {
            patience.map(|_| Patience { ms, callers: false })
        }
        _ => patience,
    }
}

impl Outbound {
    /// A request that the permit allows.
    pub(crate) fn new(call: &Call, gate: &Gate, now: Timestamp, going: Going<'_>) -> Result<Self> {
        let config = gate.config();
        let operation = going.permit.operation();
        let needs = operation.requirements().ok_or(Denial::Operation)?;
        let (method, target, is_rpc) = match operation {
            Operation::Rpc(row) => ("POST", row.path(), true),
            Operation::Route(route) => (route.method, call.kept.target(), false),
            _ => return Err(Denial::Operation.into()),
        };
        let is_own = matches!(going.sent, Sent::Asked);
        let bytes = match &going.body {
            Outgoing::Nothing => Some(&[][..]),
            // An assertion tells the digest of all of it.
            Outgoing::AsItCame if config.is_asserted() && going.raw.is_none() => {
                return Err(Error::unavailable("the body was not read to its end"));
            }
            Outgoing::AsItCame => going.raw,
            Outgoing::Made(bytes) => Some(bytes.as_slice()),
            Outgoing::Stream => None,
        };
        let [for_call, for_own] = call.assertions;
        let entropy = if is_own { for_own } else { for_call };
        let forwarded = Forwarded {
            method,
            operation: &target,
            body: bytes,
            request_id: &call.kept.request_id,
        };
        let assertion = match going.caller {
            Some(caller) => assertion(caller, forwarded, &config, now, entropy)?,
            None => None,
        };
        // INVARIANT (no credential, no call): what is made in a token's name leaves with the stored
        // credential or not at all; what a person does leaves with the person's own, which the origin
        // itself has signed; what is open to everybody leaves with none.
        let upstream = match (config.is_upstream(), going.caller) {
            (true, Some(caller)) if caller.person().is_none() => Some(upstream::stored(call)?),
            _ => None,
        };
        let speaks_grpc = config.origin_speaks_grpc && is_rpc;
        let mut headers = plan(
            call.kept.came(),
            Way {
                trusted_ip_header: call.kept.trusted(),
                open: needs.access == Access::Open,
            },
            call.kept.own(assertion.as_ref().map(|made| made.expose())),
            going.sent,
            Target {
                speaks_grpc,
                is_read: going.answer_is_read,
            },
        );
        for header in &config.origin_headers {
            headers.set(header.name.clone(), header.value.expose().to_owned());
        }
        if let Some(cookies) = &call.cookies {
            headers.set("cookie", cookies.clone());
        }
        if call.job.is_some() {
            for name in ["authorization", "postern-organization"] {
                headers.drop(&call.kept.names, name);
            }
        }
        match (upstream, &call.kept.authorization) {
            (Some(upstream), _) => {
                headers.set("authorization", format!("Bearer {}", upstream.expose()));
            }
            // No header came that could go on.
            (None, Some(own)) if call.is_from_query && call.job.is_none() => {
                headers.set("authorization", own.expose().to_owned());
            }
            _ => {}
        }
        Ok(Self {
            patience: patience(call, now, &going.permit, &config)?,
            permit: going.permit,
            method,
            target,
            headers,
            body: going.body,
            converts: speaks_grpc,
        })
    }

    /// What it was permitted by.
    pub fn permit(&self) -> &Permit {
        &self.permit
    }

    /// Its method.
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// Path and query below the origin's URL.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// What becomes of the request's headers.
    pub fn headers(&self) -> &Plan {
        &self.headers
    }

    /// What becomes of the request's body.
    pub fn body(&self) -> &Outgoing {
        &self.body
    }

    /// How long the answer may take, its content included.
    pub fn patience(&self) -> Patience {
        self.patience
    }

    /// Whether the platform is to turn gRPC-Web into gRPC on the way, and back.
    pub fn converts(&self) -> bool {
        self.converts
    }
}
