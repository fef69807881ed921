//! Tiers 1 and 3: browser sessions that the control plane verifies (R23), and workflow tokens that may still read
//! (R25). With several administrator keys at a time (R24).

use std::process::ExitCode;
use std::time::{Duration, Instant};

use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::http::{Answer, Call};
use postern_system_tests::organization::{Minted, OTHER, Organization, RELEASE, SHOP, id};
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random, random_id, random_name, runner};
use serde_json::{Value, json};

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| serve.sessions().isolates(2)),
        cases![
            r23_each_role_opens_what_its_row_says,
            r23_r21_what_a_session_mints_names_its_person,
            r23_a_session_reaches_its_own_organizations_only,
            r23_a_write_must_come_from_our_own_pages,
            r23_a_credential_beside_the_cookie_decides_alone,
            r23_an_endpoint_that_fails_admits_nobody,
            r23_cookies_of_every_size_and_number,
            r23_a_session_that_ends_is_shut_out_within_seconds,
            r23_without_the_variable_a_cookie_is_nothing,
            r24_administrator_keys_are_rotated,
            r25_a_workflow_token_reads_where_that_is_on,
        ],
    )
}

/// A cookie that nobody has had before.
fn cookie() -> String {
    let digits: Vec<String> = random::<16>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("session={}", digits.concat())
}

/// A call as our own page makes it.
fn own(gateway: &Gateway, cookie: &str, method: &str, path: &str) -> Call {
    gateway
        .call(method, path)
        .header("cookie", cookie)
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/json")
}

/// A person with this role there.
async fn sign_in(suite: &Suite, organization: &Organization, role: &str) -> String {
    let cookie = cookie();
    let memberships = [(organization.name.as_str(), role)];
    suite
        .origin
        .sign_in(&cookie, "kim@example.com", &memberships)
        .await;
    cookie
}

