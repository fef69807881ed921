//! `postern token revoke` of all that meet criteria: what is shown before, what is sent, and what is said where it
//! is cut off.

use serde_json::{Value, json};

use crate::commands::{A, B, ID, check, page, token};
use crate::gateway::{Gateway, Reply, json, problem};

/// What matches, by recent use.
fn matched(ids: &[&str]) -> Value {
    let shop = json!({ "id": "94069568-e642-4167-b040-c591e68f7402", "name": "shop" });
    let tokens: Vec<Value> = ids
        .iter()
        .enumerate()
        .map(|(at, id)| {
            json!({
                "id": id, "name": format!("release-{at}"), "prefix": "pst_0ur4e3zI", "scope": "project",
                "project": shop, "workflow": null, "created_by": "org-token:pst_7aBcDeFg",
                "creator_name": "ci-bootstrap", "last_used_at": "2026-11-22T01:15:20.927Z",
                "uses_since_yesterday": 600 - at,
            })
        })
        .collect();
    json!({
        "dry_run": true, "matched": ids.len(), "used_in_last_day": ids.len(), "ids": ids, "revoked_at": null,
        "tokens": tokens, "projects": [{ "name": "shop", "count": ids.len() }],
    })
}

fn done(ids: &[&str]) -> Reply {
    json(
        200,
        &json!({
            "dry_run": false, "matched": ids.len(), "used_in_last_day": 1, "ids": ids,
            "revoked_at": "2026-11-22T01:20:00Z", "tokens": [], "projects": [],
        }),
    )
}

#[tokio::test]
async fn a_dry_run_tells_what_it_is_about() {
    for (name, words) in [
        ("revoke-dry-run", &["--minted-by", ID][..]),
        ("revoke-dry-run-csv", &["--minted-by", ID, "-o", "csv"]),
        ("revoke-dry-run-json", &["--minted-by", ID, "-o", "json"]),
    ] {
        let words: Vec<_> = ["token", "revoke", "--dry-run"]
            .iter()
            .chain(words)
            .copied()
            .collect();
        let gateway = check(name, vec![json(200, &matched(&[A, B]))], &words).await;
        let came = gateway.came.lock().unwrap();
        assert_eq!(came[0].what, "POST /org/tokens/revoke");
        assert_eq!(came[0].json(), json!({ "minted_by": ID, "dry_run": true }));
    }
    // Of named tokens too, and by every criterion.
    let gateway = Gateway::start(vec![page(&[token("ci")]), json(200, &matched(&[]))]).await;
    let output = gateway.run(&["token", "revoke", "ci", "--dry-run"]).await;
    assert_eq!(
        (output.code, output.stderr.as_str()),
        (0, "no active token matches\n")
    );
    assert_eq!(
        gateway.came.lock().unwrap()[1].json(),
        json!({ "ids": [ID], "dry_run": true })
    );
    let gateway = Gateway::start(vec![json(200, &matched(&[]))]).await;
    let words = [
        "token",
        "revoke",
        "--dry-run",
        "--project",
        "shop",
        "--created-after",
        "2026-01-01",
        "--created-before",
        "2026-11-01T00:00:00Z",
        "--never-used",
        "--created-from",
        "192.0.2.7",
    ];
    gateway.run(&words).await;
    assert_eq!(
        gateway.came.lock().unwrap()[0].json(),
        json!({
            "project": "shop", "created_after": "2026-01-01T00:00:00Z", "created_before": "2026-11-01T00:00:00Z",
            "never_used": true, "created_from": "192.0.2.7", "dry_run": true,
        })
    );
}

#[tokio::test]
async fn exactly_those_that_were_shown_are_revoked() {
    let replies = || {
        vec![
            json(200, &matched(&[A, B])),
            done(&[A, B]),
            json(200, &matched(&[])),
        ]
    };
    let gateway = Gateway::start(replies()).await;
    let words = ["token", "revoke", "--minted-by", ID, "--yes"];
    let output = gateway.run(&words).await;
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert!(output.stdout.contains("release-0"), "{}", output.stdout);
    assert!(
        output.stdout.ends_with("2 tokens revoked.\n"),
        "{}",
        output.stdout
    );
    let note = format!("the creator itself is not among them: postern token revoke {ID}\n");
    assert_eq!(output.stderr, note);
    let bodies: Vec<_> = gateway
        .came
        .lock()
        .unwrap()
        .iter()
        .map(|came| came.json())
        .collect();
    assert_eq!(
        bodies,
        [
            json!({ "minted_by": ID, "dry_run": true }),
            json!({ "ids": [A, B], "dry_run": false }),
            json!({ "minted_by": ID, "dry_run": true }),
        ]
    );
    // For programs: rows alone on stdout, what matched beside them.
    let gateway = Gateway::start(replies()).await;
    let words = [
        "token",
        "revoke",
        "--project",
        "shop",
        "--yes",
        "-o",
        "jsonl",
    ];
    let output = gateway.run(&words).await;
    let row = |id: &str| format!("{{\"id\":\"{id}\",\"revoked_at\":\"2026-11-22T01:20:00Z\"}}\n");
    assert_eq!(output.stdout, row(A) + &row(B));
    assert!(
        output.stderr.contains("2 tokens matched: 2 of shop."),
        "{}",
        output.stderr
    );
}

