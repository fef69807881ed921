//! Requests whose ends two HTTP readers would see in two places, over bare sockets: lengths that differ, lengths beside
//! chunks, odd line ends, odd targets, bodies that break off. Each has one reading here or none; what follows on the
//! connection is answered as a request of its own or not at all, and the origin never gets the doubt.

use std::process::ExitCode;
use std::time::Duration;

use postern_origin::sha256_hex;
use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::origin::Origin;
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::{cases, runner};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long a connection may stay open: far above any, so that only a hang meets it.
const LIMIT: Duration = Duration::from_secs(60);
const MISSING: &str = "JWT token is missing";
const INCOMPLETE: &str = "the body could not be read to its end";
const CHUNKED: &str = "transfer-encoding: chunked\r\n";

struct Fixture {
    origin: Origin,
    gateway: Gateway,
    token: String,
}

fn main() -> ExitCode {
    runner::run(
        async {
            let (keys, origin) = (Keys::random(), Origin::start().await);
            let gateway = Serve::new(&origin.url, &keys).start().await;
            let organization = Organization::new(&gateway, &keys.admin).await;
            let token = organization.mint_for_release(&gateway, "opaque").await;
            Fixture {
                origin,
                gateway,
                token: token.token,
            }
        },
        cases![
            requests_that_are_no_http,
            bodies_that_have_no_end,
            requests_that_have_one_reading,
            credentials_that_come_by_the_back_door,
            r33_methods_as_they_are_written,
            targets_that_name_another_place,
            a_request_behind_a_refused_one_is_its_own,
        ],
    )
}

/// A request in the making, all of it as given.
struct Raw {
    line: String,
    headers: String,
    body: Vec<u8>,
}

/// One answer of a connection.
#[derive(Debug)]
struct Heard {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Heard {
    /// What a header says; the first one.
    fn header(&self, wanted: &str) -> Option<&str> {
        self.head.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then_some(value.trim())
        })
    }

    /// The gate's refusal.
    #[track_caller]
    fn refused(&self, what: &str, code: &str, sentence: &str) {
        let told = (self.header("grpc-status"), self.header("grpc-message"));
        assert_eq!(
            (what, self.status, told),
            (what, 200, (Some(code), Some(sentence)))
        );
    }

    /// The origin's answer.
    #[track_caller]
    fn accepted(&self, what: &str) {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!((what, self.status), (what, 200), "{self:?}");
        assert!(text.contains("grpc-status:0"), "{what}: {self:?}");
    }
}

impl Fixture {
    /// The message's frame.
    fn frame() -> Vec<u8> {
        rpc::frame(0, &rpc::names(SHOP, RELEASE))
    }

