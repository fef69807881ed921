//! gRPC statuses: their names, how one stands in headers, and what becomes of an HTTP status that
//! came without one. Never makes INTERNAL (13): stock clients repeat it for minutes.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// The header and trailer of the code.
pub const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// The header and trailer of the message, percent-encoded.
pub const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// The number of a status, as it came; numbers above 16 have no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(pub u32);

impl Code {
    /// Done.
    pub const OK: Self = Self(0);
    /// The caller has gone.
    pub const CANCELLED: Self = Self(1);
    /// An answer that nothing better is known of.
    pub const UNKNOWN: Self = Self(2);
    /// A request that no server could read.
    pub const INVALID_ARGUMENT: Self = Self(3);
    /// The time is over.
    pub const DEADLINE_EXCEEDED: Self = Self(4);
    /// The credential may not do this.
    pub const PERMISSION_DENIED: Self = Self(7);
    /// A limit is met.
    pub const RESOURCE_EXHAUSTED: Self = Self(8);
    /// No such method, or no such protocol.
    pub const UNIMPLEMENTED: Self = Self(12);
    /// No answer, or not a whole one.
    pub const UNAVAILABLE: Self = Self(14);
    /// No credential, or one that is refused.
    pub const UNAUTHENTICATED: Self = Self(16);

    /// The code in these headers. `None` without one, with two, and where it is not a number.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut all = headers.get_all(GRPC_STATUS).iter();
        let (Some(value), None) = (all.next(), all.next()) else {
            return None;
        };
        let text = value.to_str().ok()?;
        let digits = text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok().map(Self)).flatten()
    }

    /// The code that gRPC's table gives an HTTP status (grpc/doc/http-grpc-status-mapping.md).
    /// 400 is INTERNAL there and UNKNOWN here.
    pub fn of_http(status: StatusCode) -> Self {
        match status.as_u16() {
            401 => Self::UNAUTHENTICATED,
            403 => Self::PERMISSION_DENIED,
            404 => Self::UNIMPLEMENTED,
            429 | 502 | 503 | 504 => Self::UNAVAILABLE,
            _ => Self::UNKNOWN,
        }
    }

    /// The name that gRPC gives the code.
    pub fn name(self) -> &'static str {
        match self.0 {
            0 => "OK",
            1 => "CANCELLED",
            2 => "UNKNOWN",
            3 => "INVALID_ARGUMENT",
            4 => "DEADLINE_EXCEEDED",
            5 => "NOT_FOUND",
            6 => "ALREADY_EXISTS",
            7 => "PERMISSION_DENIED",
            8 => "RESOURCE_EXHAUSTED",
            9 => "FAILED_PRECONDITION",
            10 => "ABORTED",
            11 => "OUT_OF_RANGE",
            12 => "UNIMPLEMENTED",
            13 => "INTERNAL",
            14 => "UNAVAILABLE",
            15 => "DATA_LOSS",
            16 => "UNAUTHENTICATED",
            _ => "UNNAMED",
        }
    }
}

/// A status of the bridge's own making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its code.
    pub code: Code,
    /// Its message, for people. Holds nothing of the call's metadata.
    pub message: Cow<'static, str>,
}

impl Status {
    /// A status.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        Self { code, message }
    }

    /// The status as headers or trailers.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(GRPC_STATUS, HeaderValue::from(self.code.0));
        // Printable ASCII is a header value always.
        if let Ok(message) = HeaderValue::try_from(percent_encoded(&self.message)) {
            headers.insert(GRPC_MESSAGE, message);
        }
        headers
    }
}

/// Percent-encoding as gRPC wants it: everything but printable ASCII, and `%` itself.
fn percent_encoded(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b'%' | 0..b' ' | 0x7f.. => text.push_str(&format!("%{byte:02X}")),
            _ => text.push(char::from(byte)),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_statuses_map_as_grpc_says() {
        for (http, code) in [
            (400, 2),
            (401, 16),
            (403, 7),
            (404, 12),
            (429, 14),
            (500, 2),
            (502, 14),
            (503, 14),
            (504, 14),
            (301, 2),
            (418, 2),
        ] {
            let status = StatusCode::from_u16(http).unwrap();
            assert_eq!(Code::of_http(status), Code(code), "{http}");
        }
    }

    #[test]
    fn codes_in_headers() {
        let check = |values: &[&str], code: Option<u32>| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(GRPC_STATUS, value.parse().unwrap());
            }
            assert_eq!(Code::of(&headers), code.map(Code), "{values:?}");
        };
        check(&["0"], Some(0));
        check(&["16"], Some(16));
        check(&["100"], Some(100));
        check(&[], None);
        check(&["0", "0"], None);
        check(&[""], None);
        check(&["+1"], None);
        check(&["-1"], None);
        check(&["OK"], None);
        check(&["9999999999"], None);
    }

    #[test]
    fn messages_are_percent_encoded() {
        let status = Status::new(Code::UNKNOWN, "100 % \u{e9}\nend");
        let headers = status.headers();
        assert_eq!(headers.get(GRPC_MESSAGE).unwrap(), "100 %25 %C3%A9%0Aend");
        assert_eq!(headers.get(GRPC_STATUS).unwrap(), "2");
    }
}
