//! Requests byte by byte, and what is heard on the connection.

use std::time::Duration;

use postern_origin::sha256_hex;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::origin::Origin;
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long a connection may stay open: far above any, so that only a hang meets it.
pub const LIMIT: Duration = Duration::from_secs(60);

pub const MISSING: &str = "JWT token is missing";

pub const CHUNKED: &str = "transfer-encoding: chunked\r\n";

pub struct Fixture {
    pub origin: Origin,
    pub gateway: Gateway,
    pub token: String,
}

/// A request in the making, all of it as given.
pub struct Raw {
    pub line: String,
    pub headers: String,
    pub body: Vec<u8>,
}

/// One answer of a connection.
#[derive(Debug)]
pub struct Heard {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Heard {
    /// What a header says; the first one.
    pub fn header(&self, wanted: &str) -> Option<&str> {
        self.head.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then_some(value.trim())
        })
    }

    /// The gate's refusal.
    #[track_caller]
    pub fn refused(&self, what: &str, code: &str, sentence: &str) {
        let told = (self.header("grpc-status"), self.header("grpc-message"));
        assert_eq!(
            (what, self.status, told),
            (what, 200, (Some(code), Some(sentence)))
        );
    }

    /// The origin's answer.
    #[track_caller]
    pub fn accepted(&self, what: &str) {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!((what, self.status), (what, 200), "{self:?}");
        assert!(text.contains("grpc-status:0"), "{what}: {self:?}");
    }
}

impl Fixture {
    /// The message's frame.
    pub fn frame() -> Vec<u8> {
        rpc::frame(0, &rpc::names(SHOP, RELEASE))
    }

    /// A good request without a length.
    pub fn raw(&self) -> Raw {
        Raw {
            line: format!("POST {FIND_OR_CREATE} HTTP/1.1"),
            headers: format!(
                "host: {}\r\ncontent-type: {}\r\ncf-connecting-ip: 10.9.8.7\r\nauthorization: Bearer {}\r\n",
                self.gateway.socket(),
                rpc::BINARY,
                self.token
            ),
            body: Self::frame(),
        }
    }

    /// A good request.
    pub fn good(&self) -> Raw {
        let length = format!("content-length: {}\r\n", Self::frame().len());
        self.raw().with(&length)
    }

    /// A request that the gate refuses for want of a credential, and after which the connection ends.
    pub fn last(&self) -> Vec<u8> {
        self.good().nameless().with("connection: close\r\n").bytes()
    }

    /// Sends these bytes; gives the answers until the connection ends. `half` ends our side behind them.
    pub async fn exchange(&self, what: &str, bytes: &[u8], half: bool) -> Vec<Heard> {
        let socket = TcpStream::connect(self.gateway.socket()).await;
        let (mut reader, mut writer) = socket.expect("the gateway listens").into_split();
        let bytes = bytes.to_vec();
        let writing = tokio::spawn(async move {
            // A server that closes early is what some cases are about.
            let _ = writer.write_all(&bytes).await;
            if half {
                let _ = writer.shutdown().await;
            }
            writer
        });
        let mut heard = Vec::new();
        // A reset behind an answer leaves the answer.
        let read = tokio::time::timeout(LIMIT, reader.read_to_end(&mut heard)).await;
        assert!(read.is_ok(), "{what}: the connection stays open");
        drop(writing.await);
        answers(&heard)
    }
}

impl Raw {
    pub fn with(mut self, header: &str) -> Self {
        self.headers.push_str(header);
        self
    }

    pub fn line(mut self, line: &str) -> Self {
        line.clone_into(&mut self.line);
        self
    }

    pub fn body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    pub fn nameless(mut self) -> Self {
        let lines = self.headers.split_inclusive("\r\n");
        self.headers = lines
            .filter(|line| !line.starts_with("authorization:"))
            .collect();
        self
    }

    pub fn without_host(mut self) -> Self {
        let lines = self.headers.split_inclusive("\r\n");
        self.headers = lines.filter(|line| !line.starts_with("host:")).collect();
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let head = format!("{}\r\n{}\r\n", self.line, self.headers);
        [head.into_bytes(), self.body.clone()].concat()
    }
}

/// A body in one chunk, with this line before it.
pub fn chunk(size: &str, end: &str) -> Vec<u8> {
    [size.as_bytes(), b"\r\n", &Fixture::frame(), end.as_bytes()].concat()
}

/// The answers in what was heard.
pub fn answers(mut heard: &[u8]) -> Vec<Heard> {
    let mut answers = Vec::new();
    while let Some(end) = heard.windows(4).position(|window| window == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&heard[..end]).into_owned();
        heard = &heard[end + 4..];
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        let mut answer = Heard {
            status: status.unwrap_or_else(|| panic!("no status: {head}")),
            head,
            body: Vec::new(),
        };
        if answer.header("transfer-encoding") == Some("chunked") {
            while let Some(line) = heard.windows(2).position(|window| window == b"\r\n") {
                let size = std::str::from_utf8(&heard[..line]).expect("a size");
                let size = usize::from_str_radix(size, 16).expect("a size");
                answer.body.extend(&heard[line + 2..line + 2 + size]);
                heard = &heard[line + 4 + size..];
                if size == 0 {
                    break;
                }
            }
        } else if let Some(length) = answer.header("content-length") {
            let length: usize = length.parse().expect("a length");
            answer.body.extend(&heard[..length]);
            heard = &heard[length..];
        }
        answers.push(answer);
    }
    answers
}

/// Asserts that the origin got the frame once, framed in one way and with nothing of the oddities.
pub async fn one_arrived(fixture: &Fixture, what: &str) {
    let calls = fixture.origin.calls().await;
    let [call] = calls.as_slice() else {
        panic!("{what}: one call reaches the origin, not {calls:#?}")
    };
    let frame = Fixture::frame();
    assert_eq!(call["path"], FIND_OR_CREATE, "{what}");
    assert_eq!(call["body_sha256"], sha256_hex(&frame), "{what}");
    let headers = &call["headers"];
    let length = json!([frame.len().to_string()]);
    assert_eq!(headers["content-length"], length, "{what}: {headers:#?}");
    assert_eq!(headers["x-forwarded-for"], json!(["10.9.8.7"]), "{what}");
    for name in [
        "transfer-encoding",
        "expect",
        "upgrade",
        "trailer",
        "http2-settings",
    ] {
        assert_eq!(headers.get(name), None, "{what}: {headers:#?}");
    }
}
