//! Every shape in which a gateway, a control plane or something in between may answer.

use tonic::Code;

use crate::raw;
use crate::support::{
    BINARY, Bridge, Handmade, Plan, find, frame, good, http, message, trailer, workflow,
};

/// Calls through a bridge to a server that answers so.
async fn call(answer: Vec<u8>) -> Result<String, tonic::Status> {
    let server = Handmade::answering(answer).await;
    let bridge = Bridge::start(&server.url, &[]).await;
    find(&mut bridge.client().await).await
}

async fn refused(answer: Vec<u8>) -> tonic::Status {
    call(answer).await.unwrap_err()
}

async fn check(answer: Vec<u8>, code: Code, message: &str) {
    let status = refused(answer).await;
    assert_eq!(status.code(), code, "{status:?}");
    assert_eq!(status.message(), message);
}

#[tokio::test]
async fn frames_split_at_every_byte() {
    let answer = good();
    let (head, body) = answer.split_at(answer.len() - 50);
    let mut plans: Vec<Vec<Vec<u8>>> = (0..=body.len())
        .map(|at| {
            let (front, back) = body.split_at(at);
            vec![[head, front].concat(), back.to_vec()]
        })
        .collect();
    let mut single: Vec<Vec<u8>> = body.chunks(1).map(<[u8]>::to_vec).collect();
    single.insert(0, head.to_vec());
    plans.push(single);
    for plan in plans {
        let server = Handmade::start(Plan::Answer(plan)).await;
        let bridge = Bridge::start(&server.url, &[]).await;
        assert_eq!(find(&mut bridge.client().await).await.unwrap(), "release");
    }
}

#[tokio::test]
async fn a_chunked_answer() {
    let body = [message("release"), trailer("grpc-status: 0\r\n")].concat();
    let mut answer =
        format!("HTTP/1.1 200 OK\r\n{BINARY}transfer-encoding: chunked\r\n\r\n").into_bytes();
    for piece in body.chunks(7) {
        answer.extend(format!("{:x}\r\n", piece.len()).into_bytes());
        answer.extend(piece);
        answer.extend(b"\r\n");
    }
    answer.extend(b"0\r\n\r\n");
    assert_eq!(call(answer).await.unwrap(), "release");
}

#[tokio::test]
async fn status_in_the_headers_without_a_body() {
    let headers = "grpc-status: 16\r\ngrpc-message: Fail to parse JWT token%20\r\n";
    for content_type in [BINARY, ""] {
        let answer = http("200 OK", &format!("{content_type}{headers}"), b"");
        check(answer, Code::Unauthenticated, "Fail to parse JWT token ").await;
    }
    // A page below it changes nothing, nor does the HTTP status.
    let answer = http("503 Service Unavailable", headers, b"<html>");
    check(answer, Code::Unauthenticated, "Fail to parse JWT token ").await;
}

#[tokio::test]
async fn status_in_a_trailer_frame() {
    // The trailing space stands bare in the frame.
    let lines = "grpc-status: 16\r\ngrpc-message: Fail to parse JWT token \r\n";
    let answer = http("200 OK", BINARY, &trailer(lines));
    check(answer, Code::Unauthenticated, "Fail to parse JWT token ").await;
    let lines = "Grpc-Status:7\r\nGrpc-Message:100%25 %E2%88%9E\r\n";
    let answer = http("200 OK", BINARY, &trailer(lines));
    check(answer, Code::PermissionDenied, "100% \u{221e}").await;
    // After a message.
    let body = [message("release"), trailer("grpc-status: 8\r\n")].concat();
    check(http("200 OK", BINARY, &body), Code::ResourceExhausted, "").await;
}

#[tokio::test]
async fn a_status_has_one_block_of_headers() {
    // tonic does not tell trailers-only from headers and trailers: look at HTTP/2 itself.
    let lines = "grpc-status: 7\r\nx-more: 1\r\n";
    for answer in [
        http("200 OK", &format!("{BINARY}{lines}"), b""),
        http("200 OK", BINARY, &trailer(lines)),
    ] {
        let server = Handmade::answering(answer).await;
        let bridge = Bridge::start(&server.url, &[]).await;
        let (head, data, trailers) = raw::call(bridge.address).await;
        assert_eq!(head.status, 200);
        assert_eq!(head.headers["content-type"], "application/grpc");
        assert_eq!(head.headers["grpc-status"], "7");
        assert_eq!(head.headers["x-more"], "1");
        assert!(!head.headers.contains_key("content-length"));
        assert!(!head.headers.contains_key("connection"));
        assert_eq!((data.len(), trailers), (0, None));
    }
}

