//! The gateway's address. Tokens must not travel unencrypted over a network, and no part of an
//! address is silently ignored.

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

use crate::fail::{Failure, Kind, Outcome};

/// Scheme, host and port of a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    scheme: Scheme,
    authority: Authority,
}

impl Gateway {
    /// Reads `https://host[:port]`, or `http://` for this machine. `insecure_http` allows `http://`
    /// for other machines too.
    pub fn parse(text: &str, insecure_http: bool) -> Outcome<Self> {
        Self::parse_named("gateway", text, insecure_http)
    }

    /// As [`Gateway::parse`], of a server that errors call this.
    pub fn parse_named(what: &str, text: &str, insecure_http: bool) -> Outcome<Self> {
        let wrong = |why: &str| {
            let message = format!("the {what}'s address `{}` {why}", without_userinfo(text));
            Failure::new(Kind::Configuration, message)
        };
        let uri: Uri = text.parse().map_err(|_| wrong("is not a URL"))?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(wrong("must begin with https:// or http://"));
        };
        if scheme != Scheme::HTTPS && scheme != Scheme::HTTP {
            return Err(wrong("must begin with https:// or http://"));
        }
        if authority.as_str().contains('@') {
            return Err(wrong("must not hold a user name or password"));
        }
        if parts.path_and_query.is_some_and(|path| path != "/") {
            return Err(wrong("must end after the host and port"));
        }
        if scheme == Scheme::HTTP && !insecure_http && !is_this_machine(authority.host()) {
            return Err(wrong("would send tokens unencrypted over the network")
                .hint("use https://, or --insecure-http where the network itself is trusted"));
        }
        Ok(Self { scheme, authority })
    }

    /// The whole URL of a path.
    pub fn url(&self, path: PathAndQuery) -> Outcome<Uri> {
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path)
            .build()
            .map_err(|error| Failure::new(Kind::Other, error))
    }
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

/// Whether a host of an address is this machine itself.
pub fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// A password must not come back in an error.
fn without_userinfo(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_taken() {
        for (text, shown) in [
            ("https://gate.example", "https://gate.example"),
            ("https://gate.example:8443/", "https://gate.example:8443"),
            ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
            ("http://127.9.9.9", "http://127.9.9.9"),
            ("http://[::1]:8787", "http://[::1]:8787"),
            ("http://localhost:8787", "http://localhost:8787"),
        ] {
            assert_eq!(Gateway::parse(text, false).unwrap().to_string(), shown);
        }
        assert!(Gateway::parse("http://gate.example", true).is_ok());
    }

    #[test]
    fn addresses_that_are_refused() {
        for (text, why) in [
            ("http://gate.example", "unencrypted"),
            ("http://localhost.example", "unencrypted"),
            ("http://[::2]", "unencrypted"),
            ("http://0.0.0.0:80", "unencrypted"),
            ("gate.example", "must begin with"),
            ("ftp://gate.example", "must begin with"),
            ("https://gate.example/path", "must end after"),
            ("https://gate.example/?a", "must end after"),
            ("https://", "is not a URL"),
            ("", "is not a URL"),
        ] {
            let failure = Gateway::parse(text, false).unwrap_err();
            assert!(failure.message.contains(why), "{text}: {failure:?}");
            assert_eq!(failure.kind, Kind::Configuration);
        }
    }

    #[test]
    fn a_password_does_not_come_back() {
        let failure = Gateway::parse("https://me:hunter2@gate.example", false).unwrap_err();
        assert!(failure.message.contains("user name or password"));
        assert!(!failure.message.contains("hunter2"));
    }
}
