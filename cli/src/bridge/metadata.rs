//! Metadata between the two protocols: which headers cross, and which belong to one connection
//! only. Values cross as they came, `-bin` and `grpc-message` included; none is read or kept.

use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT,
    HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::status::GRPC_MESSAGE;

const X_GRPC_WEB: HeaderName = HeaderName::from_static("x-grpc-web");
const GRPC_WEB: HeaderValue = HeaderValue::from_static("application/grpc-web+proto");
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// Those of one connection (RFC 9110 section 7.6.1), and those that describe one body on it.
const OF_ONE_HOP: [HeaderName; 15] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HOST,
    EXPECT,
    CONTENT_LENGTH,
    CONTENT_ENCODING,
    HeaderName::from_static("alt-svc"),
    HeaderName::from_static("http2-settings"),
];

/// Most metadata in one block of an answer, in bytes as HTTP/2 counts them (RFC 9113 section
/// 6.5.2). Clients take 16 KiB by default, some of it for HTTP's own headers, and break the whole
/// connection off where there is more.
pub const MAX_METADATA: usize = 16_000;

/// Whether a client could refuse this block.
pub fn is_too_large(headers: &HeaderMap) -> bool {
    let sizes = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 32);
    sizes.sum::<usize>() > MAX_METADATA
}

/// The headers of a gRPC call as those of a gRPC-Web call.
pub fn to_gateway(mut headers: HeaderMap) -> HeaderMap {
    remove_hops(&mut headers);
    headers.insert(CONTENT_TYPE, GRPC_WEB);
    headers.insert(ACCEPT, GRPC_WEB);
    // A proxy that compresses whole bodies would hide the frames.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(X_GRPC_WEB, HeaderValue::from_static("1"));
    headers
}

/// The headers of a gRPC call for another server of gRPC.
pub fn to_store(mut headers: HeaderMap) -> HeaderMap {
    remove_hops(&mut headers);
    // gRPC asks for it of every call.
    headers.insert(TE, HeaderValue::from_static("trailers"));
    headers
}

/// The headers of a gRPC-Web answer as those of a gRPC answer.
pub fn to_client(mut headers: HeaderMap) -> HeaderMap {
    remove_hops(&mut headers);
    headers.insert(CONTENT_TYPE, GRPC);
    encode_edges(&mut headers);
    headers
}

/// Reads a trailer frame: lines of `name: value`. `None` when a line is none.
pub fn trailers(frame: &[u8]) -> Option<HeaderMap> {
    let mut trailers = HeaderMap::new();
    for line in frame.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at_checked(colon)?;
        let value = value.strip_prefix(b":")?;
        // One space belongs to the form; further ones, in front or behind, to the value.
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let name = HeaderName::from_bytes(name).ok()?;
        trailers.append(name, HeaderValue::from_bytes(value).ok()?);
    }
    remove_hops(&mut trailers);
    trailers.remove(CONTENT_TYPE);
    encode_edges(&mut trailers);
    Some(trailers)
}

fn remove_hops(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in OF_ONE_HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

/// HTTP/2 forbids white space at the ends of a value (RFC 9113 section 8.2.1), and one message that
/// the stock client compares ends with a space. `%20` is the same message.
fn encode_edges(headers: &mut HeaderMap) {
    let Some(message) = headers.get(GRPC_MESSAGE).map(HeaderValue::as_bytes) else {
        return;
    };
    let inner = message.trim_ascii();
    if inner.len() == message.len() {
        return;
    }
    let front = message.len() - message.trim_ascii_start().len();
    let mut encoded = Vec::with_capacity(message.len() + 8);
    for (place, byte) in message.iter().enumerate() {
        let is_edge = place < front || place >= front + inner.len();
        match (is_edge, byte) {
            (true, b'\t') => encoded.extend_from_slice(b"%09"),
            (true, _) => encoded.extend_from_slice(b"%20"),
            (false, byte) => encoded.push(*byte),
        }
    }
    if let Ok(encoded) = HeaderValue::from_bytes(&encoded) {
        headers.insert(GRPC_MESSAGE, encoded);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(rows: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in rows {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    #[test]
    fn to_the_gateway() {
        let headers = to_gateway(map(&[
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            ("content-length", "7"),
            ("connection", "x-secret, close"),
            ("x-secret", "1"),
            ("accept-encoding", "gzip"),
            ("x-grpc-web", "0"),
            ("authorization", "Bearer t"),
            ("chainloop-organization", "acme"),
            ("grpc-timeout", "10S"),
            ("grpc-encoding", "gzip"),
            ("user-agent", "grpc-go/1.83.0"),
            ("trace-bin", "AAEC"),
            ("twice", "a"),
            ("twice", "b"),
        ]));
        let expected = map(&[
            ("content-type", "application/grpc-web+proto"),
            ("accept", "application/grpc-web+proto"),
            ("accept-encoding", "identity"),
            ("x-grpc-web", "1"),
            ("authorization", "Bearer t"),
            ("chainloop-organization", "acme"),
            ("grpc-timeout", "10S"),
            ("grpc-encoding", "gzip"),
            ("user-agent", "grpc-go/1.83.0"),
            ("trace-bin", "AAEC"),
            ("twice", "a"),
            ("twice", "b"),
        ]);
        assert_eq!(headers, expected);
    }

    #[test]
    fn to_the_client() {
        let headers = to_client(map(&[
            ("content-type", "application/grpc-web+proto"),
            ("transfer-encoding", "chunked"),
            ("connection", "keep-alive"),
            ("keep-alive", "timeout=5"),
            ("content-length", "7"),
            ("x-request-id", "abc"),
            ("grpc-status", "16"),
            ("grpc-message", "Fail to parse JWT token%20"),
            ("grpc-status-details-bin", "CBASBg"),
        ]));
        let expected = map(&[
            ("content-type", "application/grpc"),
            ("x-request-id", "abc"),
            ("grpc-status", "16"),
            ("grpc-message", "Fail to parse JWT token%20"),
            ("grpc-status-details-bin", "CBASBg"),
        ]);
        assert_eq!(headers, expected);
    }

    #[test]
    fn trailer_frames() {
        let check = |frame: &[u8], expected: Option<&[(&str, &str)]>| {
            let text = String::from_utf8_lossy(frame);
            assert_eq!(trailers(frame), expected.map(map), "{text:?}");
        };
        check(b"", Some(&[]));
        check(b"grpc-status: 0\r\n", Some(&[("grpc-status", "0")]));
        check(b"grpc-status:0", Some(&[("grpc-status", "0")]));
        check(
            b"Grpc-Status: 7\nGrpc-Message: a%20b: c\nx-bin: AA\r\n\r\n",
            Some(&[
                ("grpc-status", "7"),
                ("grpc-message", "a%20b: c"),
                ("x-bin", "AA"),
            ]),
        );
        check(
            b"grpc-message: Fail to parse JWT token \r\n",
            Some(&[("grpc-message", "Fail to parse JWT token%20")]),
        );
        check(
            b"grpc-message:  \ta b\t \r\n",
            Some(&[("grpc-message", "%20%09a b%09%20")]),
        );
        check(b"grpc-message:   \r\n", Some(&[("grpc-message", "%20%20")]));
        check(b"connection: close\r\ncontent-length: 9\r\n", Some(&[]));
        check(b"grpc-status\r\n", None);
        check(b": 0\r\n", None);
        check(b"grpc status: 0\r\n", None);
        check(b"x: a\x00b\r\n", None);
    }
}
