//! Problem documents (RFC 9457), the error body of every JSON answer. Each has a stable `code` that
//! programs can match.

use serde::Serialize;

/// The media type.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// A problem document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// `urn:postern:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The words of the HTTP status.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request, and what to do about it.
    pub detail: String,
    /// Stable; see the table in docs/API.md.
    pub code: &'static str,
    /// Finds the request in the gateway's log.
    pub request_id: String,
    /// The word of RFC 6749 and RFC 7009, on their routes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
    /// The same as [`detail`](Self::detail), where clients of OAuth look for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
    /// One sentence for each problem, where there can be several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

impl Problem {
    /// A document; type and title follow from code and status.
    pub fn new(status: u16, code: &'static str, detail: String, request_id: String) -> Self {
        Self {
            kind: format!("urn:postern:problem:{code}"),
            title: title(status),
            status,
            detail,
            code,
            request_id,
            error: None,
            error_description: None,
            problems: Vec::new(),
        }
    }
}

/// The reason phrases of RFC 9110 for the statuses that the gateway uses.
fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_pinned() {
        let problem = Problem::new(404, "not_found", "no such token".into(), "r1".into());
        assert_eq!(
            serde_json::to_string(&problem).expect("serializes"),
            r#"{"type":"urn:postern:problem:not_found","title":"Not Found","status":404,"detail":"no such token","code":"not_found","request_id":"r1"}"#
        );
    }
}
