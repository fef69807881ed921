//! Which request headers never reach the origin, by rules on their names (R55), and what becomes of
//! all of them, as a plan that the shell carries out.
//!
//! What is not named passes: metadata of a gRPC call is data of the application, and an origin may
//! need any of it, so that a list of what passes would break callers in silence. What must never
//! pass is a kind of name, and each rule drops the kind.

use std::borrow::Cow;

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

/// Beginnings of names by which a proxy, a platform or an identity provider tells the server behind
/// it who is calling, from where, by which way, or which method, host or path to take instead; and
/// this gateway's own. Behind the gateway all of these would be the caller's own words.
const BEGINNINGS: [&str; 77] = [
    "akamai-",
    "ali-cdn-",
    "cdn-",
    "cf-",
    "client-cert",
    "cloudfront-",
    "cookie",
    "fastly-",
    "fly-",
    "forwarded",
    "front-end-",
    "gap-",
    "grpc-metadata-",
    "grpcgateway-",
    "impersonate-",
    "incap-",
    "iv-",
    "l5d-",
    "mellon-",
    "oam-",
    "oidc-",
    "postern-",
    "proxy",
    "remote-",
    "shib-",
    "sm-",
    "ssl-client",
    "tailscale-",
    "true-client-",
    "via",
    "wl-proxy-",
    "x-accel-",
    "x-akamai-",
    "x-amz-cf-",
    "x-amzn-",
    "x-apigateway-",
    "x-appengine-",
    "x-arr-",
    "x-auth",
    "x-azure-",
    "x-cert-",
    "x-client-",
    "x-cluster-client-",
    "x-consumer-",
    "x-credential-",
    "x-endpoint-",
    "x-envoy-",
    "x-forwarded",
    "x-goog-",
    "x-host",
    "x-http-",
    "x-istio-",
    "x-jwt-",
    "x-method",
    "x-middleware-",
    "x-ms-",
    "x-nf-",
    "x-oauth",
    "x-oidc-",
    "x-original-",
    "x-override-",
    "x-pomerium-",
    "x-postern-",
    "x-proxy",
    "x-real-",
    "x-remote-",
    "x-replaced-",
    "x-rewrite-",
    "x-run-as",
    "x-saml-",
    "x-sendfile-",
    "x-ssl-",
    "x-sso-",
    "x-tls-",
    "x-vercel-",
    "x-vouch-",
    "x-webauth-",
];

/// Names of that kind that stand alone.
const NAMES: [&str; 8] = [
    // The gateway's own.
    "x-request-id",
    "x-access-token",
    "x-coming-from",
    "x-id-token",
    "x-request-uri",
    "x-scheme",
    "x-scope-orgid",
    "x-url-scheme",
];

/// Words that make a name, whatever stands around them, one that says who is calling, from where,
/// or for whom (`X-Authentik-Username`, `Tls-Client-Cert`, `X-Source-IP`, `On-Behalf-Of`, the next
/// proxy's own).
const WORDS: [&str; 37] = [
    "admin",
    "authorization",
    "behalf",
    "cert",
    "certificate",
    "claim",
    "claims",
    "clientip",
    "cn",
    "consumer",
    "dn",
    "email",
    "eppn",
    "forwarded",
    "group",
    "groups",
    "identity",
    "impersonate",
    "impersonation",
    "ip",
    "login",
    "mail",
    "nameid",
    "principal",
    "role",
    "roles",
    "script",
    "spiffe",
    "subject",
    "sudo",
    "uid",
    "upn",
    "user",
    "userid",
    "userinfo",
    "username",
    "via",
];

/// Names with such a word that pass: the credential itself, and which program is calling.
const PASSING: [&str; 3] = ["authorization", "user-agent", "x-user-agent"];

/// Whether a header of this name never reaches the origin, in whatever case it is written. Every
/// name of other characters than letters, digits and `-` is one: WSGI, CGI, PHP and Rack read `_`,
/// and some of them `.` and others, as the `-` of a name that was taken away.
pub fn is_kept_away(name: &str) -> bool {
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return true;
    }
    let name = match name.bytes().any(|b| b.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    };
    // Names are in order, and none begins with another: only the last one before `name` can be its
    // beginning.
    let before = BEGINNINGS.partition_point(|beginning| *beginning <= &*name);
    let begins = |beginning: &&str| name.starts_with(beginning);
    let tells = |word: &str| WORDS.binary_search(&word).is_ok();
    HOP_BY_HOP.contains(&&*name)
        || NAMES.contains(&&*name)
        || BEGINNINGS
            .get(..before)
            .and_then(<[&str]>::last)
            .is_some_and(begins)
        || (name.split('-').any(tells) && !PASSING.contains(&&*name))
}

/// Whether the name of a parameter or member is one that frameworks take another method from:
/// `_method` (Rack, Symfony, Laravel, Spring), `X-HTTP-Method-Override` (ASP.NET), however it is
/// written. PHP reads a `.` there as `_`, and `name[]` as a list called so.
pub fn is_method_override(name: &str) -> bool {
    let stem = name.split('[').next().unwrap_or(name).trim();
    let letter = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let plain: String = stem.chars().map(letter).collect();
    plain == "-method" || plain.starts_with("x-http-method") || plain.starts_with("x-method")
}

/// How a request goes on.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    /// The name of the header that the platform puts the client's address in.
    pub trusted_ip_header: &'a str,
    /// Whether the call needs no credential: then none goes on either.
    pub open: bool,
}

/// Whether a header of this name stays behind on this way. `Content-Length` always does: the
/// runtime knows the length of what it sends.
pub fn stays_behind(name: &str, way: Way<'_>) -> bool {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    is_kept_away(name)
        || is(way.trusted_ip_header)
        || is("content-length")
        || (way.open && is("authorization"))
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

mod plan;

pub use plan::{Came, Own, Sent, Target, plan};

#[cfg(test)]
mod tests;
