//! The `/debug` routes: what they show, hide and change, and how the origin
//! stops.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use postern_origin::sha256_hex;
use prost::Message as _;

use crate::support::{Origin, TOKEN, begin, frame, workflow};

const FIND: &str = "/controlplane.v1.AttestationService/FindOrCreateWorkflow";

#[tokio::test]
async fn calls_are_shown_as_received() {
    let origin = Origin::start().await;
    let body = frame(0, &workflow("demo", "release").encode_to_vec());
    let headers = [
        ("content-type", "application/grpc-web"),
        ("authorization", "Bearer one"),
        ("authorization", "Bearer two"),
        ("x-forwarded-for", "192.0.2.1"),
        ("X-Many", "first"),
        ("x-many", "second"),
    ];
    origin.send("POST", FIND, &headers, body.clone()).await;

    let calls = origin.calls().await;
    assert_eq!(calls.len(), 1, "asking is not a call");
    let call = &calls[0];
    let keys: Vec<_> = call
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let expected = [
        "at_ms",
        "body_len",
        "body_sha256",
        "headers",
        "http_version",
        "method",
        "path",
        "protocol",
        "query",
    ];
    assert_eq!(keys, expected, "others read these");
    assert_eq!(
        (&call["path"], &call["method"]),
        (&FIND.into(), &"POST".into())
    );
    assert_eq!(call["protocol"], "grpc-web");
    assert_eq!(call["body_len"], body.len());
    assert_eq!(call["body_sha256"], sha256_hex(&body));
    let both = [sha256_hex(b"Bearer one"), sha256_hex(b"Bearer two")];
    assert_eq!(
        call["headers"]["authorization_sha256"],
        serde_json::json!(both)
    );
    assert_eq!(
        call["headers"]["x-many"],
        serde_json::json!(["first", "second"])
    );
    assert_eq!(
        call["headers"]["x-forwarded-for"],
        serde_json::json!(["192.0.2.1"])
    );
    assert!(!String::from_utf8_lossy(&origin.get("/debug/calls").await.body).contains("Bearer"));
    origin.stop().await;
}

#[tokio::test]
async fn reset_forgets_calls_but_not_runs() {
    let origin = Origin::start().await;
    begin(&mut origin.web()).await;
    assert_eq!(origin.calls().await.len(), 2);
    let reset = origin.send("POST", "/debug/reset", &[], Vec::new()).await;
    assert_eq!(reset.status, StatusCode::NO_CONTENT);
    assert!(origin.calls().await.is_empty());
    assert_eq!(origin.runs().await.len(), 1);
    origin.stop().await;
}

#[tokio::test]
async fn a_delay_holds_answers_back() {
    let origin = Origin::start().await;
    let delay = |body: &'static str| origin.send("POST", "/debug/delay", &[], body.into());
    let set = delay(r#"{"ms": 400}"#).await;
    assert_eq!(
        (set.status, &set.body[..]),
        (StatusCode::OK, &br#"{"ms":400}"#[..])
    );
    let started = Instant::now();
    origin
        .web()
        .find_or_create_workflow(workflow("demo", "release"))
        .await
        .unwrap();
    assert!(started.elapsed() >= Duration::from_millis(400));

    for bad in [
        "",
        "200",
        r#"{"ms": -1}"#,
        r#"{"ms": 3600001}"#,
        r#"{"ms": 1, "s": 1}"#,
    ] {
        assert_eq!(delay(bad).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    assert_eq!(delay(r#"{"ms": 0}"#).await.status, StatusCode::OK);
    let started = Instant::now();
    origin
        .web()
        .find_or_create_workflow(workflow("demo", "release"))
        .await
        .unwrap();
    assert!(started.elapsed() < Duration::from_millis(400));
    origin.stop().await;
}

#[tokio::test]
async fn bundles_that_are_not_there() {
    let origin = Origin::start().await;
    let run = begin(&mut origin.web()).await;
    assert_eq!(
        origin.get(&format!("/debug/bundles/{run}")).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        origin.get("/debug/bundles/42").await.status,
        StatusCode::BAD_REQUEST
    );
    origin.stop().await;
}

#[tokio::test]
async fn stopping_waits_for_no_slow_call() {
    let origin = Origin::start().await;
    origin
        .send("POST", "/debug/delay", &[], br#"{"ms": 60000}"#.to_vec())
        .await;
    let mut client = postern_origin::client::connect(&origin.url, TOKEN).unwrap();
    let call = tokio::spawn(async move {
        client
            .find_or_create_workflow(workflow("demo", "release"))
            .await
    });
    while origin.calls().await.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    origin.stop().await;
    call.abort();
}
