//! What a call keeps of its request's head. Everything that decides is read once, so that the call
//! does not borrow from the request.

use std::net::IpAddr;

use postern_domain::secret::Secret;
use postern_ledger::shortened;
use postern_wire::address::{self, Unread};
use postern_wire::forwarding::{Came, Own};
use postern_wire::headers::{Headers, Names};
use postern_wire::protocol::media_type;

use crate::config::Config;
use crate::error::{Error, Result};

/// A request as it arrives.
#[derive(Clone, Copy)]
pub struct Head<'r> {
    /// As it came.
    pub method: &'r str,
    /// As it came: percent-encoded, with its dots.
    pub path: &'r str,
    /// Without its `?`; empty where there is none.
    pub query: &'r str,
    /// Scheme, host and port that it was sent to.
    pub origin: &'r str,
    /// As they came.
    pub headers: &'r dyn Headers,
    /// Made by the gateway; one that came with the request is ignored.
    pub request_id: &'r str,
}

/// Chance for one call, from the platform's cryptographic source.
#[derive(Debug, Clone, Copy)]
pub struct Entropy {
    /// For the ids of a trace.
    pub trace: [u8; 24],
    /// For the ids of assertions: one for a call, and one for a question of the gateway's own.
    pub assertions: [[u8; 16]; 2],
}

/// What is kept.
#[derive(Debug)]
pub(crate) struct KeptHead {
    pub names: Names,
    pub method: String,
    pub path: String,
    pub query: String,
    pub request_id: String,
    pub authorization: Option<Secret>,
    /// Empty where there is none.
    pub content_type: String,
    pub content_encoding: Option<String>,
    /// The body's length in bytes, where the request tells it.
    pub declared: Option<u64>,
    pub address: Option<IpAddr>,
    /// As much of it as is kept.
    pub user_agent: Option<String>,
    /// Why there is no address, where the header is there.
    pub unread: Option<Unread>,
    connection: Option<String>,
    traceparent: Option<String>,
    trace: [u8; 24],
    /// The header that the platform puts the client's address in.
    trusted: String,
}

impl KeptHead {
    pub fn new(head: &Head<'_>, entropy: &Entropy, config: &Config) -> Self {
        let names = head.headers.names();
        let value = |name: &str| match names.has(name) {
            true => head.headers.value(name),
            false => None,
        };
        let address = value(&config.trusted_ip_header).map(|text| address::parse(&text));
        Self {
            method: head.method.to_owned(),
            path: head.path.to_owned(),
            query: head.query.to_owned(),
            request_id: head.request_id.to_owned(),
            authorization: value("authorization").map(Secret::new),
            content_type: value("content-type").unwrap_or_default(),
            content_encoding: value("content-encoding"),
            declared: value("content-length").and_then(|text| text.parse().ok()),
            address: address.and_then(core::result::Result::ok),
            user_agent: value("user-agent").map(shortened),
            unread: address.and_then(core::result::Result::err),
            connection: value("connection"),
            traceparent: value("traceparent"),
            trace: entropy.trace,
            trusted: config.trusted_ip_header.clone(),
            names,
        }
    }

    /// Path and query, as they came.
    pub fn target(&self) -> String {
        match self.query.as_str() {
            "" => self.path.clone(),
            query => format!("{}?{query}", self.path),
        }
    }

    /// The bucket of the client's address, or one for all whose address is not known.
    pub fn bucket(&self) -> String {
        address::bucket_of(self.address)
    }

    /// Refuses a body that says itself that it is too long.
    pub fn fits(&self, limit: usize) -> Result<()> {
        match self.declared {
            Some(length) if length > limit as u64 => Err(Error::BodyTooLarge { limit }),
            _ => Ok(()),
        }
    }

    /// Refuses a body that does not arrive as it was written.
    pub fn plain(&self, body: &[u8]) -> Result<()> {
        match postern_wire::coding::coding(self.content_encoding.as_deref(), body) {
            None => Ok(()),
            coding => Err(Error::Compressed { coding }),
        }
    }

    /// Whether the body is declared as JSON.
    pub fn is_json(&self) -> bool {
        media_type(&self.content_type) == "application/json"
    }

    pub fn came(&self) -> Came<'_> {
        Came {
            names: &self.names,
            connection: self.connection.as_deref(),
            traceparent: self.traceparent.as_deref(),
            content_type: &self.content_type,
        }
    }

    pub fn own<'a>(&'a self, assertion: Option<&'a str>) -> Own<'a> {
        Own {
            address: self.address,
            request_id: &self.request_id,
            trace: self.trace,
            assertion,
        }
    }

    pub fn trusted(&self) -> &str {
        &self.trusted
    }
}
