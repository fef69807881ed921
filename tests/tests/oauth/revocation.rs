//! Revocation by the holder (RFC 7009), and the log of both.

use postern_system_tests::cases;
use postern_system_tests::life::{assert_dead, assert_live, millis, now};
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use serde_json::{Value, json};

use crate::support::{
    FORMATS, ISOLATES, REVOKE, assert_inactive, introspect, no_forms, revoke, strangers,
};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        rfc7009_a_holder_ends_its_token_everywhere,
        rfc7009_in_an_overlap_the_old_token_ends_and_the_new_one_does_not,
        rfc7009_tokens_that_are_none_are_revoked_already,
        rfc7009_r10_a_system_token_is_not_its_holders_to_end,
        rfc7009_a_quarantined_token_is_revoked_and_no_release_revives_it,
        rfc7009_forms_that_are_none,
        tokens_in_forms_are_never_logged,
    ]
}

async fn rfc7009_a_holder_ends_its_token_everywhere(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    for format in FORMATS {
        for scope in [
            json!({}),
            json!({ "project": SHOP }),
            json!({ "project": SHOP, "workflow": RELEASE, "policies": [] }),
        ] {
            let mut body = scope;
            body["format"] = json!(format);
            let token = organization.mint(gateway, &body).await;
            let bystander = organization.mint(gateway, &body).await;
            assert_live(gateway, &token, "every isolate has it in its memory").await;
            let answer = revoke(suite, 1, &token.token).await;
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            answer.json(200);
            assert_dead(gateway, &token, "its holder ended it").await;
            assert_live(gateway, &bystander, "not revoked").await;
            let row = organization.token(gateway, &token.id).await;
            let at = &row["revoked_at"];
            assert!((millis(at) - now()).abs() < 10_000, "{row}");
            for isolate in 0..ISOLATES {
                revoke(suite, isolate, &token.token).await.json(200);
            }
            assert_eq!(
                &organization.token(gateway, &token.id).await["revoked_at"],
                at,
                "revoked once"
            );
            assert_inactive(suite, &suite.keys.admin, &token.token, "revoked").await;
        }
    }
    // With a hint, and with an Authorization header that needs not be right: the token is the authorization.
    for credential in ["Bearer hello", "Basic YTpi"] {
        let token = organization.mint(gateway, &json!({})).await;
        let form = [
            ("token", token.token.as_str()),
            ("token_type_hint", "access_token"),
        ];
        let call = gateway.call("POST", REVOKE).form(&form);
        let call = call.header("authorization", credential);
        call.send().await.json(200);
        assert_dead(gateway, &token, "its holder ended it").await;
    }
}

async fn rfc7009_in_an_overlap_the_old_token_ends_and_the_new_one_does_not(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    for format in FORMATS {
        let old = organization.mint_for_release(gateway, format).await;
        let new = organization
            .rotate(gateway, &old.id, &json!({ "overlap": "1h" }))
            .await;
        assert_eq!(
            introspect(suite, &suite.keys.admin, &old.token).await["active"],
            true,
            "in the overlap"
        );
        revoke(suite, 3, &old.token).await.json(200);
        assert_dead(gateway, &old, "its holder ended it").await;
        assert_live(gateway, &new, "the successor").await;
    }
}

async fn rfc7009_tokens_that_are_none_are_revoked_already(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    for format in FORMATS {
        let token = organization.mint_for_release(gateway, format).await;
        let dead = organization.mint_for_release(gateway, format).await;
        organization.revoke(gateway, &dead.id).await;
        let before = organization.token(gateway, &token.id).await;
        let known = revoke(suite, 0, &dead.token).await;
        for (why, text) in strangers(&suite.keys, &token, &dead) {
            let answer = revoke(suite, 0, &text).await;
            assert_eq!(
                (answer.status, &answer.body),
                (200, &known.body),
                "{why}: one answer for all"
            );
        }
        assert_eq!(organization.token(gateway, &token.id).await, before);
        assert_live(gateway, &token, "nobody who held it asked").await;
        // The administrator's key is no token, and works on.
        organization.tokens(gateway, "").await;
    }
}

