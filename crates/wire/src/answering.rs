//! What becomes of the headers of an origin's answer on their way to the client, by rules on their
//! names (R45). Dropped is whatever would make a browser act on the gateway's own origin: keep a
//! cookie, run a page or a worker, report, remember, go elsewhere, or ask for a password.

use super::connect::PROTO;
use super::forwarding::HOP_BY_HOP;
use super::grpc_web::Encoding;
use super::protocol::media_type;

/// Beginnings of names that browsers act on, and of the gateway's own.
const BEGINNINGS: [&str; 25] = [
    "accept-ch",
    "access-control-",
    "ad-auction-",
    "attribution-reporting-",
    "content-security-policy",
    "cross-origin-",
    "document-policy",
    "feature-policy",
    "integrity-policy",
    "origin-",
    "permissions-policy",
    "postern-",
    "proxy-",
    "public-key-pins",
    "report",
    "sec-",
    "secure-session-",
    "service-worker-",
    "set-cookie",
    "set-login",
    "speculation-rules",
    "timing-allow-origin",
    "x-content-security-policy",
    "x-postern-",
    "x-webkit-csp",
];

/// Names that browsers act on. `WWW-Authenticate` would open a dialog that asks for a password in
/// the gateway's name.
const NAMES: [&str; 24] = [
    "activate-storage-access",
    "alt-svc",
    "alternate-protocol",
    "authentication-info",
    "clear-site-data",
    "critical-ch",
    "expect-ct",
    "link",
    "login-status",
    "nel",
    "no-vary-search",
    "observe-browsing-topics",
    "refresh",
    "shared-storage-write",
    "sourcemap",
    "strict-transport-security",
    "supports-loading-mode",
    "use-as-dictionary",
    "www-authenticate",
    "x-content-type-options",
    "x-dns-prefetch-control",
    "x-request-id",
    "x-sourcemap",
    "x-ua-compatible",
];

/// Headers of gRPC-Web that say nothing of the same answer in Connect.
const OF_GRPC_WEB: [&str; 6] = [
    "content-encoding",
    "content-length",
    "grpc-encoding",
    "grpc-message",
    "grpc-status",
    "grpc-status-details-bin",
];

/// What an answer that a browser could show carries: nothing in it runs, loads, is framed, is taken
/// for another type, or is read by another site.
pub const SANDBOX: [(&str, &str); 3] = [
    (
        "content-security-policy",
        "sandbox; default-src 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// In which form an answer goes to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it came.
    AsItCame,
    /// Out of gRPC-Web into Connect.
    Connect,
}

/// What is done with the headers of an answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Rules<'n> {
    /// Names to take away.
    pub drop: Vec<&'n str>,
    /// Headers to set then, in place of the origin's.
    pub set: &'static [(&'static str, &'static str)],
}

/// The rules for an answer with headers of these names, in whatever case; `content_type` is the one
/// that the client gets, empty where it gets none. An answer in the own media type of an RPC
/// protocol is shown by no browser, so nothing is set there.
pub fn rules<'n>(
    names: impl Iterator<Item = &'n str>,
    content_type: &str,
    form: Form,
) -> Rules<'n> {
    let is_grpc_web = |name: &str| OF_GRPC_WEB.iter().any(|own| own.eq_ignore_ascii_case(name));
    let left = |name: &&str| is_dropped(name) || (form == Form::Connect && is_grpc_web(name));
    Rules {
        drop: names.filter(left).collect(),
        set: if is_unshown(content_type) {
            &[]
        } else {
            &SANDBOX
        },
    }
}

/// Whether a header of this name never reaches the client.
pub fn is_dropped(name: &str) -> bool {
    let is = |known: &&str| known.eq_ignore_ascii_case(name);
    HOP_BY_HOP.iter().any(is)
        || NAMES.iter().any(is)
        || BEGINNINGS.iter().any(|beginning| {
            name.get(..beginning.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(beginning))
        })
}

/// Whether a content type is the own one of an RPC protocol: browsers download such a document.
fn is_unshown(content_type: &str) -> bool {
    is_single(content_type)
        && (Encoding::of(content_type).is_some() || media_type(content_type) == PROTO)
}

/// Whether an answer is JSON by its content type (RFC 8259, and the `+json` of RFC 6839).
pub fn is_json(content_type: &str) -> bool {
    let media = media_type(content_type);
    is_single(content_type)
        && (media == "application/json"
            || (media.starts_with("application/") && media.ends_with("+json")))
}

