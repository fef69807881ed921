//! `postern org pause`, `org resume` and the policy of new tokens: on a gateway of fixed answers.

use serde_json::{Value, json};

use crate::gateway::{Gateway, json, problem};

fn paused() -> Value {
    json!({
        "organization": "acme", "paused_at": "2026-11-22T01:14:32.384Z", "paused_by": "admin-token",
        "reason": "a leaked key", "final_at": "2026-11-22T01:14:32.402Z",
    })
}

#[tokio::test]
async fn a_pause_is_asked_for_by_name_and_says_when_it_is_final() {
    for (flags, status, body, says) in [
        (
            &["--reason", "a leaked key"][..],
            200,
            json!({ "reason": "a leaked key" }),
            ", final 2026-11-22",
        ),
        (&["--no-wait"], 202, json!({}), ", final by 2026-11-22"),
    ] {
        let gateway = Gateway::start(vec![json(status, &paused())]).await;
        let words: Vec<&str> = ["org", "pause", "acme", "--yes"]
            .iter()
            .chain(flags)
            .copied()
            .collect();
        let output = gateway.run(&words).await;
        assert_eq!(output.code, 0, "{}", output.stderr);
        let first = "acme is paused since 2026-11-22";
        assert!(output.stdout.starts_with(first), "{}", output.stdout);
        assert!(output.stdout.contains(says), "{}", output.stdout);
        assert!(output.stdout.ends_with("postern org resume acme\n"));
        assert_eq!(gateway.asked(), ["POST /org/pause"]);
        let came = gateway.came.lock().unwrap();
        assert_eq!(came[0].json(), body);
        assert_eq!(came[0].headers["postern-organization"], "acme");
        let prefers = came[0].headers.get("prefer").is_some();
        assert_eq!(prefers, status == 202, "{words:?}");
    }
    let gateway = Gateway::start(vec![json(200, &paused())]).await;
    let output = gateway
        .run(&["org", "pause", "acme", "--yes", "-o", "json"])
        .await;
    assert_eq!(output.stdout, format!("{:#}\n", paused()));
}

#[tokio::test]
async fn a_pause_is_not_asked_for_by_mistake() {
    let gateway = Gateway::start(Vec::new()).await;
    let output = gateway.run(&["org", "pause", "acme"]).await;
    assert_eq!(output.code, 2);
    assert!(
        output.stderr.contains("add --yes to do it"),
        "{}",
        output.stderr
    );
    assert!(gateway.asked().is_empty());
}

#[tokio::test]
async fn a_resume_says_whether_there_was_a_pause() {
    for (at, says) in [
        (
            json!("2026-11-22T01:20:05.112Z"),
            "acme is resumed, 2026-11-22",
        ),
        (Value::Null, "acme was not paused\n"),
    ] {
        let told = json!({ "organization": "acme", "resumed_at": at });
        let gateway = Gateway::start(vec![json(200, &told)]).await;
        let output = gateway.run(&["org", "resume", "acme"]).await;
        assert_eq!(output.code, 0, "{}", output.stderr);
        assert!(output.stdout.starts_with(says), "{}", output.stdout);
        assert_eq!(gateway.asked(), ["POST /org/resume"]);
    }
}

#[tokio::test]
async fn who_meets_a_pause_is_told_how_it_ends() {
    let gateway = Gateway::start(vec![problem(403, "organization_paused")]).await;
    let output = gateway.run(&["token", "list"]).await;
    let hint = "resume it: postern org resume NAME";
    assert!(output.stderr.contains(hint), "{}", output.stderr);
}

#[tokio::test]
async fn what_new_tokens_must_keep_to_is_set_and_set_back() {
    let organization = json!({ "name": "acme", "on_leak": "revoke" });
    for (flags, body) in [
        (
            &["--max-lifetime-days", "90", "--default-expires-in", "30d"][..],
            json!({ "max_lifetime_days": 90, "default_expires_in": "30d" }),
        ),
        (
            &["--default-expires-in", "none"],
            json!({ "default_expires_in": null }),
        ),
        (
            &["--trusted-issuers", "https://a.example, https://b.example"],
            json!({ "trusted_issuers": ["https://a.example", "https://b.example"] }),
        ),
        (
            &["--trusted-issuers", "all"],
            json!({ "trusted_issuers": null }),
        ),
        (
            &["--trusted-issuers", "none"],
            json!({ "trusted_issuers": [] }),
        ),
    ] {
        let gateway = Gateway::start(vec![json(200, &organization)]).await;
        let words: Vec<&str> = ["org", "update", "acme", "-o", "json"]
            .iter()
            .chain(flags)
            .copied()
            .collect();
        assert_eq!(gateway.run(&words).await.code, 0, "{words:?}");
        assert_eq!(gateway.came.lock().unwrap()[0].json(), body);
    }
}
