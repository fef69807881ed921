//! Which request headers never reach the origin. Refuses nothing itself; the edge deletes what these
//! rules name, and then sets its own.

/// Headers about the connection (RFC 9110, section 7.6.1) and what older runtimes mishandle when
/// it is passed on: `Expect` garbled the answer of a 2026-04 workerd.
pub const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers by which a caller could pose as a proxy, the platform or this gate, or name another
/// method or path than the one that was decided on, and cookies, which belong to the gate's own
/// dashboard. What the origin sees of these names comes from the gate.
pub const SPOOFABLE: [&str; 36] = [
    "cf-access-authenticated-user-email",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "cf-ew-via",
    "cf-ipcountry",
    "cf-pseudo-ipv4",
    "cf-ray",
    "cf-visitor",
    "cf-worker",
    "cookie",
    "fastly-client-ip",
    "forwarded",
    "postern-assertion",
    "postern-organization",
    "true-client-ip",
    "via",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-envoy-external-address",
    "x-forwarded",
    "x-forwarded-client-cert",
    "x-forwarded-email",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-user",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-forwarded-for",
    "x-original-url",
    "x-real-ip",
    "x-request-id",
    "x-rewrite-url",
];

/// Whether a header of this name, in lower case, stays behind, whatever the request.
/// `Content-Length` does: the runtime knows the length of what it sends.
pub fn stays_behind(name: &str, trusted_ip_header: &str) -> bool {
    HOP_BY_HOP.binary_search(&name).is_ok()
        || SPOOFABLE.binary_search(&name).is_ok()
        || name == trusted_ip_header
        || name == "content-length"
}

/// Header names that a `Connection` header marks as hop-by-hop. `Authorization` and the headers
/// that carry the protocol stay, whatever a caller writes there.
pub fn nominated(connection: &str) -> impl Iterator<Item = String> + '_ {
    connection
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| {
            let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
            let kept = [
                "authorization",
                "content-type",
                "content-length",
                "grpc-timeout",
            ];
            !name.is_empty() && name.bytes().all(token) && !kept.contains(&name.as_str())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_sorted_and_unique() {
        for list in [&HOP_BY_HOP[..], &SPOOFABLE[..]] {
            assert!(list.is_sorted());
            for name in list {
                assert_eq!(*name, name.to_ascii_lowercase());
            }
        }
    }

    #[test]
    fn what_stays_behind() {
        for name in HOP_BY_HOP.iter().chain(&SPOOFABLE) {
            assert!(stays_behind(name, "x-edge-ip"), "{name}");
        }
        assert!(stays_behind("x-edge-ip", "x-edge-ip"));
        assert!(stays_behind("content-length", "x-edge-ip"));
        for name in [
            "authorization",
            "content-type",
            "x-custom",
            "grpc-timeout",
            "",
        ] {
            assert!(!stays_behind(name, "x-edge-ip"), "{name}");
        }
    }

    #[test]
    fn a_connection_header_cannot_remove_the_credential() {
        let names: Vec<_> = nominated("close, X-Foo, Authorization, b\u{e9}, ,").collect();
        assert_eq!(names, ["close", "x-foo"]);
    }
}
