//! Limits, deadlines and ends: each is met by a status, and by nothing reaching or holding the
//! gateway that should not.

use std::time::{Duration, Instant};

use postern_cli::bridge;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tonic::Code;

use crate::raw;
use crate::support::{
    BINARY, Bridge, Handmade, Plan, find, frame, good, http, message, origin, trailer, workflow,
};

#[tokio::test]
async fn a_request_message_above_the_limit() {
    let server = Handmade::answering(good()).await;
    let bridge = Bridge::start(&server.url, &["--max-message", "1000"]).await;
    let mut client = bridge.client().await;
    assert_eq!(find(&mut client).await.unwrap(), "release");

    for size in [1000, 1 << 20] {
        let mut request = workflow();
        request.get_mut().contract_bytes = vec![7; size];
        let status = client.find_or_create_workflow(request).await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
        let message = "more than the bridge passes on";
        assert!(status.message().contains(message), "{status:?}");
    }
    // Not a byte of the larger messages.
    let bodies = server.seen.lock().unwrap().bodies.len();
    assert_eq!(bodies, 1);
}

#[tokio::test]
async fn messages_pass_as_far_as_the_gateway_takes_them() {
    let server = Handmade::answering(good()).await;
    let bridge = Bridge::start(&server.url, &[]).await;
    let mut client = bridge.client().await;
    let mut request = workflow();
    let empty = prost::Message::encoded_len(request.get_ref());
    // A field of that size takes a tag and four bytes of length; a frame has a head of five.
    let largest = (10 << 20) - 5;
    assert_eq!(bridge::MAX_REQUEST, largest);
    request.get_mut().contract_bytes = vec![7; largest - empty - 5];
    assert!(client.find_or_create_workflow(request).await.is_ok());

    let mut request = workflow();
    request.get_mut().contract_bytes = vec![7; largest - empty - 4];
    let began = Instant::now();
    let status = client.find_or_create_workflow(request).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    assert!(status.message().contains("10485756 bytes"), "{status:?}");
    // The stock client would repeat UNAVAILABLE for three minutes.
    assert!(began.elapsed() < Duration::from_secs(2), "at once");
    assert_eq!(server.seen.lock().unwrap().bodies.len(), 1);
}

#[tokio::test]
async fn answers_pass_as_far_as_the_stock_client_takes_them() {
    let answer = |bytes: usize| {
        let body = [frame(0, &vec![0; bytes]), trailer("grpc-status: 0\r\n")].concat();
        http("200 OK", BINARY, &body)
    };
    for (bytes, passes) in [(bridge::MAX_ANSWER, true), (bridge::MAX_ANSWER + 1, false)] {
        let server = Handmade::answering(answer(bytes)).await;
        let bridge = Bridge::start(&server.url, &[]).await;
        let (head, data, trailers) = raw::call(bridge.address).await;
        let status = trailers.unwrap_or(head.headers);
        let expected = if passes { ("0", bytes + 5) } else { ("8", 0) };
        let found = (status["grpc-status"].to_str().unwrap(), data.len());
        assert_eq!(found, expected, "{bytes}");
    }
    assert_eq!(bridge::MAX_ANSWER, 32 << 20);
}

#[tokio::test]
async fn an_answer_message_above_the_limit() {
    let end = trailer("grpc-status: 0\r\n");
    let answer = |name: usize| {
        let body = [message(&"n".repeat(name)), end.clone()].concat();
        http("200 OK", BINARY, &body)
    };
    let flags = ["--max-message", "1000"];
    let server = Handmade::answering(answer(900)).await;
    let bridge = Bridge::start(&server.url, &flags).await;
    assert_eq!(find(&mut bridge.client().await).await.unwrap().len(), 900);

    let server = Handmade::answering(answer(1001)).await;
    let bridge = Bridge::start(&server.url, &flags).await;
    let status = find(&mut bridge.client().await).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    assert!(status.message().starts_with("the answer has a message of"));
}

