//! Which bearers are believed, and in which words the others are refused, by either chain.

use postern_origin::proto::attestation_service_client::AttestationServiceClient;
use postern_origin::proto::workflow_service_client::WorkflowServiceClient;
use postern_origin::proto::{AttestationServiceGetPolicyRequest, WorkflowServiceListRequest};
use postern_origin::strict::NewToken;
use serde_json::json;
use tonic::Code;
use uuid::Uuid;

use super::support::{KEY, Plane, claims, forged};
use crate::support::refused;

/// Asserts what the managing chain says, and the attesting one.
async fn check(plane: &Plane, token: &str, main: (Code, &str, &str), att: (Code, &str, &str)) {
    // Native, so that blanks at an end come through.
    let endpoint = plane.native(token);
    let mut workflows = endpoint.client(WorkflowServiceClient::with_origin);
    let answer = workflows.list(WorkflowServiceListRequest::default()).await;
    refused(answer, main.0, main.1, main.2);
    let mut attestation = endpoint.client(AttestationServiceClient::with_origin);
    let answer = attestation
        .get_policy(AttestationServiceGetPolicyRequest::default())
        .await;
    refused(answer, att.0, att.1, att.2);
    // The same over gRPC-Web, where a header keeps no blank at its end.
    let mut workflows = plane.web(token).client(WorkflowServiceClient::with_origin);
    let status = workflows
        .list(WorkflowServiceListRequest::default())
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), status.message().trim_end()),
        (main.0, main.1.trim_end())
    );
}

fn no_provider(why: &str) -> String {
    format!(
        "couldn't match JWT provider: error: code = 401 reason = UNAUTHORIZED message = {why} metadata = map[] \
         cause = <nil>"
    )
}

const BAD_SIGNATURE: &str = "token signature is invalid: signature is invalid";

