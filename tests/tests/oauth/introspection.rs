//! Introspection (RFC 7662).

use postern_system_tests::cases;
use postern_system_tests::forge;
use postern_system_tests::life::{assert_live, millis, now};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use serde_json::{Value, json};

use crate::support::{
    FORMATS, INTROSPECT, ISOLATES, assert_inactive, introspect, no_forms, strangers,
};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        rfc7662_an_active_token_is_told_with_its_claims,
        rfc7662_a_caller_sees_the_tokens_that_it_may_read_and_itself,
        rfc7662_everything_else_is_not_active_and_nothing_more,
        rfc7662_a_caller_must_show_a_live_credential_of_its_own,
        rfc7662_forms_that_are_none,
    ]
}

async fn rfc7662_an_active_token_is_told_with_its_claims(suite: &Suite) {
    let organization = suite.organization().await;
    for format in FORMATS {
        let rows = [
            json!({}),
            json!({ "project": SHOP, "expires_in": "1h" }),
            json!({ "project": SHOP, "workflow": RELEASE, "policies": ["workflow:read", "cas_artifact:*"] }),
            json!({ "policies": [] }),
            json!({ "system": true }),
        ];
        for mut body in rows {
            body["format"] = json!(format);
            let token = organization.mint(&suite.gateway, &body).await;
            let shown = introspect(suite, &suite.keys.admin, &token.token).await;
            let answer = &token.answer;
            let policies: Vec<_> = answer["policies"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|policy| policy.as_str().expect("a text"))
                .collect();
            let mut expected = json!({
                "active": true, "scope": policies.join(" "), "token_type": "Bearer",
                "iss": "cp.chainloop", "aud": "api-token-auth.chainloop",
                "sub": format!("api-token:{}", token.id), "jti": token.id,
                "token_name": answer["name"], "org_id": organization.id, "org_name": organization.name,
            });
            if body["project"].is_string() {
                expected["project_id"] = json!(organization.shop);
                expected["project_name"] = json!(SHOP);
            }
            if body["workflow"].is_string() {
                expected["workflow_id"] = json!(organization.release);
                expected["workflow_name"] = json!(RELEASE);
            }
            if body["expires_in"].is_string() {
                expected["exp"] = json!(millis(&answer["expires_at"]) / 1000);
            }
            assert_eq!(shown, expected, "{body}");
            if format == "jwt" {
                // What the JWT says of itself is what is told of it; `aud` there is a list.
                let claims = forge::part(&token.token, 1);
                for (name, value) in claims.as_object().expect("an object") {
                    if name != "aud" {
                        assert_eq!(&shown[name], value, "{name}");
                    }
                }
            }
            // In every isolate, with a hint of any kind, and with more parameters.
            for isolate in 0..ISOLATES {
                let call = suite.gateway.call_on(isolate, "POST", INTROSPECT);
                let form = [
                    ("token_type_hint", "refresh_token"),
                    ("token", token.token.as_str()),
                    ("client_id", "x"),
                ];
                let answer = call.bearer(&suite.keys.admin).form(&form).send().await;
                assert_eq!(answer.json(200), expected, "isolate {isolate}");
            }
        }
    }
}

async fn rfc7662_a_caller_sees_the_tokens_that_it_may_read_and_itself(suite: &Suite) {
    let gateway = &suite.gateway;
    let (organization, stranger) = (suite.organization().await, suite.organization().await);
    let stars = json!({ "policies": ["org_api_token:*"] });
    for format in FORMATS {
        let mint = async |of: &Organization, mut body: Value| {
            body["format"] = json!(format);
            of.mint(gateway, &body).await
        };
        let wide = mint(&organization, json!({})).await;
        let starred = mint(&organization, stars.clone()).await;
        let blind = mint(&organization, json!({ "policies": [] })).await;
        let project = mint(&organization, json!({ "project": SHOP })).await;
        let workflow = mint(
            &organization,
            json!({ "project": SHOP, "workflow": RELEASE }),
        )
        .await;
        let system = mint(&organization, json!({ "system": true })).await;
        let system_of_project =
            mint(&organization, json!({ "system": true, "project": SHOP })).await;
        let theirs = mint(&stranger, json!({ "project": SHOP })).await;
        let their_own = mint(&stranger, json!({})).await;
        let all = [
            &wide,
            &starred,
            &blind,
            &project,
            &workflow,
            &system,
            &system_of_project,
            &theirs,
            &their_own,
        ];
        let rows: [(&Minted, &[&Minted]); 8] = [
            (&wide, &[&wide, &project, &workflow]),
            (&starred, &[&wide, &starred, &blind]),
            (&blind, &[&blind]),
            (&project, &[&project]),
            (&workflow, &[&workflow]),
            // A system token is an organization-level token to others.
            (&system, &[&system, &project, &workflow]),
            (&system_of_project, &[&system_of_project]),
            (&their_own, &[&their_own, &theirs]),
        ];
        for (caller, seen) in rows {
            for token in all {
                if seen.iter().any(|seen| seen.id == token.id) {
                    let shown = introspect(suite, &caller.token, &token.token).await;
                    assert_eq!(
                        (&shown["active"], &shown["jti"]),
                        (&json!(true), &json!(token.id)),
                        "{} asks",
                        caller.id
                    );
                } else {
                    let why = format!("{} asks about {}", caller.id, token.id);
                    assert_inactive(suite, &caller.token, &token.token, &why).await;
                }
            }
        }
        for token in all {
            let shown = introspect(suite, &suite.keys.admin, &token.token).await;
            assert_eq!(shown["jti"], token.id);
            assert_live(gateway, token, "looking changes nothing").await;
        }
    }
}

