//! Requests for tests of the API: a head in memory.

use super::Request;
use postern_gate::Head;

/// A request that was sent.
pub struct Sent {
    method: &'static str,
    path: String,
    query: String,
    origin: String,
    headers: Vec<(String, String)>,
}

impl Sent {
    /// A request without headers, sent to `https://gate.example`; `path` may have a query.
    pub fn new(method: &'static str, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            origin: "https://gate.example".to_owned(),
            headers: Vec::new(),
        }
    }

    /// With one header more; its name is in lower case.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sent to this scheme, host and port.
    pub fn to(mut self, origin: &str) -> Self {
        origin.clone_into(&mut self.origin);
        self
    }

    /// What arrives.
    pub fn request(&self) -> Request<'_> {
        let head = Head {
            method: self.method,
            path: &self.path,
            query: &self.query,
            origin: &self.origin,
            headers: &self.headers,
            request_id: "r",
        };
        Request::new(head, &self.origin)
    }
}
