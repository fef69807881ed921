//! `postern token list` with filters and a search, and notes beside an answer.

use serde_json::{Value, json};

use crate::commands::{page, token};
use crate::gateway::{Gateway, Reply, SECRET, json};

fn found(by: &str, genuine: Value, tokens: &[Value], cursor: Option<&str>) -> Reply {
    json(
        200,
        &json!({ "tokens": tokens, "found_by": by, "genuine": genuine, "next_cursor": cursor }),
    )
}

#[tokio::test]
async fn filters_are_the_gateways() {
    for (words, query) in [
        (
            &["--search", "shop release"][..],
            "q=shop%20release&status=active",
        ),
        (&["-q", "pst_0ur4"], "q=pst_0ur4&status=active"),
        (&["--never-expires"], "status=active&never_expires=true"),
        (&["--quarantined", "--all"], "status=all&quarantined=true"),
        (
            &["--expires-before", "2030-01-31"],
            "status=active&expires_before=2030-01-31T00%3A00%3A00Z",
        ),
        (
            &[
                "--unused-since",
                "2026-10-30T00:00:00Z",
                "--created-after",
                "2026-01-01T00:00:00Z",
            ],
            "status=active&unused_since=2026-10-30T00%3A00%3A00Z&created_after=2026-01-01T00%3A00%3A00Z",
        ),
    ] {
        let gateway = Gateway::start(vec![page(&[])]).await;
        let words: Vec<_> = ["token", "list"].iter().chain(words).copied().collect();
        let output = gateway.run(&words).await;
        assert_eq!(output.code, 0, "{words:?}: {}", output.stderr);
        assert_eq!(
            gateway.asked(),
            [format!("GET /org/tokens?limit=500&{query}")]
        );
    }
    let gateway = Gateway::start(Vec::new()).await;
    let words = ["token", "list", "--expires-before", "soon"];
    let output = gateway.run(&words).await;
    assert_eq!(output.code, 2);
    assert!(
        output.stderr.contains("a span such as 24h"),
        "{}",
        output.stderr
    );
}

#[tokio::test]
async fn a_secret_is_searched_for_in_a_body() {
    for (genuine, tokens, told) in [
        (
            json!(true),
            vec![token("ci")],
            "found by the secret, whatever the other filters say\n",
        ),
        (
            json!(true),
            vec![],
            "the secret is genuine, but its token is in another organization, or out of your reach\n",
        ),
        (
            json!(false),
            vec![],
            "no key of this gateway has made this text: it is mistyped, cut, made up, or the token of a CI job\n",
        ),
    ] {
        let gateway = Gateway::start(vec![found("secret", genuine, &tokens, None)]).await;
        let words = [
            "token",
            "list",
            "--search",
            "-",
            "--never-expires",
            "-o",
            "name",
        ];
        let output = gateway.run_with(&words, &format!("{SECRET}\n")).await;
        assert_eq!(output.code, 0, "{}", output.stderr);
        assert!(output.stderr.starts_with(told), "{}", output.stderr);
        assert_eq!(output.stdout.is_empty(), tokens.is_empty());
        let came = gateway.came.lock().unwrap();
        assert_eq!(came[0].what, "POST /org/tokens/search");
        let body =
            json!({ "text": SECRET, "status": "active", "never_expires": true, "limit": 500 });
        assert_eq!(came[0].json(), body);
    }
}

#[tokio::test]
async fn words_from_standard_input_have_all_their_pages() {
    let pages = vec![
        found("words", Value::Null, &[token("a")], Some("c1")),
        found("words", Value::Null, &[token("b")], None),
    ];
    let gateway = Gateway::start(pages).await;
    let words = ["token", "list", "--search", "-", "-o", "name"];
    let output = gateway.run_with(&words, "shop").await;
    assert_eq!(
        (output.stdout.as_str(), output.stderr.as_str()),
        ("a\nb\n", "")
    );
    let came = gateway.came.lock().unwrap();
    assert_eq!(came[0].json().get("cursor"), None);
    assert_eq!(came[1].json()["cursor"], "c1");
}

#[tokio::test]
async fn a_credential_that_is_about_to_expire_is_told_once() {
    let note = |reply: Reply, end: &str| Reply {
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("postern-token-expires", end.to_owned()),
        ],
        ..reply
    };
    let first = json(200, &json!({ "tokens": [token("a")], "next_cursor": "c" }));
    let pages = vec![
        note(first, "2026-11-22T01:14:20Z"),
        note(page(&[token("b")]), "2026-11-22T01:14:20Z"),
    ];
    let gateway = Gateway::start(pages).await;
    let output = gateway.run(&["token", "list", "-o", "name"]).await;
    assert_eq!((output.code, output.stdout.as_str()), (0, "a\nb\n"));
    let lines: Vec<_> = output.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].starts_with("note: this credential expires "),
        "{lines:?}"
    );
    assert!(
        lines[0].ends_with(", at 2026-11-22 01:14:20 UTC: rotate it in time"),
        "{lines:?}"
    );
    // What is no moment is not repeated.
    let gateway = Gateway::start(vec![note(page(&[]), "soon")]).await;
    let output = gateway.run(&["token", "list", "-o", "json"]).await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
}

#[tokio::test]
async fn doctor_lists_what_expires_and_what_never_does() {
    let mut soon = token("nightly");
    soon["expires_at"] = "2026-11-22T01:14:20Z".into();
    let replies = vec![
        json(
            200,
            &json!({ "status": "ready", "dependencies": {}, "unheeded_variables": [] }),
        ),
        json(
            200,
            &json!({ "info": { "version": env!("CARGO_PKG_VERSION") } }),
        ),
        page(&[]),
        page(&[soon]),
        json(
            200,
            &json!({ "tokens": [token("old"), token("older")], "next_cursor": "c" }),
        ),
    ];
    let gateway = Gateway::start(replies).await;
    let output = gateway.run(&["doctor"]).await;
    assert_eq!(output.code, 0, "{}", output.stderr);
    for line in [
        "odd     expiry        1 token expires within 14 days: nightly ",
        "-> rotate them in time: postern token rotate NAME; all: postern token list --expires-before 14d\n",
        "odd     expiry        more than 2 tokens never expire: old, older\n",
    ] {
        assert!(output.stdout.contains(line), "{}", output.stdout);
    }
    let asked = gateway.asked();
    assert!(
        asked[3].starts_with("GET /org/tokens?limit=100&status=active&expires_before="),
        "{asked:?}"
    );
    assert_eq!(
        asked[4],
        "GET /org/tokens?limit=100&status=active&never_expires=true"
    );
}
