//! Credentials that are well made, held against the token that they name.

use std::time::Duration;

use postern_system_tests::forge::{self, PARTS};
use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random, random_id};
use serde_json::{Value, json};

use crate::support::{EXPIRED, REFUSED, jwt, opens, refuses, resigned, whole, without};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r4_jwts_whose_claims_are_not_the_rows,
        r7_tokens_end_when_they_expire,
        r12_what_an_outsider_could_learn_from_gets_one_answer,
        r17_a_narrow_token_manages_nothing,
    ]
}

/// R4: each claim against the row, absence included; the log says which, the answer does not.
async fn r4_jwts_whose_claims_are_not_the_rows(suite: &Suite) {
    let (organization, stranger) = (suite.organization().await, suite.organization().await);
    let mint = async |mut body: Value| {
        body["format"] = json!("jwt");
        organization.mint(&suite.gateway, &body).await
    };
    let wide = mint(json!({})).await;
    let project = mint(json!({ "project": SHOP })).await;
    let narrow = mint(json!({ "project": SHOP, "workflow": RELEASE })).await;
    let (shop, release) = (organization.shop.clone(), organization.release.clone());
    let (other, foreign_shop) = (organization.other.clone(), stranger.shop.clone());
    const PROJECT: [&str; 2] = ["project_id", "project_name"];
    const WORKFLOW: [&str; 2] = ["workflow_id", "workflow_name"];
    let rows = [
        (
            "a project added",
            resigned(suite, &wide, |c| {
                c["project_id"] = json!(shop);
                c["project_name"] = json!(SHOP);
            }),
            "project mismatch",
        ),
        (
            "the project left out",
            resigned(suite, &project, |c| without(c, &PROJECT)),
            "project mismatch",
        ),
        (
            "another project",
            resigned(suite, &project, |c| c["project_id"] = json!(foreign_shop)),
            "project mismatch",
        ),
        (
            "a workflow added",
            resigned(suite, &project, |c| {
                c["workflow_id"] = json!(release);
                c["workflow_name"] = json!(RELEASE);
            }),
            "workflow mismatch",
        ),
        (
            "the workflow left out",
            resigned(suite, &narrow, |c| without(c, &WORKFLOW)),
            "workflow mismatch",
        ),
        (
            "another workflow",
            resigned(suite, &narrow, |c| c["workflow_id"] = json!(other)),
            "workflow mismatch",
        ),
        (
            "both left out",
            resigned(suite, &narrow, |c| {
                without(c, &PROJECT);
                without(c, &WORKFLOW);
            }),
            "project mismatch",
        ),
        (
            "the project left out, the workflow kept",
            resigned(suite, &narrow, |c| without(c, &PROJECT)),
            "project mismatch",
        ),
    ];
    for (what, forged, cause) in rows {
        refuses(suite, &organization, what, &forged, &REFUSED.because(cause)).await;
    }
    // Of another organization: its Ledger does not know the token; or, once this isolate knows it, the row says so.
    let moved = resigned(suite, &wide, |c| {
        c["org_id"] = json!(stranger.id);
        c["org_name"] = json!(stranger.name);
    });
    refuses(
        suite,
        &organization,
        "another organization",
        &moved,
        &REFUSED.because("unknown token"),
    )
    .await;
    for token in [&wide, &project, &narrow] {
        opens(suite, &token.token).await;
    }
    refuses(
        suite,
        &organization,
        "another organization",
        &moved,
        &REFUSED.because("organization mismatch"),
    )
    .await;
    let nowhere = resigned(suite, &wide, |c| without(c, &["org_id"]));
    refuses(
        suite,
        &organization,
        "no organization",
        &nowhere,
        &REFUSED.because("organization mismatch"),
    )
    .await;
    opens(suite, &wide.token).await;
}

async fn r7_tokens_end_when_they_expire(suite: &Suite) {
    let organization = suite.organization().await;
    for (format, cause) in [("opaque", "row expired"), ("jwt", "JWT expired")] {
        let body =
            json!({ "project": SHOP, "workflow": RELEASE, "format": format, "expires_in": "3s" });
        let token = organization.mint(&suite.gateway, &body).await;
        opens(suite, &token.token).await;
        tokio::time::sleep(Duration::from_millis(3_100)).await;
        refuses(
            suite,
            &organization,
            format,
            &token.token,
            &EXPIRED.because(cause),
        )
        .await;
    }
    // Nor does a JWT live on that was signed anew without its end.
    let body = json!({ "project": SHOP, "workflow": RELEASE, "format": "jwt", "expires_in": "1s" });
    let token = organization.mint(&suite.gateway, &body).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let endless = resigned(suite, &token, |claims| without(claims, &["exp"]));
    refuses(
        suite,
        &organization,
        "an endless one",
        &endless,
        &REFUSED.because("signed otherwise than it was minted"),
    )
    .await;
}