async fn rfc7662_everything_else_is_not_active_and_nothing_more(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    for format in FORMATS {
        let body = json!({ "project": SHOP, "format": format });
        let token = organization.mint(gateway, &body).await;
        let manager = organization.mint(gateway, &json!({})).await;
        let dead = organization.mint(gateway, &body).await;
        let brief = json!({ "project": SHOP, "format": format, "expires_in": "1s" });
        let brief = organization.mint(gateway, &brief).await;
        let rotated = organization.mint(gateway, &body).await;
        assert_eq!(
            introspect(suite, &manager.token, &dead.token).await["active"],
            true
        );
        organization.revoke(gateway, &dead.id).await;
        organization.rotate(gateway, &rotated.id, &json!({})).await;
        let left = millis(&brief.answer["expires_at"]) - now();
        tokio::time::sleep(std::time::Duration::from_millis(
            u64::try_from(left).unwrap_or(0) + 50,
        ))
        .await;
        let mut strangers = strangers(&suite.keys, &token, &dead);
        strangers.push(("expired", brief.token.clone()));
        strangers.push(("rotated", rotated.token.clone()));
        for caller in [&suite.keys.admin, &manager.token, &token.token] {
            for (why, text) in &strangers {
                assert_inactive(suite, caller, text, why).await;
            }
        }
    }
}

async fn rfc7662_a_caller_must_show_a_live_credential_of_its_own(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let token = organization
        .mint(gateway, &json!({ "project": SHOP }))
        .await;
    let dead = organization.mint(gateway, &json!({})).await;
    organization.revoke(gateway, &dead.id).await;
    let form = [("token", token.token.as_str())];
    let call = || gateway.call("POST", INTROSPECT).form(&form);
    let missing = call().send().await;
    assert_eq!(
        missing.header("www-authenticate"),
        Some(r#"Bearer realm="postern""#)
    );
    let problem = missing.problem(401, "credential_missing");
    assert_eq!(problem["error"], "invalid_client");
    let rows = [
        (format!("Bearer {}", dead.token), "credential_refused"),
        ("Bearer hello".to_owned(), "credential_refused"),
        ("Basic YTpi".to_owned(), "credential_malformed"),
        ("Bearer".to_owned(), "credential_malformed"),
    ];
    for (header, code) in rows {
        let answer = call().header("authorization", &header).send().await;
        let problem = answer.problem(401, code);
        assert_eq!(problem["error"], "invalid_client");
        assert!(
            answer.header("www-authenticate").is_some(),
            "a challenge goes with 401"
        );
        assert!(!answer.text().contains(&token.id), "nothing of the token");
    }
    // The token in the form is not the caller's credential, nor is one in the query.
    let query = format!(
        "{INTROSPECT}?token={}&access_token={}",
        token.token, suite.keys.admin
    );
    let call = gateway.call("POST", &query).form(&form);
    call.send().await.problem(401, "credential_missing");
}

async fn rfc7662_forms_that_are_none(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let token = organization.mint(gateway, &json!({})).await;
    for (what, media, body, status, code) in no_forms(&token.token) {
        let call = gateway.call("POST", INTROSPECT).bearer(&suite.keys.admin);
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
    let query = format!("{INTROSPECT}?token={}", token.token);
    let call = gateway.call("POST", &query).bearer(&suite.keys.admin);
    call.form(&[]).send().await.problem(400, "token_parameter");
    // The media type may come in any case and with a charset.
    let call = gateway
        .call("POST", INTROSPECT)
        .bearer(&suite.keys.admin)
        .header(
            "content-type",
            "Application/X-WWW-Form-URLencoded ; charset=UTF-8",
        )
        .body(format!("token={}", token.token));
    assert_eq!(call.send().await.json(200)["active"], true);
}
