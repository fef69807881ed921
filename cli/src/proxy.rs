//! The HTTP proxy between here and the gateway: `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, as curl
//! reads them. Only for `https://` gateways, through a tunnel (`CONNECT`), so that the proxy sees
//! no token; never for this machine.

use std::fmt;

use http::uri::Scheme;
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;

use crate::address::is_this_machine;
use crate::fail::{Failure, Kind, Outcome};
use crate::settings::{Environment, variable};

/// The variables that name a proxy, the first that is set.
const PROXY: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// Those that name what is reached without it.
const DIRECT: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// A proxy, and what is reached without it.
pub struct Proxy {
    /// Its own address, without credentials.
    pub url: Uri,
    /// What it is to know us by.
    pub authorization: Option<HeaderValue>,
    /// The variable that names it.
    variable: &'static str,
    direct: String,
}

impl Proxy {
    /// The proxy of the environment, if there is one.
    ///
    /// # Errors
    /// `Configuration` for an address that cannot be a proxy's: calls would silently go past it.
    pub fn find(environment: Environment<'_>) -> Outcome<Option<Self>> {
        let Some((variable, address)) = first(environment, &PROXY)? else {
            return Ok(None);
        };
        let direct = first(environment, &DIRECT)?.map(|(_, direct)| direct);
        let matcher = Matcher::builder().https(address).build();
        let proxy = matcher.intercept(&Uri::from_static("https://any.invalid"));
        let proxy = proxy.filter(|proxy| {
            let scheme = proxy.uri().scheme();
            scheme == Some(&Scheme::HTTP) || scheme == Some(&Scheme::HTTPS)
        });
        let Some(proxy) = proxy else {
            // Without the address: it may hold a password.
            let message = format!("{variable} is not the address of an HTTP proxy");
            return Err(Failure::new(Kind::Configuration, message)
                .hint("write it as http://proxy.example:3128, or unset it"));
        };
        Ok(Some(Self {
            url: proxy.uri().clone(),
            authorization: proxy.basic_auth().cloned(),
            variable,
            direct: direct.unwrap_or_default(),
        }))
    }

    /// Whether calls of this address go through the proxy.
    pub fn is_for(&self, url: &Uri) -> bool {
        let host = url.host().unwrap_or_default();
        if url.scheme() != Some(&Scheme::HTTPS) || is_this_machine(host) {
            return false;
        }
        let port = url.port_u16().unwrap_or(443);
        let direct = self.direct.split([',', ' ', '\t']);
        let direct: Vec<&str> = direct.filter_map(|entry| entry_for(entry, port)).collect();
        let matcher = Matcher::builder()
            .https(self.url.to_string())
            .no(direct.join(","))
            .build();
        !direct.contains(&"*") && matcher.intercept(url).is_some()
    }
}

/// An entry of `NO_PROXY` for calls of this port, in the form that the matcher knows: hosts with
/// another port are not meant, `*.example` is `.example`, and an IPv6 address has no brackets.
fn entry_for(entry: &str, port: u16) -> Option<&str> {
    let (host, of_port) = match entry.rsplit_once(':') {
        Some((host, of_port)) if !host.contains(':') || host.ends_with(']') => {
            (host, of_port.parse().ok())
        }
        _ => (entry, Some(port)),
    };
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let host = match host.strip_prefix("*.") {
        Some(_) => host.get(1..)?,
        None => host,
    };
    (of_port == Some(port)).then_some(host)
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.url.to_string();
        let address = address.trim_end_matches('/');
        write!(f, "the proxy {address} ({})", self.variable)
    }
}

fn first(
    environment: Environment<'_>,
    names: &[&'static str],
) -> Outcome<Option<(&'static str, String)>> {
    for name in names {
        if let Some(text) = variable(environment, name)? {
            return Ok(Some((name, text.trim().to_owned())));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    fn find(variables: &[(&str, &str)]) -> Outcome<Option<Proxy>> {
        Proxy::find(&|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(*value))
        })
    }

    #[test]
    fn the_variables_that_name_a_proxy() {
        for (variables, shown) in [
            (
                &[("HTTPS_PROXY", "http://proxy.example:3128")][..],
                "the proxy http://proxy.example:3128 (HTTPS_PROXY)",
            ),
            (
                &[("https_proxy", " proxy.example:3128\r")],
                "the proxy http://proxy.example:3128 (https_proxy)",
            ),
            (
                &[("ALL_PROXY", "https://proxy.example/")],
                "the proxy https://proxy.example (ALL_PROXY)",
            ),
            (
                &[("HTTPS_PROXY", ""), ("all_proxy", "[::1]:1")],
                "the proxy http://[::1]:1 (all_proxy)",
            ),
            (
                &[("HTTPS_PROXY", "http://me:hunter2@proxy.example")],
                "the proxy http://proxy.example (HTTPS_PROXY)",
            ),
        ] {
            let proxy = find(variables).unwrap().expect(shown);
            assert_eq!(proxy.to_string(), shown);
            let has_password = variables.iter().any(|(_, value)| value.contains('@'));
            assert_eq!(proxy.authorization.is_some(), has_password);
            assert!(
                !format!("{:?}", proxy.authorization).contains("aHVud"),
                "sensitive"
            );
        }
        for variables in [
            &[][..],
            &[("HTTPS_PROXY", " ")],
            &[("HTTP_PROXY", "http://proxy.example")],
        ] {
            assert!(find(variables).unwrap().is_none(), "{variables:?}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_an_error_without_its_password() {
        for address in [
            "socks5://me:hunter2@proxy.example",
            "ftp://hunter2.example",
            "hunter2 proxy",
            "http://",
            "/hunter2",
        ] {
            let failure = find(&[("HTTPS_PROXY", address)]).err().unwrap();
            assert_eq!(failure.kind, Kind::Configuration);
            assert_eq!(
                failure.message,
                "HTTPS_PROXY is not the address of an HTTP proxy"
            );
            assert!(!format!("{failure:?}").contains("hunter2"));
        }
    }

    #[test]
    fn what_is_reached_directly() {
        let check = |direct: &str, url: &'static str, expected: bool| {
            let variables = [
                ("HTTPS_PROXY", "http://proxy.example:3128"),
                ("NO_PROXY", direct),
            ];
            let proxy = find(&variables).unwrap().unwrap();
            assert_eq!(
                proxy.is_for(&Uri::from_static(url)),
                expected,
                "{direct} {url}"
            );
        };
        let gate = "https://gate.corp.example";
        check("", gate, true);
        check("other.example", gate, true);
        for direct in [
            "*",
            "corp.example",
            ".corp.example",
            "*.corp.example",
            "GATE.corp.example",
            "a, gate.corp.example:443",
            "a corp.example",
        ] {
            check(direct, gate, false);
        }
        for direct in ["ate.corp.example", "gate.corp.example:8443", "gate.corp"] {
            check(direct, gate, true);
        }
        check(
            "gate.corp.example:8443",
            "https://gate.corp.example:8443",
            false,
        );
        for direct in ["*", "10.0.0.0/8", "10.1.2.3", "10.1.2.3:443"] {
            check(direct, "https://10.1.2.3", false);
        }
        for direct in ["fd00::/8", "fd00::1", "[fd00::1]", "[fd00::1]:443"] {
            check(direct, "https://[fd00::1]", false);
        }
        check("10.0.0.0/8", "https://11.1.2.3", true);
        // Nothing on this machine, and nothing without TLS, goes to a proxy.
        for url in [
            "https://localhost:1",
            "https://127.0.0.1",
            "https://[::1]:1",
            "http://gate.corp.example",
        ] {
            check("", url, false);
        }
    }
}
