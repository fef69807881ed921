//! Connect beside gRPC-Web.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use postern_origin::proto::{AttestationServiceGetContractRequest, AttestationServiceInitResponse};
use postern_origin::sha256_hex;
use postern_system_tests::cases;
use postern_system_tests::organization::{OTHER, RELEASE, SHOP};
use postern_system_tests::rpc::{self, FIND_OR_CREATE, INIT, STORE};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use prost::Message as _;
use serde_json::json;

use crate::support::{GET_CONTRACT, PROTO, connect, failed, header, token};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        connect_attests_and_the_origin_gets_grpc_web,
        connect_gets_the_origins_errors_in_its_own_form,
        connect_gets_the_gates_refusals_in_its_own_form,
        connect_that_is_not_spoken_is_refused,
    ]
}

async fn connect_attests_and_the_origin_gets_grpc_web(suite: &Suite) {
    let token = token(suite).await;
    suite.origin.reset().await;
    let message = rpc::names(SHOP, RELEASE);
    let answer = connect(suite, FIND_OR_CREATE, message.clone())
        .bearer(&token)
        .header("connect-timeout-ms", "20000")
        .send()
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some(PROTO));

    let calls = suite.origin.calls().await;
    let [call] = calls.as_slice() else {
        panic!("one call: {calls:#?}")
    };
    let framed = rpc::frame(0, &message);
    assert_eq!(call["body_sha256"], sha256_hex(&framed));
    assert_eq!(header(call, "content-type"), Some(rpc::BINARY));
    assert_eq!(header(call, "grpc-timeout"), Some("20000m"));
    assert_eq!(header(call, "connect-protocol-version"), None);
    assert_eq!(header(call, "connect-timeout-ms"), None);
    let authorization = sha256_hex(format!("Bearer {token}").as_bytes());
    let arrived = header(call, "authorization_sha256");
    assert_eq!(arrived, Some(authorization.as_str()));

    // The run that Init tells is known, to callers of any protocol.
    let init = rpc::init(SHOP, RELEASE).encode_to_vec();
    let answer = connect(suite, INIT, init).bearer(&token).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let made = AttestationServiceInitResponse::decode(answer.body.clone()).expect("an answer");
    let run = made
        .result
        .expect("a result")
        .workflow_run
        .expect("a run")
        .id;
    let bundle = postern_origin::attestation::attest("file", b"content").expect("entropy");
    let store = rpc::store(&run, &bundle.bundle).encode_to_vec();
    let answer = connect(suite, STORE, store).bearer(&token).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(suite.origin.bundle(&run).await, bundle.bundle);
}

async fn connect_gets_the_origins_errors_in_its_own_form(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization
        .mint(&suite.gateway, &json!({ "format": "jwt" }))
        .await
        .token;
    let message = AttestationServiceGetContractRequest {
        workflow_name: "nowhere".to_owned(),
        project_name: "nowhere".to_owned(),
        ..Default::default()
    };
    for shape in ["headers", "frame"] {
        suite.origin.errors(shape).await;
        let answer = connect(suite, GET_CONTRACT, message.encode_to_vec())
            .bearer(&token)
            .send()
            .await;
        let text = answer.json(404)["message"]
            .as_str()
            .expect("words")
            .to_owned();
        failed(&answer, 404, "not_found", &text);
        assert!(text.contains("not found"), "{shape}: {text}");
        for name in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
            assert_eq!(answer.header(name), None, "{shape}: {name}");
        }
    }
    suite.origin.errors("headers").await;
}

async fn connect_gets_the_gates_refusals_in_its_own_form(suite: &Suite) {
    let token = token(suite).await;
    suite.origin.reset().await;
    let names = || rpc::names(SHOP, OTHER);
    let answer = connect(suite, INIT, names()).send().await;
    let details = failed(&answer, 401, "unauthenticated", "JWT token is missing");
    assert_eq!(details[0]["type"], "google.rpc.ErrorInfo");
    let info = STANDARD_NO_PAD
        .decode(details[0]["value"].as_str().expect("text"))
        .expect("base64");
    let told = String::from_utf8_lossy(&info).into_owned();
    assert!(
        told.contains("UNAUTHORIZED") && told.contains("credential_missing"),
        "{told:?}"
    );

    let answer = connect(suite, INIT, names()).bearer(&token).send().await;
    let sentence = "API token is workflow-scoped and cannot create or look up other workflows";
    let details = failed(&answer, 403, "permission_denied", sentence);
    assert_eq!(details.len(), 1);

    let cut = rpc::names(SHOP, RELEASE)[..5].to_vec();
    let answer = connect(suite, INIT, cut).bearer(&token).send().await;
    let sentence = "the message ends in the middle of a field";
    failed(&answer, 400, "invalid_argument", sentence);

    let large = vec![0; 64 * 1024 + 1];
    let answer = connect(suite, INIT, large)
        .bearer(&token)
        .send_while_reading()
        .await;
    let sentence = "the body is larger than the 65536 bytes that are read here";
    failed(&answer, 429, "resource_exhausted", sentence);
    suite.origin.assert_untouched("refused Connect calls").await;
}

async fn connect_that_is_not_spoken_is_refused(suite: &Suite) {
    let token = token(suite).await;
    suite.origin.reset().await;
    let call = || connect(suite, INIT, rpc::names(SHOP, RELEASE)).bearer(&token);
    let json =
        "JSON messages are not read here: send Connect with `application/proto`, or gRPC-Web";
    let stream = "send the body as `application/proto`";
    let version = "`Connect-Protocol-Version` must be 1";
    let timeout = "`Connect-Timeout-Ms` must be at most ten digits";
    let coding = "the body is compressed with `gzip`, which is not read here: send it uncompressed";
    let typed = |media| call().without("content-type").header("content-type", media);
    let rows = [
        (typed("application/json"), 415, "unimplemented", json),
        (
            typed("application/connect+proto"),
            415,
            "invalid_argument",
            stream,
        ),
        (
            call().header("connect-protocol-version", "2"),
            400,
            "invalid_argument",
            version,
        ),
        (
            call().header("connect-timeout-ms", "-1"),
            400,
            "invalid_argument",
            timeout,
        ),
        (
            call().header("content-encoding", "gzip"),
            501,
            "unimplemented",
            coding,
        ),
    ];
    for (call, status, code, message) in rows {
        failed(&call.send().await, status, code, message);
    }
    let path = format!("{INIT}?connect=v1&encoding=proto&message=");
    let answer = suite.gateway.call("GET", &path).bearer(&token).send().await;
    answer.problem(405, "method_not_allowed");
    let answer = connect(suite, &format!("{INIT}?x=1"), Vec::new())
        .bearer(&token)
        .send()
        .await;
    failed(&answer, 403, "permission_denied", "operation not allowed");
    suite
        .origin
        .assert_untouched("Connect that is not spoken")
        .await;
}
