//! The bytes the origin answers with over gRPC-Web, without our own client in
//! between: a gateway in front of it meets exactly these.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_origin::proto::{FindOrCreateWorkflowRequest, FindOrCreateWorkflowResponse};
use prost::Message as _;

use crate::support::{Answer, Origin, TOKEN, frame, workflow};

const FIND: &str = "/controlplane.v1.AttestationService/FindOrCreateWorkflow";
const BINARY: &str = "application/grpc-web+proto";
const TEXT: &str = "application/grpc-web-text";

async fn call(origin: &Origin, path: &str, content_type: &str, body: Vec<u8>) -> Answer {
    let authorization = format!("Bearer {TOKEN}");
    origin
        .send(
            "POST",
            path,
            &[
                ("content-type", content_type),
                ("authorization", &authorization),
            ],
            body,
        )
        .await
}

fn message(project: &str) -> Vec<u8> {
    frame(0, &workflow(project, "release").encode_to_vec())
}

#[track_caller]
fn check_failed(answer: &Answer, status: &str, message: &str) {
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["grpc-status"], status);
    let said = answer.headers["grpc-message"].to_str().unwrap();
    assert!(said.contains(message), "`{said}` is not about `{message}`");
    assert!(
        answer.body.is_empty(),
        "no trailer frame: {:?}",
        answer.body
    );
}

#[tokio::test]
async fn success_is_a_message_and_a_trailer_frame() {
    let origin = Origin::start().await;
    let answer = call(&origin, FIND, BINARY, message("demo")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["content-type"], BINARY);
    assert!(!answer.headers.contains_key("grpc-status"));

    let length = u32::from_be_bytes(answer.body[1..5].try_into().unwrap()) as usize;
    let (first, trailer) = answer.body.split_at(5 + length);
    assert_eq!(first[0], 0);
    let decoded = FindOrCreateWorkflowResponse::decode(&first[5..]).unwrap();
    assert_eq!(decoded.result.unwrap().name, "release");
    assert_eq!(trailer, frame(0x80, b"grpc-status:0\r\n"));
    origin.stop().await;
}

#[tokio::test]
async fn text_is_answered_in_text_without_an_accept_header() {
    let origin = Origin::start().await;
    let body = STANDARD.encode(message("demo")).into_bytes();
    let answer = call(&origin, FIND, TEXT, body).await;
    assert_eq!(
        answer.headers["content-type"],
        "application/grpc-web-text+proto"
    );
    assert!(answer.body.iter().all(|b| b.is_ascii_graphic()));
    assert!(
        answer.body.ends_with(
            STANDARD
                .encode(frame(0x80, b"grpc-status:0\r\n"))
                .as_bytes()
        )
    );
    assert!(
        origin.calls().await[0]["headers"].get("accept").is_none(),
        "shown as received"
    );
    origin.stop().await;
}

#[tokio::test]
async fn failures_are_headers_without_a_body() {
    let origin = Origin::start().await;
    let text = |body: &[u8]| STANDARD.encode(body).into_bytes();
    check_failed(
        &call(&origin, FIND, BINARY, message("Demo")).await,
        "3",
        "project_name",
    );
    check_failed(
        &call(&origin, FIND, TEXT, text(&message("Demo"))).await,
        "3",
        "project_name",
    );
    let anonymous = origin
        .send("POST", FIND, &[("content-type", BINARY)], message("demo"))
        .await;
    check_failed(&anonymous, "16", "JWT%20token%20is%20missing");
    origin.stop().await;
}

#[tokio::test]
async fn unknown_calls_and_other_protocols() {
    let origin = Origin::start().await;
    for path in [
        "/controlplane.v1.WorkflowService/Update",
        "/controlplane.v1.APITokenService/Create",
        "/controlplane.v1.Other/Call",
        "/",
    ] {
        let answer = call(&origin, path, BINARY, message("demo")).await;
        assert_eq!(
            (answer.status, answer.headers["grpc-status"].as_bytes()),
            (StatusCode::OK, &b"12"[..]),
            "{path}"
        );
    }
    let check = async |method: &str, content_type: &str, status: StatusCode| {
        let answer = origin
            .send(method, FIND, &[("content-type", content_type)], Vec::new())
            .await;
        assert_eq!(answer.status, status, "{method} {content_type}");
    };
    check("GET", BINARY, StatusCode::METHOD_NOT_ALLOWED).await;
    check("POST", "application/json", StatusCode::BAD_REQUEST).await;
    check("POST", "application/grpc", StatusCode::BAD_REQUEST).await;
    origin.stop().await;
}

#[tokio::test]
async fn broken_bodies_create_nothing() {
    let origin = Origin::start().await;
    let whole = message("demo");
    let broken: [Vec<u8>; 5] = [
        Vec::new(),
        whole[..3].to_vec(),
        whole[..whole.len() - 1].to_vec(),
        frame(0, b"\xff\xff\xff"),
        [frame(7, b""), whole.clone()].concat(),
    ];
    for body in broken {
        let answer = call(&origin, FIND, BINARY, body.clone()).await;
        assert_ne!(answer.headers["grpc-status"], "0", "{body:?}");
        assert!(answer.body.is_empty());
    }
    let oversized = call(&origin, FIND, BINARY, vec![0; MOST + 1]).await;
    assert_eq!(oversized.status, StatusCode::PAYLOAD_TOO_LARGE);

    // Nothing was made: the project is unknown still.
    let init = "/controlplane.v1.AttestationService/Init";
    let asked = FindOrCreateWorkflowRequest {
        ..workflow("demo", "release")
    };
    let answer = call(&origin, init, BINARY, frame(0, &asked.encode_to_vec())).await;
    check_failed(&answer, "5", "project%20not%20found");
    origin.stop().await;
}

/// The largest body that the gateway lets through.
const MOST: usize = 10 * 1024 * 1024;

#[tokio::test]
async fn a_body_as_large_as_the_gateway_lets_through_is_read() {
    let origin = Origin::start().await;
    let mut large = workflow("demo", "release");
    // A field of that size takes a tag and four bytes of length.
    let around = frame(0, &large.encode_to_vec()).len() + 5;
    large.contract_bytes = vec![b' '; MOST - around];
    let body = frame(0, &large.encode_to_vec());
    assert_eq!(body.len(), MOST);
    let taken = call(&origin, FIND, BINARY, body).await;
    assert_eq!(taken.status, StatusCode::OK);
    // An answer with a message: its status stands in a trailer behind it.
    let status = taken.headers.get("grpc-status");
    assert!(status.is_none(), "{status:?}");
    assert!(!taken.body.is_empty());
    origin.stop().await;
}
