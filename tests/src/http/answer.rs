//! An answer, and what tests ask of it.

use http::{HeaderMap, HeaderName};
use hyper::body::Bytes;
use serde_json::Value;

use super::PROBLEM;

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Method and URL of the request, for messages.
    pub what: String,
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// An answer of HTTP/1.1 with a length.
    pub(crate) fn parse(what: &str, bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
        let (first, rest) = head.split_once("\r\n")?;
        let status = first.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        let mut headers = HeaderMap::new();
        for line in rest.split("\r\n") {
            let (name, value) = line.split_once(':')?;
            headers.append(name.parse::<HeaderName>().ok()?, value.trim().parse().ok()?);
        }
        let length = headers
            .get("content-length")
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let body = bytes.get(end + 4..end + 4 + length.unwrap_or(0))?;
        Some(Self {
            what: what.to_owned(),
            status,
            headers,
            body: Bytes::copy_from_slice(body),
        })
    }

    /// The value of a header that must not come twice.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next()?;
        assert!(
            values.next().is_none(),
            "{}: two `{name}` headers",
            self.what
        );
        Some(first.to_str().expect("a readable header"))
    }

    /// The JSON of an answer with this status.
    #[track_caller]
    pub fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.what, self.text());
        let media = self.header("content-type").unwrap_or_default();
        assert!(
            media.starts_with("application/json"),
            "{}: the content type is `{media}`",
            self.what
        );
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.what, self.text()))
    }

    /// The problem document of a refusal with this status and code.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        let text = self.text();
        assert_eq!(
            self.header("content-type"),
            Some(PROBLEM),
            "{}: {} {text}",
            self.what,
            self.status
        );
        let document: Value = serde_json::from_slice(&self.body).expect("a problem document");
        assert_eq!(
            (self.status, document["code"].as_str()),
            (status, Some(code)),
            "{}: {text}",
            self.what
        );
        assert_eq!(document["status"], status, "{}: {text}", self.what);
        assert_eq!(
            document["type"],
            format!("urn:postern:problem:{code}"),
            "{}: {text}",
            self.what
        );
        for field in ["title", "detail", "request_id"] {
            assert!(
                document[field]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{}: no {field}: {text}",
                self.what
            );
        }
        assert_eq!(
            self.header("x-request-id"),
            document["request_id"].as_str(),
            "{}: {text}",
            self.what
        );
        document
    }

    /// The body as text, for messages.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body)
            .chars()
            .take(2000)
            .collect()
    }
}
