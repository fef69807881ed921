//! Content types, frames and encodings around the message.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_system_tests::cases;
use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::rpc::{self, BINARY, FIND_OR_CREATE, INIT, STORE, TEXT};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;

use crate::support::{CONNECT, NOT_CONFINED, WIRES, Wire, anonymous, arrived, release_token};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        content_types_that_two_readers_take_in_two_ways,
        frames_that_are_empty_or_huge,
        bodies_with_a_content_encoding,
        strangers_send_little,
    ]
}

const INFOZ: &str = "/controlplane.v1.StatusService/Infoz";

const COMPRESSED: &str = "the message is compressed, which is not read here: send it uncompressed";

async fn content_types_that_two_readers_take_in_two_ways(suite: &Suite) {
    let token = release_token(suite).await.token;
    let body = rpc::frame(0, &rpc::names(SHOP, RELEASE));
    let send = async |sent: &[&str]| {
        let call = anonymous(suite, Wire::Binary, INIT, body.clone());
        let mut call = call.without("content-type").bearer(&token);
        for media in sent {
            call = call.header("content-type", media);
        }
        call.send().await
    };
    suite.origin.reset().await;
    let native: [&[&str]; 6] = [
        &[BINARY, TEXT],
        &[BINARY, BINARY],
        &["application/grpc-web+proto, application/grpc-web-text"],
        &["application/grpc-web+json"],
        &["application/grpc-web-textual"],
        &["application/grpc-web+proto+proto"],
    ];
    for sent in native {
        let answer = send(sent).await;
        assert_eq!(
            (
                sent,
                answer.header("grpc-status"),
                answer.header("grpc-message")
            ),
            (
                sent,
                Some("12"),
                Some(
                    "native gRPC cannot reach this gateway: send gRPC-Web, or call through `postern bridge`"
                )
            )
        );
    }
    let others: [&[&str]; 5] = [
        &[""],
        &[CONNECT, BINARY],
        &["text/plain", BINARY],
        &[";application/grpc-web"],
        &["application /grpc-web"],
    ];
    for sent in others {
        let problem = send(sent).await.problem(415, "unsupported_media_type");
        let sentence = "send the body as `application/grpc-web+proto`";
        assert_eq!(problem["detail"], sentence, "{sent:?}");
    }
    let answer = send(&["application/json", BINARY]).await;
    answer.problem(415, "unsupported_media_type");
    suite.origin.assert_untouched("content types").await;
}

fn compressed(coding: &str) -> String {
    format!("the body is compressed with `{coding}`, which is not read here: send it uncompressed")
}

async fn frames_that_are_empty_or_huge(suite: &Suite) {
    let token = release_token(suite).await.token;
    let message = rpc::names(SHOP, RELEASE);
    let huge = [&[0, 0xff, 0xff, 0xff, 0xff][..], &message].concat();
    let head = huge[..5].to_vec();
    const CUT: &str = "the body ends before its message does";
    let rows = [
        ("no body", Vec::new(), CUT),
        ("4 GiB, of which little comes", huge.clone(), CUT),
        ("4 GiB, of which nothing comes", head, CUT),
        ("compressed, of 4 GiB", [&[1][..], &huge[1..]].concat(), CUT),
        ("compressed and empty", rpc::frame(1, b""), COMPRESSED),
        ("compressed", rpc::frame(1, &message), COMPRESSED),
        (
            "an empty frame and a full one",
            [rpc::frame(0, b""), rpc::frame(0, &message)].concat(),
            "the body has more than one message",
        ),
    ];
    suite.origin.reset().await;
    for path in [INIT, STORE] {
        for (what, frames, sentence) in &rows {
            for (wire, body) in [
                (Wire::Binary, frames.clone()),
                (Wire::Text, STANDARD.encode(frames).into_bytes()),
            ] {
                // `Grpc-Encoding` does not make a compressed message readable, nor a plain one not.
                for encoding in [None, Some("identity"), Some("gzip")] {
                    let mut call = anonymous(suite, wire, path, body.clone()).bearer(&token);
                    if let Some(encoding) = encoding {
                        call = call.header("grpc-encoding", encoding);
                    }
                    let answer = call.send().await;
                    if *sentence != COMPRESSED {
                        wire.refused(what, &answer, 3, sentence);
                        continue;
                    }
                    match encoding {
                        None => wire.refused(what, &answer, 12, sentence),
                        Some(coding) => wire.refused(what, &answer, 12, &compressed(coding)),
                    }
                    let accepted = answer.header("grpc-accept-encoding");
                    assert_eq!(accepted, Some("identity"), "{what}");
                }
            }
        }
        // A frame without a message is a message without fields.
        for wire in WIRES {
            let call = anonymous(suite, wire, path, wire.body(b"")).bearer(&token);
            let (code, sentence) = match path {
                INIT => (7, NOT_CONFINED),
                _ => (3, "the message names no workflow run"),
            };
            wire.refused("an empty message", &call.send().await, code, sentence);
        }
    }
    suite.origin.assert_untouched("odd frames").await;
}

async fn bodies_with_a_content_encoding(suite: &Suite) {
    let token = release_token(suite).await.token;
    let message = rpc::names(SHOP, RELEASE);
    suite.origin.reset().await;
    for wire in WIRES {
        for coding in ["gzip", "deflate", "br", "zstd", "x", "identity, gzip"] {
            let call = anonymous(suite, wire, INIT, wire.body(&message)).bearer(&token);
            let answer = call.header("content-encoding", coding).send().await;
            wire.refused(coding, &answer, 12, &compressed(coding));
            let told = match wire {
                Wire::Connect => "accept-encoding",
                Wire::Binary | Wire::Text => "grpc-accept-encoding",
            };
            assert_eq!(answer.header(told), Some("identity"), "{wire:?}");
        }
    }
    suite.origin.assert_untouched("content encodings").await;
    for wire in WIRES {
        suite.origin.reset().await;
        let call = anonymous(suite, wire, FIND_OR_CREATE, wire.body(&message));
        let call = call.bearer(&token).header("content-encoding", "Identity");
        wire.accepted("identity", &call.send().await);
        let arrived = arrived(suite, "identity").await;
        assert_eq!(arrived["headers"].get("content-encoding"), None, "{wire:?}");
    }
    // An empty body has nothing to decompress.
    for path in ["/controlplane.v1.SigningService/GenerateSigningCert", INFOZ] {
        suite.origin.reset().await;
        let call = anonymous(suite, Wire::Connect, path, Vec::new()).bearer(&token);
        let answer = call.header("content-encoding", "gzip").send().await;
        let arrived = arrived(suite, "nothing, compressed").await;
        assert_eq!(arrived["headers"].get("content-encoding"), None, "{path}");
        assert_ne!(answer.status, 415, "{}", answer.text());
    }
}

async fn strangers_send_little(suite: &Suite) {
    const LIMIT: usize = 4096;
    let sentence = format!("the body is larger than the {LIMIT} bytes that are read here");
    suite.origin.reset().await;
    for wire in WIRES {
        for chunked in [false, true] {
            let call = anonymous(suite, wire, INFOZ, vec![0; LIMIT + 1]);
            let call = if chunked { call.chunked() } else { call };
            wire.refused("large", &call.send_while_reading().await, 8, &sentence);
        }
    }
    suite.origin.assert_untouched("bodies of strangers").await;
    for wire in WIRES {
        let answer = anonymous(suite, wire, INFOZ, wire.body(b"")).send().await;
        wire.accepted("nothing", &answer);
    }
}
