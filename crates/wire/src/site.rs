//! Where a browser says that a request comes from. A request that says nothing is neither from our
//! own pages nor from others'.

/// What the request tells of its site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// One of our own pages.
    Own,
    /// A page of somebody else.
    Other,
    /// Nothing: no browser, an old one, or a person who typed the address.
    Untold,
}

/// Reads `Sec-Fetch-Site` (Fetch Metadata), which no page can set, and where it is missing
/// `Origin` (RFC 6454), against the origin that the request itself was sent to.
pub fn site(sec_fetch_site: Option<&str>, origin: Option<&str>, own_origin: &str) -> Site {
    match (sec_fetch_site, origin) {
        (Some("same-origin"), _) => Site::Own,
        (Some("none"), _) | (None, None) => Site::Untold,
        (Some(_), _) => Site::Other,
        (None, Some(origin)) if origin == own_origin => Site::Own,
        (None, Some(_)) => Site::Other,
    }
}

/// Scheme, host and port of an absolute URL, as browsers write them into `Origin`.
pub fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url
        .get(host..)
        .and_then(|rest| rest.find(['/', '?', '#']))
        .map_or(url.len(), |at| host + at);
    url.get(..end).unwrap_or(url)
}

/// Path and query of an absolute URL, which the runtime has parsed and serialized already. The query
/// is without its `?`.
pub fn path_and_query(url: &str) -> (&str, &str) {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let from_path = after_scheme
        .find('/')
        .and_then(|at| after_scheme.get(at..))
        .unwrap_or("/");
    let without_fragment = from_path.split('#').next().unwrap_or("/");
    without_fragment
        .split_once('?')
        .unwrap_or((without_fragment, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries_of_urls() {
        let rows = [
            ("https://gate.example/a/b?c=d?e", ("/a/b", "c=d?e")),
            ("https://gate.example/a#b?c", ("/a", "")),
            ("https://gate.example", ("/", "")),
            ("/a?b", ("/a", "b")),
        ];
        for (url, expected) in rows {
            assert_eq!(path_and_query(url), expected, "{url}");
        }
    }

    #[test]
    fn r23_where_a_request_comes_from() {
        let own = "https://gate.example";
        let rows = [
            (Some("same-origin"), None, Site::Own),
            // The header that pages cannot set wins.
            (Some("same-origin"), Some("https://evil.example"), Site::Own),
            (Some("same-site"), Some(own), Site::Other),
            (Some("cross-site"), Some(own), Site::Other),
            (Some("cross-site"), None, Site::Other),
            (Some("none"), Some(own), Site::Untold),
            (Some(""), Some(own), Site::Other),
            (Some("same-origin, same-origin"), None, Site::Other),
            (Some("Same-Origin"), None, Site::Other),
            (None, Some(own), Site::Own),
            (None, Some("https://gate.example:8443"), Site::Other),
            (None, Some("http://gate.example"), Site::Other),
            (None, Some("https://gate.example.evil"), Site::Other),
            (
                None,
                Some("https://gate.example, https://gate.example"),
                Site::Other,
            ),
            (None, Some("null"), Site::Other),
            (None, Some(""), Site::Other),
            (None, None, Site::Untold),
        ];
        for (fetch_site, origin, expected) in rows {
            assert_eq!(
                site(fetch_site, origin, own),
                expected,
                "{fetch_site:?} {origin:?}"
            );
        }
    }

    #[test]
    fn the_origin_of_a_url() {
        let rows = [
            (
                "https://gate.example/org/tokens?x=1",
                "https://gate.example",
            ),
            ("http://127.0.0.1:8787/", "http://127.0.0.1:8787"),
            ("http://[::1]:8787?x", "http://[::1]:8787"),
            ("http://h", "http://h"),
            ("", ""),
        ];
        for (url, expected) in rows {
            assert_eq!(origin(url), expected, "{url}");
        }
    }
}
