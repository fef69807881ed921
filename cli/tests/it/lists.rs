//! Formats and columns of lists, as programs read them.

use serde_json::{Value, json};

use crate::commands::{ID, check, page, token};
use crate::gateway::{Gateway, json};

#[tokio::test]
async fn formats_of_a_list() {
    let mut other = token("=cmd,\"x\"");
    other["expires_at"] = Value::Null;
    other["address_ranges"] = json!(["10.0.0.0/8", "2001:db8::/32"]);
    other["calls_per_minute"] = 60.into();
    let tokens = [token("ci"), other];
    for (name, words) in [
        ("list-wide", &["-o", "wide"][..]),
        ("list-csv", &["-o", "csv"]),
        ("list-name", &["-o", "name"]),
        ("list-jsonl", &["-o", "jsonl"]),
        ("list-columns", &["--columns", "name,id,created-at"]),
        ("list-conditions", &["--columns", "name,conditions"]),
        ("list-csv-columns", &["-o", "csv", "--columns", "id"]),
    ] {
        let words: Vec<_> = ["token", "list"].iter().chain(words).copied().collect();
        check(name, vec![page(&tokens)], &words).await;
    }
}

#[tokio::test]
async fn columns_are_checked_before_anything_is_asked() {
    let gateway = Gateway::start(Vec::new()).await;
    for (words, told) in [
        (
            &["token", "list", "--columns", "nmae"][..],
            "postern: there is no column `nmae`\n  hint: did you mean `name`? columns: name, prefix, scope, ",
        ),
        (
            &["token", "list", "-o", "json", "--columns", "name"],
            "postern: --columns is for tables and CSV: -o json and jsonl have the gateway's own objects\n",
        ),
        (
            &["audit", "list", "-o", "name"],
            "postern: this list has no names\n  hint: give columns instead: -o csv --columns NAMES\n",
        ),
        (
            &["audit", "list", "--token", "ci-release"],
            "postern: --token is the credential, and this is too short to be one\n  hint: name a token without a flag: \
             postern audit list TOKEN\n",
        ),
        (
            &["activity", "--follow", "-o", "csv"],
            "postern: --follow writes lines: -o table or -o jsonl\n",
        ),
    ] {
        let output = gateway.run(words).await;
        assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{words:?}");
        assert!(output.stderr.starts_with(told), "{}", output.stderr);
    }
    assert!(gateway.asked().is_empty());
}

#[tokio::test]
async fn an_organization_shows_the_ceiling_that_holds() {
    let organization = |name: &str, own: Value, holds: u32| {
        json!({
            "id": ID, "name": name, "created_at": "2026-11-22T01:14:20.571Z", "mint_ceiling": own,
            "effective_mint_ceiling": holds, "max_idle_days": 0, "on_leak": "revoke",
            "federated_only": false, "max_lifetime_days": 0, "default_expires_in": null,
            "trusted_issuers": null, "jurisdiction": null, "location_hint": null,
        })
    };
    let mut strict = organization("strict", Value::Null, 10_000);
    strict["max_lifetime_days"] = 90.into();
    strict["default_expires_in"] = "12h".into();
    strict["trusted_issuers"] = json!([]);
    let organizations = [
        strict,
        organization("acme", Value::Null, 10_000),
        organization("globex", 5_000.into(), 5_000),
        organization("free", 0.into(), 0),
    ];
    let answer = json!({ "organizations": organizations, "next_cursor": null });
    check("org-list-table", vec![json(200, &answer)], &["org", "list"]).await;
}

#[tokio::test]
async fn a_mistyped_command_or_flag_is_answered_with_the_nearest() {
    let gateway = Gateway::start(Vec::new()).await;
    for (words, told) in [
        (&["tokn"][..], "'token'"),
        (&["token", "revok"], "'revoke'"),
        (&["token", "list", "--serach", "x"], "'--search'"),
        (&["token", "list", "-o", "jsnol"], "'jsonl'"),
    ] {
        let output = gateway.run(words).await;
        assert_eq!(output.code, 2);
        assert!(output.stderr.contains("similar"), "{}", output.stderr);
        assert!(output.stderr.contains(told), "{}", output.stderr);
    }
}

#[tokio::test]
async fn colours_without_a_terminal_are_for_those_who_force_them() {
    for (variable, value, coloured) in [
        ("TERM", "xterm", false),
        ("CLICOLOR_FORCE", "1", true),
        ("CLICOLOR_FORCE", "0", false),
    ] {
        let gateway = Gateway::start(vec![page(&[token("ci")])]).await;
        let variables = [
            ("POSTERN_URL", gateway.url.as_str()),
            ("POSTERN_TOKEN", crate::gateway::TOKEN),
            (variable, value),
        ];
        let output = crate::gateway::run(&["token", "list"], &variables, "").await;
        assert_eq!(
            output.stdout.contains('\u{1b}'),
            coloured,
            "{variable}={value}"
        );
    }
}
