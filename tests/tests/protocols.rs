//! The protocols that an edge can carry: Connect beside gRPC-Web, both shapes of gRPC-Web errors, details, calls that
//! are open or name nothing. What the origin got is looked at there.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use postern_origin::proto::{
    AttestationServiceGetContractRequest, AttestationServiceInitResponse,
    GenerateSigningCertRequest, InfozResponse,
};
use postern_origin::sha256_hex;
use postern_system_tests::forge::{self};
use postern_system_tests::http::{Answer, Call};
use postern_system_tests::organization::{OTHER, RELEASE, SHOP};
use postern_system_tests::rpc::{self, FIND_OR_CREATE, INIT, STORE};
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, runner};
use prost::Message as _;
use serde_json::{Value, json};

const GET_CONTRACT: &str = "/controlplane.v1.AttestationService/GetContract";
const INFOZ: &str = "/controlplane.v1.StatusService/Infoz";
const TRUSTED_ROOT: &str = "/controlplane.v1.SigningService/GetTrustedRoot";
const SIGNING_CERT: &str = "/controlplane.v1.SigningService/GenerateSigningCert";
const PROTO: &str = "application/proto";

fn main() -> ExitCode {
    runner::run(
        Suite::start(),
        cases![
            connect_attests_and_the_origin_gets_grpc_web,
            connect_gets_the_origins_errors_in_its_own_form,
            connect_gets_the_gates_refusals_in_its_own_form,
            connect_that_is_not_spoken_is_refused,
            refusals_in_grpc_web_tell_their_reason,
            both_shapes_of_an_error_pass_as_they_are,
            open_calls_need_no_token_and_nothing_else_is_open,
            bodies_that_name_nothing_pass_as_they_are,
            a_call_for_another_organization_is_refused,
            answers_tell_the_gates_own_share,
            the_callers_deadline_ends_the_call_to_the_origin,
            deadlines_that_cannot_be_read_are_refused,
            a_text_that_is_no_credential_is_malformed_in_the_stock_clients_words,
        ],
    )
}

/// A token for `shop`/`release`.
async fn token(suite: &Suite) -> String {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    token.token
}

fn connect(suite: &Suite, path: &str, message: Vec<u8>) -> Call {
    suite
        .gateway
        .call("POST", path)
        .header("content-type", PROTO)
        .header("connect-protocol-version", "1")
        .body(message)
}

/// The one value of a header of a call at the origin.
#[track_caller]
fn header<'a>(call: &'a Value, name: &str) -> Option<&'a str> {
    match call["headers"][name].as_array().map(Vec::as_slice) {
        None => None,
        Some([value]) => value.as_str(),
        Some(several) => panic!("{name} {}: {several:?}", call["path"]),
    }
}

