//! Attestation calls in broken frames, too large, or in a protocol that is not spoken.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_system_tests::cases;
use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::rpc::{self, CANCEL, FIND_OR_CREATE, INIT, STORE, TEXT};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use prost::Message as _;
use serde_json::json;

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        bodies_that_are_not_one_frame,
        attestation_bodies_that_are_too_large,
        protocols_other_than_grpc_web,
    ]
}

async fn bodies_that_are_not_one_frame(suite: &Suite) {
    let token = suite
        .organization()
        .await
        .mint_for_release(&suite.gateway, "opaque")
        .await
        .token;
    let message = rpc::names(SHOP, RELEASE);
    let frame = rpc::frame(0, &message);
    let length = |length: u32| [&[0][..], &length.to_be_bytes(), &message].concat();
    const COMPRESSED: &str =
        "the message is compressed, which is not read here: send it uncompressed";
    let status = |told: &str| if told == COMPRESSED { 12 } else { 3 };
    const TRUNCATED: &str = "the body ends before its message does";
    const SEVERAL: &str = "the body has more than one message";
    const UNKNOWN: &str = "the body has a frame that is not a message";
    const NOT_BASE64: &str = "the body is not base64";
    let binary: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nothing", vec![], TRUNCATED),
        ("half a head", frame[..3].to_vec(), TRUNCATED),
        ("a head alone", frame[..5].to_vec(), TRUNCATED),
        ("a byte short", frame[..frame.len() - 1].to_vec(), TRUNCATED),
        ("a length beyond the end", length(u32::MAX), TRUNCATED),
        ("a message without a frame", message.clone(), TRUNCATED),
        ("compressed", rpc::frame(1, &message), COMPRESSED),
        ("an unknown flag", rpc::frame(2, &message), UNKNOWN),
        (
            "trailers in its place",
            rpc::frame(0x80, b"grpc-status:0\r\n"),
            UNKNOWN,
        ),
        (
            "two messages",
            [frame.clone(), frame.clone()].concat(),
            SEVERAL,
        ),
        (
            "an empty message and another",
            [rpc::frame(0, b""), frame.clone()].concat(),
            SEVERAL,
        ),
        (
            "a message and trailers",
            [frame.clone(), rpc::frame(0x80, b"")].concat(),
            SEVERAL,
        ),
        (
            "a message and a byte",
            [frame.clone(), vec![0]].concat(),
            SEVERAL,
        ),
        (
            "a length before the end",
            length(u32::try_from(message.len() - 1).expect("short")),
            SEVERAL,
        ),
    ];
    let encoded = STANDARD.encode(&frame);
    let text: Vec<(&str, Vec<u8>, &str)> = vec![
        ("frames as they are", frame.clone(), NOT_BASE64),
        (
            "a letter short",
            encoded.as_bytes()[..encoded.len() - 1].to_vec(),
            NOT_BASE64,
        ),
        (
            "a line break",
            format!("{encoded}\r\n").into_bytes(),
            NOT_BASE64,
        ),
        (
            "the other alphabet",
            [b"-_--".to_vec(), encoded.clone().into_bytes()].concat(),
            NOT_BASE64,
        ),
        ("padding alone", b"====".to_vec(), NOT_BASE64),
        (
            "two messages",
            STANDARD
                .encode([frame.clone(), frame.clone()].concat())
                .into_bytes(),
            SEVERAL,
        ),
        (
            "two messages, each in a piece",
            format!("{encoded}{encoded}").into_bytes(),
            SEVERAL,
        ),
        (
            "compressed",
            STANDARD.encode(rpc::frame(1, &message)).into_bytes(),
            COMPRESSED,
        ),
        ("cut", STANDARD.encode(&frame[..4]).into_bytes(), TRUNCATED),
    ];
    suite.origin.reset().await;
    for path in [FIND_OR_CREATE, INIT, STORE, CANCEL] {
        for (what, body, told) in &binary {
            for chunked in [false, true] {
                let call = rpc::anonymous(&suite.gateway, 0, path, body.clone()).bearer(&token);
                let answer = if chunked { call.chunked() } else { call }.send().await;
                assert_eq!(
                    (*what, answer.header("grpc-message")),
                    (*what, Some(*told)),
                    "{path}"
                );
                answer.refused(status(told), told);
                assert_eq!(answer.header("content-type"), Some(rpc::BINARY), "{what}");
            }
        }
        for (what, body, told) in &text {
            let call = rpc::anonymous(&suite.gateway, 0, path, body.clone())
                .bearer(&token)
                .without("content-type");
            let answer = call.header("content-type", TEXT).send().await;
            assert_eq!(
                (*what, answer.header("grpc-message")),
                (*what, Some(*told)),
                "{path}"
            );
            answer.refused(status(told), told);
            assert_eq!(answer.header("content-type"), Some(TEXT), "{what}");
        }
    }
    suite
        .origin
        .assert_untouched("bodies that are not one frame")
        .await;
    // The control: a frame is one, whatever it comes in, and goes on as it came. (The sample origin itself reads no text
    // in padded pieces; the control plane does.)
    let (first, rest) = frame.split_at(7);
    let pieces = format!("{}{}", STANDARD.encode(first), STANDARD.encode(rest));
    let call = rpc::anonymous(
        &suite.gateway,
        0,
        FIND_OR_CREATE,
        pieces.clone().into_bytes(),
    )
    .bearer(&token);
    let answer = call
        .without("content-type")
        .header("content-type", TEXT)
        .send()
        .await;
    let calls = suite.origin.calls().await;
    assert_eq!(
        (calls.len(), &calls[0]["body_len"]),
        (1, &json!(pieces.len())),
        "{}",
        answer.text()
    );
    rpc::call(&suite.gateway, FIND_OR_CREATE, &token, &message)
        .chunked()
        .send()
        .await
        .accepted();
}