    /// A good request without a length.
    fn raw(&self) -> Raw {
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
    fn good(&self) -> Raw {
        let length = format!("content-length: {}\r\n", Self::frame().len());
        self.raw().with(&length)
    }

    /// A request that the gate refuses for want of a credential, and after which the connection ends.
    fn last(&self) -> Vec<u8> {
        self.good().nameless().with("connection: close\r\n").bytes()
    }

    /// Sends these bytes; gives the answers until the connection ends. `half` ends our side behind them.
    async fn exchange(&self, what: &str, bytes: &[u8], half: bool) -> Vec<Heard> {
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
    fn with(mut self, header: &str) -> Self {
        self.headers.push_str(header);
        self
    }

    fn line(mut self, line: &str) -> Self {
        line.clone_into(&mut self.line);
        self
    }

    fn body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    fn nameless(mut self) -> Self {
        let lines = self.headers.split_inclusive("\r\n");
        self.headers = lines
            .filter(|line| !line.starts_with("authorization:"))
            .collect();
        self
    }

    fn without_host(mut self) -> Self {
        let lines = self.headers.split_inclusive("\r\n");
        self.headers = lines.filter(|line| !line.starts_with("host:")).collect();
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let head = format!("{}\r\n{}\r\n", self.line, self.headers);
        [head.into_bytes(), self.body.clone()].concat()
    }
}

/// A body in one chunk, with this line before it.
fn chunk(size: &str, end: &str) -> Vec<u8> {
    [size.as_bytes(), b"\r\n", &Fixture::frame(), end.as_bytes()].concat()
}

/// The answers in what was heard.
fn answers(mut heard: &[u8]) -> Vec<Heard> {
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

/// The runtime itself refuses these, and reads no further.
async fn requests_that_are_no_http(fixture: &Fixture) {
    const LENGTH: &str = "invalid content-length";
    const CODING: &str = "invalid transfer-encoding";
    const HEADER: &str = "invalid HTTP header";
    const METHOD: &str = "invalid HTTP method";
    const LARGE: &str = "message head is too large";
    let length = Fixture::frame().len();
    let good = || fixture.good();
    let raw = || fixture.raw();
    let of = |value: &str| raw().with(&format!("content-length: {value}\r\n"));
    let coded = |value: &str| {
        raw()
            .with(&format!("transfer-encoding: {value}\r\n"))
            .body(chunk(&format!("{length:x}"), "\r\n0\r\n\r\n"))
    };
    let many: String = (0..20_000).map(|n| format!("x-{n}: a\r\n")).collect();
    let line = |line: &str| good().line(line);
    let rows = [
        (
            "two lengths",
            good().with("content-length: 5\r\n"),
            400,
            LENGTH,
        ),
        (
            "a list of lengths",
            of(&format!("{length}, {length}")),
            400,
            LENGTH,
        ),
        (
            "a length with a sign",
            of(&format!("+{length}")),
            400,
            LENGTH,
        ),
        ("a length below 0", of("-1"), 400, LENGTH),
        ("a length in hexadecimal", of("0x1b"), 400, LENGTH),
        (
            "a length beyond 64 bits",
            of("99999999999999999999999"),
            400,
            LENGTH,
        ),
        (
            "a header after a bare line feed",
            good().with("x-a: b\ncontent-length: 0\r\n"),
            400,
            LENGTH,
        ),
        ("an unknown coding", coded("xchunked"), 400, CODING),
        ("no coding", coded("identity"), 400, CODING),
        ("chunks inside", coded("chunked, identity"), 400, CODING),
        (
            "a tab before the coding",
            coded("\u{b}chunked"),
            400,
            CODING,
        ),
        (
            "a space before the colon",
            raw().with(&format!("content-length : {length}\r\n")),
            400,
            HEADER,
        ),
        (
            "a space before the coding's colon",
            good().with("transfer-encoding : chunked\r\n"),
            400,
            HEADER,
        ),
        (
            "a folded header",
            good().with("x-a: b\r\n c: d\r\n"),
            400,
            HEADER,
        ),
        (
            "a carriage return in a value",
            good().with("x-a: b\rx-c: d\r\n"),
            400,
            HEADER,
        ),
        (
            "a null byte in a value",
            good().with("x-a: b\0c\r\n"),
            400,
            HEADER,
        ),
        (
            "a header without a colon",
            good().with("nonsense\r\n"),
            400,
            HEADER,
        ),
        (
            "a header without a name",
            good().with(": x\r\n"),
            400,
            HEADER,
        ),
        (
            "a large header",
            good().with(&format!("x-a: {}\r\n", "a".repeat(1_000_000))),
            431,
            LARGE,
        ),
        ("many headers", good().with(&many), 431, LARGE),
        (
            "a tab behind the method",
            line(&format!("POST\t {FIND_OR_CREATE} HTTP/1.1")),
            400,
            METHOD,
        ),
        (
            "a space before the method",
            line(&format!(" POST {FIND_OR_CREATE} HTTP/1.1")),
            400,
            METHOD,
        ),
        (
            "two spaces",
            line(&format!("POST  {FIND_OR_CREATE} HTTP/1.1")),
            400,
            "invalid URI",
        ),
        (
            "a target without a slash",
            line(&format!("POST {} HTTP/1.1", &FIND_OR_CREATE[1..])),
            400,
            "invalid URI",
        ),
        (
            "HTTP 3",
            line(&format!("POST {FIND_OR_CREATE} HTTP/3.0")),
            400,
            "invalid HTTP version",
        ),
        (
            "no version",
            line(&format!("POST {FIND_OR_CREATE}")),
            400,
            "invalid URI",
        ),
    ];
    fixture.origin.reset().await;
    for (what, raw, status, sentence) in rows {
        let bytes = [raw.bytes(), fixture.last()].concat();
        let heard = fixture.exchange(what, &bytes, false).await;
        let [answer] = heard.as_slice() else {
            panic!("{what}: one answer, not {heard:#?}")
        };
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!((what, answer.status), (what, status), "{text}");
        assert!(text.contains(sentence), "{what}: {text}");
    }
    fixture.origin.assert_untouched("what is no HTTP").await;
}

async fn bodies_that_have_no_end(fixture: &Fixture) {
    let size = format!("{:x}", Fixture::frame().len());
    let chunks = |body: Vec<u8>| fixture.raw().with(CHUNKED).body(body).bytes();
    let end = "\r\n0\r\n\r\n";
    let short = |by: usize| {
        let mut bytes = fixture.good().bytes();
        bytes.truncate(bytes.len() - by);
        bytes
    };
    // Those that break off end with our side of the connection; the others have another request behind them.
    let rows = [
        (
            "a size that is none",
            chunks(chunk(&format!("{size}g"), end)),
            false,
        ),
        (
            "a size below 0",
            chunks(chunk(&format!("-{size}"), end)),
            false,
        ),
        (
            "a size beyond 64 bits",
            chunks(chunk("ffffffffffffffffff", end)),
            false,
        ),
        (
            "a chunk longer than its size",
            chunks(chunk("5", end)),
            false,
        ),
        (
            "a chunk without its line end",
            chunks(chunk(&size, "0\r\n\r\n")),
            false,
        ),
        ("a byte short", short(1), true),
        ("a message short", short(Fixture::frame().len() - 5), true),
        ("nothing of it", short(Fixture::frame().len()), true),
        ("no last chunk", chunks(chunk(&size, "\r\n")), true),
        ("half a last chunk", chunks(chunk(&size, "\r\n0")), true),
    ];
    fixture.origin.reset().await;
    for (what, mut bytes, half) in rows {
        if !half {
            bytes.extend(fixture.last());
        }
        let heard = fixture.exchange(what, &bytes, half).await;
        let [answer] = heard.as_slice() else {
            panic!("{what}: one answer, not {heard:#?}")
        };
        answer.refused(what, "3", INCOMPLETE);
    }
    fixture
        .origin
        .assert_untouched("bodies without an end")
        .await;
}

/// What is odd but has one reading goes on as that, under a length of the gate's own.
async fn requests_that_have_one_reading(fixture: &Fixture) {
    let frame = Fixture::frame();
    let size = format!("{:x}", frame.len());
    let body = || chunk(&size, "\r\n0\r\n\r\n");
    let chunks = |header: &str| fixture.raw().with(header).body(body()).bytes();
    let target = |target: &str| {
        let line = format!("POST {target} HTTP/1.1");
        fixture.good().line(&line).bytes()
    };
    let bare =
        String::from_utf8_lossy(&fixture.good().body(Vec::new()).bytes()).replace("\r\n", "\n");
    let length = format!("content-length: {}\r\n", frame.len());
    let rows = [
        ("as it should be", fixture.good().bytes()),
        ("one length twice", fixture.good().with(&length).bytes()),
        ("chunks", chunks(CHUNKED)),
        ("chunks, in capitals", chunks("Transfer-Encoding: Chunked\r\n")),
        ("chunks, said twice", chunks(&CHUNKED.repeat(2))),
        // Undone here as far as it can be; nothing of it is said to the origin.
        ("chunks of what is said to be compressed", chunks("transfer-encoding: gzip, chunked\r\n")),
        ("a chunk with an extension", fixture.raw().with(CHUNKED).body(chunk(&format!("{size};a=b"), "\r\n0\r\n\r\n")).bytes()),
        ("trailers", fixture.raw().with(CHUNKED).body(chunk(&size, "\r\n0\r\nx-forwarded-for: 6.6.6.6\r\n\r\n")).bytes()),
        ("bare line feeds", [bare.into_bytes(), frame.clone()].concat()),
        ("an empty line before", [b"\r\n".to_vec(), fixture.good().bytes()].concat()),
        ("the absolute form", target(&format!("http://x{FIND_OR_CREATE}"))),
        ("a fragment", target(&format!("{FIND_OR_CREATE}#/../Init"))),
        ("Expect", fixture.good().with("expect: 100-continue\r\n").bytes()),
        ("Expect of something else", fixture.good().with("expect: 200-ok\r\n").bytes()),
        (
            "an upgrade to HTTP 2",
            fixture
                .good()
                .with("connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\n")
                .bytes(),
        ),
    ];
    for (what, bytes) in rows {
        fixture.origin.reset().await;
        let bytes = [bytes, fixture.last()].concat();
        let mut heard = fixture.exchange(what, &bytes, false).await;
        heard.retain(|answer| answer.status != 100);
        let [first, second] = heard.as_slice() else {
            panic!("{what}: two answers, not {heard:#?}")
        };
        first.accepted(what);
        second.refused(what, "16", MISSING);
        one_arrived(fixture, what).await;
    }
    // A length beside chunks: the chunks count, and the connection ends, so that nothing can hide behind them.
    fixture.origin.reset().await;
    for header in ["content-length: 5\r\n", "content-length: 400\r\n"] {
        fixture.origin.reset().await;
        let request = fixture
            .raw()
            .with(header)
            .with(CHUNKED)
            .body(body())
            .bytes();
        let bytes = [request, fixture.last()].concat();
        let heard = fixture.exchange(header, &bytes, false).await;
        let [answer] = heard.as_slice() else {
            panic!("{header}: one answer, not {heard:#?}")
        };
        answer.accepted(header);
        one_arrived(fixture, header).await;
    }
}

/// Asserts that the origin got the frame once, framed in one way and with nothing of the oddities.
async fn one_arrived(fixture: &Fixture, what: &str) {
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

async fn credentials_that_come_by_the_back_door(fixture: &Fixture) {
    let size = format!("{:x}", Fixture::frame().len());
    let header = format!("authorization: Bearer {}", fixture.token);
    let trailer = chunk(&size, &format!("\r\n0\r\n{header}\r\n\r\n"));
    let nameless = || fixture.good().nameless();
    let rows = [
        (
            "in a trailer",
            fixture
                .raw()
                .nameless()
                .with(CHUNKED)
                .with("trailer: authorization\r\n")
                .body(trailer)
                .bytes(),
        ),
        (
            "in the target",
            nameless()
                .line(&format!(
                    "POST http://x:{}@x{FIND_OR_CREATE} HTTP/1.1",
                    fixture.token
                ))
                .bytes(),
        ),
        (
            "in the target's fragment",
            nameless()
                .line(&format!(
                    "POST {FIND_OR_CREATE}#access_token={} HTTP/1.1",
                    fixture.token
                ))
                .bytes(),
        ),
        (
            "in the request behind it",
            [nameless().bytes(), Vec::new()].concat(),
        ),
    ];
    fixture.origin.reset().await;
    for (what, bytes) in rows {
        let bytes = [bytes, fixture.last()].concat();
        let heard = fixture.exchange(what, &bytes, false).await;
        let [first, second] = heard.as_slice() else {
            panic!("{what}: two answers, not {heard:#?}")
        };
        first.refused(what, "16", MISSING);
        second.refused(what, "16", MISSING);
    }
    fixture
        .origin
        .assert_untouched("credentials elsewhere")
        .await;
}

async fn r33_methods_as_they_are_written(fixture: &Fixture) {
    fixture.origin.reset().await;
    // The runtime knows no such method, or the gate takes no such method here.
    for method in ["post", "Post", "POSTED", "FOO"] {
        let line = format!("{method} {FIND_OR_CREATE} HTTP/1.1");
        let bytes = [fixture.good().line(&line).bytes(), fixture.last()].concat();
        let heard = fixture.exchange(method, &bytes, false).await;
        let [answer] = heard.as_slice() else {
            panic!("{method}: one answer, not {heard:#?}")
        };
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!((method, answer.status), (method, 501), "{text}");
        assert_eq!(text, "ERROR: Unrecognized request method.", "{method}");
    }
    for method in ["TRACE", "SEARCH", "PROPFIND", "GET", "PUT"] {
        let line = format!("{method} {FIND_OR_CREATE} HTTP/1.1");
        let bytes = [fixture.good().line(&line).bytes(), fixture.last()].concat();
        let heard = fixture.exchange(method, &bytes, false).await;
        let [first, second] = heard.as_slice() else {
            panic!("{method}: two answers, not {heard:#?}")
        };
        first.refused(method, "12", "use POST here");
        second.refused(method, "16", MISSING);
    }
    let line = "CONNECT x:80 HTTP/1.1";
    let bytes = fixture.good().line(line).bytes();
    let heard = fixture.exchange(line, &bytes, true).await;
    assert!(
        heard.iter().all(|answer| answer.status >= 400),
        "{heard:#?}"
    );
    fixture.origin.assert_untouched("methods").await;
}

/// Whatever host a request names, the origin is where the gate says, and the path is the one that was decided on.
async fn targets_that_name_another_place(fixture: &Fixture) {
    let elsewhere = |target: &str| {
        let line = format!("POST {target} HTTP/1.1");
        fixture.good().line(&line).bytes()
    };
    let hosted = |host: &str| {
        let host = format!("host: {host}\r\n");
        fixture.good().without_host().with(&host).bytes()
    };
    let rows = [
        (
            "a target elsewhere",
            elsewhere(&format!("http://elsewhere.example{FIND_OR_CREATE}")),
        ),
        (
            "a target with a name",
            elsewhere(&format!("https://a:b@elsewhere.example{FIND_OR_CREATE}")),
        ),
        ("a host elsewhere", hosted("elsewhere.example")),
        ("a host with a name", hosted("a:b@elsewhere.example")),
    ];
    for (what, bytes) in rows {
        fixture.origin.reset().await;
        let bytes = [bytes, fixture.last()].concat();
        let heard = fixture.exchange(what, &bytes, false).await;
        let [first, second] = heard.as_slice() else {
            panic!("{what}: two answers, not {heard:#?}")
        };
        first.accepted(what);
        second.refused(what, "16", MISSING);
        one_arrived(fixture, what).await;
        let calls = fixture.origin.calls().await;
        let host = calls[0]["headers"]["host"].to_string();
        assert!(!host.contains("elsewhere"), "{what}: {host}");
    }
    // A host that reads as a path makes another path, which is what is decided on then.
    fixture.origin.reset().await;
    let what = "a host with a path";
    let bytes = [
        hosted("x/controlplane.v1.StatusService/Infoz?"),
        fixture.last(),
    ]
    .concat();
    let heard = fixture.exchange(what, &bytes, false).await;
    let [first, _] = heard.as_slice() else {
        panic!("{what}: two answers, not {heard:#?}")
    };
    first.refused(what, "7", "operation not allowed");
    let nowhere = "no host";
    let bytes = [fixture.good().without_host().bytes(), fixture.last()].concat();
    let heard = fixture.exchange(nowhere, &bytes, false).await;
    assert_eq!(
        heard.first().map(|answer| answer.status),
        Some(400),
        "{heard:#?}"
    );
    fixture.origin.assert_untouched(what).await;
}

async fn a_request_behind_a_refused_one_is_its_own(fixture: &Fixture) {
    let size = format!("{:x}", Fixture::frame().len());
    let nameless = || fixture.good().nameless();
    let smuggled = fixture.good().bytes();
    let inside = [
        &size.clone().into_bytes()[..],
        b"\r\n",
        &Fixture::frame(),
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    let rows = [
        ("without a credential", nameless().bytes(), 16, MISSING),
        (
            "in chunks, without a credential",
            fixture.raw().nameless().with(CHUNKED).body(inside).bytes(),
            16,
            MISSING,
        ),
        (
            "a query",
            fixture
                .good()
                .line(&format!("POST {FIND_OR_CREATE}?x HTTP/1.1"))
                .bytes(),
            7,
            "operation not allowed",
        ),
        // A request in the body of another one is a body.
        (
            "with a request as its body",
            fixture
                .raw()
                .nameless()
                .with(&format!("content-length: {}\r\n", smuggled.len()))
                .body(smuggled.clone())
                .bytes(),
            16,
            MISSING,
        ),
        (
            "with a request as its body, and a credential",
            fixture
                .raw()
                .with(&format!("content-length: {}\r\n", smuggled.len()))
                .body(smuggled.clone())
                .bytes(),
            3,
            "the body ends before its message does",
        ),
    ];
    for (what, refused, code, sentence) in rows {
        fixture.origin.reset().await;
        let bytes = [refused, fixture.good().bytes(), fixture.last()].concat();
        let heard = fixture.exchange(what, &bytes, false).await;
        let [first, second, third] = heard.as_slice() else {
            panic!("{what}: three answers, not {heard:#?}")
        };
        first.refused(what, &code.to_string(), sentence);
        second.accepted(what);
        third.refused(what, "16", MISSING);
        one_arrived(fixture, what).await;
    }
    // Of a long body that is not wanted, nothing is read as a request: the connection ends.
    fixture.origin.reset().await;
    let what = "with many requests as its body";
    let many = smuggled.repeat(2000);
    let long = fixture
        .raw()
        .nameless()
        .with(&format!("content-length: {}\r\n", many.len()))
        .body(many)
        .bytes();
    let bytes = [long, fixture.last()].concat();
    let heard = fixture.exchange(what, &bytes, false).await;
    for answer in &heard {
        answer.refused(what, "16", MISSING);
    }
    assert!(!heard.is_empty(), "no answer");
    fixture.origin.assert_untouched(what).await;
}
