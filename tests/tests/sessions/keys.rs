//! Administrator keys (R24), and workflow tokens that may still read (R25).

use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::organization::{OTHER, Organization, SHOP, id};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id};
use serde_json::json;

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r24_administrator_keys_are_rotated,
        r21_r24_audit_names_the_administrator_key,
        r25_a_workflow_token_reads_where_that_is_on,
    ]
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

async fn r21_r24_audit_names_the_administrator_key(suite: &Suite) {
    let (old, new) = (Keys::random().admin, Keys::random().admin);
    let keys = format!("{old},alice:{new}");
    let gateway = suite.serve().set("ADMIN_TOKEN", &keys).start().await;
    let organization = Organization::new(&gateway, &new).await;
    let rows = [
        (&old, "admin-token", None),
        (&new, "admin-token:alice", Some("alice")),
    ];
    for (key, actor, name) in rows {
        let as_key = |method: &str, path: &str| {
            let call = gateway.call(method, path).bearer(key);
            call.organization(&organization.name)
        };
        let answer = as_key("POST", "/org/tokens").json(&json!({})).send().await;
        let request = answer.header("x-request-id").expect("an id").to_owned();
        assert_eq!(answer.json(201)["created_by"], actor);
        let line = gateway.log_line(&request).await;
        assert_eq!(
            (&line["tier"], &line["admin_name"]),
            (&json!("admin"), &json!(name))
        );

        let mints = format!("/org/audit?action=token.mint&actor={actor}");
        let events = as_key("GET", &mints).send().await.json(200);
        let requests: Vec<_> = events["events"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|event| event["request_id"].as_str().expect("an id").to_owned())
            .collect();
        assert_eq!(requests, [request], "{events}");

        let told = gateway.call("POST", "/oauth/introspect").bearer(key);
        let told = told.form(&[("token", key)]).send().await.json(200);
        assert_eq!(
            (&told["active"], &told["administrator"]),
            (&json!(false), &json!(name))
        );
    }
    // The name is no part of the key.
    let named = gateway.call("GET", "/orgs").bearer(&format!("alice:{new}"));
    named.send().await.problem(401, "credential_malformed");
    gateway.stop();
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
