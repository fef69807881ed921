//! What the specifications of Connect and gRPC-Web say of errors and frames, as rows. Their own conformance runners call a
//! `ConformanceService`, which a gateway with a table of calls must refuse: fuzz/README.md says what that leaves.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use postern_wire::connect;
use postern_wire::grpc_answer;
use postern_wire::grpc_status::error_info;
use postern_wire::grpc_web::{Encoding, FrameError, single_message};

/// connectrpc.com/docs/protocol, "Error Codes".
#[test]
fn connect_codes_have_the_http_status_of_the_specification() {
    let rows = [
        (1, "canceled", 499),
        (2, "unknown", 500),
        (3, "invalid_argument", 400),
        (4, "deadline_exceeded", 504),
        (5, "not_found", 404),
        (6, "already_exists", 409),
        (7, "permission_denied", 403),
        (8, "resource_exhausted", 429),
        (9, "failed_precondition", 400),
        (10, "aborted", 409),
        (11, "out_of_range", 400),
        (12, "unimplemented", 501),
        (13, "internal", 500),
        (14, "unavailable", 503),
        (15, "data_loss", 500),
        (16, "unauthenticated", 401),
        // No code: what a server does not know.
        (0, "unknown", 500),
        (17, "unknown", 500),
    ];
    for (status, word, http) in rows {
        assert_eq!(connect::code(status), (word, http), "{status}");
    }
}

/// The same page, "Unary-Response" and "Error Details": `message` and `details` may be left out, a detail's value is
/// base64 without padding.
#[test]
fn a_connect_error_is_json_of_three_members() {
    let read = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let (_, body) = connect::error(7, "", &[]);
    assert_eq!(read(&body), json!({"code": "permission_denied"}));
    let (_, body) = connect::error(3, "line\n\"two\" \u{e9}", &[error_info("R", "c")]);
    let body = read(&body);
    assert_eq!(body["message"], "line\n\"two\" \u{e9}");
    assert_eq!(body["details"][0]["type"], "google.rpc.ErrorInfo");
    let value = body["details"][0]["value"].as_str().expect("a text");
    assert!(!value.ends_with('='), "{value}");
}

/// "Unary-Request": version 1 or none; a timeout of at most ten digits.
#[test]
fn connect_headers() {
    let rows = [
        (Some("1"), None, true),
        (None, None, true),
        (Some("2"), None, false),
        (Some(""), None, false),
        (Some("1"), Some("0"), true),
        (Some("1"), Some("9999999999"), true),
        (Some("1"), Some("10000000000"), false),
        (Some("1"), Some("-1"), false),
        (Some("1"), Some("1.5"), false),
        (Some("1"), Some("1s"), false),
    ];
    for (version, timeout, is_good) in rows {
        let told = connect::request(version, timeout);
        assert_eq!(told.is_ok(), is_good, "{version:?} {timeout:?}: {told:?}");
    }
}

fn frame(flag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("short").to_be_bytes();
    [&[flag][..], &length, content].concat()
}

/// PROTOCOL-WEB: the highest bit marks trailers, the lowest one compression; trailers end an answer; `-text` is base64 in
/// pieces that are padded one by one.
#[test]
fn grpc_web_frames() {
    let good = [frame(0, b"m"), frame(0x80, b"grpc-status:0\r\nx-a:1\r\n")].concat();
    let pieces = good.chunks(7).map(|piece| STANDARD.encode(piece));
    let text: String = pieces.collect();
    let decoded = Encoding::Text.decode(text.as_bytes());
    assert_eq!(decoded.as_deref(), Ok(&good[..]));
    let (message, ending) = grpc_answer::read(&good).expect("an answer");
    assert_eq!((message, ending.status), (Some(&b"m"[..]), 0));
    assert_eq!(ending.metadata, [("x-a".to_owned(), "1".to_owned())]);
    let rows = [
        (
            "a request's trailers",
            frame(0x80, b"grpc-status:0\r\n"),
            FrameError::UnknownFlag,
        ),
        ("compressed", frame(1, b"m"), FrameError::Compressed),
        (
            "compressed trailers",
            frame(0x81, b"m"),
            FrameError::UnknownFlag,
        ),
        (
            "a flag that is kept for later",
            frame(2, b"m"),
            FrameError::UnknownFlag,
        ),
        (
            "two messages",
            [frame(0, b"a"), frame(0, b"b")].concat(),
            FrameError::Several,
        ),
        (
            "a message that is cut",
            frame(0, b"abc")[..7].to_vec(),
            FrameError::Truncated,
        ),
        ("no message", Vec::new(), FrameError::Truncated),
    ];
    for (what, body, expected) in rows {
        assert_eq!(single_message(&body), Err(expected), "{what}");
    }
    for (what, body, expected) in [
        (
            "something behind the trailers",
            [&good[..], &frame(0, b"n")].concat(),
            FrameError::Several,
        ),
        ("no trailers", frame(0, b"m"), FrameError::Truncated),
        (
            "trailers without a status",
            frame(0x80, b"x-a:1\r\n"),
            FrameError::Truncated,
        ),
        (
            "compressed trailers",
            [frame(0, b"m"), frame(0x81, b"x")].concat(),
            FrameError::UnknownFlag,
        ),
    ] {
        assert_eq!(grpc_answer::read(&body), Err(expected), "{what}");
    }
}