async fn attestation_bodies_that_are_too_large(suite: &Suite) {
    const LIMIT: usize = 10 * 1024 * 1024;
    let told = format!("the body is larger than the {LIMIT} bytes that are read here");
    let token = suite
        .organization()
        .await
        .mint_for_release(&suite.gateway, "opaque")
        .await
        .token;
    let run = rpc::begin(&suite.gateway, &token, SHOP, RELEASE).await;
    // Field numbers and lengths of the frame and the message around the bundle.
    let around = rpc::frame(0, &rpc::store(&run, &vec![0; LIMIT]).encode_to_vec()).len() - LIMIT;
    let body = |bytes: usize| {
        rpc::frame(
            0,
            &rpc::store(&run, &vec![b'x'; bytes - around]).encode_to_vec(),
        )
    };
    suite.origin.reset().await;
    for bytes in [LIMIT + 1, 2 * LIMIT] {
        let call = rpc::anonymous(&suite.gateway, 0, STORE, body(bytes)).bearer(&token);
        call.clone().send_while_reading().await.refused(8, &told);
        call.clone()
            .chunked()
            .send_while_reading()
            .await
            .refused(8, &told);
    }
    suite
        .origin
        .assert_untouched("bodies that are too large")
        .await;
    // The largest that is read goes on, and the origin has its own opinion of it.
    for chunked in [false, true] {
        suite.origin.reset().await;
        let call = rpc::anonymous(&suite.gateway, 0, STORE, body(LIMIT)).bearer(&token);
        let (ending, _) = if chunked { call.chunked() } else { call }
            .send()
            .await
            .ending();
        assert!(ending.code != 0 && ending.message != told, "{ending:?}");
        let calls = suite.origin.calls().await;
        assert_eq!(calls.len(), 1, "{ending:?}");
        assert_eq!(calls[0]["body_len"], json!(LIMIT));
    }
    assert_eq!(suite.origin.run(&run).await["status"], "INITIALIZED");
}

async fn protocols_other_than_grpc_web(suite: &Suite) {
    let token = suite
        .organization()
        .await
        .mint_for_release(&suite.gateway, "opaque")
        .await
        .token;
    let call = |method: &str, media: Option<&str>| {
        let body = if ["GET", "HEAD"].contains(&method) {
            vec![]
        } else {
            rpc::frame(0, &rpc::names(SHOP, RELEASE))
        };
        let call = suite
            .gateway
            .call(method, INIT)
            .bearer(&token)
            .from("10.9.8.7")
            .body(body);
        media.map_or(call.clone(), |media| call.header("content-type", media))
    };
    suite.origin.reset().await;
    for media in [None, Some("text/plain"), Some("application/x-protobuf")] {
        call("POST", media)
            .send()
            .await
            .problem(415, "unsupported_media_type");
    }
    for media in [
        "application/grpc",
        "application/grpc+proto",
        "application/grpc+json",
        "application/grpc-web+json",
    ] {
        let answer = call("POST", Some(media)).send().await;
        assert_eq!(
            (media, answer.status, answer.header("grpc-status")),
            (media, 200, Some("12"))
        );
        assert_eq!(
            answer.header("grpc-message"),
            Some(
                "native gRPC cannot reach this gateway: send gRPC-Web, or call through `postern bridge`"
            ),
            "{media}"
        );
        assert_eq!(
            (answer.header("content-type"), answer.body.len()),
            (Some("application/grpc"), 0),
            "{media}"
        );
    }
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let answer = call(method, None).send().await;
        answer.problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some("OPTIONS, POST"), "{method}");
        call(method, Some(rpc::BINARY))
            .send()
            .await
            .refused(12, "use POST here");
    }
    suite.origin.assert_untouched("other protocols").await;
}
