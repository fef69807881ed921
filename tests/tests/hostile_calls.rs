//! Attestation calls by somebody who means harm, in each protocol that is spoken: messages, content types, paths, methods,
//! headers and credentials that two readers could take in two ways. (Framing of HTTP itself is in smuggling.rs.) Each is
//! refused with its own sentence and nothing of it reaches the origin, or the origin gets exactly what was decided on.

use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_origin::sha256_hex;
use postern_system_tests::http::{Answer, Call};
use postern_system_tests::organization::{Minted, OTHER, RELEASE, SHOP};
use postern_system_tests::rpc::{self, BINARY, CANCEL, FIND_OR_CREATE, INIT, STORE, TEXT};
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_address, random_id, runner};
use postern_wire::forwarding::{HOP_BY_HOP, is_kept_away};
use serde_json::{Value, json};

const INFOZ: &str = "/controlplane.v1.StatusService/Infoz";
const CONNECT: &str = "application/proto";

const TRUNCATED: &str = "the message ends in the middle of a field";
const GROUP: &str = "the message has a group or an unknown wire type";
const OTHER_TYPE: &str = "a field that is needed to decide has another type";
const REPEATED: &str = "a field that names something is repeated more than 1000 times";
const COMPRESSED: &str = "the message is compressed, which is not read here: send it uncompressed";
const OTHER_WORKFLOW: &str =
    "API token is workflow-scoped and cannot create or look up other workflows";
const NOT_CONFINED: &str = "operation not allowed: the request must name the project and, for a workflow-scoped token, the workflow that the token is for";
const DENIED: &str = "operation not allowed";

fn main() -> ExitCode {
    runner::run(
        Suite::start(),
        cases![
            r33_the_origin_reads_a_body_as_the_gate_did,
            content_types_that_two_readers_take_in_two_ways,
            messages_that_are_odd_in_every_protocol,
            messages_that_are_odd_and_lawful_go_on_byte_for_byte,
            frames_that_are_empty_or_huge,
            bodies_with_a_content_encoding,
            r33_paths_that_are_not_exact_in_every_protocol,
            methods_that_are_not_post,
            headers_that_the_gate_sets_cannot_be_brought,
            credentials_that_are_not_one_in_every_protocol,
            strangers_send_little,
        ],
    )
}

/// A protocol, as this file speaks it.
#[derive(Debug, Clone, Copy)]
enum Wire {
    Binary,
    Text,
    Connect,
}

const WIRES: [Wire; 3] = [Wire::Binary, Wire::Text, Wire::Connect];

impl Wire {
    fn media(self) -> &'static str {
        match self {
            Self::Binary => BINARY,
            Self::Text => TEXT,
            Self::Connect => CONNECT,
        }
    }

    /// The body of a request with this message.
    fn body(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Binary => rpc::frame(0, message),
            Self::Text => STANDARD.encode(rpc::frame(0, message)).into_bytes(),
            Self::Connect => message.to_vec(),
        }
    }

    /// The body that the origin gets of it.
    fn arriving(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Binary | Self::Connect => rpc::frame(0, message),
            Self::Text => self.body(message),
        }
    }

    /// Asserts that the gate refused in this protocol, with this gRPC status and sentence.
    #[track_caller]
    fn refused(self, what: &str, answer: &Answer, code: i32, sentence: &str) {
        if matches!(self, Self::Connect) {
            let (status, word) = match code {
                3 => (400, "invalid_argument"),
                7 => (403, "permission_denied"),
                8 => (429, "resource_exhausted"),
                12 => (501, "unimplemented"),
                16 => (401, "unauthenticated"),
                code => panic!("no row for {code}"),
            };
            assert_eq!(answer.status, status, "{what}: {}", answer.text());
            let error = answer.json(status);
            let told = (error["code"].as_str(), error["message"].as_str());
            assert_eq!(told, (Some(word), Some(sentence)), "{what}");
        } else {
            let told = answer.header("grpc-message");
            assert_eq!(
                (what, self.media(), told),
                (what, self.media(), Some(sentence))
            );
            answer.refused(code, sentence);
            assert_eq!(answer.header("content-type"), Some(self.media()), "{what}");
        }
    }

    /// Asserts that the origin answered, and well.
    #[track_caller]
    fn accepted(self, what: &str, answer: &Answer) {
        if matches!(self, Self::Connect) {
            assert_eq!(answer.status, 200, "{what}: {}", answer.text());
            assert_eq!(answer.header("content-type"), Some(CONNECT), "{what}");
        } else {
            answer.accepted();
        }
    }
}

