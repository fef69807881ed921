//! Our client against a hand-made server that answers with fixed bytes: every
//! shape a gateway, a control plane or something in between may answer in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_origin::client::{Wire, connect_as};
use postern_origin::proto::{FindOrCreateWorkflowResponse, WorkflowItem};
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tonic::{Code, Status};

use crate::support::{TOKEN, frame, workflow};

const BINARY: &str = "content-type: application/grpc-web+proto\r\n";
const TEXT: &str = "content-type: application/grpc-web-text+proto\r\n";

/// Answers one request with `answer`, then hangs up.
async fn server(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !ended(&request) {
            assert_ne!(
                socket.read_buf(&mut request).await.unwrap(),
                0,
                "request broke off"
            );
        }
        socket.write_all(&answer).await.unwrap();
        socket.shutdown().await.unwrap();
    });
    url
}

fn ended(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, _)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.expect("calls are sent whole").parse().unwrap();
    request.len() >= head.len() + 4 + length
}

fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

async fn call(answer: Vec<u8>, wire: Wire) -> Result<String, Status> {
    let mut client = connect_as(&server(answer).await, TOKEN, wire).unwrap();
    let answer = client
        .find_or_create_workflow(workflow("demo", "release"))
        .await?;
    Ok(answer.into_inner().result.unwrap_or_default().name)
}

async fn check_error(answer: Vec<u8>, code: Code, message: &str) {
    for wire in [Wire::Binary, Wire::Text] {
        let status = call(answer.clone(), wire).await.unwrap_err();
        assert_eq!(status.code(), code, "{status:?}");
        assert!(
            status.message().contains(message),
            "`{}` is not about `{message}`",
            status.message()
        );
    }
}

fn message() -> Vec<u8> {
    let item = WorkflowItem {
        name: "release".into(),
        ..Default::default()
    };
    frame(
        0,
        &FindOrCreateWorkflowResponse { result: Some(item) }.encode_to_vec(),
    )
}

#[tokio::test]
async fn status_in_the_headers_without_a_body() {
    // The form of the gateway's refusals, and of the control plane's.
    let denied = "grpc-status: 7\r\ngrpc-message: operation%20not allowed%3A \u{221e}\r\n"
        .replace('\u{221e}', "%E2%88%9E");
    for content_type in ["", BINARY, TEXT] {
        let answer = http("200 OK", &format!("{content_type}{denied}"), b"");
        check_error(
            answer,
            Code::PermissionDenied,
            "operation not allowed: \u{221e}",
        )
        .await;
    }
    let upper_case = "Grpc-Status: 16\r\nGrpc-Message: JWT token is missing\r\n";
    check_error(
        http("200 OK", upper_case, b""),
        Code::Unauthenticated,
        "JWT token is missing",
    )
    .await;
    let and_http = http(
        "503 Service Unavailable",
        "grpc-status: 14\r\ngrpc-message: origin down\r\n",
        b"",
    );
    check_error(and_http, Code::Unavailable, "origin down").await;
}

#[tokio::test]
async fn status_in_a_trailer_frame() {
    let trailer = frame(
        0x80,
        b"grpc-status: 7\r\ngrpc-message: operation%20not%20allowed\r\n",
    );
    check_error(
        http("200 OK", BINARY, &trailer),
        Code::PermissionDenied,
        "operation not allowed",
    )
    .await;
    let text = STANDARD.encode(&trailer);
    check_error(
        http("200 OK", TEXT, text.as_bytes()),
        Code::PermissionDenied,
        "operation not allowed",
    )
    .await;
}

#[tokio::test]
async fn message_and_trailer_frame() {
    let trailer = frame(0x80, b"grpc-status:0\r\n");
    let frames = [message(), trailer.clone()].concat();
    let each = [STANDARD.encode(message()), STANDARD.encode(&trailer)].concat();
    let whole = STANDARD.encode(&frames);
    for wire in [Wire::Binary, Wire::Text] {
        for (content_type, body) in [
            (BINARY, &frames[..]),
            (TEXT, each.as_bytes()),
            (TEXT, whole.as_bytes()),
        ] {
            let name = call(http("200 OK", content_type, body), wire)
                .await
                .unwrap();
            assert_eq!(name, "release", "{content_type}");
        }
    }
}

#[tokio::test]
async fn an_incomplete_answer_is_no_success() {
    let trailer = frame(0x80, b"grpc-status:0\r\n");
    let frames = [message(), trailer.clone()].concat();
    check_error(
        http("200 OK", BINARY, &message()),
        Code::Unknown,
        "missing grpc-status",
    )
    .await;
    check_error(
        http("200 OK", BINARY, &message()[..7]),
        Code::DataLoss,
        "incomplete",
    )
    .await;
    check_error(
        http("200 OK", BINARY, &frames[..frames.len() - 2]),
        Code::DataLoss,
        "incomplete",
    )
    .await;
    check_error(
        http("200 OK", BINARY, b""),
        Code::Unknown,
        "missing grpc-status",
    )
    .await;
    check_error(
        http("200 OK", BINARY, &trailer),
        Code::Internal,
        "Missing response message",
    )
    .await;
    check_error(
        http("200 OK", "grpc-status: 0\r\n", b""),
        Code::Internal,
        "Missing response message",
    )
    .await;
    check_error(http("200 OK", TEXT, b"AAA"), Code::Internal, "not base64").await;
}

#[tokio::test]
async fn answers_that_are_not_grpc_web() {
    let json = "content-type: application/problem+json\r\n";
    check_error(
        http("404 Not Found", json, b"{\"code\":\"no_route\"}"),
        Code::Unimplemented,
        "HTTP 404 without a gRPC status: {\"code\"",
    )
    .await;
    check_error(
        http("401 Unauthorized", json, b"{}"),
        Code::Unauthenticated,
        "HTTP 401",
    )
    .await;
    check_error(
        http("502 Bad Gateway", "", b"<html>\r\n"),
        Code::Unavailable,
        "HTTP 502 without a gRPC status: <html>",
    )
    .await;
    check_error(
        http("200 OK", json, b"{}"),
        Code::Unknown,
        "HTTP 200 without a gRPC status",
    )
    .await;
    check_error(
        http("302 Found", "location: /elsewhere\r\n", b""),
        Code::Unknown,
        "HTTP 302",
    )
    .await;
}

#[tokio::test]
async fn no_answer() {
    check_error(Vec::new(), Code::Unavailable, "no answer from the server").await;
    let cut = http("200 OK", BINARY, &message());
    check_error(
        cut[..cut.len() - 1].to_vec(),
        Code::Unavailable,
        "broke off",
    )
    .await;

    let unused = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let mut client = connect_as(&format!("http://{unused}"), TOKEN, Wire::Binary).unwrap();
    let status = client
        .find_or_create_workflow(workflow("demo", "release"))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(
        status.message().to_lowercase().contains("refused"),
        "{status:?}"
    );
}
