//! The three routes of plain HTTP, and the shapes in which errors come.

use axum::http::StatusCode;
use postern_origin::client::{Wire, connect_as};
use postern_origin::{attestation, reason, sha256_hex};
use prost::Message as _;
use serde_json::{Value, json};
use tonic::Code;

use crate::support::{Answer, Origin, TOKEN, begin, bundle, frame, member, workflow};

const FIND: &str = "/controlplane.v1.AttestationService/FindOrCreateWorkflow";

async fn get(origin: &Origin, path: &str, token: Option<&str>) -> (StatusCode, Value) {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<_> = bearer
        .iter()
        .map(|bearer| ("authorization", &**bearer))
        .collect();
    let answer = origin.send("GET", path, &headers, Vec::new()).await;
    assert_eq!(answer.headers["content-type"], "application/json", "{path}");
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

#[tokio::test]
async fn infoz_and_statusz() {
    let origin = Origin::start().await;
    let (status, info) = get(&origin, "/infoz", None).await;
    assert_eq!(status, StatusCode::OK);
    let members: Vec<_> = info
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let all = [
        "chartVersion",
        "loginURL",
        "restrictedOrgCreation",
        "uiDashboardUrl",
        "version",
    ];
    assert_eq!(members, all);
    for path in [
        "/statusz",
        "/statusz?readiness=1",
        "/statusz?readiness=false",
    ] {
        assert_eq!(
            get(&origin, path, None).await,
            (StatusCode::OK, json!({})),
            "{path}"
        );
    }
    let (status, error) = get(&origin, "/statusz?readiness=maybe", None).await;
    assert_eq!(
        (status, &error["reason"]),
        (StatusCode::BAD_REQUEST, &"CODEC".into())
    );
    let calls = origin.calls().await;
    assert_eq!(
        (&calls[0]["path"], &calls[0]["protocol"]),
        (&"/infoz".into(), &"other".into())
    );
    for (method, path, status) in [
        ("POST", "/infoz", StatusCode::METHOD_NOT_ALLOWED),
        ("GET", "/infoz/", StatusCode::BAD_REQUEST),
        ("GET", "/download/sha256:0", StatusCode::BAD_REQUEST),
    ] {
        let answer = origin.send(method, path, &[], Vec::new()).await;
        assert_eq!(answer.status, status, "{method} {path}");
    }
    origin.stop().await;
}

#[tokio::test]
async fn discover() {
    let origin = Origin::start().await;
    let acme = member("acme");
    let mut client = connect_as(&origin.url, &acme, Wire::Binary).unwrap();
    let run = begin(&mut client).await;
    let made = attestation::attest("postern.wasm", b"\0asm")
        .unwrap()
        .bundle;
    client.store(bundle(&run, &made)).await.unwrap();
    let artifact = format!("sha256:{}", sha256_hex(b"\0asm"));
    let whole = format!("sha256:{}", sha256_hex(&made));

    let (status, found) = get(&origin, &format!("/discover/{artifact}"), Some(&acme)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(found["pagination"], json!({ "nextCursor": "" }));
    let item = &found["result"];
    assert_eq!(
        (&item["digest"], &item["kind"]),
        (&artifact.clone().into(), &"ARTIFACT".into())
    );
    assert_eq!(item["references"][0]["digest"], whole.as_str());
    assert_eq!(item["references"][0]["references"], json!([]));
    assert!(item["createdAt"].as_str().unwrap().ends_with('Z'));

    let good = format!(
        "/discover/{whole}?kind=ATTESTATION&project_name=demo&pagination.limit=5&pagination.cursor="
    );
    let (status, found) = get(&origin, &good, Some(TOKEN)).await;
    assert_eq!(
        (status, &found["result"]["downloadable"]),
        (StatusCode::OK, &true.into())
    );

    let check =
        async |path: String, token: Option<&str>, status: StatusCode, why: &str, message: &str| {
            let (answered, error) = get(&origin, &path, token).await;
            let expected = json!({
                "code": status.as_u16(), "reason": why, "message": message, "metadata": {},
            });
            assert_eq!((answered, error), (status, expected), "{path}");
        };
    let unknown = format!("artifact or piece of evidence with digest {artifact} not found");
    check(
        format!("/discover/{artifact}?project_name=other"),
        Some(&acme),
        StatusCode::NOT_FOUND,
        "not found",
        &unknown,
    )
    .await;
    check(
        format!("/discover/{artifact}"),
        Some(&member("rival")),
        StatusCode::NOT_FOUND,
        "not found",
        &unknown,
    )
    .await;
    check(
        format!("/discover/{artifact}?project_version=v1"),
        Some(&acme),
        StatusCode::BAD_REQUEST,
        "",
        "validation error: project_name must be set when project_version is set",
    )
    .await;
    check(
        format!("/discover/{artifact}"),
        None,
        StatusCode::UNAUTHORIZED,
        "UNAUTHORIZED",
        "JWT token is missing",
    )
    .await;
    origin.stop().await;
}

async fn find(origin: &Origin, content_type: &str, body: Vec<u8>) -> Answer {
    let authorization = format!("Bearer {TOKEN}");
    let headers = [
        ("content-type", content_type),
        ("authorization", &*authorization),
    ];
    origin.send("POST", FIND, &headers, body).await
}

#[tokio::test]
async fn errors_come_in_either_shape() {
    let origin = Origin::start().await;
    let shape = |shape: &'static str| origin.send("POST", "/debug/errors", &[], shape.into());
    let set = shape(r#"{"shape": "frame"}"#).await;
    assert_eq!(
        (set.status, &set.body[..]),
        (StatusCode::OK, &br#"{"shape":"frame"}"#[..])
    );

    let bad = frame(0, &workflow("Demo", "release").encode_to_vec());
    let answer = find(&origin, "application/grpc-web+proto", bad.clone()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        !answer
            .headers
            .keys()
            .any(|name| name.as_str().starts_with("grpc-"))
    );
    assert_eq!(
        answer.body[0], 0x80,
        "a trailer frame and nothing before it"
    );
    let length = u32::from_be_bytes(answer.body[1..5].try_into().unwrap()) as usize;
    assert_eq!(answer.body.len(), 5 + length, "and nothing after it");
    let trailers = String::from_utf8(answer.body[5..].to_vec()).unwrap();
    assert!(
        trailers.starts_with("grpc-status: 3\r\ngrpc-message: validation%20error"),
        "{trailers}"
    );
    assert!(
        trailers.contains("\r\ngrpc-status-details-bin: "),
        "{trailers}"
    );

    // A client that knows both shapes sees no difference.
    for set in ["frame", "headers"] {
        let body = format!(r#"{{"shape":"{set}"}}"#);
        let answer = origin
            .send("POST", "/debug/errors", &[], body.into_bytes())
            .await;
        assert_eq!(answer.status, StatusCode::OK);
        for wire in [Wire::Binary, Wire::Text] {
            let mut client = connect_as(&origin.url, TOKEN, wire).unwrap();
            let refused = client
                .find_or_create_workflow(workflow("Demo", "release"))
                .await;
            let refused = refused.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, "{set} {wire:?}");
            assert!(refused.message().contains("RFC 1123"), "{set} {wire:?}");
            assert_eq!(
                reason(&refused).as_deref(),
                Some("invalid"),
                "{set} {wire:?}"
            );
            client
                .find_or_create_workflow(workflow("demo", "release"))
                .await
                .unwrap();
        }
    }
    let answer = find(&origin, "application/grpc-web+proto", bad).await;
    assert_eq!(
        (&answer.headers["grpc-status"], answer.body.len()),
        (&"3".parse().unwrap(), 0)
    );
    for bad in ["", r#"{"shape": "other"}"#, r#"{"shape": "frame", "x": 1}"#] {
        let answer = origin.send("POST", "/debug/errors", &[], bad.into()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    origin.stop().await;
}
