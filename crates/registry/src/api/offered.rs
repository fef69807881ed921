//! What a management call shows of its caller: its headers, where they count.

use std::net::IpAddr;

use super::Request;
use crate::config::Config;
use crate::ways_in::Knock;
use postern_domain::operation::Operation;
use postern_wire::site;

/// The headers that a way in depends on.
pub struct Offered {
    authorization: Option<String>,
    cookie: Option<String>,
    organization: Option<String>,
    fetch_site: Option<String>,
    origin: Option<String>,
    address: Option<IpAddr>,
}

impl Offered {
    /// Reads them. A cookie counts where the dashboard is, and the origin's pages are not.
    pub fn read(request: &Request<'_>, config: &Config) -> Self {
        let is_dashboard = config.has_dashboard(request.host());
        Self {
            authorization: request.header("authorization"),
            cookie: match is_dashboard {
                true => request.header("cookie"),
                false => None,
            },
            organization: request.header("postern-organization"),
            fetch_site: request.header("sec-fetch-site"),
            origin: request.header("origin"),
            address: request.address(config),
        }
    }

    /// What the caller shows for this operation.
    pub fn knock(&self, operation: Operation, request: &Request<'_>) -> Knock<'_> {
        Knock {
            operation,
            authorization: self.authorization.as_deref(),
            cookie: self.cookie.as_deref(),
            organization: self.organization.as_deref(),
            site: site::site(
                self.fetch_site.as_deref(),
                self.origin.as_deref(),
                request.origin(),
            ),
            writes: request.verb() != "GET",
            is_json: request.is_json(),
            address: self.address,
        }
    }

    /// The organization, as the caller names it.
    pub fn organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sent;
    use super::*;
    use crate::testing::config;
    use postern_wire::site::Site;

    #[test]
    fn r23_a_cookie_counts_where_the_dashboard_is_alone() {
        let rows = [
            (None, "https://gate.example", Some("s=1")),
            (Some("own.example"), "https://own.example", Some("s=1")),
            (Some("own.example"), "https://own.example:8443", None),
            (Some("own.example"), "https://gate.example", None),
            (
                Some("own.example:8443"),
                "https://own.example:8443",
                Some("s=1"),
            ),
        ];
        for (dashboard, origin, expected) in rows {
            let mut config = config();
            config.dashboard_host = dashboard.map(str::to_owned);
            let sent = Sent::new("GET", "/org/tokens")
                .with("cookie", "s=1")
                .to(origin);
            let (request, operation) = (sent.request(), Operation::TokenList);
            let offered = Offered::read(&request, &config);
            assert_eq!(
                offered.knock(operation, &request).cookie,
                expected,
                "{origin}"
            );
        }
    }

    #[test]
    fn r23_a_call_tells_its_site_and_whether_it_writes() {
        let own = ("origin", "https://gate.example");
        let other = ("origin", "https://else.example");
        let json = ("content-type", "application/json");
        let rows = [
            ("GET", vec![], (Site::Untold, false, false)),
            ("HEAD", vec![own], (Site::Own, false, false)),
            ("POST", vec![own, json], (Site::Own, true, true)),
            ("POST", vec![other], (Site::Other, true, false)),
            (
                "DELETE",
                vec![other, ("sec-fetch-site", "same-origin")],
                (Site::Own, true, false),
            ),
        ];
        for (method, headers, expected) in rows {
            let mut sent = Sent::new(method, "/org/tokens");
            for (name, value) in headers {
                sent = sent.with(name, value);
            }
            let request = sent.request();
            let offered = Offered::read(&request, &config());
            let knock = offered.knock(Operation::TokenList, &request);
            assert_eq!(
                (knock.site, knock.writes, knock.is_json),
                expected,
                "{method}"
            );
        }
    }
}
