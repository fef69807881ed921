//! Plain HTTP/1.1: requests as a test wants them, right or wrong, and answers with what tests ask of them. Follows no
//! redirect, repairs nothing.

mod answer;

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub use answer::Answer;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(60);

/// The media type of errors (RFC 9457).
pub const PROBLEM: &str = "application/problem+json";

/// A pool of connections.
#[derive(Clone)]
pub struct Http(Client<HttpConnector, Payload>);

impl Http {
    /// A pool without connections yet.
    pub fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }
}

impl Default for Http {
    fn default() -> Self {
        Self::new()
    }
}

/// A request in the making.
#[derive(Clone)]
pub struct Call {
    http: Http,
    method: String,
    uri: String,
    headers: HeaderMap,
    body: Bytes,
    chunked: bool,
}

impl Call {
    /// A request to a URL.
    pub fn new(http: &Http, method: &str, uri: &str) -> Self {
        Self {
            http: http.clone(),
            method: method.to_owned(),
            uri: uri.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            chunked: false,
        }
    }

    /// Adds a header; a second one of the same name is sent too.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("the name of a header");
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("the value of a header");
        self.headers.append(name, value);
        self
    }

    /// Takes a header away again.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    /// Presents a credential.
    #[must_use]
    pub fn bearer(self, credential: &str) -> Self {
        self.header("authorization", &format!("Bearer {credential}"))
    }

    /// Comes from this address, as the platform saw it.
    #[must_use]
    pub fn from(self, address: &str) -> Self {
        self.header("cf-connecting-ip", address)
    }

    /// Names the organization.
    #[must_use]
    pub fn organization(self, name: &str) -> Self {
        self.header("postern-organization", name)
    }

    /// Sends JSON.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json")
            .body(body.to_string())
    }

    /// Sends a form.
    #[must_use]
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let escape = |text: &str| -> String {
            let bytes = text.bytes().map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => {
                    char::from(byte).to_string()
                }
                byte => format!("%{byte:02X}"),
            });
            bytes.collect()
        };
        let pairs: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
            .collect();
        self.header("content-type", "application/x-www-form-urlencoded")
            .body(pairs.join("&"))
    }

    /// Sends these bytes, as whatever `content-type` says.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Does not tell the length of the body beforehand.
    #[must_use]
    pub fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    /// Sends it; an answer of any kind will do.
    pub async fn send(self) -> Answer {
        let what = format!("{} {}", self.method, self.uri);
        self.try_send()
            .await
            .unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    /// Sends it while reading: for bodies that are refused before they are read to their end. The connection is closed
    /// in the midst of our sending then, which hyper's client takes for a failure although the answer is there.
    pub async fn send_while_reading(self) -> Answer {
        let (what, authority, head, body) = self.parts();
        let (mut reader, mut writer) = TcpStream::connect(authority)
            .await
            .expect("the server listens")
            .into_split();
        let chunked = self.chunked;
        let writing = tokio::spawn(async move {
            writer.write_all(head.as_bytes()).await?;
            for piece in body.chunks(CHUNK) {
                if chunked {
                    writer
                        .write_all(format!("{:x}\r\n", piece.len()).as_bytes())
                        .await?;
                }
                writer.write_all(piece).await?;
                if chunked {
                    writer.write_all(b"\r\n").await?;
                }
            }
            if chunked {
                writer.write_all(b"0\r\n\r\n").await?;
            }
            // Keeps our side open until the other has closed.
            std::future::pending::<std::io::Result<()>>().await
        });
        let mut bytes = Vec::new();
        // A reset after the answer leaves the answer.
        let read = tokio::time::timeout(LIMIT, reader.read_to_end(&mut bytes)).await;
        writing.abort();
        Answer::parse(&what, &bytes)
            .unwrap_or_else(|| panic!("{what}: no whole answer, but {read:?}"))
    }

    /// Sends the head, waits for what happens meanwhile, and only then sends the body: a caller on a slow line, or one
    /// who makes use of that. Gives the answer and what the meantime gave.
    pub async fn send_slowly<T>(self, meanwhile: impl Future<Output = T>) -> (Answer, T) {
        let begun = self.begin(0).await;
        let outcome = meanwhile.await;
        (begun.finish().await, outcome)
    }

    /// What it is, to whom it goes, its head as bytes on a connection of its own, and its body.
    pub(crate) fn parts(&self) -> (String, String, String, Bytes) {
        let uri: http::Uri = self.uri.parse().expect("a URL");
        let target = uri.path_and_query().expect("a path").as_str();
        let mut head = format!("{} {target} HTTP/1.1\r\n", self.method);
        let length = if self.chunked {
            "transfer-encoding: chunked".to_owned()
        } else {
            format!("content-length: {}", self.body.len())
        };
        let authority = uri.authority().expect("a host").as_str();
        head.push_str(&format!(
            "host: {authority}\r\nconnection: close\r\n{length}\r\n"
        ));
        for (name, value) in &self.headers {
            head.push_str(&format!(
                "{name}: {}\r\n",
                value.to_str().expect("a readable header")
            ));
        }
        head.push_str("\r\n");
        let what = format!("{} {}", self.method, self.uri);
        (what, authority.to_owned(), head, self.body.clone())
    }

    /// Sends it, or says why there is no answer.
    pub async fn try_send(self) -> Result<Answer, String> {
        let what = format!("{} {}", self.method, self.uri);
        let mut request = Request::builder()
            .method(self.method.as_str())
            .uri(self.uri);
        request
            .headers_mut()
            .expect("a method and a URL")
            .extend(self.headers);
        let request = request
            .body(Payload::new(self.body, self.chunked))
            .expect("a request");
        let exchange = async {
            let answer = self.http.0.request(request).await.map_err(causes)?;
            let (head, body) = answer.into_parts();
            let body = body.collect().await.map_err(causes)?.to_bytes();
            Ok(Answer {
                what,
                status: head.status.as_u16(),
                headers: head.headers,
                body,
            })
        };
        tokio::time::timeout(LIMIT, exchange)
            .await
            .map_err(|_| "no answer in time".to_owned())?
    }
}

fn causes(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}

/// A body with or without a length told beforehand.
struct Payload {
    rest: Bytes,
    chunked: bool,
}

/// Chunks small enough that a reader who counts can stop in the middle.
const CHUNK: usize = 64 * 1024;

impl Payload {
    fn new(rest: Bytes, chunked: bool) -> Self {
        Self { rest, chunked }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = if self.chunked {
            self.rest.len().min(CHUNK)
        } else {
            self.rest.len()
        };
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && !self.chunked
    }

    fn size_hint(&self) -> SizeHint {
        if self.chunked {
            SizeHint::default()
        } else {
            SizeHint::with_exact(self.rest.len() as u64)
        }
    }
}
