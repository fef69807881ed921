//! Paths, methods, headers and credentials.

use postern_origin::sha256_hex;
use postern_system_tests::http::Call;
use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_address};
use postern_wire::forwarding::{HOP_BY_HOP, is_kept_away};
use serde_json::json;

use crate::support::{WIRES, Wire, anonymous, arrived, release_token};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r33_paths_that_are_not_exact_in_every_protocol,
        methods_that_are_not_post,
        headers_that_the_gate_sets_cannot_be_brought,
        credentials_that_are_not_one_in_every_protocol,
    ]
}

const DENIED: &str = "operation not allowed";

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
