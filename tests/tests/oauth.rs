//! Introspection (RFC 7662) and revocation by the holder (RFC 7009): what tools that know nothing of ours can rely on.

use std::process::ExitCode;

use postern_system_tests::forge::{self, Keys};
use postern_system_tests::http::Answer;
use postern_system_tests::life::{assert_dead, assert_live, millis, now};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id, runner};
use serde_json::{Value, json};

const ISOLATES: u16 = 4;
const FORMATS: [&str; 2] = ["opaque", "jwt"];
const INTROSPECT: &str = "/oauth/introspect";
const REVOKE: &str = "/oauth/revoke";

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| serve.isolates(ISOLATES)),
        cases![
            rfc7662_an_active_token_is_told_with_its_claims,
            rfc7662_a_caller_sees_the_tokens_that_it_may_read_and_itself,
            rfc7662_everything_else_is_not_active_and_nothing_more,
            rfc7662_a_caller_must_show_a_live_credential_of_its_own,
            rfc7662_forms_that_are_none,
            rfc7009_a_holder_ends_its_token_everywhere,
            rfc7009_in_an_overlap_the_old_token_ends_and_the_new_one_does_not,
            rfc7009_tokens_that_are_none_are_revoked_already,
            rfc7009_r10_a_system_token_is_not_its_holders_to_end,
            rfc7009_a_quarantined_token_is_revoked_and_no_release_revives_it,
            rfc7009_forms_that_are_none,
            tokens_in_forms_are_never_logged,
        ],
    )
}

async fn introspect(suite: &Suite, caller: &str, token: &str) -> Value {
    let call = suite.gateway.call("POST", INTROSPECT).bearer(caller);
    let answer = call.form(&[("token", token)]).send().await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json(200)
}

/// Asserts that a caller learns of a token exactly that it is not active, byte for byte.
async fn assert_inactive(suite: &Suite, caller: &str, token: &str, why: &str) {
    let call = suite.gateway.call("POST", INTROSPECT).bearer(caller);
    let answer = call.form(&[("token", token)]).send().await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, r#"{"active":false}"#),
        "{why}"
    );
}

/// Revokes as a holder does, on that isolate.
async fn revoke(suite: &Suite, isolate: u16, token: &str) -> Answer {
    let call = suite.gateway.call_on(isolate, "POST", REVOKE);
    call.form(&[("token", token)]).send().await
}

/// Tokens that are none of any organization, for one that has `token` and has revoked `dead`.
fn strangers(keys: &Keys, token: &Minted, dead: &Minted) -> Vec<(&'static str, String)> {
    let root = keys.root();
    let key = forge::opaque(&random_id(), &root);
    let claims = json!({
        "jti": random_id(), "iss": "cp.chainloop", "aud": ["api-token-auth.chainloop"],
        "org_id": token.answer["organization"]["id"], "org_name": token.answer["organization"]["name"],
        "token_name": "x",
    });
    let mut expired = claims.clone();
    expired["exp"] = json!(1_000_000_000);
    let mut foreign = claims.clone();
    foreign["iss"] = json!("https://elsewhere.example");
    let jwt = |claims: &Value, key: &[u8]| forge::jwt(&forge::header(), &claims.to_string(), key);
    vec![
        ("revoked", dead.token.clone()),
        ("of an id that nobody has", key.clone()),
        ("with another secret", forge::opaque(&token.id, &root)),
        ("damaged", forge::damage(&key, &forge::PARTS[5].1)),
        ("a JWT that nobody has", jwt(&claims, &keys.k2)),
        ("an expired JWT", jwt(&expired, &keys.k2)),
        ("a JWT of another issuer", jwt(&foreign, &keys.k2)),
        ("a stale JWT", jwt(&claims, &keys.k0)),
        ("a JWT without an algorithm", {
            let header = json!({ "alg": "none", "typ": "JWT" });
            forge::jwt(&header, &claims.to_string(), &keys.k2)
        }),
        ("the administrator's key", keys.admin.clone()),
        ("an id", token.id.clone()),
        ("no token at all", "hello".to_owned()),
        ("a blank", " ".to_owned()),
        ("two words", format!("{} {}", token.token, token.token)),
        ("of another alphabet", "pst_日本語".to_owned()),
        ("very long", "x".repeat(9_000)),
        ("with a line break", "a\r\nx: y".to_owned()),
        ("with a zero", "a\0b".to_owned()),
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

/// Bodies and media types that are no form with one token, and what is said of each.
fn no_forms(token: &str) -> Vec<(&'static str, &'static str, String, u16, &'static str)> {
    const FORM: &str = "application/x-www-form-urlencoded";
    let pair = format!("token={token}");
    vec![
        ("no body", FORM, String::new(), 400, "token_parameter"),
        (
            "no token",
            FORM,
            "hint=x".to_owned(),
            400,
            "token_parameter",
        ),
        (
            "an empty token",
            FORM,
            "token=".to_owned(),
            400,
            "token_parameter",
        ),
        (
            "a token by name only",
            FORM,
            "token".to_owned(),
            400,
            "token_parameter",
        ),
        (
            "two tokens",
            FORM,
            format!("{pair}&{pair}"),
            400,
            "token_parameter",
        ),
        (
            "an empty one too",
            FORM,
            format!("{pair}&token="),
            400,
            "token_parameter",
        ),
        (
            "another case",
            FORM,
            format!("Token={token}"),
            400,
            "token_parameter",
        ),
        (
            "JSON",
            "application/json",
            json!({ "token": token }).to_string(),
            415,
            "unsupported_media_type",
        ),
        (
            "JSON as a form",
            FORM,
            json!({ "token": token }).to_string(),
            400,
            "token_parameter",
        ),
        (
            "text",
            "text/plain",
            pair.clone(),
            415,
            "unsupported_media_type",
        ),
        (
            "parts",
            "multipart/form-data; boundary=x",
            pair.clone(),
            415,
            "unsupported_media_type",
        ),
        (
            "no media type",
            "",
            pair.clone(),
            415,
            "unsupported_media_type",
        ),
        (
            "half a media type",
            "application/x-www-form",
            pair,
            415,
            "unsupported_media_type",
        ),
        (
            "too much",
            FORM,
            format!("x={}&token={token}", "y".repeat(16 * 1024)),
            413,
            "body_too_large",
        ),
    ]
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
