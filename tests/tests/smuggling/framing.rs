//! Lengths, chunks and line ends.

use postern_system_tests::cases;
use postern_system_tests::rpc::FIND_OR_CREATE;
use postern_system_tests::runner::Case;

use crate::support::{CHUNKED, Fixture, MISSING, chunk, one_arrived};

pub fn cases() -> Vec<Case<Fixture>> {
    cases![
        requests_that_are_no_http,
        bodies_that_have_no_end,
        requests_that_have_one_reading,
    ]
}

const INCOMPLETE: &str = "the body could not be read to its end";

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
