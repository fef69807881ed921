//! The small texts of headers and queries: content types and codings, trace context, addresses, digests, spans, moments.

use std::net::{IpAddr, SocketAddr};

use postern_wire::digest::Digest;
use postern_wire::forwarding::is_kept_away;
use postern_wire::protocol::{Protocol, media_type};
use postern_wire::{address, coding, conditional, duration, prefer, rfc3339, site, timeout, trace};

/// Each reader against what its text must be.
pub fn headers(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(protocol) = Protocol::of(&text) {
        let media = media_type(&text);
        assert_eq!(Protocol::of(&media), Ok(protocol));
        assert!(
            media
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b',' && byte != b';'),
            "{media}"
        );
    }
    if let Some(told) = coding::coding(Some(&text), b"x") {
        assert!(
            told.len() <= 32
                && told
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() || byte == b' ')
        );
        assert!(!text.trim_ascii().eq_ignore_ascii_case("identity"));
    }
    traced(&text);
    addressed(&text);
    if let Some(digest) = Digest::parse(&text) {
        assert_eq!(digest.to_string(), text);
    }
    if let Ok(seconds) = duration::parse_seconds(&text) {
        assert!((0..=duration::MAX_SECONDS).contains(&seconds));
        assert!(text.contains(|c: char| c.is_ascii_digit()));
    }
    if let Some(moment) = rfc3339::parse(&text) {
        let printed = rfc3339::print(moment);
        assert_eq!(rfc3339::parse(&printed), Some(moment), "{text}: {printed}");
    }
    if let Some(ms) = timeout::millis(&text) {
        assert!(timeout::millis(&timeout::write(ms)).is_some());
    }
    let (path, query) = site::path_and_query(&text);
    assert!(text.contains(path) || path == "/");
    assert!(text.ends_with(query) || text.contains('#'));
    let _ = (
        prefer::respond_async(Some(&text)),
        conditional::is_known(&text, "\"a\""),
    );
    let other = is_kept_away(&text.to_ascii_uppercase());
    assert_eq!(is_kept_away(&text), other, "{text} in another case");
}

/// What goes on is a header of level 1, of the caller's trace or of a new one.
fn traced(text: &str) {
    let (header, continued) = trace::outgoing(Some(text), [0xab; 24]);
    let parts: Vec<&str> = header.split('-').collect();
    assert_eq!(
        parts.iter().map(|part| part.len()).collect::<Vec<_>>(),
        [2, 32, 16, 2]
    );
    assert!(
        parts
            .iter()
            .all(|part| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
    );
    assert_eq!((parts[0], parts[2]), ("00", "abababababababab"));
    match continued {
        true => assert!(text.contains(parts[1]) && text.contains(parts[3]), "{text}"),
        false => assert_eq!((parts[1], parts[3]), ("ab".repeat(16).as_str(), "00")),
    }
}

/// An address is what the standard library reads, alone or with a port.
fn addressed(text: &str) {
    let Ok(found) = address::parse(text) else {
        assert!(text.trim_ascii().parse::<IpAddr>().is_err());
        return;
    };
    let inside = text.trim_ascii();
    let bare = inside.trim_start_matches('[').trim_end_matches(']');
    let read: Option<IpAddr> = bare.parse().ok();
    let with_port = || inside.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let expected = read
        .or_else(with_port)
        .map(|address| address.to_canonical());
    assert_eq!(Some(found), expected, "{text}");
    assert!(!text.contains(['%', ',']), "{text}");
    let bucket = address::bucket_of(Some(found));
    assert_eq!(bucket.ends_with("/64"), found.is_ipv6());
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    [
        "application/grpc-web+proto",
        "Application/gRPC-Web-Text+Proto; charset=utf-8",
        "application/connect+json",
        "application/proto, application/grpc-web",
        "gzip, identity",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what",
        "192.0.2.7:80",
        "[2001:db8::1]:443",
        "::ffff:192.0.2.7",
        "fe80::1%eth0",
        "192.0.2.7, 192.0.2.8",
        "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        "P1DT12H",
        "1w2d3h4m5s",
        "99999999999999999999d",
        "2026-11-22T00:34:17.250+01:00",
        "0000-01-01T00:00:00Z",
        "99999999H",
        "x=\"a\\\", b\", respond-async",
        "W/\"a\", \"b\"",
        "https://gate.example/a?b#c",
        "X-Forwarded-For",
        "x_real_ip",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