#[tokio::test]
async fn details_and_metadata_come_back() {
    let details = "CAcSBWxpbWl0";
    let in_headers = format!(
        "{BINARY}grpc-status: 7\r\ngrpc-message: no\r\ngrpc-status-details-bin: {details}\r\nx-request-id: r1\r\nx-data-bin: AAEC\r\n"
    );
    let lines = format!(
        "grpc-status: 7\r\ngrpc-message: no\r\ngrpc-status-details-bin: {details}\r\nx-data-bin: AAEC\r\n"
    );
    let headers = format!("{BINARY}x-request-id: r1\r\n");
    for answer in [
        http("200 OK", &in_headers, b""),
        http("200 OK", &headers, &trailer(&lines)),
    ] {
        let status = refused(answer).await;
        assert_eq!(status.code(), Code::PermissionDenied);
        assert_eq!(status.details(), b"\x08\x07\x12\x05limit");
        assert_eq!(status.metadata().get("x-request-id").unwrap(), "r1");
        let data = status.metadata().get_bin("x-data-bin").unwrap();
        assert_eq!(data.to_bytes().unwrap(), &b"\x00\x01\x02"[..]);
    }
    // And beside a good answer.
    let body = [
        message("release"),
        trailer("grpc-status: 0\r\nx-late: t\r\n"),
    ]
    .concat();
    let server = Handmade::answering(http("200 OK", &headers, &body)).await;
    let bridge = Bridge::start(&server.url, &[]).await;
    let mut client = bridge.client().await;
    let answer = client.find_or_create_workflow(workflow()).await.unwrap();
    assert_eq!(answer.metadata().get("x-request-id").unwrap(), "r1");
    assert_eq!(answer.metadata().get("x-late").unwrap(), "t");
    assert!(answer.metadata().get("connection").is_none());
}

#[tokio::test]
async fn an_incomplete_answer_is_unavailable() {
    let whole = [message("release"), trailer("grpc-status: 0\r\n")].concat();
    let lacks = "the gateway's answer ends without a gRPC status";
    let cut = "the gateway's answer ends within a frame";
    let broke = "the gateway's answer broke off";
    let unreadable = "the trailer of the answer has no gRPC status";
    for (body, message) in [
        (&b""[..], lacks),
        (&message("release"), lacks),
        (&message("release")[..7], cut),
        (&message("release")[..3], cut),
        (&whole[..whole.len() - 2], cut),
        (&trailer("x-other: 1\r\n"), unreadable),
        (&trailer("grpc-status: OK\r\n"), unreadable),
        (&trailer(""), unreadable),
        (&trailer("grpc-status\r\n"), unreadable),
    ] {
        check(http("200 OK", BINARY, body), Code::Unavailable, message).await;
    }
    let answer = good();
    let answer = answer[..answer.len() - 1].to_vec();
    check(answer, Code::Unavailable, broke).await;
    // Nothing at all.
    let status = refused(Vec::new()).await;
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("did not answer"), "{status:?}");
    let garbled = http("200 OK", BINARY, &frame(0x42, b"?"));
    let message = "the answer is not gRPC-Web: a frame with the flag 66";
    check(garbled, Code::Unavailable, message).await;
}

#[tokio::test]
async fn answers_that_are_not_grpc_web() {
    for (status, code) in [
        ("400 Bad Request", Code::Unknown),
        ("401 Unauthorized", Code::Unauthenticated),
        ("403 Forbidden", Code::PermissionDenied),
        ("404 Not Found", Code::Unimplemented),
        ("429 Too Many Requests", Code::Unavailable),
        ("500 Internal Server Error", Code::Unknown),
        ("502 Bad Gateway", Code::Unavailable),
        ("503 Service Unavailable", Code::Unavailable),
        ("504 Gateway Timeout", Code::Unavailable),
        ("302 Found", Code::Unknown),
    ] {
        let (number, _) = status.split_once(' ').unwrap();
        let message = format!("the gateway answered HTTP {number} without a gRPC status");
        for headers in ["content-type: text/html\r\n", BINARY, ""] {
            check(http(status, headers, b"<html>"), code, &message).await;
        }
    }
    let message = "what answers at the gateway's address does not speak gRPC-Web";
    for headers in [
        "content-type: text/html\r\n",
        "content-type: application/grpc-web-text\r\n",
        "content-type: application/grpc\r\n",
        "",
    ] {
        check(http("200 OK", headers, b"<html>"), Code::Unknown, message).await;
    }
    let gzip = http(
        "200 OK",
        &format!("{BINARY}content-encoding: gzip\r\n"),
        b"x",
    );
    let message = "a proxy before the gateway compresses answers";
    check(gzip, Code::Unavailable, message).await;
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_request() {
    let denied = http("200 OK", "grpc-status: 7\r\ngrpc-message: no\r\n", b"");
    let server = Handmade::start(Plan::AnswerEarly(denied)).await;
    let bridge = Bridge::start(&server.url, &[]).await;
    let mut client = bridge.client().await;
    let mut request = workflow();
    request.get_mut().contract_bytes = vec![7; 8 << 20];
    let status = client.find_or_create_workflow(request).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");
}

#[tokio::test]
async fn callers_that_are_not_grpc() {
    let server = Handmade::answering(good()).await;
    let bridge = Bridge::start(&server.url, &[]).await;
    for (content_type, message) in [
        ("application/json", "the bridge is for native gRPC"),
        ("application/grpc+json", "protobuf messages only"),
        (
            "application/grpc-web",
            "send gRPC-Web to the gateway itself",
        ),
    ] {
        let (head, data, _) = raw::call_with(bridge.address, content_type, b"").await;
        assert_eq!(head.status, 415);
        assert_eq!(head.headers["grpc-status"], "12");
        let told = head.headers["grpc-message"].to_str().unwrap();
        assert!(told.contains(message), "{told}");
        assert!(data.is_empty());
    }
    assert!(server.seen.lock().unwrap().heads.is_empty());
}
