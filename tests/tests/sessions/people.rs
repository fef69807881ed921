//! What a person with a session may do, and where (R23).

use postern_system_tests::organization::{Minted, RELEASE, SHOP, id};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_name};
use serde_json::{Value, json};

use crate::support::{cookie, own, sign_in, told};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r23_each_role_opens_what_its_row_says,
        r23_r21_what_a_session_mints_names_its_person,
        r23_a_session_reaches_its_own_organizations_only,
        r23_a_write_must_come_from_our_own_pages,
        r23_a_credential_beside_the_cookie_decides_alone,
    ]
}

async fn r23_each_role_opens_what_its_row_says(suite: &Suite) {
    let organization = suite.organization().await;
    let project_token = json!({ "project": SHOP }).to_string();
    let no = "403 operation_not_allowed";
    let roles = [
        "owner",
        "admin",
        "member",
        "contributor",
        "viewer",
        "janitor",
    ];
    // What is done, then for each role what comes of it.
    let managers = ["ok", "ok", "ok", "ok", no, no];
    let administrators = ["ok", "ok", no, no, no, no];
    let listers = ["ok", "ok", "ok", "ok", "ok", no];
    let none = [no; 6];
    let narrow = "403 project_required";
    let wide = ["ok", "ok", narrow, narrow, no, no];
    let foreign = "403 organization_token";
    let touch_wide = ["ok", "ok", foreign, foreign, no, no];
    let read_wide = ["ok", "ok", foreign, foreign, foreign, no];
    type Row<'a> = (&'a str, &'a str, &'a str, [&'a str; 6]);
    let rows: [Row<'_>; 13] = [
        ("GET", "/org/tokens", "", listers),
        ("GET", "/org/tokens/PROJECT", "", listers),
        ("GET", "/org/tokens/WIDE", "", read_wide),
        ("POST", "/org/tokens", &project_token, managers),
        ("POST", "/org/tokens", "{}", wide),
        ("POST", "/org/tokens/PROJECT/rotate", "", managers),
        ("DELETE", "/org/tokens/PROJECT", "", managers),
        ("DELETE", "/org/tokens/WIDE", "", touch_wide),
        ("GET", "/org/projects", "", administrators),
        ("GET", "/org/projects/shop/workflows", "", administrators),
        ("POST", "/org/projects", r#"{"name":"new"}"#, none),
        ("POST", "/orgs", r#"{"name":"new"}"#, none),
        ("GET", "/orgs", "", none),
    ];
    for (index, role) in roles.into_iter().enumerate() {
        let cookie = sign_in(suite, &organization, role).await;
        for (method, path, body, expected) in rows {
            // Fresh ones: what one row ends, the next must not miss.
            let project = organization
                .mint(&suite.gateway, &json!({ "project": SHOP }))
                .await;
            let wide = organization.mint(&suite.gateway, &json!({})).await;
            let path = path
                .replace("PROJECT", &project.id)
                .replace("WIDE", &wide.id);
            let call = own(&suite.gateway, &cookie, method, &path).body(body.to_owned());
            let answer = call.send().await;
            assert_eq!(
                told(&answer),
                expected[index],
                "{role}: {method} {path} {body}"
            );
        }
        // Nobody makes or sees a system token, and no role is more than its row.
        let system = own(&suite.gateway, &cookie, "POST", "/org/tokens")
            .body(json!({ "project": SHOP, "system": true }).to_string());
        let answer = told(&system.send().await);
        let expected = if managers[index] == "ok" {
            "403 system_token"
        } else {
            no
        };
        assert_eq!(answer, expected, "{role}");
    }
}

async fn r23_r21_what_a_session_mints_names_its_person(suite: &Suite) {
    let organization = suite.organization().await;
    let cookie = sign_in(suite, &organization, "member").await;
    let call = own(&suite.gateway, &cookie, "POST", "/org/tokens");
    let answer = call
        .body(json!({ "project": SHOP, "workflow": RELEASE }).to_string())
        .send()
        .await;
    let request = answer.header("x-request-id").expect("an id").to_owned();
    let minted = Minted::of(answer.json(201));
    assert_eq!(minted.answer["created_by"], "session:kim@example.com");
    let row = organization.token(&suite.gateway, &minted.id).await;
    assert_eq!(row["created_by"], "session:kim@example.com");
    assert_eq!(row["minted_by"], Value::Null);
    // The default policies, as anybody's workflow token has them.
    let usual = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    assert_eq!(minted.answer["policies"], usual.answer["policies"]);
    let line = suite.gateway.log_line(&request).await;
    assert_eq!(line["tier"], "session");
    let secret = cookie.strip_prefix("session=").expect("its name");
    assert!(
        !suite.gateway.serve().log().contains(secret),
        "the log has a cookie"
    );
}

async fn r23_a_session_reaches_its_own_organizations_only(suite: &Suite) {
    let (acme, other) = (suite.organization().await, suite.organization().await);
    let elsewhere = random_name("elsewhere");
    let both = cookie();
    let memberships = [
        (acme.name.as_str(), "admin"),
        (other.name.as_str(), "viewer"),
        (elsewhere.as_str(), "owner"),
    ];
    suite.origin.sign_in(&both, "kim", &memberships).await;
    let only = sign_in(suite, &acme, "admin").await;
    let nowhere = cookie();
    suite.origin.sign_in(&nowhere, "kim", &[]).await;
    let secret = acme.mint(&suite.gateway, &json!({ "project": SHOP })).await;
    let foreign = other
        .mint(&suite.gateway, &json!({ "project": SHOP }))
        .await;

    let list = |cookie: &str, named: Option<&str>| {
        let call = own(&suite.gateway, cookie, "GET", "/org/tokens");
        match named {
            Some(name) => call.organization(name),
            None => call,
        }
    };
    let not_theirs = "403 not_a_member";
    let rows = [
        (&both, None, "400 organization_required"),
        (&both, Some(acme.name.as_str()), "ok"),
        (&both, Some(other.name.as_str()), "ok"),
        // A member there, but nothing is registered under the name.
        (&both, Some(elsewhere.as_str()), "404 not_found"),
        (&both, Some("unheard-of"), not_theirs),
        (&only, None, "ok"),
        (&only, Some(acme.name.as_str()), "ok"),
        // Whether it exists or not is none of their business.
        (&only, Some(other.name.as_str()), not_theirs),
        (&only, Some("unheard-of"), not_theirs),
        (&nowhere, None, not_theirs),
        (&nowhere, Some(acme.name.as_str()), not_theirs),
    ];
    for (cookie, named, expected) in rows {
        let answer = list(cookie, named).send().await;
        assert_eq!(told(&answer), expected, "{named:?}");
    }
    let ids = |answer: &Value| -> Vec<String> {
        answer["tokens"]
            .as_array()
            .expect("a list")
            .iter()
            .map(id)
            .collect()
    };
    let seen = list(&both, Some(&other.name)).send().await.json(200);
    assert_eq!(ids(&seen), vec![foreign.id.clone()]);
    let seen = list(&only, None).send().await.json(200);
    assert_eq!(ids(&seen), vec![secret.id.clone()]);
    for method in ["GET", "DELETE"] {
        let path = format!("/org/tokens/{}", foreign.id);
        let call = own(&suite.gateway, &only, method, &path);
        call.send().await.problem(404, "not_found");
    }
    // The role is that of the organization that is named.
    let mint = own(&suite.gateway, &both, "POST", "/org/tokens").organization(&other.name);
    let mint = mint.body(json!({ "project": SHOP }).to_string());
    mint.send().await.problem(403, "operation_not_allowed");
}

async fn r23_a_write_must_come_from_our_own_pages(suite: &Suite) {
    let organization = suite.organization().await;
    let cookie = sign_in(suite, &organization, "admin").await;
    let gateway = &suite.gateway;
    let own_origin = gateway.url(0);
    let victim = organization
        .mint(gateway, &json!({ "project": SHOP }))
        .await;
    let before = organization.snapshot(gateway).await;
    let asked = suite.origin.session_calls().await;
    let json = ("content-type", "application/json");
    let rows: [&[(&str, &str)]; 13] = [
        &[],
        &[json],
        &[("origin", &own_origin)],
        &[("sec-fetch-site", "same-origin")],
        &[
            ("sec-fetch-site", "same-origin"),
            ("content-type", "text/plain"),
        ],
        &[
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/x-www-form-urlencoded"),
        ],
        &[json, ("origin", "https://evil.example")],
        &[json, ("origin", "null")],
        &[json, ("origin", &format!("{own_origin}.evil.example"))],
        &[json, ("origin", &own_origin.replace("http:", "https:"))],
        &[
            json,
            ("sec-fetch-site", "cross-site"),
            ("origin", &own_origin),
        ],
        &[json, ("sec-fetch-site", "same-site")],
        &[json, ("sec-fetch-site", "none")],
    ];
    let delete = format!("/org/tokens/{}", victim.id);
    let sweep = json!({ "project": SHOP }).to_string();
    for headers in rows {
        for (method, path, body) in [
            ("POST", "/org/tokens", "{}"),
            ("POST", "/org/tokens/revoke", sweep.as_str()),
            ("DELETE", delete.as_str(), ""),
        ] {
            let mut call = gateway.call(method, path).header("cookie", &cookie);
            for (name, value) in headers {
                call = call.header(name, value);
            }
            let answer = call.body(body.to_owned()).send().await;
            answer.problem(403, "cross_site");
        }
    }
    assert_eq!(
        suite.origin.session_calls().await,
        asked,
        "the endpoint was asked"
    );
    assert_eq!(organization.snapshot(gateway).await, before);
    // Where a browser sends no Fetch Metadata, Origin will do.
    for (name, value) in [
        ("origin", own_origin.as_str()),
        ("sec-fetch-site", "same-origin"),
    ] {
        let call = gateway
            .call("POST", "/org/tokens")
            .header("cookie", &cookie);
        let call = call.header(name, value).json(&json!({ "project": SHOP }));
        call.send().await.json(201);
    }
    // Reads change nothing.
    let read = gateway.call("GET", "/org/tokens").header("cookie", &cookie);
    read.header("sec-fetch-site", "cross-site")
        .send()
        .await
        .json(200);
}

async fn r23_a_credential_beside_the_cookie_decides_alone(suite: &Suite) {
    let organization = suite.organization().await;
    let cookie = sign_in(suite, &organization, "owner").await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    let asked = suite.origin.session_calls().await;
    let rows = [
        (token.token.as_str(), 403, "operation_not_allowed"),
        ("nonsense", 401, "credential_refused"),
        ("", 401, "credential_malformed"),
    ];
    for (credential, status, code) in rows {
        let call = own(&suite.gateway, &cookie, "GET", "/org/tokens");
        call.bearer(credential).send().await.problem(status, code);
    }
    // The origin and OAuth know no sessions.
    let introspect = own(&suite.gateway, &cookie, "POST", "/oauth/introspect");
    let introspect = introspect
        .without("content-type")
        .form(&[("token", &token.token)]);
    introspect.send().await.problem(401, "credential_missing");
    assert_eq!(
        suite.origin.session_calls().await,
        asked,
        "the endpoint was asked"
    );
}
