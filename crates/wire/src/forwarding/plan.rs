//! A request's headers on the way to the origin, as one plan: headers by which the caller could
//! pose as somebody else are dropped, the gateway's own are set, and a request in another protocol,
//! or one of the gateway's own, gets the headers that it needs.

use std::net::IpAddr;

use super::{Way, nominated, stays_behind};
use crate::assertion::HEADER;
use crate::headers::{Names, Plan};
use crate::{timeout, trace};

/// What counts of the headers that came.
#[derive(Debug, Clone, Copy)]
pub struct Came<'a> {
    /// The names of all.
    pub names: &'a Names,
    /// `Connection`.
    pub connection: Option<&'a str>,
    /// `traceparent`.
    pub traceparent: Option<&'a str>,
    /// `Content-Type`; empty where there is none.
    pub content_type: &'a str,
}

/// What the gateway says of a request.
#[derive(Debug, Clone, Copy)]
pub struct Own<'a> {
    /// The client's address, where the platform told it.
    pub address: Option<IpAddr>,
    /// The id that the gateway gave the request.
    pub request_id: &'a str,
    /// Ids for the trace context.
    pub trace: [u8; 24],
    /// The assertion, where the origin is to have one.
    pub assertion: Option<&'a str>,
}

/// What goes to the origin.
#[derive(Debug, Clone, Copy)]
pub enum Sent<'a> {
    /// gRPC-Web as it came, under its bare media type.
    GrpcWeb {
        /// The bare media type.
        media: &'a str,
        /// Whether the message was read here.
        is_read: bool,
    },
    /// Connect as gRPC-Web.
    Connect {
        /// How many milliseconds its caller waits.
        within: Option<u64>,
    },
    /// A call of the gateway's own in gRPC-Web, in the caller's name.
    Asked,
    /// REST as it came.
    Rest,
    /// REST whose body was read here as JSON in UTF-8: no parameter and no second value may say
    /// otherwise.
    Json,
}

/// How the origin takes calls.
#[derive(Debug, Clone, Copy, Default)]
pub struct Target {
    /// It speaks native gRPC, and the platform converts.
    pub speaks_grpc: bool,
    /// The answer is read here, so it must not come compressed.
    pub is_read: bool,
}

/// Names of codings that an answer may come in.
const CODINGS: [&str; 2] = ["grpc-accept-encoding", "accept-encoding"];

/// Names that say nothing of a call that becomes gRPC-Web here.
const OF_OTHER_FORMS: [&str; 5] = [
    "connect-protocol-version",
    "connect-timeout-ms",
    "content-encoding",
    "grpc-encoding",
    "accept",
];

/// The plan for a request. `Authorization` goes on as it came (R29), and not at all where the call
/// needs none.
pub fn plan(came: Came<'_>, way: Way<'_>, own: Own<'_>, sent: Sent<'_>, target: Target) -> Plan {
    let names = came.names;
    let mut plan = Plan::default();
    let nominated: Vec<String> = came
        .connection
        .map(nominated)
        .into_iter()
        .flatten()
        .collect();
    let left = names
        .iter()
        .filter(|name| stays_behind(name, way) || nominated.iter().any(|own| own == name));
    plan.drop.extend(left.map(str::to_owned));
    if let Some(address) = own.address {
        plan.set("x-forwarded-for", address.to_string());
    }
    plan.set("x-request-id", own.request_id.to_owned());
    let (traceparent, continued) = trace::outgoing(came.traceparent, own.trace);
    plan.set("traceparent", traceparent);
    if !continued {
        plan.drop(names, "tracestate");
    }
    body(&mut plan, came, sent);
    if target.is_read || matches!(sent, Sent::Connect { .. } | Sent::Asked) {
        for name in CODINGS {
            plan.drop(names, name);
        }
    }
    if target.speaks_grpc && !matches!(sent, Sent::Rest | Sent::Json) {
        // What the platform converts has this media type, without a codec.
        plan.set("content-type", "application/grpc-web");
    }
    if let Some(assertion) = own.assertion {
        plan.set(HEADER, assertion.to_owned());
    }
    plan
}

/// What the headers say of the body, and of the form that it is in.
fn body(plan: &mut Plan, came: Came<'_>, sent: Sent<'_>) {
    let names = came.names;
    match sent {
        Sent::GrpcWeb { media, is_read } => {
            if media != came.content_type {
                plan.set("content-type", media.to_owned());
            }
            if is_read {
                plan.drop(names, "content-encoding");
            }
        }
        Sent::Connect { .. } | Sent::Asked => {
            for name in OF_OTHER_FORMS {
                plan.drop(names, name);
            }
            plan.set("content-type", "application/grpc-web+proto");
            plan.set("x-grpc-web", "1");
            match sent {
                Sent::Connect { within: Some(ms) } => plan.set("grpc-timeout", timeout::write(ms)),
                Sent::Connect { within: None } => plan.drop(names, "grpc-timeout"),
                _ => {}
            }
        }
        Sent::Rest => {}
        Sent::Json => {
            plan.set("content-type", "application/json");
            plan.drop(names, "content-encoding");
        }
    }
}

#[cfg(test)]
mod tests;
