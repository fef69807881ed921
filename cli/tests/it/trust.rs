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
        "verified": true, "refusal": if chosen { Value::Null } else { "the job meets no rule".into() }, "job": facts,
        "rules": [
            row("r-1", false, false, "environment".into(), "production", "staging"),
            row("r-2", chosen, chosen, if chosen { Value::Null } else { "ref".into() }, "", ""),
            row("r-3", chosen, false, if chosen { Value::Null } else { "outside_event".into() }, "", if chosen { "" } else { "pull_request" }),
        ],
        "gives": if chosen { gives } else { Value::Null },
    })
}

/// The rules that `tested` speaks of, with what each asks.
fn listed() -> Value {
    let with = |id: &str, conditions: Value| {
        let mut rule = rule();
        (rule["id"], rule["conditions"]) = (id.into(), conditions);
        rule
    };
    rules(&[
        with("r-1", json!({ "environment": "production" })),
        with(
            "r-2",
            json!({ "ref": "refs/heads/main", "events": ["push"] }),
        ),
        with("r-3", json!({})),
    ])
}

/// What is met, where the token opens nothing all the same.
fn opens_nothing(why: &str) -> Value {
    let mut told = tested(true);
    (told["refusal"], told["gives"]) = (why.into(), Value::Null);
    told
}

#[tokio::test]
async fn test_shows_each_rule_and_ends_as_the_exchange_would() {
    let refused = |why: &str| json!({ "verified": false, "refusal": why, "job": null, "rules": [], "gives": null });
    let mut presented = tested(true);
    (presented["presented"], presented["refusal"]) =
        (true.into(), "the job token was presented before".into());
    let ask = "\n  hint: make the token for https://gate.example/acme: `aud` under id_tokens (GitLab), --audience \
               (GitHub); or check POSTERN_URL and POSTERN_ORGANIZATION\n";
    for (name, told, code, why, hint) in [
        ("met", tested(true), 0, "", ""),
        (
            "unmet",
            tested(false),
            5,
            "the job meets no rule",
            "\n  hint: change the job, or add a rule that it meets: postern trust add\n",
        ),
        (
            "other-organization",
            opens_nothing("the request names another organization"),
            5,
            "the request names another organization than the token, which is made for https://gate.example/umbrella",
            ask,
        ),
        (
            "presented",
            presented,
            5,
            "the job token was presented before",
            "\n  hint: a job token counts once: get a new one\n",
        ),
        (
            "refused",
            refused("`aud` is somebody else"),
            5,
            "the token is made for https://gate.example/umbrella, and must be made for https://gate.example/acme alone",
            ask,
        ),
        (
            "expired",
            refused("the token has expired"),
            5,
            "the token has expired",
            "\n  hint: get a new job token: one of GitHub's lives 5 minutes\n",
        ),
        (
            "issuer",
            refused("`iss` is no issuer that this gateway trusts"),
            5,
            "the gateway does not trust the token's issuer https://token.actions.githubusercontent.com: it trusts \
             github, gitlab=https://gitlab.acme.dev, https://ci.example.com",
            "\n  hint: the gateway's operator adds it to CI_ISSUERS\n",
        ),
        (
            "odd",
            refused("`jti` is missing or empty"),
            5,
            "`jti` is missing or empty",
            "\n",
        ),
    ] {
        let token = of_github("https://gate.example/umbrella");
        let stderr = match code {
            0 => String::new(),
            _ => format!("postern: the job token is refused: {why}{hint}"),
        };
        let gateway = Gateway::start(vec![json(200, &told), json(200, &listed())]).await;
        let output = gateway
            .run_with(&["trust", "test", "--token-file", "-"], &token)
            .await;
        assert_eq!((output.code, &output.stderr), (code, &stderr), "{name}");
        golden::check(&format!("output/trust-test-{name}.txt"), &output.stdout);
        assert_eq!(output.stdout.contains("good"), code == 0, "{name}");
        assert_eq!(output.stdout.contains("counts\n"), code == 0, "{name}");
        assert_eq!(
            gateway.asked(),
            ["POST /org/trust-rules/test", "GET /org/trust-rules"]
        );
        assert_eq!(
            gateway.came.lock().unwrap()[0].json(),
            json!({ "token": token })
        );

        let gateway = Gateway::start(vec![json(200, &told), json(200, &listed())]).await;
        let words = ["trust", "test", "--token-file", "-", "-o", "json"];
        let output = gateway.run_with(&words, &token).await;
        assert_eq!(
            (output.code, output.stdout, output.stderr),
            (code, format!("{told:#}\n"), stderr),
            "{name}"
        );
    }
}

#[tokio::test]
async fn test_without_the_list_of_rules_and_without_an_answer() {
    let token = of_github("https://gate.example/umbrella");
    let words = ["trust", "test", "--token-file", "-"];
    let aud = json!({ "verified": false, "refusal": "`aud` is somebody else", "job": null, "rules": [], "gives": null });
    let gateway = Gateway::start(vec![json(200, &aud), problem(503, "unavailable")]).await;
    let output = gateway.run_with(&words, &token).await;
    assert_eq!(output.code, 5);
    let lines = [
        "the rules cannot be listed: it is so (unavailable, request r1)\n".to_owned(),
        format!("must be made for {}/acme alone", gateway.url),
    ];
    for line in lines {
        assert!(output.stderr.contains(&line), "{}", output.stderr);
    }
    let gateway = Gateway::start(vec![json(200, &json!({}))]).await;
    let output = gateway.run_with(&words, &token).await;
    assert_eq!((output.code, output.stdout.as_str()), (9, ""));
}

#[tokio::test]
async fn what_a_credential_may_not_do_names_the_policies() {
    let read = "hint: this needs an organization-level token with the policy `trust_rule:read`";
    let change = "hint: this needs an organization-level token with the policies `trust_rule:update`, `trust_rule:read`";
    let mut denied = problem(403, "operation_not_allowed");
    denied.body = denied.body.replace("it is so", "operation not allowed");
    let token = of_github("https://gate.example/acme");
    for (words, hint) in [
        (&["trust", "list"][..], read),
        (&["trust", "test", "--token-file", "-"], read),
        (&["trust", "remove", ID], change),
        (
            &[
                "trust",
                "add",
                "--project",
                "shop",
                "--repository",
                "acme/shop",
            ],
            change,
        ),
    ] {
        let gateway = Gateway::start(vec![denied.clone()]).await;
        let output = gateway.run_with(words, &token).await;
        assert_eq!((output.code, output.stdout.as_str()), (5, ""), "{words:?}");
        assert!(output.stderr.contains(hint), "{}", output.stderr);
    }
}

#[tokio::test]
async fn test_finds_the_token_of_the_job_that_it_runs_in() {
    let gateway = Gateway::start(vec![json(200, &tested(true)), json(200, &listed())]).await;
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
