//! Which headers of an origin's answer reach the client, as a plan (R45). Nothing passes by which
//! the origin could act in a browser on the gateway's own host: set a cookie, run a page or a
//! worker, have reports sent, redirect, or ask for a password.

use super::connect::PROTO;
use super::forwarding::HOP_BY_HOP;
use super::grpc_answer::Ending;
use super::grpc_web::Encoding;
use super::headers::{Names, Plan};
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
pub enum AnswerForm<'a> {
    /// An RPC's, as it came.
    AsItCame,
    /// A REST route's, as it came: a browser may show it, whatever type it is called.
    Route,
    /// Out of gRPC-Web into Connect, by how the call ended.
    Connect(&'a Ending),
}

/// What the gateway says of an answer.
#[derive(Debug, Clone, Copy)]
pub struct AnswerMeta<'a> {
    /// The id that the gateway gave the request.
    pub request_id: &'a str,
    /// As `Server-Timing` has it.
    pub timing: &'a str,
}

/// The plan for an answer with headers of these names; `content_type` is the origin's, empty where
/// it gave none. An answer in the own media type of an RPC protocol is shown by no browser, so no
/// sandbox is set there. `meta` is said where there is some.
pub fn plan(
    names: &Names,
    content_type: &str,
    form: AnswerForm<'_>,
    meta: Option<AnswerMeta<'_>>,
) -> Plan {
    let mut plan = Plan::default();
    let media = match form {
        AnswerForm::AsItCame | AnswerForm::Route => content_type,
        AnswerForm::Connect(ending) if ending.status == 0 => PROTO,
        AnswerForm::Connect(_) => "application/json",
    };
    let is_translated = matches!(form, AnswerForm::Connect(_));
    let left = |name: &&str| is_dropped(name) || (is_translated && OF_GRPC_WEB.contains(name));
    plan.drop
        .extend(names.iter().filter(left).map(str::to_owned));
    if is_translated {
        plan.set("content-type", media.to_owned());
    }
    if form == AnswerForm::Route || !is_unshown(media) {
        for (name, value) in SANDBOX {
            plan.set(name, value);
        }
    }
    if let Some(meta) = meta {
        plan.set("x-request-id", meta.request_id.to_owned());
        let timing = ("server-timing".to_owned(), meta.timing.to_owned());
        plan.append.push(timing);
    }
    if let AnswerForm::Connect(ending) = form {
        let trailers = ending.metadata.iter();
        let trailers = trailers.map(|(name, value)| (format!("trailer-{name}"), value.clone()));
        plan.append.extend(trailers);
    }
    plan
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
mod tests;
