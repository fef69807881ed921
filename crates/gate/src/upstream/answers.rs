//! What the origin answers to a call with an upstream credential: a refusal of that credential is the
//! gateway's trouble and not the caller's, and its text goes to nobody.
//!
//! What is looked into: the status and the message of an RPC where they stand in the head of the
//! answer, and in the trailers of a content that is read anyhow (`Init`, Connect, look-ups, calls
//! with a deadline); and the content of a REST answer from 400 on. The text is found as it is, as
//! gRPC encodes a message, and in the content of REST as JSON escapes it.

use postern_domain::time::Timestamp;
use postern_wire::grpc_answer::Ending;

use super::Upstream;
use crate::Gate;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::reply::foreign;

/// gRPC's status of a refused credential.
const UNAUTHENTICATED: u32 = 16;
/// gRPC's status of what a server has no status for.
const UNKNOWN: u32 = 2;
/// How the message of a stock control plane ends, with `UNKNOWN`, about an API token that it signed and
/// that has ended, or has no row (Chainloop 1.106, `internal/usercontext/apitoken_middleware.go`).
const ENDED: [&str; 2] = [
    "API token revoked",
    "error retrieving the API token: token not found",
];
/// What stands in place of the text of a credential.
const REDACTED: &str = "[credential]";

/// Refuses an answer by whose HTTP status the origin has refused the upstream credential.
pub(crate) fn accepted(
    (call, gate, now): (&Call, &mut Gate, Timestamp),
    status: u16,
) -> Result<()> {
    if call.upstream.is_some() {
        gate.memory.upstream_trouble.answered();
    }
    match &call.upstream {
        Some(upstream) if status == 401 => Err(refused(gate, now, upstream, "HTTP 401")),
        _ => Ok(()),
    }
}

/// Refuses an RPC's ending by which it has, and takes the credential's text out of any other refusal.
/// Tells whether there was something to take out.
pub(crate) fn ended(
    (call, gate, now): (&Call, &mut Gate, Timestamp),
    ending: &mut Ending,
) -> Result<bool> {
    let Some(upstream) = &call.upstream else {
        return Ok(false);
    };
    let is_changed = ending.status != 0 && redact(ending, upstream.expose());
    if is_refusal(ending) {
        let words = format!("status {}: {}", ending.status, ending.message);
        return Err(refused(gate, now, upstream, &words));
    }
    Ok(is_changed)
}

fn is_refusal(ending: &Ending) -> bool {
    match ending.status {
        UNAUTHENTICATED => true,
        UNKNOWN => ENDED.iter().any(|end| ending.message.ends_with(end)),
        _ => false,
    }
}

/// Refuses a content that repeats the credential, as it is or in a text of JSON.
pub(crate) fn repeated(call: &Call, content: &[u8]) -> Result<()> {
    let is_in = |upstream: &Upstream| {
        let text = upstream.expose().as_bytes();
        contains(content, text) || contains(&unescaped(content), text)
    };
    match call.upstream.as_deref().is_some_and(is_in) {
        true => Err(foreign("the answer repeats the upstream credential")),
        false => Ok(()),
    }
}

fn refused(gate: &mut Gate, now: Timestamp, upstream: &Upstream, words: &str) -> Error {
    gate.memory.upstream_trouble.refused(now);
    let (digest, reach) = (upstream.digest.as_str(), &upstream.reach);
    Error::UpstreamRefused {
        cause: format!("the origin refused the upstream credential {digest} of {reach}: {words}"),
    }
}

/// Takes a text out of all that an ending says; a detail that has it goes.
fn redact(ending: &mut Ending, text: &str) -> bool {
    let mut is_changed = false;
    let metadata = ending.metadata.iter_mut().map(|(_, value)| value);
    for value in metadata.chain([&mut ending.message]) {
        if value.contains(text) {
            *value = value.replace(text, REDACTED);
            is_changed = true;
        }
    }
    let before = ending.details.len();
    ending
        .details
        .retain(|detail| !contains(&detail.value, text.as_bytes()));
    is_changed || ending.details.len() != before
}

/// A content with JSON's escapes of visible ASCII read, whatever an encoder escapes.
fn unescaped(content: &[u8]) -> Vec<u8> {
    let mut read = Vec::with_capacity(content.len());
    let mut rest = content;
    while let Some((first, after)) = rest.split_first() {
        let (byte, left) = escape(rest).unwrap_or((*first, after));
        read.push(byte);
        rest = left;
    }
    read
}

/// The character of an escape, and what is behind it.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    match text {
        [b'\\', b'u', rest @ ..] => {
            let (digits, rest) = rest.split_at_checked(4)?;
            let digits = core::str::from_utf8(digits).ok()?;
            let code = u8::from_str_radix(digits, 16).ok()?;
            code.is_ascii_graphic().then_some((code, rest))
        }
        [b'\\', byte @ (b'"' | b'\\' | b'/'), rest @ ..] => Some((*byte, rest)),
        _ => None,
    }
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    !text.is_empty() && bytes.windows(text.len()).any(|window| window == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_wire::grpc_status::Detail;

    #[test]
    fn r42_the_text_is_found_as_json_escapes_it() {
        let text = r#"a<b>&"c\d/e+"#;
        let rows = [
            (r#"{"detail":"no a<b>&\"c\\d/e+ here"}"#, true),
            (r#"{"detail":"a\u003cb\u003e\u0026\"c\\d/e+"}"#, true),
            (r#"{"detail":"a\u003Cb>&\u0022c\u005cd\/e\u002b"}"#, true),
            // A backslash that is escaped escapes nothing.
            (r#"{"detail":"a\\u003cb>&\"c\\d/e+"}"#, false),
            (r#"{"detail":"a\u00"}"#, false),
        ];
        for (content, is_in) in rows {
            let read = unescaped(content.as_bytes());
            assert_eq!(contains(&read, text.as_bytes()), is_in, "{content}");
        }
    }

    #[test]
    fn r42_a_refused_credential_is_told_by_status_and_a_stock_control_planes_words() {
        let rows = [
            (16, "", true),
            (
                2,
                "error extracting organization from APIToken: API token revoked",
                true,
            ),
            (
                2,
                "error setting current org and user: error retrieving the API token: token not found",
                true,
            ),
            (2, "contract: token not found", false),
            (5, "API token revoked", false),
            (7, "suspended", false),
            (0, "API token revoked", false),
        ];
        for (status, message, expected) in rows {
            let ending = Ending {
                status,
                message: message.to_owned(),
                details: Vec::new(),
                metadata: Vec::new(),
            };
            assert_eq!(is_refusal(&ending), expected, "{status} {message}");
        }
    }

    #[test]
    fn r42_the_text_is_taken_out_of_an_ending() {
        let detail = |value: &str| Detail {
            type_name: "google.rpc.DebugInfo".to_owned(),
            value: value.as_bytes().to_vec(),
        };
        let mut ending = Ending {
            status: 3,
            message: "bad token s3cret: s3cret is unknown".to_owned(),
            details: vec![detail("of s3cret"), detail("other")],
            metadata: vec![("x-echo".to_owned(), "Bearer s3cret".to_owned())],
        };
        assert!(redact(&mut ending, "s3cret"));
        assert_eq!(
            ending.message,
            "bad token [credential]: [credential] is unknown"
        );
        assert_eq!(ending.details, [detail("other")]);
        assert_eq!(
            ending.metadata,
            [("x-echo".to_owned(), "Bearer [credential]".to_owned())]
        );
        let clean = ending.clone();
        assert!(!redact(&mut ending, "s3cret"));
        assert_eq!(ending, clean);
    }
}