#[tokio::test]
async fn metadata_of_an_answer_above_the_limit() {
    let long = |bytes: usize| "n".repeat(bytes);
    let too_much = Some("the answer has more metadata than the bridge passes on");
    let error = "grpc-status: 7\r\ngrpc-message: no\r\n";
    for (head, lines, expected) in [
        // Each block alone is in order.
        (15_500, 15_500, None),
        (16_500, 10, too_much),
        (60_000, 10, too_much),
        (10, 16_000, too_much),
        (10, 16_500, too_much),
        (10, 1 << 20, too_much),
    ] {
        let headers = format!("{BINARY}x: {}\r\n", long(head));
        let ok = trailer(&format!("grpc-status: 0\r\nx: {}\r\n", long(lines)));
        let no = trailer(&format!("{error}x: {}\r\n", long(lines)));
        for (body, code, message) in [
            ([message("release"), ok].concat(), Code::Ok, ""),
            (no, Code::PermissionDenied, "no"),
        ] {
            let server = Handmade::answering(http("200 OK", &headers, &body)).await;
            let bridge = Bridge::start(&server.url, &[]).await;
            let answer = find(&mut bridge.client().await).await;
            let status = answer.err().unwrap_or_else(|| tonic::Status::ok(""));
            let (code, message) = match expected {
                None => (code, message),
                Some(message) => (Code::ResourceExhausted, message),
            };
            assert_eq!(
                (status.code(), status.message()),
                (code, message),
                "{head} {lines}"
            );
        }
    }
}

#[tokio::test]
async fn request_headers_above_the_limit() {
    let server = Handmade::answering(good()).await;
    let bridge = Bridge::start(&server.url, &[]).await;
    let mut client = bridge.client().await;
    for (size, taken) in [(30_000, true), (40_000, false)] {
        let mut request = workflow();
        let value = "v".repeat(size).parse().unwrap();
        request.metadata_mut().insert("x-long", value);
        let answer = client.find_or_create_workflow(request).await;
        assert_eq!(answer.is_ok(), taken, "{size}: {answer:?}");
    }
    assert_eq!(server.seen.lock().unwrap().heads.len(), 1);
}

#[tokio::test]
async fn requests_that_are_no_frames() {
    let server = Handmade::answering(good()).await;
    let bridge = Bridge::start(&server.url, &[]).await;
    for (body, message) in [
        (
            frame(0x80, b"grpc-status: 0\r\n"),
            "the request has a frame that is not a message (flag 128)",
        ),
        (vec![0, 0, 0], "the request ends within a frame"),
        (vec![0, 0, 0, 0, 9, 1], "the request ends within a frame"),
    ] {
        let (head, _, _) = raw::call_with(bridge.address, "application/grpc", &body).await;
        assert_eq!(head.headers["grpc-status"], "3");
        assert_eq!(head.headers["grpc-message"], message);
    }
    assert!(server.seen.lock().unwrap().bodies.is_empty());
}

#[tokio::test]
async fn compressed_messages_pass_as_they_come() {
    let server = Handmade::answering(good()).await;
    let bridge = Bridge::start(&server.url, &[]).await;
    let body = frame(1, b"not looked into");
    raw::call_with(bridge.address, "application/grpc+proto", &body).await;
    let bodies = server.seen.lock().unwrap().bodies.concat();
    assert!(bodies.windows(body.len()).any(|window| window == body));
}

#[tokio::test]
async fn streams_at_once() {
    let server = Handmade::answering(good()).await;
    let bridge = Bridge::start(&server.url, &["--max-streams", "2"]).await;
    let client = bridge.client().await;
    // The first answer brings the setting with it.
    find(&mut client.clone()).await.unwrap();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..30 {
        let mut client = client.clone();
        calls.spawn(async move { find(&mut client).await.unwrap() });
    }
    while let Some(name) = calls.join_next().await {
        assert_eq!(name.unwrap(), "release");
    }
    let most = server.seen.lock().unwrap().most;
    assert!(most <= 2, "{most} at once");
}

#[tokio::test]
async fn a_deadline_ends_the_call_on_both_sides() {
    let head = format!("HTTP/1.1 200 OK\r\n{BINARY}content-length: 1000\r\n\r\n").into_bytes();
    let started = [head.clone(), message("release")].concat();
    for hang in [Vec::new(), head, started] {
        let server = Handmade::start(Plan::Hang(hang)).await;
        let bridge = Bridge::start(&server.url, &[]).await;
        // Said in the header only: tonic's own clock must not be what ends the call.
        let (head, _, trailers) = raw::call_within(bridge.address, "100m").await;
        let status = trailers.unwrap_or(head.headers);
        assert_eq!(status["grpc-status"], "4");
        assert_eq!(status["grpc-message"], "the call took too long");
        server
            .until("the gateway's call ends", |seen| seen.gone == 1)
            .await;
        assert!(server.seen.lock().unwrap().heads[0].contains("grpc-timeout: 100m\r\n"));
        let log = bridge.log(1).await;
        assert!(log[0].contains(" DEADLINE_EXCEEDED (4) "), "{log:?}");
    }
}

#[tokio::test]
async fn a_call_without_deadline_ends_too() {
    let server = Handmade::start(Plan::Hang(Vec::new())).await;
    let bridge = Bridge::start(&server.url, &["--timeout", "1"]).await;
    let status = find(&mut bridge.client().await).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
}

