//! Trace context (W3C Trace Context, level 1). A `traceparent` that does not parse is not passed
//! on; a new trace begins instead.

use postern_domain::audit::hex;

/// The header for the request to the origin: the caller's trace continued under a new parent id,
/// or a new trace. `entropy` supplies the new ids.
pub fn outgoing(incoming: Option<&str>, entropy: [u8; 24]) -> (String, bool) {
    let (trace, parent) = entropy.split_at(16);
    let parent = hex(&nonzero(parent));
    match incoming.and_then(parse) {
        Some((trace, flags)) => (format!("00-{trace}-{parent}-{flags}"), true),
        None => (format!("00-{}-{parent}-00", hex(&nonzero(trace))), false),
    }
}

/// All zeros is the invalid id.
fn nonzero(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.iter().all(|byte| *byte == 0)
        && let Some(last) = bytes.last_mut()
    {
        *last = 1;
    }
    bytes
}

/// Trace id and flags of a valid header.
fn parse(header: &str) -> Option<(&str, &str)> {
    let mut parts = header.trim().split('-');
    let (version, trace, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let field = |text: &str, len: usize| {
        text.len() == len
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let id = |text: &str, len: usize| field(text, len) && text.bytes().any(|b| b != b'0');
    let valid = field(version, 2)
        && version != "ff"
        && id(trace, 32)
        && id(parent, 16)
        && field(flags, 2)
        && (version != "00" || parts.next().is_none());
    valid.then_some((trace, flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn a_valid_trace_continues_under_a_new_parent() {
        let incoming = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let (header, continued) = outgoing(Some(&incoming), [0xab; 24]);
        assert_eq!(header, format!("00-{TRACE}-abababababababab-01"));
        assert!(continued);
    }

    #[test]
    fn anything_else_begins_a_new_trace() {
        for incoming in [
            "",
            "00",
            &format!("00-{TRACE}-00f067aa0ba902b7"),
            &format!("00-{TRACE}-00f067aa0ba902b7-01-x"),
            &format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            &format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            &format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            &format!("00-{TRACE}-0000000000000000-01"),
        ] {
            let (header, continued) = outgoing(Some(incoming), [0xcd; 24]);
            assert_eq!(
                header,
                format!("00-{}-{}-00", "cd".repeat(16), "cd".repeat(8))
            );
            assert!(!continued, "{incoming}");
        }
        let (header, _) = outgoing(None, [0; 24]);
        assert_eq!(
            header,
            "00-00000000000000000000000000000001-0000000000000001-00"
        );
    }
}
