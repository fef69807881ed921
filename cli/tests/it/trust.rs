//! `postern trust` on a gateway of fixed answers: what it asks, what it shows, and what it refuses before it asks.

use std::fs;

use serde_json::{Value, json};

use crate::commands::{ID, check};
use crate::gateway::{Gateway, json, problem};
use crate::golden;
use crate::jobs::{of_github, runner};

pub const POLICIES: [&str; 4] = [
    "cas_artifact:create",
    "workflow:read",
    "workflow_contract:read",
    "workflow_run:read",
];

pub fn rule() -> Value {
    json!({
        "id": ID, "issuer": "github", "repository": "acme/shop",
        "repository_id": "74", "repository_owner_id": "65",
        "conditions": { "workflow": ".github/workflows/release.yml", "ref": "refs/heads/main", "protected_ref": true, "events": ["push", "release"] },
        "project": { "id": "94069568-e642-4167-b040-c591e68f7402", "name": "shop" },
        "workflow": { "id": "213ae83d-a412-437c-89d7-78caa817214b", "name": "release" },
        "policies": POLICIES, "longest_life_seconds": 900,
        "created_at": "2026-11-29T01:14:20.641Z", "created_by": "admin-token",
    })
}

fn other() -> Value {
    let mut other = rule();
    for name in ["repository", "repository_id", "repository_owner_id"] {
        other.as_object_mut().unwrap().remove(name);
    }
    other["issuer"] = "https://ci.example.com".into();
    other["subject"] = "pipeline:deploy\u{1b}[2J".into();
    other["conditions"] = json!({});
    (other["workflow"], other["longest_life_seconds"]) = (Value::Null, 90.into());
    other
}

pub fn rules(rules: &[Value]) -> Value {
    json!({
        "trust_rules": rules, "issuers": ["github", "gitlab=https://gitlab.acme.dev", "https://ci.example.com"],
        "audiences": ["https://gate.example/acme"],
    })
}

#[tokio::test]
async fn list() {
    let told = rules(&[rule(), other()]);
    let gateway = Gateway::start(vec![json(200, &told)]).await;
    let output = gateway.run(&["trust", "list"]).await;
    assert_eq!(output.code, 0, "{}", output.stderr);
    golden::check("output/trust-list.txt", &output.stdout);
    let expected = "issuers: github, gitlab=https://gitlab.acme.dev, https://ci.example.com\naudience of job tokens: https://gate.example/acme\n";
    assert_eq!(output.stderr, expected);
    assert_eq!(gateway.asked(), ["GET /org/trust-rules"]);
    check(
        "trust-list-json",
        vec![json(200, &told)],
        &["trust", "ls", "-o", "json"],
    )
    .await;

    let none = json!({ "trust_rules": [], "issuers": [], "audiences": [] });
    let gateway = Gateway::start(vec![json(200, &none), json(200, &json!({}))]).await;
    let output = gateway.run(&["trust", "list"]).await;
    assert_eq!((output.code, output.stdout.as_str()), (0, ""));
    let expected =
        "this organization trusts no CI job\nissuers: none\naudience of job tokens: none\n";
    assert_eq!(output.stderr, expected);
    let output = gateway.run(&["trust", "list"]).await;
    assert_eq!(output.code, 9);
    assert!(
        output.stderr.contains("has no `trust_rules`"),
        "{}",
        output.stderr
    );
}

#[tokio::test]
async fn remove_says_how_many_tokens_it_revoked() {
    for (count, told) in [(0, "0 tokens"), (1, "1 token"), (12, "12 tokens")] {
        let removed =
            json!({ "id": ID, "removed_at": "2026-11-29T01:20:00.100Z", "revoked_tokens": count });
        let gateway = Gateway::start(vec![json(200, &removed)]).await;
        let output = gateway.run(&["trust", "remove", ID]).await;
        assert_eq!(output.code, 0, "{}", output.stderr);
        let expected =
            format!("Trust rule removed! {ID}, 2026-11-29 01:20:00 UTC, {told} revoked\n");
        assert_eq!(output.stdout, expected);
        assert_eq!(gateway.asked(), [format!("DELETE /org/trust-rules/{ID}")]);
        // It waits until that is final.
        assert!(
            !gateway.came.lock().unwrap()[0]
                .headers
                .contains_key("prefer")
        );
    }
    let gateway = Gateway::start(vec![problem(404, "not_found")]).await;
    let output = gateway.run(&["trust", "rm", "a/../b"]).await;
    assert_eq!(output.code, 6);
    assert_eq!(gateway.asked(), ["DELETE /org/trust-rules/a%2F..%2Fb"]);
}

