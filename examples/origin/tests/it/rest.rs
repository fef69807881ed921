//! The REST routes: what each reads where, and what it refuses.

use axum::http::StatusCode;
use postern_origin::sha256_hex;
use serde_json::{Value, json};

use crate::support::{Answer, Origin};

const TOKEN: (&str, &str) = ("authorization", "Bearer any");
const STORE: &str = "/v1/projects/demo/workflows/release/attestations";

fn value(answer: &Answer, status: StatusCode) -> Value {
    assert_eq!(answer.status, status, "{:?}", answer.body);
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn runs_are_named_in_the_body() {
    let origin = Origin::start().await;
    let body = json!({ "workflow": { "project": "demo", "name": "release" } });
    let answer = origin
        .send("POST", "/v1/runs", &[TOKEN], body.to_string().into())
        .await;
    let run = value(&answer, StatusCode::CREATED);
    assert_eq!(
        (&run["project"], &run["workflow"]),
        (&"demo".into(), &"release".into())
    );
    let answer = origin
        .send("POST", "/v1/runs", &[TOKEN], b"{}".to_vec())
        .await;
    assert!(value(&answer, StatusCode::BAD_REQUEST)["error"].is_string());
    origin.stop().await;
}

#[tokio::test]
async fn attestations_come_back_byte_for_byte_where_they_belong() {
    let origin = Origin::start().await;
    let document = b"{ \"any\" : 1 }".to_vec();
    let answer = origin.send("POST", STORE, &[TOKEN], document.clone()).await;
    let digest = format!("sha256:{}", sha256_hex(&document));
    let stored = value(&answer, StatusCode::CREATED);
    assert_eq!(
        stored,
        json!({ "digest": digest, "project": "demo", "workflow": "release" })
    );

    let read = format!("/v1/attestations/{digest}?project=demo");
    let headers = [TOKEN, ("attestation-workflow", "release")];
    let answer = origin.send("GET", &read, &headers, Vec::new()).await;
    assert_eq!(
        (answer.status, &answer.body[..]),
        (StatusCode::OK, &document[..])
    );
    let headers = [TOKEN, ("attestation-workflow", "other")];
    let answer = origin.send("GET", &read, &headers, Vec::new()).await;
    assert_eq!(
        value(&answer, StatusCode::NOT_FOUND)["error"],
        "no such attestation"
    );

    let calls = origin.calls().await;
    assert_eq!(calls[0]["path"], STORE);
    assert_eq!(calls[1]["query"], "project=demo");
    origin.stop().await;
}

#[tokio::test]
async fn strangers_are_refused() {
    let origin = Origin::start().await;
    for (method, path) in [
        ("POST", "/v1/runs"),
        ("POST", STORE),
        ("GET", "/v1/attestations/x?project=demo"),
    ] {
        let answer = origin.send(method, path, &[], Vec::new()).await;
        assert_eq!(
            value(&answer, StatusCode::UNAUTHORIZED)["error"],
            "a token is missing"
        );
    }
    origin.stop().await;
}