#[tokio::test]
async fn what_the_gateway_says_is_revoked_is_told() {
    // Between the two, A was revoked elsewhere and B was used for the first time.
    let c = "00000000-0000-4000-8000-00000000000c";
    let none = || {
        json(
            200,
            &json!({ "dry_run": false, "matched": 0, "ids": [], "revoked_at": null }),
        )
    };
    let table = |revoked: &str| format!("{revoked} revoked.\n");
    let never_used =
        "that were shown are not among them: they were revoked, expired or used meanwhile\n";
    let one = "1 token that was shown is not among them: it was revoked or expired meanwhile\n";
    let rows = [
        (
            &["--never-used"][..],
            done(&[c]),
            table("1 token"),
            format!("2 tokens {never_used}"),
        ),
        (
            &["--never-used"],
            none(),
            table("0 tokens"),
            format!("3 tokens {never_used}"),
        ),
        (
            &["--project", "shop"],
            done(&[B, c]),
            table("2 tokens"),
            one.to_owned(),
        ),
        (
            &["--never-used", "-o", "json"],
            done(&[c]),
            format!(
                "{:#}\n",
                json!([{ "id": c, "revoked_at": "2026-11-22T01:20:00Z" }])
            ),
            format!("2 tokens {never_used}"),
        ),
    ];
    for (words, answer, stdout, stderr) in rows {
        let replies = vec![
            json(200, &matched(&[A, B, c])),
            answer,
            json(200, &matched(&[])),
        ];
        let gateway = Gateway::start(replies).await;
        let words: Vec<_> = ["token", "revoke", "--yes"]
            .iter()
            .chain(words)
            .copied()
            .collect();
        let output = gateway.run(&words).await;
        assert_eq!(output.code, 0, "{}", output.stderr);
        assert!(
            output.stdout.ends_with(&stdout),
            "{words:?}: {}",
            output.stdout
        );
        assert!(
            output.stderr.ends_with(&stderr),
            "{words:?}: {}",
            output.stderr
        );
        let mut body = json!({ "ids": [A, B, c], "dry_run": false });
        if words.contains(&"--never-used") {
            body["never_used"] = true.into();
        }
        assert_eq!(gateway.came.lock().unwrap()[1].json(), body, "{words:?}");
    }
}

#[tokio::test]
async fn nobody_to_ask_is_no_consent() {
    let gateway = Gateway::start(vec![json(200, &matched(&[A, B]))]).await;
    let output = gateway
        .run_with(&["token", "revoke", "--never-used"], "2\n")
        .await;
    assert_eq!(output.code, 2);
    let told = "postern: 2 tokens would be revoked, and nobody can be asked\n  \
                hint: add --yes to revoke them, or --dry-run to see them\n";
    assert_eq!(output.stderr, told);
    assert_eq!(gateway.asked().len(), 1);
}

#[tokio::test]
async fn many_go_in_parts_and_a_cut_is_told() {
    let ids: Vec<String> = (0..600)
        .map(|at| format!("00000000-0000-4000-8000-{at:012}"))
        .collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let replies = vec![
        json(200, &matched(&ids)),
        done(&ids[..250]),
        problem(503, "unavailable"),
    ];
    let gateway = Gateway::start(replies).await;
    let words = ["token", "revoke", "--never-used", "--yes", "-o", "name"];
    let output = gateway.run(&words).await;
    assert_eq!(output.code, 2, "-o name is for a dry run");
    let words = ["token", "revoke", "--never-used", "--yes"];
    let output = gateway.run(&words).await;
    assert_eq!(output.code, 9);
    let told = "postern: cut off: 250 of 600 revoked, and perhaps some of the next 250: it is so (unavailable, \
                request r1)\n  hint: run the same command again: it goes on with those that are still active\n";
    assert_eq!(output.stderr, told);
    assert_eq!(
        gateway.came.lock().unwrap()[2].json()["ids"],
        json!(ids[250..500])
    );
}

#[tokio::test]
async fn tokens_that_were_created_meanwhile_are_told() {
    let replies = vec![
        json(200, &matched(&[A])),
        done(&[A]),
        json(200, &matched(&[B])),
    ];
    let gateway = Gateway::start(replies).await;
    let output = gateway
        .run(&["token", "revoke", "--never-used", "--yes"])
        .await;
    assert_eq!(output.code, 1);
    let told = "postern: 1 token was created meanwhile that matches, and is not revoked\n  \
                hint: revoke the creator, and run the same command again\n";
    assert_eq!(output.stderr, told);
}

#[tokio::test]
async fn names_and_criteria_are_not_mixed() {
    let gateway = Gateway::start(Vec::new()).await;
    for (words, told) in [
        (
            &["ci", "--never-used"][..],
            "name tokens, or give criteria, and not both",
        ),
        (&[], "which token?"),
        (
            &["--project", ""],
            "`project` is empty: give it a value, or leave it out",
        ),
    ] {
        let words: Vec<_> = ["token", "revoke"].iter().chain(words).copied().collect();
        let output = gateway.run(&words).await;
        assert_eq!(output.code, 2);
        assert!(
            output.stderr.starts_with(&format!("postern: {told}\n")),
            "{}",
            output.stderr
        );
    }
    assert!(gateway.asked().is_empty());
}
