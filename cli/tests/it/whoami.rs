//! `postern whoami`, and `postern org update`: on a gateway of fixed answers.

use serde_json::{Value, json};

use crate::commands::{ID, check, ci_job};
use crate::gateway::{Gateway, TOKEN, json, problem, run};

fn introspected() -> Value {
    json!({
        "active": true, "scope": "workflow_run:list workflow_run:read", "token_type": "Bearer", "jti": ID,
        "sub": format!("api-token:{ID}"), "token_name": "ci", "org_name": "acme", "project_name": "shop",
        "workflow_name": "release", "exp": 1_803_086_060,
    })
}

#[tokio::test]
async fn a_token_asks_about_itself() {
    let mut wide = introspected();
    for name in ["project_name", "workflow_name", "exp"] {
        wide.as_object_mut().unwrap().remove(name);
    }
    let mut of_job = introspected();
    of_job["ci_job"] = ci_job();
    for (name, told) in [("token", introspected()), ("wide", wide), ("job", of_job)] {
        let golden = format!("whoami-{name}");
        let gateway = check(&golden, vec![json(200, &told)], &["whoami"]).await;
        assert_eq!(gateway.asked(), ["POST /oauth/introspect"]);
        {
            let came = gateway.came.lock().unwrap();
            assert_eq!(came[0].body, format!("token={TOKEN}"));
            assert_eq!(came[0].headers["authorization"], format!("Bearer {TOKEN}"));
        }
        let words = ["whoami", "-o", "json"];
        let gateway = Gateway::start(vec![json(200, &told)]).await;
        assert_eq!(gateway.run(&words).await.stdout, format!("{told:#}\n"));
    }
}

#[tokio::test]
async fn an_administrator_key_is_called_one() {
    let inactive = || json(200, &json!({ "active": false }));
    let organizations = || json(200, &json!({ "organizations": [], "next_cursor": null }));
    let gateway = check(
        "whoami-administrator",
        vec![inactive(), organizations()],
        &["whoami"],
    )
    .await;
    assert_eq!(
        gateway.asked(),
        ["POST /oauth/introspect", "GET /orgs?limit=1"]
    );
    let gateway = Gateway::start(vec![inactive(), organizations()]).await;
    let output = gateway.run(&["whoami", "-o", "json"]).await;
    assert_eq!(output.stdout, "{\n  \"administrator\": true\n}\n");
    let named = json(200, &json!({ "active": false, "administrator": "ops" }));
    let gateway = Gateway::start(vec![named.clone(), organizations()]).await;
    let output = gateway.run(&["whoami"]).await;
    assert!(
        output.stdout.starts_with("administrator key `ops`: "),
        "{}",
        output.stdout
    );
    let gateway = Gateway::start(vec![named, organizations()]).await;
    let output = gateway.run(&["whoami", "-o", "json"]).await;
    assert_eq!(
        output.stdout,
        "{\n  \"administrator\": true,\n  \"name\": \"ops\"\n}\n"
    );
    // One that ended between two calls is none.
    for (status, code) in [(401, "credential_refused"), (403, "operation_not_allowed")] {
        let gateway = Gateway::start(vec![inactive(), problem(status, code)]).await;
        let output = gateway.run(&["whoami"]).await;
        assert_eq!((output.code, output.stdout.as_str()), (4, ""));
        assert!(
            output.stderr.contains("is not active any more"),
            "{}",
            output.stderr
        );
    }
}

#[tokio::test]
async fn a_credential_that_is_not_there_or_refused() {
    let gateway = Gateway::start(vec![
        problem(401, "credential_refused"),
        problem(401, "job_token_refused"),
        json(200, &json!({})),
    ])
    .await;
    let output = run(&["whoami"], &[("POSTERN_URL", &gateway.url)], "").await;
    assert_eq!(output.code, 4);
    assert!(
        output
            .stderr
            .contains("there is no credential\n  hint: set POSTERN_TOKEN"),
        "{}",
        output.stderr
    );
    assert!(gateway.asked().is_empty());
    for (code, why) in [
        (4, "credential_refused"),
        (
            4,
            "hint: whoever has the policy `trust_rule:read` sees why: postern trust test",
        ),
        (9, "does not say whether the credential is active"),
    ] {
        let output = gateway.run(&["whoami"]).await;
        assert_eq!((output.code, output.stdout.as_str()), (code, ""));
        assert!(output.stderr.contains(why), "{}", output.stderr);
    }
}

#[tokio::test]
async fn the_settings_of_an_organization() {
    let organization = json!({
        "id": ID, "name": "acme", "created_at": "2026-11-22T01:14:20.571Z", "mint_ceiling": null, "max_idle_days": 90,
        "on_leak": "revoke", "jurisdiction": null, "federated_only": true,
    });
    let words = ["org", "update", "acme", "--federated-only", "true"];
    let gateway = check("org-update", vec![json(200, &organization)], &words).await;
    assert_eq!(gateway.asked(), ["PATCH /orgs/acme"]);
    for (flags, body) in [
        (
            &["--federated-only", "false"][..],
            json!({ "federated_only": false }),
        ),
        (
            &["--mint-ceiling", "default"],
            json!({ "mint_ceiling": null }),
        ),
        (
            &[
                "--mint-ceiling",
                "0",
                "--max-idle-days",
                "90",
                "--on-leak",
                "quarantine",
            ],
            json!({ "mint_ceiling": 0, "max_idle_days": 90, "on_leak": "quarantine" }),
        ),
    ] {
        let gateway = Gateway::start(vec![json(200, &organization)]).await;
        let words: Vec<&str> = ["org", "update", "a/b", "-o", "json"]
            .iter()
            .chain(flags)
            .copied()
            .collect();
        let output = gateway.run(&words).await;
        assert_eq!(
            (output.code, output.stdout),
            (0, format!("{organization:#}\n"))
        );
        assert_eq!(gateway.asked(), ["PATCH /orgs/a%2Fb"]);
        assert_eq!(gateway.came.lock().unwrap()[0].json(), body);
    }
    let gateway = Gateway::start(Vec::new()).await;
    for (flags, why) in [
        (&[][..], "--federated-only"),
        (&["--federated-only", "yes"], "invalid value"),
        (
            &["--mint-ceiling", "many"],
            "must be a whole number from 0 to 10000000, or `default`",
        ),
        (&["--mint-ceiling", "10000001"], "from 0 to 10000000"),
        (&["--mint-ceiling", "-1"], "from 0 to 10000000"),
        (&["--max-idle-days", "366"], "366 is not in 0..=365"),
        (&["--max-lifetime-days", "-1"], "-1 is not in 0..=3650"),
    ] {
        let words: Vec<&str> = ["org", "update", "acme"]
            .iter()
            .chain(flags)
            .copied()
            .collect();
        let output = gateway.run(&words).await;
        assert_eq!(output.code, 2);
        assert!(output.stderr.contains(why), "{}", output.stderr);
    }
    assert!(gateway.asked().is_empty());
}

#[tokio::test]
async fn where_only_jobs_get_tokens_it_says_how_to_go_on() {
    let gateway = Gateway::start(vec![problem(409, "federated_only")]).await;
    let output = gateway.run(&["token", "create"]).await;
    assert_eq!(output.code, 7);
    let expected = "it is so (federated_only, request r1)\n  hint: this organization gives new tokens to CI jobs only: postern trust add";
    assert!(output.stderr.contains(expected), "{}", output.stderr);
}