fn tested(chosen: bool) -> Value {
    let facts = json!({
        "issuer": "github", "repository": "acme/shop", "run_id": "9", "run_attempt": "2", "ref": "refs/heads/main",
        "commit": "0123456789abcdef0123456789abcdef01234567", "event": "push", "environment": "staging", "actor": "kim",
        "workflow": "acme/shop/.github/workflows/release.yml@refs/heads/main",
    });
    let gives = json!({
        "project": { "name": "shop" }, "workflow": { "name": "release" }, "policies": POLICIES,
        "expires_at": "2026-11-29T01:30:00Z",
    });
    let row = |id: &str, met: bool, chosen: bool, unmet: Value, asks: &str, says: &str| json!({ "id": id, "repository": "acme/shop", "met": met, "chosen": chosen, "unmet": unmet, "asks": asks, "says": says });
    json!({
        "verified": true, "refusal": null, "job": facts,
        "rules": [
            row("r-1", false, false, "environment".into(), "production", "staging"),
            row("r-2", chosen, chosen, if chosen { Value::Null } else { "ref".into() }, "", ""),
            row("r-3", chosen, false, if chosen { Value::Null } else { "event".into() }, "", "issue_comment"),
        ],
        "gives": if chosen { gives } else { Value::Null },
    })
}

#[tokio::test]
async fn test_shows_each_rule_and_ends_as_the_exchange_would() {
    let token = of_github("https://gate.example/acme");
    let refused = json!({
        "verified": false, "refusal": "`aud` is somebody else", "job": null, "rules": [], "gives": null,
    });
    for (name, told, code, why) in [
        ("met", tested(true), 0, ""),
        (
            "unmet",
            tested(false),
            5,
            "postern: the job meets no rule of this organization\n",
        ),
        (
            "refused",
            refused,
            5,
            "postern: the job token is refused: `aud` is somebody else\n",
        ),
    ] {
        let gateway = Gateway::start(vec![json(200, &told)]).await;
        let output = gateway
            .run_with(&["trust", "test", "--token-file", "-"], &token)
            .await;
        assert_eq!((output.code, output.stderr.as_str()), (code, why), "{name}");
        golden::check(&format!("output/trust-test-{name}.txt"), &output.stdout);
        assert_eq!(gateway.asked(), ["POST /org/trust-rules/test"]);
        assert_eq!(
            gateway.came.lock().unwrap()[0].json(),
            json!({ "token": token })
        );

        let gateway = Gateway::start(vec![json(200, &told)]).await;
        let words = ["trust", "test", "--token-file", "-", "-o", "json"];
        let output = gateway.run_with(&words, &token).await;
        assert_eq!(
            (output.code, output.stdout),
            (code, format!("{told:#}\n")),
            "{name}"
        );
    }
    let gateway = Gateway::start(vec![json(200, &json!({}))]).await;
    let output = gateway
        .run_with(&["trust", "test", "--token-file", "-"], &token)
        .await;
    assert_eq!((output.code, output.stdout.as_str()), (9, ""));
}

#[tokio::test]
async fn test_finds_the_token_of_the_job_that_it_runs_in() {
    let gateway = Gateway::start(vec![json(200, &tested(true))]).await;
    let token = of_github("whoever it is for: the gateway says what is wrong with it");
    let github = runner(&token).await;
    let variables = [
        ("POSTERN_URL", gateway.url.as_str()),
        ("POSTERN_TOKEN", crate::gateway::TOKEN),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", github.url.as_str()),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", crate::jobs::CREDENTIAL),
    ];
    let output = crate::jobs::as_job(&["trust", "test"], &variables, "").await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    assert_eq!(
        gateway.came.lock().unwrap()[0].json(),
        json!({ "token": token })
    );
    let words = ["trust", "test", "--token-file", "not-there"];
    let output = gateway.run(&words).await;
    assert_eq!(output.code, 3);
    assert!(fs::read("not-there").is_err());
}