/// Asserts an error in Connect's JSON; gives its details.
#[track_caller]
fn failed(answer: &Answer, status: u16, code: &str, message: &str) -> Vec<Value> {
    assert_eq!(answer.status, status, "{}: {}", answer.what, answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let error = answer.json(status);
    let told = (error["code"].as_str(), error["message"].as_str());
    assert_eq!(told, (Some(code), Some(message)), "{}", answer.what);
    error["details"].as_array().cloned().unwrap_or_default()
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

async fn refusals_in_grpc_web_tell_their_reason(suite: &Suite) {
    let token = token(suite).await;
    let body = rpc::frame(0, &rpc::names(SHOP, OTHER));
    let nobody = rpc::anonymous(&suite.gateway, 0, INIT, body);
    let other = rpc::call(&suite.gateway, INIT, &token, &rpc::names(SHOP, OTHER));
    let broken = rpc::call(&suite.gateway, INIT, &token, b"\x22\xff");
    let rows = [
        (
            nobody,
            Some(["UNAUTHORIZED", "credential_missing", "JWT token is missing"]),
        ),
        (
            other,
            Some([
                "forbidden",
                "other_workflow",
                "API token is workflow-scoped",
            ]),
        ),
        // What is wrong with a request is in its message.
        (broken, None),
    ];
    for (call, told) in rows {
        let answer = call.send().await;
        let Some(words) = told else {
            assert_eq!(
                answer.header("grpc-status-details-bin"),
                None,
                "{}",
                answer.what
            );
            continue;
        };
        let details = answer.header("grpc-status-details-bin").expect("details");
        let status = STANDARD_NO_PAD
            .decode(details)
            .expect("base64 without padding");
        let status = String::from_utf8_lossy(&status);
        assert!(
            status.contains("type.googleapis.com/google.rpc.ErrorInfo"),
            "{status:?}"
        );
        for word in words {
            assert!(status.contains(word), "{word}: {status:?}");
        }
    }
}

async fn both_shapes_of_an_error_pass_as_they_are(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization
        .mint(&suite.gateway, &json!({ "format": "jwt" }))
        .await
        .token;
    let message = AttestationServiceGetContractRequest {
        workflow_name: "nowhere".to_owned(),
        project_name: "nowhere".to_owned(),
        ..Default::default()
    }
    .encode_to_vec();
    for shape in ["headers", "frame"] {
        suite.origin.errors(shape).await;
        let through = rpc::call(&suite.gateway, GET_CONTRACT, &token, &message)
            .send()
            .await;
        let direct = suite
            .origin
            .post(GET_CONTRACT, rpc::frame(0, &message))
            .bearer(&token)
            .send()
            .await;
        assert_eq!(through.body, direct.body, "{shape}");
        assert_eq!(direct.body.is_empty(), shape == "headers", "{shape}");
        for name in [
            "grpc-status",
            "grpc-message",
            "grpc-status-details-bin",
            "content-type",
        ] {
            assert_eq!(through.header(name), direct.header(name), "{shape}: {name}");
        }
        let (ending, _) = through.ending();
        assert_eq!(ending.code, 5, "{shape}: {ending:?}");
    }
    suite.origin.errors("headers").await;
}

async fn open_calls_need_no_token_and_nothing_else_is_open(suite: &Suite) {
    let credentials = [None, Some("Bearer garbage"), Some("Basic eDp5")];
    for credential in credentials {
        for path in [INFOZ, TRUSTED_ROOT] {
            let mut call = rpc::anonymous(&suite.gateway, 0, path, rpc::frame(0, b""));
            if let Some(credential) = credential {
                call = call.header("authorization", credential);
            }
            call.send().await.accepted();
        }
        let mut call = rpc::anonymous(&suite.gateway, 0, SIGNING_CERT, rpc::frame(0, b""));
        if let Some(credential) = credential {
            call = call.header("authorization", credential);
        }
        let (ending, _) = call.send().await.ending();
        assert_eq!(ending.code, 16, "{credential:?}: {ending:?}");
    }
    let answer = connect(suite, INFOZ, Vec::new()).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    InfozResponse::decode(answer.body.clone()).expect("an answer");
}

async fn bodies_that_name_nothing_pass_as_they_are(suite: &Suite) {
    let token = token(suite).await;
    suite.origin.reset().await;
    let request = GenerateSigningCertRequest {
        certificate_signing_request: vec![7; 60_000],
    };
    let framed = rpc::frame(0, &request.encode_to_vec());
    for chunked in [false, true] {
        let mut call =
            rpc::anonymous(&suite.gateway, 0, SIGNING_CERT, framed.clone()).bearer(&token);
        if chunked {
            call = call.chunked();
        }
        call.send().await.accepted();
    }
    let calls = suite.origin.calls().await;
    assert_eq!(calls.len(), 2, "{calls:#?}");
    for call in calls {
        assert_eq!(call["body_sha256"], sha256_hex(&framed));
    }
}

async fn a_call_for_another_organization_is_refused(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization
        .mint(&suite.gateway, &json!({ "format": "jwt" }))
        .await
        .token;
    let policy = |org_name: &str| {
        postern_origin::proto::AttestationServiceGetPolicyRequest {
            policy_name: "p".to_owned(),
            org_name: org_name.to_owned(),
            ..Default::default()
        }
        .encode_to_vec()
    };
    suite.origin.reset().await;
    let path = "/controlplane.v1.AttestationService/GetPolicy";
    rpc::call(&suite.gateway, path, &token, &policy("elsewhere"))
        .send()
        .await
        .refused(
            7,
            "operation not allowed: the request names another organization than the token's",
        );
    suite.origin.assert_untouched("another organization").await;
    for own in ["", &organization.name] {
        let (ending, _) = rpc::call(&suite.gateway, path, &token, &policy(own))
            .send()
            .await
            .ending();
        assert_ne!(ending.code, 7, "{own}: {ending:?}");
    }
    assert_eq!(suite.origin.calls().await.len(), 2);
}

async fn answers_tell_the_gates_own_share(suite: &Suite) {
    let token = token(suite).await;
    let answer = rpc::call(&suite.gateway, INIT, &token, &rpc::names(SHOP, RELEASE))
        .send()
        .await;
    let timing = answer.header("server-timing").expect("Server-Timing");
    let parts: Vec<(&str, &str)> = timing
        .split(", ")
        .map(|part| part.split_once(";dur=").expect("a duration"))
        .collect();
    let names: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["gate", "origin"], "{timing}");
    for (name, ms) in parts {
        assert!(ms.parse::<u32>().is_ok(), "{name}: {timing}");
    }
}

async fn the_callers_deadline_ends_the_call_to_the_origin(suite: &Suite) {
    const PASSED: &str = "the deadline of the call passed before the origin answered";
    let token = token(suite).await;
    let message = rpc::names(SHOP, RELEASE);
    let grpc = || rpc::call(&suite.gateway, FIND_OR_CREATE, &token, &message);
    let connect = || connect(suite, FIND_OR_CREATE, message.clone()).bearer(&token);
    suite.origin.delay(Duration::from_secs(20)).await;
    for timeout in ["700m", "700000u", "1S"] {
        let began = Instant::now();
        let answer = grpc().header("grpc-timeout", timeout).send().await;
        answer.refused(4, PASSED);
        let took = began.elapsed();
        assert!(took > Duration::from_millis(600), "{timeout}: {took:?}");
        assert!(took < Duration::from_secs(10), "{timeout}: {took:?}");
    }
    let answer = connect().header("connect-timeout-ms", "700").send().await;
    failed(&answer, 504, "deadline_exceeded", PASSED);
    // The answer to an Init is read here; the deadline holds for that too.
    let answer = rpc::call(&suite.gateway, INIT, &token, &message);
    let answer = answer.header("grpc-timeout", "700m").send().await;
    answer.refused(4, PASSED);
    suite.origin.delay(Duration::ZERO).await;

    // One that has passed already is not forwarded.
    suite.origin.reset().await;
    let answer = grpc().header("grpc-timeout", "0m").send().await;
    answer.refused(4, PASSED);
    suite
        .origin
        .assert_untouched("a deadline that has passed")
        .await;
    grpc().header("grpc-timeout", "20S").send().await.accepted();
    let calls = suite.origin.calls().await;
    assert_eq!(header(&calls[0], "grpc-timeout"), Some("20S"));
}

async fn deadlines_that_cannot_be_read_are_refused(suite: &Suite) {
    let token = token(suite).await;
    let message = rpc::names(SHOP, RELEASE);
    suite.origin.reset().await;
    for timeout in ["", "5", "5s", "-1S", "1.5S", "123456789m", "1S, 2S"] {
        let call = rpc::call(&suite.gateway, FIND_OR_CREATE, &token, &message);
        let answer = call.header("grpc-timeout", timeout).send().await;
        let sentence = "`grpc-timeout` must be one to eight digits and a unit: H, M, S, m, u or n";
        answer.refused(3, sentence);
    }
    suite
        .origin
        .assert_untouched("deadlines that cannot be read")
        .await;
}

async fn a_text_that_is_no_credential_is_malformed_in_the_stock_clients_words(suite: &Suite) {
    let message = rpc::names(SHOP, RELEASE);
    let wrong_key = "k".repeat(suite.keys.admin.len());
    for text in ["abc.def", "random", &wrong_key] {
        let answer = rpc::call(&suite.gateway, FIND_OR_CREATE, text, &message);
        answer.send().await.refused(16, "Token is invalid");
        let answer = connect(suite, FIND_OR_CREATE, message.clone()).bearer(text);
        failed(
            &answer.send().await,
            401,
            "unauthenticated",
            "Token is invalid",
        );
        // In JSON a wrong administrator key is one of all that are refused.
        let answer = suite.gateway.call("GET", "/org/tokens").bearer(text);
        answer.send().await.problem(401, "credential_refused");
    }
    // What has a form and is refused keeps its one answer.
    let forged = forge::jwt(&forge::header(), "{\"iss\":\"x\"}", &suite.keys.k2);
    let answer = rpc::call(&suite.gateway, FIND_OR_CREATE, &forged, &message);
    answer
        .send()
        .await
        .refused(16, "the credential was refused");
}