/// A token for `shop`/`release`.
async fn release_token(suite: &Suite) -> Minted {
    let organization = suite.organization().await;
    organization
        .mint_for_release(&suite.gateway, "opaque")
        .await
}

/// A call without a credential.
fn anonymous(suite: &Suite, wire: Wire, path: &str, body: Vec<u8>) -> Call {
    let call = rpc::anonymous(&suite.gateway, 0, path, body).without("content-type");
    call.header("content-type", wire.media())
}

/// The one call that reached the origin since the last reset.
async fn arrived(suite: &Suite, what: &str) -> Value {
    let calls = suite.origin.calls().await;
    let [call] = calls.as_slice() else {
        panic!("{what}: one call reaches the origin, not {calls:#?}")
    };
    call.clone()
}

/// gRPC servers in Go take `; json` for a codec, compare content types case by case, and take the first of several: what
/// is protobuf to the gate would be JSON to them, or text.
async fn r33_the_origin_reads_a_body_as_the_gate_did(suite: &Suite) {
    let token = release_token(suite).await.token;
    let message = rpc::names(SHOP, RELEASE);
    let rows: [(Wire, &[&str], &str); 9] = [
        (
            Wire::Binary,
            &["application/grpc-web;json"],
            "application/grpc-web",
        ),
        (Wire::Binary, &["application/grpc-web+proto; +json"], BINARY),
        (Wire::Binary, &["APPLICATION/GRPC-WEB+PROTO"], BINARY),
        (
            Wire::Binary,
            &["application/grpc-web ;charset=utf-8"],
            "application/grpc-web",
        ),
        (
            Wire::Binary,
            &["application/grpc-web+proto;a=application/grpc-web-text"],
            BINARY,
        ),
        (
            Wire::Binary,
            &["application/grpc-web+proto;a=", "application/grpc-web-text"],
            BINARY,
        ),
        (
            Wire::Text,
            &["application/grpc-web-Text"],
            "application/grpc-web-text",
        ),
        (
            Wire::Text,
            &["application/grpc-web-text;json"],
            "application/grpc-web-text",
        ),
        (
            Wire::Connect,
            &["Application/Proto; charset=utf-8", "application/json"],
            BINARY,
        ),
    ];
    // Both a call that is looked into here and one that is not.
    let signing = "/controlplane.v1.SigningService/GenerateSigningCert";
    for (wire, sent, expected) in rows {
        for path in [FIND_OR_CREATE, signing] {
            let mut call = anonymous(suite, wire, path, wire.body(&message))
                .without("content-type")
                .bearer(&token)
                .header("x-grpc-web-text", "1")
                .header(
                    "accept",
                    "application/grpc-web-text+proto, application/json",
                );
            for media in sent {
                call = call.header("content-type", media);
            }
            suite.origin.reset().await;
            let answer = call.send().await;
            let what = format!("{sent:?}: {}", answer.text());
            let arrived = arrived(suite, &what).await;
            assert_eq!(
                arrived["headers"]["content-type"],
                json!([expected]),
                "{what}"
            );
            let body = sha256_hex(&wire.arriving(&message));
            assert_eq!(arrived["body_sha256"], body, "{what}");
        }
    }
}

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

/// A field of bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 0x80 {
        field.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    field.push(length as u8);
    field.extend(content);
    field
}

/// Messages in messages, this deep.
fn nested(number: u8, depth: usize) -> Vec<u8> {
    (0..depth).fold(Vec::new(), |inside, _| field(number, &inside))
}