#[tokio::test]
async fn foreign_bearers() {
    let plane = Plane::start().await;
    let own = plane.wide("ci");
    let foreign = forged(b"another key, of a gateway", &claims(&own));
    let rs256 = {
        use base64::Engine as _;
        let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        format!(
            "{}.{}.{}",
            encode(r#"{"alg":"RS256"}"#),
            encode(r#"{"aud":"chainloop"}"#),
            encode("x")
        )
    };
    let unauthorized = "UNAUTHORIZED";
    for (token, main, att) in [
        ("pst_opaque", "Token is invalid", "Token is invalid"),
        (&*foreign, "Fail to parse JWT token ", BAD_SIGNATURE),
        (
            &*rs256,
            "Fail to parse JWT token ",
            "token signature is invalid: key is of invalid type: RSA verify expects *rsa.PublicKey",
        ),
    ] {
        let att = no_provider(att);
        let code = Code::Unauthenticated;
        check(
            &plane,
            token,
            (code, main, unauthorized),
            (code, &att, unauthorized),
        )
        .await;
    }
    plane.stop().await;
}

#[tokio::test]
async fn own_bearers_that_have_ended() {
    let plane = Plane::start().await;
    let gone = json!({"jti": Uuid::from_u128(1).to_string(), "aud": "api-token-auth.chainloop"});
    let main = "error setting current org and user: ";
    let att = "error extracting organization from APIToken: ";
    let not_found = "error retrieving the API token: token not found";
    check(
        &plane,
        &forged(KEY, &gone),
        (Code::Unknown, &format!("{main}{not_found}"), ""),
        (Code::Unknown, &format!("{att}{not_found}"), ""),
    )
    .await;

    let revoked = plane.token("revoked", None, None);
    plane.strict.revoke(revoked.id).unwrap();
    check(
        &plane,
        &revoked.jwt,
        (Code::Unknown, &format!("{main}API token revoked"), ""),
        (Code::Unknown, &format!("{att}API token revoked"), ""),
    )
    .await;

    let mut expired = claims(&plane.wide("expired"));
    expired["exp"] = json!(1);
    let why = (
        Code::Unauthenticated,
        "JWT token has expired",
        "UNAUTHORIZED",
    );
    check(&plane, &forged(KEY, &expired), why, why).await;

    let other = json!({"aud": "somebody-else", "jti": Uuid::from_u128(1).to_string()});
    check(
        &plane,
        &forged(KEY, &other),
        (
            Code::PermissionDenied,
            "missing authentication",
            "forbidden",
        ),
        (
            Code::Unknown,
            "couldn't match JWT provider: unexpected token, invalid audience",
            "",
        ),
    )
    .await;

    let no_id = json!({"aud": ["api-token-auth.chainloop"]});
    let why = (Code::Unknown, "error mapping the API-token claims", "");
    check(&plane, &forged(KEY, &no_id), why, why).await;
    plane.stop().await;
}

#[tokio::test]
async fn claims_that_do_not_fit_the_row() {
    let plane = Plane::start().await;
    let narrow = plane.token("narrow", Some("shop"), Some("release"));
    let wide = plane.token("wide", None, None);
    let elsewhere = Uuid::from_u128(1).to_string();
    for (token, claim, what) in [
        (&narrow, "project_id", "project"),
        (&wide, "project_id", "project"),
        (&narrow, "workflow_id", "workflow"),
        (&wide, "workflow_id", "workflow"),
    ] {
        let mut forged_claims = claims(&token.jwt);
        forged_claims[claim] = json!(elsewhere);
        let message = format!("error setting current org and user: API token {what} mismatch");
        let why = (Code::Unknown, &*message, "");
        check(&plane, &forged(KEY, &forged_claims), why, why).await;
    }
    plane.stop().await;
}

#[tokio::test]
async fn attesting_asks_whether_it_was_revoked_before_it_reads_claims() {
    let plane = Plane::start().await;
    let token = plane.token("ci", None, None);
    plane.strict.revoke(token.id).unwrap();
    let mut other = claims(&token.jwt);
    other["project_id"] = json!(Uuid::from_u128(1).to_string());
    check(
        &plane,
        &forged(KEY, &other),
        (
            Code::Unknown,
            "error setting current org and user: API token project mismatch",
            "",
        ),
        (
            Code::Unknown,
            "error extracting organization from APIToken: API token revoked",
            "",
        ),
    )
    .await;
    plane.stop().await;
}

#[tokio::test]
async fn a_retired_key_takes_its_tokens_along() {
    let plane = Plane::start().await;
    let before = plane.wide("before");
    plane.strict.retire_key().unwrap();
    let att = no_provider(BAD_SIGNATURE);
    check(
        &plane,
        &before,
        (
            Code::Unauthenticated,
            "Fail to parse JWT token ",
            "UNAUTHORIZED",
        ),
        (Code::Unauthenticated, &att, "UNAUTHORIZED"),
    )
    .await;
    let after = plane.wide("after");
    let mut workflows = plane.web(&after).client(WorkflowServiceClient::with_origin);
    workflows
        .list(WorkflowServiceListRequest::default())
        .await
        .unwrap();
    plane.stop().await;
}

#[tokio::test]
async fn no_bearer_and_open_calls() {
    let plane = Plane::start().await;
    let crate::support::Answer {
        status, headers, ..
    } = web(&plane, "AttestationService/Init").await;
    assert_eq!(status, 200);
    assert_eq!(headers["grpc-status"], "16");
    assert_eq!(headers["grpc-message"], "JWT%20token%20is%20missing");
    for open in [
        "StatusService/Infoz",
        "StatusService/Statusz",
        "SigningService/GetTrustedRoot",
    ] {
        let headers = web(&plane, open).await.headers;
        assert!(!headers.contains_key("grpc-status"), "{open} is open");
    }
    let unknown = web(&plane, "NoService/Call").await.headers;
    assert_eq!(unknown["grpc-status"], "12");
    plane.stop().await;
}

/// A gRPC-Web call of an empty message, without any credential.
async fn web(plane: &Plane, call: &str) -> crate::support::Answer {
    let path = format!("/controlplane.v1.{call}");
    let headers = [("content-type", "application/grpc-web+proto")];
    crate::support::send(
        &plane.url,
        "POST",
        &path,
        &headers,
        crate::support::frame(0, &[]),
    )
    .await
}

#[tokio::test]
async fn a_suspended_organization() {
    let plane = Plane::start().await;
    let token = plane.wide("ci");
    plane.strict.suspend("acme", true).unwrap();
    let why = (
        Code::PermissionDenied,
        "organization is suspended",
        "suspended",
    );
    check(&plane, &token, why, why).await;
    plane.strict.suspend("acme", false).unwrap();
    let mut workflows = plane.web(&token).client(WorkflowServiceClient::with_origin);
    workflows
        .list(WorkflowServiceListRequest::default())
        .await
        .unwrap();
    plane.stop().await;
}

#[tokio::test]
async fn organizations_know_nothing_of_each_other() {
    let plane = Plane::start().await;
    plane.strict.organization("rival").unwrap();
    let new = NewToken {
        name: "ci".to_owned(),
        ..NewToken::default()
    };
    let rival = plane.strict.api_token("rival", &new).unwrap().jwt;
    let own = plane.wide("ci");
    let run = plane.begin(&own, "shop", "release").await;
    let made = postern_origin::attestation::attest("f", b"x")
        .unwrap()
        .bundle;
    let answer = plane
        .attestation(&rival)
        .store(crate::support::bundle(&run, &made))
        .await;
    let message = "error retrieving the workflow run: finding workflow run: workflow run not found";
    refused(answer, Code::NotFound, message, "not found");
    let mut workflows = plane.web(&rival).client(WorkflowServiceClient::with_origin);
    let list = workflows
        .list(WorkflowServiceListRequest::default())
        .await
        .unwrap();
    assert!(list.into_inner().result.is_empty());
    plane.stop().await;
}