/// Of several types in one header, browsers take the last, also behind parameters of the first.
fn is_single(content_type: &str) -> bool {
    !content_type.contains(',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dropped(name: &str) -> bool {
        let one = core::iter::once(name);
        !rules(one, "", Form::AsItCame).drop.is_empty()
    }

    #[test]
    fn r45_what_a_browser_acts_on_never_passes() {
        for name in [
            "Access-Control-Allow-Credentials",
            "Access-Control-Allow-Origin",
            "Alt-Svc",
            "Clear-Site-Data",
            "Connection",
            "Content-Security-Policy",
            "Content-Security-Policy-Report-Only",
            "Cross-Origin-Opener-Policy",
            "Cross-Origin-Resource-Policy",
            "Keep-Alive",
            "Link",
            "NEL",
            "Origin-Agent-Cluster",
            "Origin-Trial",
            "Permissions-Policy",
            "Postern-Revocation-Bound",
            "Proxy-Authenticate",
            "Refresh",
            "Report-To",
            "Reporting-Endpoints",
            "Service-Worker-Allowed",
            "Set-Cookie",
            "Set-Cookie2",
            "SourceMap",
            "Speculation-Rules",
            "Strict-Transport-Security",
            "Timing-Allow-Origin",
            "Transfer-Encoding",
            "Use-As-Dictionary",
            "WWW-Authenticate",
            "X-Request-Id",
            "X-SourceMap",
        ] {
            let (lower, upper) = (name.to_ascii_lowercase(), name.to_ascii_uppercase());
            for spelling in [name, &lower, &upper] {
                assert!(dropped(spelling), "{spelling}");
            }
        }
    }

    #[test]
    fn what_a_client_needs_passes() {
        for name in [
            "cache-control",
            "content-disposition",
            "content-encoding",
            "content-length",
            "content-type",
            "date",
            "digest",
            "etag",
            "grpc-encoding",
            "grpc-message",
            "grpc-status",
            "grpc-status-details-bin",
            "last-modified",
            "location",
            "ratelimit",
            "retry-after",
            "server-timing",
            "vary",
            "x-custom",
            "x-custom-bin",
        ] {
            assert!(!dropped(name), "{name}");
        }
    }

    #[test]
    fn in_connect_nothing_of_grpc_web_is_left() {
        let names = [
            "grpc-status",
            "Grpc-Message",
            "content-length",
            "x-custom",
            "set-cookie",
        ];
        let rules = rules(names.into_iter(), "application/proto", Form::Connect);
        assert_eq!(
            rules.drop,
            [
                "grpc-status",
                "Grpc-Message",
                "content-length",
                "set-cookie"
            ]
        );
    }

    #[test]
    fn r45_what_could_be_shown_is_sandboxed() {
        let set = |content_type| rules(core::iter::empty(), content_type, Form::AsItCame).set;
        for unshown in [
            "application/grpc-web",
            "application/grpc-web+proto",
            "application/grpc-web-text",
            "Application/gRPC-Web+proto; charset=x",
            "application/proto",
        ] {
            assert_eq!(set(unshown), [], "{unshown}");
        }
        for shown in [
            "",
            "text/html",
            "application/json",
            "image/svg+xml",
            "application/octet-stream",
            "text/html, application/grpc-web",
            "application/grpc-web, text/html",
            "application/grpc-web; x=1, text/html",
            "application/grpc",
        ] {
            assert_eq!(set(shown), SANDBOX, "{shown}");
        }
    }

    #[test]
    fn json_by_its_media_type() {
        for json in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/problem+json",
        ] {
            assert!(is_json(json), "{json}");
        }
        for other in [
            "",
            "text/html",
            "text/json",
            "text/html;application/json",
            "application/json, text/html",
            "application/json; charset=utf-8, text/html",
            "text/html, application/json",
            "application/xhtml+xml, application/x+json",
            "image/x+json",
            "application/jsonx",
            "application/javascript",
        ] {
            assert!(!is_json(other), "{other}");
        }
    }

    #[test]
    fn the_rules_are_lower_case_and_sorted() {
        for list in [&BEGINNINGS[..], &NAMES, &OF_GRPC_WEB] {
            assert!(list.is_sorted());
            for name in list {
                assert_eq!(*name, name.to_ascii_lowercase());
            }
        }
    }
}
