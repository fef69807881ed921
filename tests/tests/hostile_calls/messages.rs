//! Messages that two readers could take in two ways.

use postern_origin::sha256_hex;
use postern_system_tests::organization::{OTHER, RELEASE, SHOP};
use postern_system_tests::rpc::{self, BINARY, CANCEL, FIND_OR_CREATE, INIT, STORE};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id};
use serde_json::json;

use crate::support::{NOT_CONFINED, WIRES, Wire, anonymous, arrived, release_token};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r33_the_origin_reads_a_body_as_the_gate_did,
        messages_that_are_odd_in_every_protocol,
        messages_that_are_odd_and_lawful_go_on_byte_for_byte,
    ]
}

const TRUNCATED: &str = "the message ends in the middle of a field";

const GROUP: &str = "the message has a group or an unknown wire type";

const OTHER_TYPE: &str = "a field that is needed to decide has another type";

const REPEATED: &str = "a field that names something is repeated more than 1000 times";

const OTHER_WORKFLOW: &str =
    "API token is workflow-scoped and cannot create or look up other workflows";

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