async fn rfc7009_r10_a_system_token_is_not_its_holders_to_end(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    for format in FORMATS {
        for scope in [
            json!({ "system": true }),
            json!({ "system": true, "project": SHOP }),
        ] {
            let mut body = scope;
            body["format"] = json!(format);
            let token = organization.mint(gateway, &body).await;
            let answer = revoke(suite, 2, &token.token).await;
            assert!((400..500).contains(&answer.status), "{}", answer.text());
            let problem = answer.problem(400, "unsupported_token_type");
            assert_eq!(problem["error"], "unsupported_token_type");
            assert_live(gateway, &token, "the administrator's to end").await;
            let row = organization.token(gateway, &token.id).await;
            assert_eq!(row["revoked_at"], Value::Null);
            organization.revoke(gateway, &token.id).await;
            assert_dead(gateway, &token, "the administrator ended it").await;
            // The answer is the same in every state: it tells the holder nothing of the token's.
            let answer = revoke(suite, 2, &token.token).await;
            answer.problem(400, "unsupported_token_type");
        }
    }
}

async fn rfc7009_a_quarantined_token_is_revoked_and_no_release_revives_it(suite: &Suite) {
    let gateway = &suite.gateway;
    let chosen = json!({ "on_leak": "quarantine" });
    let organization = Organization::with(gateway, &suite.keys.admin, &chosen).await;
    for format in ["opaque", "jwt"] {
        let token = organization.mint_for_release(gateway, format).await;
        let report = json!({ "tokens": [token.token] });
        let call = gateway.call("POST", "/leaks").json(&report);
        call.from(&organization.address).send().await.json(202);
        while organization.token(gateway, &token.id).await["quarantined_at"].is_null() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_dead(gateway, &token, "quarantined").await;
        let answer = revoke(suite, 0, &token.token).await;
        assert_eq!(answer.json(200), json!({}));
        let row = organization.token(gateway, &token.id).await;
        assert!(row["revoked_at"].is_string(), "{row}");
        let path = format!("/org/tokens/{}/release", token.id);
        let release = organization.call(gateway, "POST", &path).send().await;
        release.problem(409, "token_not_held");
        assert_dead(gateway, &token, "a revoke that has answered is final").await;
    }
}

async fn rfc7009_forms_that_are_none(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let token = organization.mint(gateway, &json!({})).await;
    for (what, media, body, status, code) in no_forms(&token.token) {
        let call = gateway.call("POST", REVOKE);
        let call = if media.is_empty() {
            call
        } else {
            call.header("content-type", media)
        };
        let answer = call.body(body).send().await;
        assert_eq!((what, answer.status), (what, status), "{}", answer.text());
        let problem = answer.problem(status, code);
        assert_eq!(problem["error"], "invalid_request", "{what}");
    }
    let query = format!("{REVOKE}?token={}", token.token);
    let call = gateway.call("POST", &query).form(&[]);
    call.send().await.problem(400, "token_parameter");
    assert_live(gateway, &token, "no form revoked it").await;
}

async fn tokens_in_forms_are_never_logged(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let mut secrets = Vec::new();
    for format in FORMATS {
        let token = organization.mint_for_release(gateway, format).await;
        let system = json!({ "system": true, "format": format });
        let system = organization.mint(gateway, &system).await;
        introspect(suite, &token.token, &token.token).await;
        introspect(suite, &suite.keys.admin, &token.token).await;
        revoke(suite, 0, &system.token).await;
        let last = revoke(suite, 0, &token.token).await;
        assert_inactive(suite, &suite.keys.admin, &token.token, "revoked").await;
        let line = gateway
            .log_line(last.header("x-request-id").expect("an id"))
            .await;
        assert_eq!(line["operation"], "token.revoke_own");
        secrets.extend([token.token, system.token]);
    }
    for (_, media, body, ..) in no_forms(&secrets[0]) {
        let call = gateway.call("POST", REVOKE);
        let call = if media.is_empty() {
            call
        } else {
            call.header("content-type", media)
        };
        let last = call.body(body).send().await;
        gateway
            .log_line(last.header("x-request-id").expect("an id"))
            .await;
    }
    let log = gateway.serve().log();
    assert!(log.contains("/oauth/revoke") && log.contains("/oauth/introspect"));
    for secret in &secrets {
        assert!(!log.contains(secret.as_str()), "the log has a token");
        let tail = &secret[secret.len() - 32..];
        assert!(!log.contains(tail), "the log has the end of a token");
    }
    assert!(!log.contains(&suite.keys.admin));
}
