//! The structured log beside it: what a line tells, and that no credential is in one.

use postern_system_tests::audit::NDJSON;
use postern_system_tests::forge::{self, Keys};
use postern_system_tests::life;
use postern_system_tests::organization::Organization;
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id};
use serde_json::json;

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        no_log_line_has_a_credential,
        a_log_line_tells_who_did_what_and_for_how_long,
    ]
}

async fn no_log_line_has_a_credential(suite: &Suite) {
    let keys = &suite.keys;
    let gateway = suite.serve().start().await;
    let organization = Organization::new(&gateway, &keys.admin).await;
    let opaque = organization.mint_for_release(&gateway, "opaque").await;
    let jwt = organization.mint_for_release(&gateway, "jwt").await;
    let revoked = organization.mint(&gateway, &json!({})).await;
    organization.revoke(&gateway, &revoked.id).await;
    let forged = forge::opaque(&random_id(), &Keys::random().root());
    let secrets = [
        ("the administrator key", keys.admin.clone()),
        ("an opaque key", opaque.token.clone()),
        ("a JWT", jwt.token.clone()),
        ("a revoked key", revoked.token.clone()),
        ("a forged key", forged),
    ];
    let mut ids = Vec::new();
    for (_, secret) in &secrets {
        let quoted = json!({ "tokens": secret, "name": secret, secret: 1 });
        let calls = [
            // Where they belong, right and wrong.
            organization
                .call(&gateway, "GET", "/org/tokens")
                .without("authorization")
                .bearer(secret),
            gateway
                .call("GET", "/org/tokens")
                .header("authorization", &format!("Basic {secret}")),
            gateway.call("GET", "/orgs").bearer(&format!("{secret}x")),
            life::call(&gateway, 0, secret),
            life::call(&gateway, 0, &format!("{secret}x")),
            gateway
                .call("POST", "/oauth/introspect")
                .bearer(&keys.admin)
                .form(&[("token", secret)]),
            // Where they do not.
            organization.call(&gateway, "GET", &format!("/org/tokens/{secret}")),
            organization
                .call(&gateway, "PATCH", &format!("/orgs/{secret}"))
                .json(&json!({})),
            gateway.call("GET", &format!("/{secret}")),
            gateway.call("GET", &format!("/dashboard/{secret}")),
            gateway.call("POST", &format!("/controlplane.v1.{secret}/Init")),
            organization.call(&gateway, "GET", &format!("/org/tokens?{secret}=1")),
            organization.call(
                &gateway,
                "GET",
                &format!("/org/tokens?project={secret}&cursor={secret}"),
            ),
            organization.call(
                &gateway,
                "GET",
                &format!("/org/audit?actor={secret}&action={secret}"),
            ),
            organization
                .call(&gateway, "GET", "/org/tokens")
                .without("postern-organization")
                .organization(secret),
            organization.minting(&gateway, &quoted),
            organization.minting(&gateway, &json!({ "name": [secret] })),
            organization.minting(&gateway, &json!({ "project": secret })),
            organization.minting(&gateway, &json!({ "policies": [secret] })),
            organization.revoking(&gateway, &json!({ "minted_by": secret })),
            organization
                .call(&gateway, "POST", "/org/projects")
                .json(&json!({ "name": secret })),
            gateway
                .call("POST", "/leaks")
                .json(&json!({ "tokens": secret })),
            gateway.call("POST", "/leaks").json(&quoted),
            gateway
                .call("GET", "/healthz")
                .header("user-agent", secret)
                .header("cookie", secret),
            gateway
                .call("GET", "/healthz")
                .header("traceparent", secret)
                .header("x-request-id", secret),
        ];
        for call in calls {
            let answer = call.send().await;
            if let Some(id) = answer.header("x-request-id") {
                ids.push(id.to_owned());
            }
        }
    }
    for id in &ids {
        gateway.log_line(id).await;
    }
    assert!(ids.len() >= 24 * secrets.len(), "{} lines", ids.len());
    let serve = gateway.serve().clone();
    gateway.stop();
    let log = serve.log();
    let ring = keys.ring();
    let signing = ring.split(',').map(|entry| {
        let (_, key) = entry.split_once(':').expect("a key");
        ("a signing key", key)
    });
    let tokens = secrets
        .iter()
        .map(|(what, secret)| (*what, secret.as_str()));
    for (what, secret) in tokens.chain(signing) {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "the log has {what}");
        // Nor any half of one: the first half of a key is its public part.
        let (_, half) = secret.split_at(secret.len() / 2);
        assert!(!log.contains(half), "the log has half of {what}");
    }
    println!(
        "log: {} requests, no credential in {} bytes",
        ids.len(),
        log.len()
    );
}

async fn a_log_line_tells_who_did_what_and_for_how_long(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let token = organization.mint_for_release(gateway, "opaque").await;
    let answer = life::call(gateway, 0, &token.token).send().await;
    answer.accepted();
    let line = gateway
        .log_line(answer.header("x-request-id").expect("an id"))
        .await;
    for (field, expected) in [
        ("tier", json!("token")),
        ("token_id", json!(token.id)),
        ("token_prefix", token.answer["prefix"].clone()),
        ("organization", json!(organization.name)),
        (
            "operation",
            json!("AttestationService/FindOrCreateWorkflow"),
        ),
        ("outcome", json!("ok")),
        ("status", json!(200)),
        ("origin_status", json!(200)),
    ] {
        assert_eq!(line[field], expected, "{field}: {line}");
    }
    let ms = |field: &str| {
        line[field]
            .as_i64()
            .unwrap_or_else(|| panic!("{field}: {line}"))
    };
    for part in ["credential_ms", "ledger_ms", "origin_ms"] {
        assert!((0..=ms("ms")).contains(&ms(part)), "{part}: {line}");
    }
    let call = organization
        .call(gateway, "GET", "/org/audit")
        .header("accept", NDJSON);
    let answer = call.send().await;
    let line = gateway
        .log_line(answer.header("x-request-id").expect("an id"))
        .await;
    assert_eq!(line["operation"], "audit.read");
    assert_eq!(line["organization"], organization.name);
    assert_eq!(line["tier"], "admin");
    let answer = life::call(gateway, 0, &format!("{}x", token.token))
        .send()
        .await;
    answer.refused(16, "Token is invalid");
    let line = gateway
        .log_line(answer.header("x-request-id").expect("an id"))
        .await;
    assert_eq!(
        (&line["outcome"], &line["grpc_status"]),
        (&json!("credential_malformed"), &json!(16))
    );
    assert!(
        line["cause"].is_string() && line["tier"].is_null(),
        "{line}"
    );
}
