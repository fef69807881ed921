//! `postern org rebuild` on a gateway of fixed answers: what it asks, how often, and what it writes.

use serde_json::{Value, json};

use crate::commands::check;
use crate::gateway::{Gateway, json, problem};

fn told(status: &str, verified: u64) -> Value {
    json!({
        "status": status, "cause": "lost", "active": "quarantine", "ledger_sequence": 0,
        "undelivered": 0, "verified_sequence": verified,
        "last_event": {
            "sequence": 812, "at": "2026-11-22T01:14:32.384Z", "action": "token.revoke"
        },
        "tokens": { "active": 0, "quarantined": 61, "revoked": 204, "expired": 12 },
        "lost": [
            "upstream_credentials", "undelivered_events", "runs", "workflow_bindings",
            "unrecorded_revokes",
        ],
    })
}

#[tokio::test]
async fn a_dry_run_says_what_would_happen() {
    let words = ["org", "rebuild", "acme", "--dry-run"];
    let gateway = check(
        "org-rebuild-dry-run",
        vec![json(200, &told("planned", 0))],
        &words,
    )
    .await;
    assert_eq!(gateway.asked(), ["POST /orgs/acme/rebuild"]);
    let asked = gateway.came.lock().unwrap()[0].json();
    assert_eq!(asked, json!({ "dry_run": true, "active": "quarantine" }));
}

#[tokio::test]
async fn the_call_is_repeated_until_it_is_done() {
    let mut finished = told("finished", 812);
    finished["cause"] = "older".into();
    finished["ledger_sequence"] = 700.into();
    finished["active"] = "keep".into();
    let replies = vec![
        json(200, &told("running", 400)),
        json(200, &told("running", 812)),
        json(200, &finished),
    ];
    let words = ["org", "rebuild", "acme", "--yes", "--keep-active"];
    let gateway = check("org-rebuild", replies, &words).await;
    assert_eq!(gateway.asked(), ["POST /orgs/acme/rebuild"; 3]);
    for asked in gateway.came.lock().unwrap().iter() {
        assert_eq!(asked.json(), json!({ "dry_run": false, "active": "keep" }));
    }
}

#[tokio::test]
async fn one_that_comes_no_further_ends() {
    let same = || json(200, &told("running", 400));
    let gateway = Gateway::start(vec![same(), same()]).await;
    let output = gateway.run(&["org", "rebuild", "acme", "--yes"]).await;
    assert_eq!(output.code, 9);
    assert!(
        output.stderr.contains("comes no further"),
        "{}",
        output.stderr
    );
}

#[tokio::test]
async fn nothing_is_asked_without_a_word_for_it_and_a_refusal_is_told() {
    for words in [
        &["org", "rebuild", "acme"][..],
        &["org", "rebuild", "acme", "--dry-run", "--yes"],
        &["org", "rebuild", "--yes"],
    ] {
        let gateway = Gateway::start(Vec::new()).await;
        let output = gateway.run(words).await;
        assert_eq!(output.code, 2, "{words:?}: {}", output.stderr);
        assert!(gateway.asked().is_empty());
    }
    let gateway = Gateway::start(vec![problem(409, "ledger_not_lost")]).await;
    let output = gateway.run(&["org", "rebuild", "acme", "--yes"]).await;
    assert_eq!(output.code, 7);
    assert!(
        output.stderr.contains("ledger_not_lost"),
        "{}",
        output.stderr
    );
}
