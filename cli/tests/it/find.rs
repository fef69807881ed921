//! Which token is meant: names, prefixes and ids wherever a token is named, and what names none or several.

use serde_json::{Value, json};

use crate::commands::{A, ID, minted, page, revoked, token};
use crate::gateway::{Gateway, SECRET, json, problem};

fn look(status: &str, text: &str) -> String {
    match text {
        // Beyond ASCII: all of them.
        "" => format!("GET /org/tokens?limit=500&status={status}"),
        text => format!("GET /org/tokens?limit=500&status={status}&q={text}"),
    }
}

#[tokio::test]
async fn tokens_are_found_by_name_or_prefix() {
    let mut other = token("caf\u{e9}");
    (other["id"], other["prefix"]) = (A.into(), "jwt_00000000".into());
    let tokens = [token("ci"), other.clone()];
    let events = || json(200, &json!({ "events": [], "next_cursor": null }));
    for (meant, text, id) in [
        ("ci", "ci", ID),
        ("c\u{200b}i", "", ID),
        ("pst_0ur4e3zI", "pst_0ur4e3zI", ID),
        ("cafe\u{301}", "", A),
        ("jwt_00000000", "jwt_00000000", A),
    ] {
        for (words, done, what) in [
            (
                &["token", "show", meant][..],
                json(200, &token("ci")),
                format!("GET /org/tokens/{id}"),
            ),
            (
                &["token", "show", "--id", meant],
                json(200, &token("ci")),
                format!("GET /org/tokens/{id}"),
            ),
            (
                &["token", "revoke", meant],
                revoked(id),
                format!("DELETE /org/tokens/{id}"),
            ),
            (
                &["api-token", "revoke", "--id", meant],
                revoked(id),
                format!("DELETE /org/tokens/{id}"),
            ),
            (
                &["token", "release", meant],
                json(200, &json!({ "id": id })),
                format!("POST /org/tokens/{id}/release"),
            ),
            (
                &["token", "rotate", meant],
                json(201, &minted("ci")),
                format!("POST /org/tokens/{id}/rotate"),
            ),
            (
                &["token", "list", "--minted-by", meant],
                page(&[]),
                format!("GET /org/tokens?limit=500&status=active&minted_by={id}"),
            ),
            (
                &["audit", "list", meant],
                events(),
                format!("GET /org/audit?limit=500&token={id}"),
            ),
            (
                &["audit", "list", "--token-id", meant],
                events(),
                format!("GET /org/audit?limit=500&token={id}"),
            ),
        ] {
            let gateway = Gateway::start(vec![page(&tokens), done]).await;
            let output = gateway.run(words).await;
            assert_eq!(output.code, 0, "{words:?}: {}", output.stderr);
            let status = match words.first() == Some(&"audit") || words.contains(&"--minted-by") {
                true => "all",
                false => "active",
            };
            assert_eq!(gateway.asked(), [look(status, text), what], "{words:?}");
        }
    }
}

#[tokio::test]
async fn a_successor_is_not_taken_for_the_token_that_it_replaced() {
    // What a token created and did stays its own, whoever has its name now.
    let mut replaced = token("ci");
    replaced["id"] = A.into();
    replaced["revoked_at"] = "2026-11-22T02:00:00Z".into();
    let named = [token("ci"), replaced.clone()];
    let several = format!(
        "postern: `ci` is the name or prefix of 2 tokens\n  \
         hint: give one of their ids: {ID} (workflow/shop/release, pst_0ur4e3zI, active), \
         {A} (workflow/shop/release, pst_0ur4e3zI, revoked)\n"
    );
    let rows = [
        &["token", "revoke", "--minted-by", "ci", "--yes"][..],
        &["token", "revoke", "--minted-by", "ci", "--dry-run"],
        &["token", "list", "--minted-by", "ci"],
        &["audit", "list", "ci"],
        &["audit", "list", "--token-id", "ci"],
        &["activity", "ci"],
        &["activity", "--follow", "ci"],
    ];
    for words in rows {
        let gateway = Gateway::start(vec![page(&named)]).await;
        let output = gateway.run(words).await;
        assert_eq!(
            (output.code, output.stderr),
            (2, several.clone()),
            "{words:?}"
        );
        assert_eq!(gateway.asked(), [look("all", "ci")], "{words:?}");
    }
    // One that has ended is found where nobody else has its name; six are more than an error names.
    let gateway = Gateway::start(vec![page(&[replaced]), page(&[])]).await;
    let output = gateway.run(&["token", "list", "--minted-by", "ci"]).await;
    assert_eq!(output.code, 0, "{}", output.stderr);
    let list = format!("GET /org/tokens?limit=500&status=active&minted_by={A}");
    assert_eq!(gateway.asked(), [look("all", "ci"), list]);
    let gateway = Gateway::start(vec![page(&vec![token("ci"); 6])]).await;
    let output = gateway.run(&["activity", "ci"]).await;
    assert_eq!(output.code, 2);
    let more = "…: postern token list --all --search ci\n";
    assert!(output.stderr.ends_with(more), "{}", output.stderr);
}