/// `ok`, or status and code.
fn told(answer: &Answer) -> String {
    match answer.status {
        200 | 201 => "ok".to_owned(),
        status => {
            let document: Value = serde_json::from_slice(&answer.body).expect("a problem");
            let code = document["code"].as_str().expect("a code").to_owned();
            answer.problem(status, &code);
            format!("{status} {code}")
        }
    }
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

/// Sends a call until it is answered so; gives how often. On a machine under load every endpoint can be too slow.
async fn settles(call: &Call, expected: &str, mode: &Value) -> u64 {
    let mut tries = 0;
    loop {
        let answer = told(&call.clone().send().await);
        tries += 1;
        if answer == expected {
            return tries;
        }
        assert_eq!(answer, "503 unavailable", "{mode}");
        assert!(tries < 10, "{mode}: {expected} is not what comes of it");
    }
}

async fn r23_an_endpoint_that_fails_admits_nobody(suite: &Suite) {
    let organization = suite.organization().await;
    let before = organization.snapshot(&suite.gateway).await;
    let person = json!({
        "user_id": "kim", "organizations": [{ "name": organization.name, "role": "owner" }],
    });
    let target = format!("{}/session", suite.origin.url);
    let lie = |body: &str| json!({ "mode": "lying", "body": body });
    let twice = person.to_string().replace(
        "[{",
        &format!(r#"[{{"name":"{}","role":"viewer"}},{{"#, organization.name),
    );
    let (refused, unavailable) = ("401 credential_refused", "503 unavailable");
    let rows = [
        (json!({ "mode": "down" }), unavailable),
        (json!({ "mode": "slow" }), unavailable),
        (json!({ "mode": "trickling" }), unavailable),
        (json!({ "mode": "long" }), unavailable),
        (json!({ "mode": "redirecting", "body": target }), refused),
        (lie(""), refused),
        (lie("null"), refused),
        (lie("<html>"), refused),
        (lie("[]"), refused),
        (lie(r#"{"user_id":"kim"}"#), refused),
        (
            lie(&json!({ "user_id": "", "organizations": [] }).to_string()),
            refused,
        ),
        (
            lie(&json!({ "user_id": 1, "organizations": [] }).to_string()),
            refused,
        ),
        (
            lie(&json!({ "user_id": "kim", "organizations": [organization.name] }).to_string()),
            refused,
        ),
        (lie(&twice), refused),
        (lie(&format!("{person}x")), refused),
    ];
    for (mode, expected) in rows {
        // A cookie each: nothing of it is remembered.
        let cookie = sign_in(suite, &organization, "owner").await;
        let asked = suite.origin.session_calls().await;
        suite.origin.session_mode(&mode).await;
        let read = own(&suite.gateway, &cookie, "GET", "/org/tokens");
        let tries = settles(&read, expected, &mode).await;
        let calls = suite.origin.session_calls().await;
        assert_eq!(calls, asked + tries, "{mode}: a redirect was followed");
        let write = own(&suite.gateway, &cookie, "POST", "/org/tokens").body("{}");
        settles(&write, expected, &mode).await;
        // Other ways in go on.
        organization.tokens(&suite.gateway, "").await;
        suite.origin.session_mode(&json!({ "mode": "well" })).await;
        let read = own(&suite.gateway, &cookie, "GET", "/org/tokens");
        settles(&read, "ok", &mode).await;
    }
    assert_eq!(organization.snapshot(&suite.gateway).await, before);

    // Nobody listens there at all.
    let nobody = "http://127.0.0.1:9/session";
    let serve = suite.serve().set("SESSION_VERIFY_URL", nobody);
    let gateway = serve.start().await;
    let read = own(&gateway, &cookie(), "GET", "/org/tokens").send().await;
    read.problem(503, "unavailable");
    gateway.stop();
}

async fn r23_cookies_of_every_size_and_number(suite: &Suite) {
    let organization = suite.organization().await;
    let cookie = sign_in(suite, &organization, "viewer").await;
    let list = |cookies: &str| own(&suite.gateway, cookies, "GET", "/org/tokens");
    for cookies in [
        format!("{cookie}; theme=dark"),
        format!("theme=dark; {cookie}; a=b"),
        format!("theme={}; {cookie}", "x".repeat(8_000)),
    ] {
        list(&cookies).send().await.json(200);
    }
    let asked = suite.origin.session_calls().await;
    let too_long = format!("{cookie}; theme={}", "x".repeat(16 * 1024 - 60));
    let answer = list(&too_long).send().await;
    let request = answer.problem(401, "credential_refused")["request_id"].clone();
    let line = suite
        .gateway
        .log_line(request.as_str().expect("an id"))
        .await;
    assert_eq!(line["cause"], "cookies longer than any session's");
    assert_eq!(suite.origin.session_calls().await, asked);
    for wrong in ["session=", "session", "=", ";;;", "session=00; session=01"] {
        list(wrong).send().await.problem(401, "credential_refused");
    }
    // An empty header is no cookie.
    list("").send().await.problem(401, "credential_missing");
}

async fn r23_a_session_that_ends_is_shut_out_within_seconds(suite: &Suite) {
    let organization = suite.organization().await;
    let cookie = sign_in(suite, &organization, "admin").await;
    let list = |isolate: u16| {
        let call = suite.gateway.call_on(isolate, "GET", "/org/tokens");
        call.header("cookie", &cookie)
    };
    list(0).send().await.json(200);
    suite.origin.sign_out().await;
    // The other isolate has never heard of it.
    list(1).send().await.problem(401, "credential_refused");
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = list(0).send().await;
        if answer.status == 401 {
            answer.problem(401, "credential_refused");
            break;
        }
        answer.json(200);
        assert!(Instant::now() < deadline, "a session that ended is let in");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn r23_without_the_variable_a_cookie_is_nothing(suite: &Suite) {
    let gateway = suite.serve().start().await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    let cookie = sign_in(suite, &organization, "owner").await;
    let asked = suite.origin.session_calls().await;
    let list = own(&gateway, &cookie, "GET", "/org/tokens");
    list.send().await.problem(401, "credential_missing");
    assert_eq!(suite.origin.session_calls().await, asked);
    gateway.stop();
}

async fn r24_administrator_keys_are_rotated(suite: &Suite) {
    let (old, new) = (Keys::random().admin, Keys::random().admin);
    let serve = suite.serve();
    let stages = [
        (old.clone(), [true, false]),
        (format!("{new}, {old}\n"), [true, true]),
        (new.clone(), [false, true]),
    ];
    for (keys, opens) in stages {
        let gateway = serve.clone().set("ADMIN_TOKEN", &keys).start().await;
        for (key, opens) in [&old, &new].into_iter().zip(opens) {
            let answer = gateway.call("GET", "/orgs").bearer(key).send().await;
            match opens {
                true => drop(answer.json(200)),
                false => drop(answer.problem(401, "credential_refused")),
            }
        }
        let both = gateway.call("GET", "/orgs").bearer(&format!("{new},{old}"));
        both.send().await.problem(401, "credential_malformed");
        gateway.stop();
    }
}

async fn r25_a_workflow_token_reads_where_that_is_on(suite: &Suite) {
    let serve = suite.serve();
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    let wide = organization.mint(&gateway, &json!({})).await;
    organization.create_project(&gateway, "elsewhere").await;
    let foreign = organization
        .mint(&gateway, &json!({ "project": "elsewhere" }))
        .await;
    let reader = organization.mint_for_release(&gateway, "opaque").await;
    let project = organization
        .mint(&gateway, &json!({ "project": SHOP }))
        .await;
    let sibling = json!({ "project": SHOP, "workflow": OTHER });
    let sibling = organization.mint(&gateway, &sibling).await;
    let system = json!({ "project": SHOP, "system": true });
    let system = organization.mint(&gateway, &system).await;
    let read = |gateway: &Gateway, path: &str| organization.call_as(gateway, &reader, "GET", path);
    let no = "operation_not_allowed";
    read(&gateway, "/org/tokens").send().await.problem(403, no);
    gateway.stop();

    // Beside an administrator key it stays off, and `/readyz` says so.
    let on = serve.clone().set("WORKFLOW_TOKEN_READ", "on");
    let gateway = on.start().await;
    read(&gateway, "/org/tokens").send().await.problem(403, no);
    let ready = gateway.call("GET", "/readyz").send().await.json(200);
    let told = "WORKFLOW_TOKEN_READ (an administrator key is set)";
    assert_eq!(ready["unheeded_variables"], json!([told]));
    gateway.stop();

    // Off is the default.
    let bare = serve.set("ADMIN_TOKEN", "");
    let gateway = bare.start().await;
    read(&gateway, "/org/tokens").send().await.problem(403, no);
    gateway.stop();

    let gateway = bare.set("WORKFLOW_TOKEN_READ", "on").start().await;
    let answer = read(&gateway, "/org/tokens").send().await;
    assert_eq!(answer.header("deprecation"), Some("@1795305600"));
    let request = answer.header("x-request-id").expect("an id").to_owned();
    let seen = answer.json(200);
    let seen: Vec<String> = seen["tokens"]
        .as_array()
        .expect("a list")
        .iter()
        .map(id)
        .collect();
    let newest_first = [&sibling, &project, &reader].map(|token| token.id.clone());
    assert_eq!(seen, newest_first);
    assert_eq!(gateway.log_line(&request).await["tier"], "workflow_read");
    let warned = format!("\"for_request\":\"{request}\"");
    let log = gateway.serve().log();
    let warning = log.lines().find(|line| line.contains(&warned));
    assert!(
        warning.is_some_and(|line| line.contains("workflow_read_use")),
        "{warning:?}"
    );

    let own_project = read(&gateway, "/org/tokens?project=shop")
        .send()
        .await
        .json(200);
    assert_eq!(own_project["tokens"].as_array().map(Vec::len), Some(3));
    let other = read(&gateway, "/org/tokens?project=elsewhere").send().await;
    other.problem(403, "other_project");
    let asked = read(&gateway, "/org/tokens?include_system=true&status=all");
    assert_eq!(
        asked.send().await.json(200)["tokens"]
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    for token in [&reader, &project, &sibling] {
        let answer = read(&gateway, &format!("/org/tokens/{}", token.id))
            .send()
            .await;
        assert_eq!(answer.header("deprecation"), Some("@1795305600"));
        assert_eq!(id(&answer.json(200)), token.id);
    }
    for hidden in [&wide.id, &foreign.id, &system.id, &random_id()] {
        let answer = read(&gateway, &format!("/org/tokens/{hidden}"))
            .send()
            .await;
        answer.problem(404, "not_found");
    }
    // It reads, and nothing else.
    let own = format!("/org/tokens/{}", reader.id);
    let (rotate, release) = (format!("{own}/rotate"), format!("{own}/release"));
    for (method, path) in [
        ("POST", "/org/tokens"),
        ("POST", "/org/tokens/revoke"),
        ("DELETE", own.as_str()),
        ("POST", rotate.as_str()),
        ("POST", release.as_str()),
        ("GET", "/org/projects"),
        ("POST", "/org/projects"),
        ("GET", "/org/projects/shop/workflows"),
        ("GET", "/orgs"),
    ] {
        let call = organization.call_as(&gateway, &reader, method, path);
        let answer = call.send().await;
        assert_eq!(answer.header("deprecation"), None, "{method} {path}");
        answer.problem(403, no);
    }
    // Other narrow tokens do not even read.
    let call = organization.call_as(&gateway, &project, "GET", "/org/tokens");
    call.send().await.problem(403, no);
    gateway.stop();
}