async fn messages_that_are_odd_in_every_protocol(suite: &Suite) {
    let token = release_token(suite).await.token;
    let good = rpc::names(SHOP, RELEASE);
    let after = |tail: &[u8]| [good.as_slice(), tail].concat();
    let other = rpc::names(SHOP, OTHER);
    let elsewhere =
        format!("operation not allowed: This auth token is valid only with the project \"{SHOP}\"");
    let no_run = "the message names no workflow run";
    let no_uuid = "the id of the workflow run is not a UUID";
    let unknown = "operation not allowed: no such workflow run in the token's organization";
    let groups = [vec![0x4b; 100], vec![0x4c; 100]].concat();
    let run = random_id();
    let rows: Vec<(&str, &str, Vec<u8>, i32, &str)> = vec![
        (
            "own names, then others",
            INIT,
            [good.clone(), other.clone()].concat(),
            7,
            OTHER_WORKFLOW,
        ),
        (
            "own names, then another project",
            INIT,
            after(&field(5, b"elsewhere")),
            7,
            &elsewhere,
        ),
        (
            "own names, then an empty workflow",
            INIT,
            after(&field(4, b"")),
            7,
            NOT_CONFINED,
        ),
        (
            "own names, then an empty project",
            INIT,
            after(&field(5, b"")),
            7,
            NOT_CONFINED,
        ),
        ("no names", INIT, Vec::new(), 7, NOT_CONFINED),
        (
            "empty names",
            INIT,
            [field(4, b""), field(5, b"")].concat(),
            7,
            NOT_CONFINED,
        ),
        (
            "a workflow that is a number",
            INIT,
            after(b"\x20\x01"),
            3,
            OTHER_TYPE,
        ),
        (
            "a workflow of 8 bytes",
            INIT,
            after(b"\x21release!"),
            3,
            OTHER_TYPE,
        ),
        (
            "a project of 4 bytes",
            INIT,
            after(b"\x2dshop"),
            3,
            OTHER_TYPE,
        ),
        (
            "a workflow that is a group",
            INIT,
            after(b"\x23\x24"),
            3,
            GROUP,
        ),
        (
            "others inside a group",
            INIT,
            after(&[&[0x4b][..], &other, &[0x4c]].concat()),
            3,
            GROUP,
        ),
        ("groups 100 deep", INIT, after(&groups), 3, GROUP),
        ("the end of a group", INIT, after(b"\x4c"), 3, GROUP),
        (
            "a length past the end",
            INIT,
            after(b"\x22\x7fab"),
            3,
            TRUNCATED,
        ),
        (
            "a length of 2^63",
            INIT,
            after(b"\x22\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
            3,
            TRUNCATED,
        ),
        (
            "a workflow 1,001 times",
            INIT,
            field(4, RELEASE.as_bytes()).repeat(1001),
            3,
            REPEATED,
        ),
        (
            "a run 1,000,000 times",
            STORE,
            field(2, b"").repeat(1_000_000),
            3,
            REPEATED,
        ),
        ("no run", STORE, Vec::new(), 3, no_run),
        ("an empty run", STORE, field(2, b""), 3, no_run),
        (
            "an empty run after one",
            STORE,
            [field(2, run.as_bytes()), field(2, b"")].concat(),
            3,
            no_run,
        ),
        (
            "a run that is none",
            CANCEL,
            field(1, b"release"),
            3,
            no_uuid,
        ),
        (
            "a run and a null byte",
            CANCEL,
            field(1, format!("{run}\0").as_bytes()),
            3,
            no_uuid,
        ),
        (
            "a run in a group",
            CANCEL,
            [&[0x0b][..], &field(1, run.as_bytes()), &[0x0c]].concat(),
            3,
            GROUP,
        ),
        (
            "a run of nobody",
            CANCEL,
            field(1, run.as_bytes()),
            7,
            unknown,
        ),
    ];
    suite.origin.reset().await;
    for wire in WIRES {
        for (what, path, message, code, sentence) in &rows {
            let call = anonymous(suite, wire, path, wire.body(message)).bearer(&token);
            let answer = call.send().await;
            wire.refused(what, &answer, *code, sentence);
        }
    }
    // Of a run that it does not know, the gate asks.
    suite
        .origin
        .assert_only_asked_for_runs("odd messages")
        .await;
}

async fn messages_that_are_odd_and_lawful_go_on_byte_for_byte(suite: &Suite) {
    let token = release_token(suite).await.token;
    let good = rpc::names(SHOP, RELEASE);
    let rows = [
        (
            "others, then own names",
            [rpc::names(SHOP, OTHER), good.clone()].concat(),
        ),
        (
            "an unknown field 100 deep",
            [good.clone(), nested(15, 100)].concat(),
        ),
        (
            "others inside an unknown field",
            [good.clone(), field(15, &rpc::names("elsewhere", OTHER))].concat(),
        ),
        ("own names 500 times", good.repeat(500)),
        (
            "a tag that is longer than needed",
            [
                &[0xa2, 0x80, 0x00, 0x07][..],
                RELEASE.as_bytes(),
                &field(5, SHOP.as_bytes()),
            ]
            .concat(),
        ),
    ];
    for wire in WIRES {
        for (what, message) in &rows {
            suite.origin.reset().await;
            let call = anonymous(suite, wire, FIND_OR_CREATE, wire.body(message));
            wire.accepted(what, &call.bearer(&token).send().await);
            let arrived = arrived(suite, what).await;
            let body = sha256_hex(&wire.arriving(message));
            assert_eq!(arrived["body_sha256"], body, "{wire:?}: {what}");
        }
    }
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

async fn r33_paths_that_are_not_exact_in_every_protocol(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint(&suite.gateway, &json!({})).await.token;
    let service = "/controlplane.v1.AttestationService";
    let denied = [
        format!("{service}//Init"),
        format!("{service}/Init/"),
        format!("{service}/Init//"),
        format!("{service}/init"),
        format!("{service}/Init/Init"),
        format!("{service}%2FInit"),
        format!("{service}%2fInit"),
        format!("{service}%5CInit"),
        format!("{service}/%49nit"),
        format!("{service}/Init%00"),
        format!("{service}/Init%0a"),
        format!("{service}/Init;v=1"),
        format!("{service}/Init?x"),
        format!("{service}/x/../Init"),
        format!("{service}/../AttestationService/Init"),
        format!("{service}/./Init"),
        format!("{service}/%2e/Init"),
        format!("{service}/x/%2e%2e/Init"),
        format!("{service}/Init/.."),
        format!("{service}/Init/%2e%2e/Delete"),
        "/controlplane.v1./AttestationService/Init".to_owned(),
    ];
    let nowhere = [
        "//controlplane.v1.AttestationService/Init",
        "/./x/controlplane.v1.AttestationService/Init",
        "/x/controlplane.v1.AttestationService/Init",
        "/Controlplane.v1.AttestationService/Init",
        "/controlplane%2ev1.AttestationService/Init",
        "/controlplane.v1/AttestationService/Init",
    ];
    let message = rpc::names(SHOP, RELEASE);
    suite.origin.reset().await;
    for wire in WIRES {
        for path in &denied {
            let call = || anonymous(suite, wire, path, wire.body(&message));
            wire.refused(path, &call().bearer(&token).send().await, 7, DENIED);
            wire.refused(path, &call().send().await, 16, "JWT token is missing");
        }
        for path in nowhere {
            let call = anonymous(suite, wire, path, wire.body(&message));
            call.bearer(&token).send().await.problem(404, "not_found");
        }
    }
    suite.origin.assert_untouched("paths").await;
}

async fn methods_that_are_not_post(suite: &Suite) {
    let token = release_token(suite).await.token;
    let message = rpc::names(SHOP, RELEASE);
    suite.origin.reset().await;
    for wire in WIRES {
        for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE"] {
            // `POST` in a header is no method.
            let call = Call::new(
                &suite.gateway.http,
                method,
                &format!("{}{FIND_OR_CREATE}", suite.gateway.url(0)),
            )
            .header("content-type", wire.media())
            .header("x-http-method", "POST")
            .header("x-http-method-override", "POST")
            .header("x-method-override", "POST")
            .bearer(&token);
            let body = match method {
                "GET" | "HEAD" => Vec::new(),
                _ => wire.body(&message),
            };
            let answer = call.body(body).send().await;
            match wire {
                Wire::Connect if method == "HEAD" => assert_eq!(answer.status, 405),
                Wire::Connect => {
                    let error = answer.json(405);
                    assert_eq!(error["code"], "unimplemented", "{method}");
                    assert_eq!(error["message"], "use POST here", "{method}");
                }
                _ => answer.refused(12, "use POST here"),
            }
        }
    }
    suite.origin.assert_untouched("methods").await;
}

/// What the gate sets on its way to the origin, or must keep from it, whoever sends it: a list of its own here, so that a
/// name that is lost there fails.
const OURS: [&str; 17] = [
    "cf-access-authenticated-user-email",
    "forwarded",
    "postern-assertion",
    "postern-organization",
    "x-forwarded-client-cert",
    "x-forwarded-email",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-user",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-real-ip",
    "x-request-id",
    "x-rewrite-url",
];

async fn headers_that_the_gate_sets_cannot_be_brought(suite: &Suite) {
    let token = release_token(suite).await.token;
    let message = rpc::names(SHOP, RELEASE);
    for name in OURS {
        assert!(is_kept_away(name), "{name} is not kept away");
    }
    for wire in WIRES {
        let address = random_address();
        let mut call = anonymous(suite, wire, FIND_OR_CREATE, wire.body(&message))
            .without("cf-connecting-ip")
            .without("x-grpc-web")
            .from(&address)
            .bearer(&token);
        // Each twice, and once as what `Connection` names.
        for name in OURS {
            call = call.header(name, "forged").header(name, "forged");
        }
        for name in HOP_BY_HOP {
            // These the client itself needs.
            if !["connection", "expect", "transfer-encoding", "upgrade"].contains(&name) {
                call = call.header(name, "forged");
            }
        }
        call = call
            .header(
                "connection",
                "x-forwarded-for, x-request-id, traceparent, x-nominated",
            )
            .header("connection", "authorization, content-type, x-grpc-web")
            .header("x-nominated", "forged")
            .header("tracestate", "forged=1")
            .header("traceparent", "forged")
            .header(
                "traceparent",
                "00-11111111111111111111111111111111-1111111111111111-01",
            )
            .header("connect-timeout-ms", "20000")
            .header("x-grpc-web", "forged");
        if matches!(wire, Wire::Connect) {
            call = call
                .header("grpc-timeout", "forged")
                .header("grpc-encoding", "forged")
                .header("connect-protocol-version", "1");
        }
        suite.origin.reset().await;
        let answer = call.send().await;
        wire.accepted("headers", &answer);
        let arrived = arrived(suite, "headers").await;
        let headers = arrived["headers"].as_object().expect("headers");
        let text = arrived["headers"].to_string();
        assert!(!text.contains("forged"), "{wire:?}: {headers:#?}");
        assert_eq!(headers["x-forwarded-for"], json!([address]), "{wire:?}");
        assert_eq!(
            headers["x-request-id"],
            json!([answer.header("x-request-id").expect("an id")])
        );
        let trace = headers["traceparent"].as_array().expect("a trace");
        assert_eq!(trace.len(), 1, "{trace:?}");
        assert!(!trace[0].to_string().contains("1111111111111111-01"));
        assert_eq!(
            headers["authorization_sha256"],
            json!([sha256_hex(format!("Bearer {token}").as_bytes())])
        );
        if matches!(wire, Wire::Connect) {
            assert_eq!(headers["grpc-timeout"], json!(["20000m"]));
            assert_eq!(headers["x-grpc-web"], json!(["1"]));
        }
        let timing = answer.header("server-timing").expect("the gate's share");
        assert!(timing.starts_with("gate;dur="), "{timing}");
    }
}

async fn credentials_that_are_not_one_in_every_protocol(suite: &Suite) {
    let token = release_token(suite).await.token;
    let other = release_token(suite).await.token;
    let good = format!("Bearer {token}");
    let two = format!("Bearer {token}, Bearer {other}");
    let comma = format!("Bearer {token},{other}");
    let late = format!("Basic eDp5, Bearer {token}");
    let space = format!("Bearer {token} {other}");
    let quoted = format!("Bearer \"{token}\"");
    let parameter = format!("Bearer token={token}");
    let empty = String::new();
    const INVALID: &str = "Token is invalid";
    let rows: [(&str, Vec<&String>, &str); 9] = [
        ("two headers", vec![&good, &good], INVALID),
        (
            "a good header and an empty one",
            vec![&good, &empty],
            INVALID,
        ),
        ("two in one", vec![&two], INVALID),
        ("two with a comma", vec![&comma], INVALID),
        ("another scheme first", vec![&late], INVALID),
        ("two with a space", vec![&space], INVALID),
        ("in quotation marks", vec![&quoted], INVALID),
        ("as a parameter", vec![&parameter], INVALID),
        ("an empty header", vec![&empty], "JWT token is missing"),
    ];
    let message = rpc::names(SHOP, RELEASE);
    suite.origin.reset().await;
    for wire in WIRES {
        for (what, headers, sentence) in &rows {
            let mut call = anonymous(suite, wire, FIND_OR_CREATE, wire.body(&message));
            for value in headers {
                call = call.header("authorization", value);
            }
            wire.refused(what, &call.send().await, 16, sentence);
        }
        // What carries a credential elsewhere carries none here.
        let path = format!("{FIND_OR_CREATE}?access_token={token}");
        let call = anonymous(suite, wire, &path, wire.body(&message));
        wire.refused("a query", &call.send().await, 16, "JWT token is missing");
        for name in [
            "cookie",
            "proxy-authorization",
            "x-authorization",
            "grpc-metadata-authorization",
        ] {
            let call = anonymous(suite, wire, FIND_OR_CREATE, wire.body(&message));
            let answer = call.header(name, &good).send().await;
            wire.refused(name, &answer, 16, "JWT token is missing");
        }
    }
    suite.origin.assert_untouched("credentials").await;
    // The runtime drops an empty header before another one. What was checked is then all that the origin gets.
    let call = anonymous(
        suite,
        Wire::Binary,
        FIND_OR_CREATE,
        Wire::Binary.body(&message),
    );
    let call = call
        .header("authorization", "")
        .header("authorization", &good);
    call.send().await.accepted();
    let arrived = arrived(suite, "an empty header and a good one").await;
    assert_eq!(
        arrived["headers"]["authorization_sha256"],
        json!([sha256_hex(good.as_bytes())])
    );
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