#[tokio::test]
async fn a_gateway_that_cannot_search_is_asked_for_all() {
    let replies = vec![
        problem(400, "query_invalid"),
        page(&[token("ci")]),
        json(200, &token("ci")),
    ];
    let gateway = Gateway::start(replies).await;
    let output = gateway.run(&["token", "show", "ci"]).await;
    assert_eq!(output.code, 0, "{}", output.stderr);
    let all = "GET /org/tokens?limit=500&status=active".to_owned();
    assert_eq!(
        gateway.asked(),
        [look("active", "ci"), all, format!("GET /org/tokens/{ID}")]
    );
}

#[tokio::test]
async fn what_names_no_token_or_several_is_an_error() {
    let mut over = token("ci-1");
    over["revoked_at"] = "2026-11-22T01:14:20Z".into();
    let mut other = token("ci");
    (other["id"], other["workflow"]) = (A.into(), Value::Null);
    let several = format!(
        "postern: `ci` is the name or prefix of 2 tokens\n  \
         hint: give one of their ids: {ID} (workflow/shop/release, pst_0ur4e3zI), {A} (project/shop, pst_0ur4e3zI)\n"
    );
    let none = |which: &str, meant: &str, hint: &str| {
        format!("postern: {which} has the id, name or prefix `{meant}`\n  hint: {hint}\n")
    };
    let search = "search: postern token list --all --search 'a\\u{1b}'";
    let rows = [
        (
            &["show", "a\u{1b}"][..],
            vec![page(&[]), page(&[token("ci")]), page(&[])],
            6,
            none("no token", "a\\u{1b}", search),
        ),
        (
            &["revoke", "deploy"],
            vec![page(&[token("ci")]), page(&[]), page(&[])],
            6,
            none(
                "no active token",
                "deploy",
                "search: postern token list --search deploy",
            ),
        ),
        (
            &["rotate", "ci-relaese"],
            vec![
                page(&[]),
                page(&[]),
                page(&[token("ci-release"), token("ci")]),
            ],
            6,
            none(
                "no active token",
                "ci-relaese",
                "did you mean `ci-release`?",
            ),
        ),
        (
            &["release", "pst_0ur4e3zl"],
            vec![page(&[]), page(&[]), page(&[token("ci")])],
            6,
            none(
                "no active token",
                "pst_0ur4e3zl",
                "did you mean `pst_0ur4e3zI`?",
            ),
        ),
        // It is over: another one of a like name is no guess.
        (
            &["revoke", "ci-1"],
            vec![page(&[]), page(&[over])],
            6,
            format!(
                "postern: `ci-1` is not active any more: pst_0ur4e3zI, revoked\n  \
                 hint: see: postern token show {ID}\n"
            ),
        ),
        (
            &["rotate", "ci"],
            vec![page(&[token("ci"), other.clone()])],
            2,
            several.clone(),
        ),
        // All are found before anything is done to one.
        (
            &["revoke", ID, "ci"],
            vec![page(&[token("ci"), other])],
            2,
            several,
        ),
    ];
    for (words, replies, code, stderr) in rows {
        let asked = replies.len();
        let gateway = Gateway::start(replies).await;
        let words: Vec<_> = ["token"].iter().chain(words).copied().collect();
        let output = gateway.run(&words).await;
        assert_eq!((output.code, output.stderr), (code, stderr), "{words:?}");
        assert_eq!(gateway.asked().len(), asked, "{words:?}");
    }
}

#[tokio::test]
async fn a_whole_secret_is_no_argument() {
    // It goes nowhere, and does not come back (`run` looks for it on stderr).
    let gateway = Gateway::start(Vec::new()).await;
    let mistyped = SECRET.replacen("1613", "1614", 1);
    let cut = SECRET.get(..40).unwrap();
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiIxIn0.c2ln";
    for secret in [SECRET, &mistyped, &format!("Bearer {SECRET}"), cut, jwt] {
        for words in [
            &["token", "revoke", secret][..],
            &["token", "show", "--id", secret],
            &["token", "list", "--minted-by", secret],
            &["token", "revoke", "--minted-by", secret],
            &["audit", "list", secret],
            &["audit", "list", "--actor", secret],
            &["activity", secret],
        ] {
            let output = gateway.run(words).await;
            assert_eq!(output.code, 2);
            let message = "postern: this is a token itself: other users of this machine can see arguments\n  \
                           hint: find it by standard input, and give its name, prefix or id: postern token list \
                           --search - < FILE\n";
            assert_eq!(output.stderr, message);
        }
        let output = gateway.run(&["token", "list", "--search", secret]).await;
        assert_eq!(output.code, 2);
        assert!(
            output.stderr.contains("--search - < FILE"),
            "{}",
            output.stderr
        );
    }
    assert!(gateway.asked().is_empty());
}