/// R12: byte for byte the same, apart from the request's id.
async fn r12_what_an_outsider_could_learn_from_gets_one_answer(suite: &Suite) {
    let (organization, stranger) = (suite.organization().await, suite.organization().await);
    let opaque = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    let jwt = jwt(suite, &organization).await;
    let revoked = [
        organization
            .mint_for_release(&suite.gateway, "opaque")
            .await,
        organization.mint_for_release(&suite.gateway, "jwt").await,
    ];
    for token in &revoked {
        organization.revoke(&suite.gateway, &token.id).await;
    }
    let never = resigned(suite, &jwt, |claims| claims["jti"] = json!(random_id()));
    let moved = resigned(suite, &jwt, |claims| claims["org_id"] = json!(stranger.id));
    let nowhere = resigned(suite, &jwt, |claims| claims["org_id"] = json!(random_id()));
    let mismatch = resigned(suite, &jwt, |claims| {
        claims["workflow_id"] = json!(organization.other)
    });
    let rows = [
        (
            "an opaque key that never was",
            forge::opaque(&random_id(), &suite.keys.root()),
        ),
        ("a JWT that never was", never),
        ("a revoked opaque key", revoked[0].token.clone()),
        ("a revoked JWT", revoked[1].token.clone()),
        ("a JWT of another organization", moved),
        ("a JWT of no organization", nowhere),
        ("a claim mismatch", mismatch),
        (
            "a wrong secret",
            forge::opaque(&opaque.id, &suite.keys.root()),
        ),
        (
            "a forged key",
            forge::with_checksum(&forge::damage(&opaque.token, &PARTS[3].1)),
        ),
        (
            "a format mismatch",
            forge::opaque(&jwt.id, &suite.keys.root()),
        ),
        (
            "a wrong administrator key",
            base64::Engine::encode(
                &base64::engine::general_purpose::URL_SAFE_NO_PAD,
                random::<32>(),
            ),
        ),
    ];
    let mut answers: Vec<(&str, String, String)> = Vec::new();
    for round in ["at first sight", "and again"] {
        for (what, credential) in &rows {
            let call = suite
                .gateway
                .call("GET", "/org/tokens")
                .organization(&organization.name);
            let json = call.bearer(credential).send().await;
            assert_eq!(json.status, 401, "{what} {round}: {}", json.text());
            let grpc = rpc::call(
                &suite.gateway,
                FIND_OR_CREATE,
                credential,
                &rpc::names(SHOP, RELEASE),
            )
            .send()
            .await;
            answers.push((what, whole(&json), whole(&grpc)));
        }
    }
    let (_, json, grpc) = &answers[0];
    assert!(
        json.contains("credential_refused") && grpc.contains("\"grpc-status\": \"16\""),
        "{json} {grpc}"
    );
    for (what, other_json, other_grpc) in &answers {
        assert_eq!((what, other_json), (what, json));
        // A text of no known form says so by itself, and gets the stock client's own words for it.
        if *what == "a wrong administrator key" {
            assert!(other_grpc.contains("Token is invalid"), "{other_grpc}");
        } else {
            assert_eq!((what, other_grpc), (what, grpc));
        }
    }
}

/// A token for a project or a workflow is an attestation credential and no more (R17). What organization-level tokens
/// manage is in `policies.rs`.
async fn r17_a_narrow_token_manages_nothing(suite: &Suite) {
    let organization = suite.organization().await;
    let bystander = organization.mint(&suite.gateway, &json!({})).await;
    let scopes = [
        json!({ "project": SHOP }),
        json!({ "project": SHOP, "workflow": RELEASE }),
    ];
    for format in ["opaque", "jwt"] {
        for scope in &scopes {
            let mut body = scope.clone();
            body["format"] = json!(format);
            let token = organization.mint(&suite.gateway, &body).await;
            let before = organization.snapshot(&suite.gateway).await;
            let path = format!("/org/tokens/{}", bystander.id);
            let rotate = format!("{path}/rotate");
            let rows = [
                ("POST", "/orgs"),
                ("GET", "/orgs"),
                ("POST", "/org/projects"),
                ("GET", "/org/projects"),
                ("POST", "/org/projects/shop/workflows"),
                ("GET", "/org/projects/shop/workflows"),
                ("POST", "/org/tokens"),
                ("GET", "/org/tokens"),
                ("GET", &path),
                ("DELETE", &path),
                ("POST", &rotate),
                ("POST", "/org/tokens/revoke"),
            ];
            for (method, path) in rows {
                let call = suite
                    .gateway
                    .call(method, path)
                    .bearer(&token.token)
                    .organization(&organization.name);
                let call = if method == "POST" {
                    call.json(&json!({ "name": "mine" }))
                } else {
                    call
                };
                let problem = call
                    .from(&organization.address)
                    .send()
                    .await
                    .problem(403, "operation_not_allowed");
                assert_eq!(
                    problem["detail"], "operation not allowed",
                    "{method} {path}"
                );
            }
            assert_eq!(
                organization.snapshot(&suite.gateway).await,
                before,
                "{body} changed something"
            );
        }
    }
}
