//! Both shapes of gRPC-Web errors, their details, and the gateway's own share of the time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use postern_origin::proto::AttestationServiceGetContractRequest;
use postern_system_tests::cases;
use postern_system_tests::forge;
use postern_system_tests::organization::{OTHER, Organization, RELEASE, SHOP};
use postern_system_tests::rpc::{self, FIND_OR_CREATE, INIT};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use prost::Message as _;
use serde_json::json;

use crate::support::{GET_CONTRACT, connect, failed, token};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        refusals_in_grpc_web_tell_their_reason,
        both_shapes_of_an_error_pass_as_they_are,
        a_call_for_another_organization_is_refused,
        answers_tell_the_gates_own_share,
        without_answer_headers_an_answer_passes_untouched,
        a_text_that_is_no_credential_is_malformed_in_the_stock_clients_words,
    ]
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

async fn without_answer_headers_an_answer_passes_untouched(suite: &Suite) {
    let serve = suite.serve().set("ANSWER_HEADERS", "off");
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    let token = organization.mint_for_release(&gateway, "jwt").await.token;
    // The first call of an isolate goes another way than the second: both pass what the origin said.
    for method in [FIND_OR_CREATE, FIND_OR_CREATE, INIT, INIT] {
        let message = rpc::names(SHOP, RELEASE);
        let answer = rpc::call(&gateway, method, &token, &message).send().await;
        answer.accepted();
        for name in ["x-request-id", "server-timing"] {
            assert_eq!(answer.header(name), None, "{method}: {name}");
        }
    }
    let refused = rpc::call(&gateway, INIT, "abc.def", b"").send().await;
    assert!(refused.header("x-request-id").is_some());
    gateway.stop();
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
