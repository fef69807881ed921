//! A refusal waits for the message that it refuses: a caller that is cut off while it sends sees a
//! broken stream in place of the status. It waits within bounds.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use tonic::Code;

use crate::raw::{self, Opened, PATH};
use crate::support::{BINARY, Bridge, Handmade, Plan, frame, good, http, workflow};

/// Kinds of calls that the bridge itself refuses: method, content type, headers, first bytes, code.
type Refused<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], Vec<u8>, &'a str);

fn refused() -> [Refused<'static>; 4] {
    let grpc = "application/grpc";
    [
        (PATH, "application/json", &[], b"{".to_vec(), "12"),
        (PATH, "application/grpc-web+proto", &[], frame(0, b""), "12"),
        (PATH, grpc, &[("grpc-timeout", "soon")], frame(0, b""), "3"),
        // The head of a message of 11 MiB.
        (PATH, grpc, &[], vec![0, 0, 0xb0, 0, 0], "8"),
    ]
}

/// Sends a piece as flow control allows it.
async fn send(opened: &mut Opened, mut piece: Bytes, end: bool) {
    while !piece.is_empty() {
        opened.body.reserve_capacity(piece.len());
        let room = std::future::poll_fn(|context| opened.body.poll_capacity(context)).await;
        let room = room
            .expect("the stream is open")
            .expect("the stream is open");
        let now = piece.split_to(room.min(piece.len()));
        let last = end && piece.is_empty();
        opened
            .body
            .send_data(now, last)
            .expect("the stream is open");
    }
}

fn status(headers: &HeaderMap) -> &str {
    headers["grpc-status"].to_str().unwrap()
}

#[tokio::test]
async fn the_bridges_own_refusals_wait_for_the_message() {
    let server = Handmade::answering(good()).await;
    let bridge = Bridge::start(&server.url, &[]).await;
    for (path, content_type, headers, first, code) in refused() {
        let mut opened = raw::open(bridge.address, path, content_type, headers).await;
        send(&mut opened, first.into(), false).await;
        let early = tokio::time::timeout(Duration::from_millis(200), &mut opened.answer).await;
        assert!(early.is_err(), "{content_type} {code}: {early:?}");
        // As much as the largest message, and all of it is taken.
        send(&mut opened, vec![7; 11 << 20].into(), true).await;
        let answer = opened.answer.await.expect("a status, and no broken stream");
        assert_eq!(status(answer.headers()), code, "{content_type}");
    }
}

#[tokio::test]
async fn a_message_without_end_is_not_waited_for() {
    let server = Handmade::answering(good()).await;
    let bridge = Bridge::start(&server.url, &[]).await;
    for (path, content_type, headers, first, code) in refused() {
        let began = Instant::now();
        let mut opened = raw::open(bridge.address, path, content_type, headers).await;
        send(&mut opened, first.into(), false).await;
        let answer = (&mut opened.answer).await.unwrap();
        assert_eq!(status(answer.headers()), code, "{content_type}");
        let waited = began.elapsed();
        let bounds = Duration::from_millis(1900)..Duration::from_secs(10);
        assert!(bounds.contains(&waited), "{content_type}: {waited:?}");
    }
    // Nor is one that is longer than anybody means to send, however fast.
    let (path, content_type, headers, first, code) = refused()[0].clone();
    let mut opened = raw::open(bridge.address, path, content_type, headers).await;
    send(&mut opened, first.into(), false).await;
    let mut sent = 0;
    let answer = loop {
        opened.body.reserve_capacity(1 << 20);
        tokio::select! {
            answer = &mut opened.answer => break answer.unwrap(),
            room = std::future::poll_fn(|context| opened.body.poll_capacity(context)) => {
                let Some(Ok(room)) = room else { continue };
                sent += room;
                assert!(sent < 64 << 20, "more than the bridge reads for nothing");
                let _ = opened.body.send_data(vec![7; room].into(), false);
            }
        }
    };
    assert_eq!(status(answer.headers()), code);
    assert!(sent > 31 << 20, "{sent}");
}

/// What a gateway, or what stands before it, says before it has read the message.
#[tokio::test]
async fn an_early_refusal_of_the_gateways_arrives() {
    let headers = format!("{BINARY}grpc-status: 7\r\ngrpc-message: no\r\n");
    let refusal = http("200 OK", &headers, b"");
    for plan in [Plan::AnswerEarly(refusal.clone()), Plan::Close(refusal)] {
        let mut wrong = Vec::new();
        for size in [100, 100_000, 1 << 20, 8 << 20].repeat(10) {
            let server = Handmade::start(plan.clone()).await;
            let bridge = Bridge::start(&server.url, &[]).await;
            let mut client = bridge.client().await;
            let mut request = workflow();
            request.get_mut().contract_bytes = vec![7; size];
            let status = client.find_or_create_workflow(request).await.unwrap_err();
            if (status.code(), status.message()) != (Code::PermissionDenied, "no") {
                wrong.push((size, status.code(), status.message().to_owned()));
            }
        }
        assert!(wrong.is_empty(), "{} of 40: {wrong:#?}", wrong.len());
    }
}
