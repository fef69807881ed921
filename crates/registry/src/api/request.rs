//! A request as the gateway's own routes look at it: its head, and what follows from single headers.
//! No header is read before somebody asks for it.

use std::cell::OnceCell;
use std::net::IpAddr;

use crate::config::Config;
use crate::error::{Error, Result};
use postern_domain::audit::{Requester, Text};
use postern_domain::caller::Caller;
use postern_gate::Head;
use postern_wire::address::{self, Unread};
use postern_wire::coding::coding;
use postern_wire::headers::Names;
use postern_wire::method;
use postern_wire::protocol::media_type;

/// A request on its way in.
pub struct Request<'r> {
    head: Head<'r>,
    names: Names,
    origin: &'r str,
    address: OnceCell<Option<core::result::Result<IpAddr, Unread>>>,
}

impl<'r> Request<'r> {
    /// A request with this head, sent to this scheme, host and port.
    pub fn new(head: Head<'r>, origin: &'r str) -> Self {
        Self {
            names: head.headers.names(),
            head,
            origin,
            address: OnceCell::new(),
        }
    }

    /// The path as it came: compared whole, byte by byte.
    pub fn path(&self) -> &'r str {
        self.head.path
    }

    /// The query, without its `?`.
    pub fn query(&self) -> &'r str {
        self.head.query
    }

    /// The method as it came.
    pub fn method(&self) -> &'r str {
        self.head.method
    }

    /// The method that the request is decided on: HEAD is a GET whose content is left out.
    pub fn verb(&self) -> &'r str {
        method::effective(self.head.method)
    }

    /// Scheme, host and port that the request was sent to.
    pub fn origin(&self) -> &'r str {
        self.origin
    }

    /// Host and port that the request was sent to, as URLs have them.
    pub fn host(&self) -> &'r str {
        self.origin.split_once("://").map_or("", |(_, host)| host)
    }

    /// The id that the gateway has given the request.
    pub fn id(&self) -> &'r str {
        self.head.request_id
    }

    /// Whether there is a header of this name, in lower case.
    pub fn has(&self, name: &str) -> bool {
        self.names.has(name)
    }

    /// A header's value, several joined by `, `. The name is in lower case.
    pub fn header(&self, name: &str) -> Option<String> {
        match self.has(name) {
            true => self.head.headers.value(name),
            false => None,
        }
    }

    /// Whether the body is declared as JSON.
    pub fn is_json(&self) -> bool {
        self.media_type() == "application/json"
    }

    /// The media type of the body, in lower case and without parameters.
    pub fn media_type(&self) -> String {
        media_type(&self.header("content-type").unwrap_or_default())
    }

    /// The client's address, from the trusted header and nowhere else (R28).
    pub fn address(&self, config: &Config) -> Option<IpAddr> {
        let value = || self.header(&config.trusted_ip_header);
        let read = self
            .address
            .get_or_init(|| value().map(|value| address::parse(&value)));
        read.and_then(core::result::Result::ok)
    }

    /// Why the trusted header tells no address, where one was looked for and the header is there.
    pub fn unread(&self) -> Option<Unread> {
        let read = self.address.get().copied().flatten();
        read.and_then(core::result::Result::err)
    }

    /// The bucket of the client's address, or one for all whose address is not known.
    pub fn bucket(&self, config: &Config) -> String {
        address::bucket_of(self.address(config))
    }

    /// Who asks from where, for the audit row (R21, R35).
    pub fn requester(&self, config: &Config, caller: &Caller) -> Requester {
        Requester {
            actor: caller.provenance(),
            tier: caller.tier().to_owned(),
            address: self.address(config).map(|address| address.to_string()),
            user_agent: self
                .header("user-agent")
                // As an event has it: the rest need not travel.
                .map(|agent| Text::new(&agent).as_str().to_owned()),
            request_id: self.id().to_owned(),
        }
    }

    /// Takes a body that is declared as JSON.
    ///
    /// # Errors
    /// `MediaType`.
    pub fn declares_json(&self) -> Result<()> {
        match self.is_json() {
            true => Ok(()),
            false => Err(Error::MediaType {
                expected: "application/json",
            }),
        }
    }

    /// Takes a body that arrives as it was written.
    ///
    /// # Errors
    /// `Compressed`.
    pub fn plain(&self, body: &[u8]) -> Result<()> {
        match coding(self.header("content-encoding").as_deref(), body) {
            None => Ok(()),
            coding => Err(Error::Compressed { coding }),
        }
    }

    /// Takes the body of a write: JSON, or nothing at all.
    ///
    /// # Errors
    /// `MediaType`, `Compressed`.
    pub fn json_or_nothing(&self, body: &[u8]) -> Result<()> {
        if !body.is_empty() {
            self.declares_json()?;
        }
        self.plain(body)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sent;
    use super::*;
    use crate::testing::config;

    #[test]
    fn a_body_is_json_or_nothing_and_arrives_as_it_was_written() {
        const JSON: Error = Error::MediaType {
            expected: "application/json",
        };
        let gzip = || Error::Compressed {
            coding: Some("gzip".to_owned()),
        };
        let rows = [
            ("", "", "{}", Err(JSON)),
            ("", "", "", Ok(())),
            ("text/plain", "", "{}", Err(JSON)),
            ("text/plain", "", "", Ok(())),
            ("application/json", "", "{}", Ok(())),
            ("Application/JSON; charset=utf-8", "", "{}", Ok(())),
            ("application/json", "identity", "{}", Ok(())),
            ("application/json", "gzip", "{}", Err(gzip())),
            ("application/json", "gzip", "", Ok(())),
            ("text/plain", "gzip", "{}", Err(JSON)),
        ];
        for (content_type, coding, body, expected) in rows {
            let mut sent = Sent::new("POST", "/");
            for (name, value) in [("content-type", content_type), ("content-encoding", coding)] {
                if !value.is_empty() {
                    sent = sent.with(name, value);
                }
            }
            let taken = sent.request().json_or_nothing(body.as_bytes());
            assert_eq!(taken, expected, "{content_type} {coding} {body}");
        }
    }

    #[test]
    fn r28_the_address_is_that_of_the_trusted_header_alone() {
        let config = config();
        let trusted = config.trusted_ip_header.as_str();
        let rows = [
            (None, "unknown", None, None),
            (Some("192.0.2.7"), "192.0.2.7", Some("192.0.2.7"), None),
            (
                Some("2001:db8:1:2:3::4"),
                "2001:db8:1:2::/64",
                Some("2001:db8:1:2:3::4"),
                None,
            ),
            (
                Some("192.0.2.7, 192.0.2.8"),
                "unknown",
                None,
                Some(Unread::List),
            ),
            (Some("nobody"), "unknown", None, Some(Unread::NoAddress)),
        ];
        for (value, bucket, address, unread) in rows {
            let mut sent = Sent::new("GET", "/").with("x-forwarded-for", "198.51.100.1");
            if let Some(value) = value {
                sent = sent.with(trusted, value);
            }
            let request = sent.request();
            assert_eq!(request.unread(), None, "nobody has looked yet");
            assert_eq!(request.bucket(&config), bucket, "{value:?}");
            let requester = request.requester(&config, &Caller::Administrator(None));
            assert_eq!(requester.address.as_deref(), address, "{value:?}");
            assert_eq!(request.unread(), unread, "{value:?}");
        }
    }

    #[test]
    fn r35_the_audit_row_has_who_asks_from_where_in_which_request() {
        let agent = "a".repeat(postern_domain::audit::MAX_TEXT + 1);
        let sent = Sent::new("GET", "/").with("user-agent", &agent);
        let requester = sent
            .request()
            .requester(&config(), &Caller::Administrator(None));
        assert_eq!(
            (requester.actor.as_str(), requester.tier.as_str()),
            ("admin-token", "admin")
        );
        assert_eq!(requester.request_id, "r");
        let kept = requester.user_agent.expect("the agent");
        assert_eq!(kept, Text::new(&agent).as_str());
    }

    #[test]
    fn host_and_verb() {
        for (origin, host) in [
            ("https://gate.example", "gate.example"),
            ("http://127.0.0.1:8787", "127.0.0.1:8787"),
            ("", ""),
        ] {
            let sent = Sent::new("HEAD", "/").to(origin);
            assert_eq!(sent.request().host(), host);
            assert_eq!(
                (sent.request().verb(), sent.request().method()),
                ("GET", "HEAD")
            );
        }
    }
}