#[tokio::test]
async fn a_deadline_that_cannot_be_read() {
    let server = Handmade::answering(good()).await;
    let bridge = Bridge::start(&server.url, &[]).await;
    let (head, _, _) = raw::call_within(bridge.address, "soon").await;
    assert_eq!(head.headers["grpc-status"], "3");
    assert!(server.seen.lock().unwrap().heads.is_empty());
}

#[tokio::test]
async fn a_caller_that_gives_up_ends_the_gateways_call() {
    let head = format!("HTTP/1.1 200 OK\r\n{BINARY}content-length: 1000\r\n\r\n").into_bytes();
    let started = [head.clone(), message("release")].concat();
    for hang in [Vec::new(), head, started] {
        let server = Handmade::start(Plan::Hang(hang)).await;
        let bridge = Bridge::start(&server.url, &[]).await;
        let mut client = bridge.client().await;
        let call = tokio::spawn(async move { find(&mut client).await });
        server
            .until("the call arrives", |seen| seen.heads.len() == 1)
            .await;
        assert_eq!(server.seen.lock().unwrap().gone, 0);
        call.abort();
        server
            .until("the gateway's call ends", |seen| seen.gone == 1)
            .await;
        let log = bridge.log(1).await;
        assert!(log[0].contains(" CANCELLED (1) "), "{log:?}");
    }
}

#[tokio::test]
async fn no_gateway() {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = unused.local_addr().unwrap();
    drop(unused);
    let bridge = Bridge::start(&format!("http://{address}"), &["--json"]).await;
    let status = find(&mut bridge.client().await).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let message = format!("the gateway http://{address} cannot be reached: ");
    assert!(status.message().starts_with(&message), "{status:?}");
    assert!(status.message().contains("refused"), "{status:?}");

    let log = bridge.log(1).await;
    let line: serde_json::Value = serde_json::from_str(&log[0]).unwrap();
    let line = line.as_object().unwrap();
    let names: Vec<_> = line.keys().map(String::as_str).collect();
    let all = ["code", "method", "milliseconds", "status", "time", "why"];
    assert_eq!(names, all);
    assert_eq!(
        (&line["code"], &line["status"]),
        (&14.into(), &"UNAVAILABLE".into())
    );
    assert_eq!(
        line["method"],
        "/controlplane.v1.AttestationService/FindOrCreateWorkflow"
    );
}

#[tokio::test]
async fn a_gateway_that_does_not_greet() {
    // Accepts, and says nothing to a TLS client.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let bridge = Bridge::start(&url, &["--connect-timeout", "1"]).await;
    let status = find(&mut bridge.client().await).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(
        status.message().ends_with("no connection within 1 s"),
        "{status:?}"
    );
}

#[tokio::test]
async fn clients_of_other_protocols_are_told() {
    let bridge = Bridge::start(&origin().await, &[]).await;
    let mut tls = TcpStream::connect(bridge.address).await.unwrap();
    tls.write_all(&[0x16, 3, 1, 0, 5]).await.unwrap();
    let log = bridge.log(1).await;
    assert!(
        log[0].contains("TLS") && log[0].contains("--insecure"),
        "{log:?}"
    );
    let mut plain = TcpStream::connect(bridge.address).await.unwrap();
    plain
        .write_all(b"POST /a.B/C HTTP/1.1\r\nhost: h\r\n\r\n")
        .await
        .unwrap();
    let log = bridge.log(2).await;
    assert!(log[1].contains("did not speak HTTP/2"), "{log:?}");
    // And the bridge goes on.
    assert!(find(&mut bridge.client().await).await.is_ok());
}

#[tokio::test]
async fn messages_pass_before_the_answer_is_whole() {
    let head = format!("HTTP/1.1 200 OK\r\n{BINARY}connection: close\r\n\r\n").into_bytes();
    let first = [head, frame(0, &[1; 1 << 20])].concat();
    // Writes no more than the first message, and no end.
    let server = Handmade::start(Plan::Hang(first)).await;
    let bridge = Bridge::start(&server.url, &[]).await;
    let mut arriving = raw::stream(bridge.address).await;
    let mut got = 0;
    while got < (1 << 20) + 5 {
        let data = arriving.data().await.expect("more").unwrap();
        let mut flow = arriving.flow_control().clone();
        flow.release_capacity(data.len()).unwrap();
        got += data.len();
    }
    drop(arriving);
    server
        .until("the gateway's call ends", |seen| seen.gone == 1)
        .await;
}
