//! Connect, unary (connectrpc.com/docs/protocol): its errors, and its headers in gRPC's terms.
//! Takes version 1 only.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::Serialize;

use super::grpc_status::Detail;

/// The media type of messages.
pub const PROTO: &str = "application/proto";

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectError {
    /// The version of the protocol is not 1.
    Version,
    /// The timeout cannot be read.
    Timeout,
}

impl core::fmt::Display for ConnectError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Version => "`Connect-Protocol-Version` must be 1",
            Self::Timeout => "`Connect-Timeout-Ms` must be at most ten digits",
        })
    }
}

/// Checks the headers of a request; gives how long its caller waits, in milliseconds, where it
/// says.
///
/// # Errors
/// The first header that does not fit.
pub fn request(
    version: Option<&str>,
    timeout_ms: Option<&str>,
) -> Result<Option<u64>, ConnectError> {
    if version.is_some_and(|version| version != "1") {
        return Err(ConnectError::Version);
    }
    let Some(text) = timeout_ms else {
        return Ok(None);
    };
    let digits = (1..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let ms = text.parse().ok().filter(|_| digits);
    ms.map(Some).ok_or(ConnectError::Timeout)
}

/// The word and the HTTP status of a gRPC status.
pub fn code(grpc_status: u32) -> (&'static str, u16) {
    match grpc_status {
        1 => ("canceled", 499),
        3 => ("invalid_argument", 400),
        4 => ("deadline_exceeded", 504),
        5 => ("not_found", 404),
        6 => ("already_exists", 409),
        7 => ("permission_denied", 403),
        8 => ("resource_exhausted", 429),
        9 => ("failed_precondition", 400),
        10 => ("aborted", 409),
        11 => ("out_of_range", 400),
        12 => ("unimplemented", 501),
        13 => ("internal", 500),
        14 => ("unavailable", 503),
        15 => ("data_loss", 500),
        16 => ("unauthenticated", 401),
        _ => ("unknown", 500),
    }
}

#[derive(Serialize)]
struct Failure<'a> {
    code: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    message: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<ErrorDetail<'a>>,
}

#[derive(Serialize)]
struct ErrorDetail<'a> {
    #[serde(rename = "type")]
    type_name: &'a str,
    value: String,
}

/// HTTP status and JSON body of an error.
pub fn error(grpc_status: u32, message: &str, details: &[Detail]) -> (u16, String) {
    let (code, http) = code(grpc_status);
    let failure = Failure {
        code,
        message,
        details: details
            .iter()
            .map(|detail| ErrorDetail {
                type_name: &detail.type_name,
                value: STANDARD_NO_PAD.encode(&detail.value),
            })
            .collect(),
    };
    // A struct of strings always serializes.
    let body = serde_json::to_string(&failure).unwrap_or_else(|_| r#"{"code":"unknown"}"#.into());
    (http, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let rows = [
            ((None, None), Ok(None)),
            ((Some("1"), Some("5000")), Ok(Some(5000))),
            ((None, Some("0")), Ok(Some(0))),
            ((None, Some("9999999999")), Ok(Some(9_999_999_999))),
            ((Some("2"), None), Err(ConnectError::Version)),
            ((Some("1, 1"), None), Err(ConnectError::Version)),
            ((None, Some("")), Err(ConnectError::Timeout)),
            ((None, Some("+5")), Err(ConnectError::Timeout)),
            ((None, Some("12345678901")), Err(ConnectError::Timeout)),
        ];
        for ((version, timeout), expected) in rows {
            let answer = request(version, timeout);
            assert_eq!(answer, expected, "{version:?} {timeout:?}");
        }
    }

    #[test]
    fn errors() {
        let (status, body) = error(7, "no \"way\"", &[]);
        assert_eq!(status, 403);
        assert_eq!(
            body,
            r#"{"code":"permission_denied","message":"no \"way\""}"#
        );
        let detail = Detail {
            type_name: "google.rpc.ErrorInfo".to_owned(),
            value: vec![10, 1, 114, 18],
        };
        let (status, body) = error(16, "", &[detail]);
        assert_eq!(status, 401);
        assert_eq!(
            body,
            r#"{"code":"unauthenticated","details":[{"type":"google.rpc.ErrorInfo","value":"CgFyEg"}]}"#
        );
        assert_eq!(
            error(99, "", &[]),
            (500, r#"{"code":"unknown"}"#.to_owned())
        );
    }
}
