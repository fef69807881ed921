//! Calls that are open or name nothing, and deadlines.

use std::time::{Duration, Instant};

use postern_origin::proto::{GenerateSigningCertRequest, InfozResponse};
use postern_origin::sha256_hex;
use postern_system_tests::cases;
use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::rpc::{self, FIND_OR_CREATE, INIT};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use prost::Message as _;

use crate::support::{connect, failed, header, token};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        open_calls_need_no_token_and_nothing_else_is_open,
        bodies_that_name_nothing_pass_as_they_are,
        the_callers_deadline_ends_the_call_to_the_origin,
        deadlines_that_cannot_be_read_are_refused,
    ]
}

const INFOZ: &str = "/controlplane.v1.StatusService/Infoz";

const TRUSTED_ROOT: &str = "/controlplane.v1.SigningService/GetTrustedRoot";

const SIGNING_CERT: &str = "/controlplane.v1.SigningService/GenerateSigningCert";

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
