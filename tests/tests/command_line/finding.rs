//! Finding tokens from the terminal, and ending all that one has created: by name, by words, by a leaked secret.

use postern_system_tests::cases;
use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use serde_json::{Value, json};

use crate::support::administrator;

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r48_a_token_is_found_by_words_or_its_secret,
        all_that_a_token_has_created_are_revoked_and_no_other,
    ]
}

fn names(list: &Value) -> Vec<&str> {
    let list = list.as_array().expect("a list");
    let mut names: Vec<_> = list
        .iter()
        .filter_map(|token| token["name"].as_str())
        .collect();
    names.sort_unstable();
    names
}

async fn r48_a_token_is_found_by_words_or_its_secret(suite: &Suite) {
    let organization = suite.organization().await;
    let postern = administrator(suite, &organization.name);
    let body = json!({ "name": "nightly-build", "project": SHOP, "workflow": RELEASE });
    let leaked = organization.mint(&suite.gateway, &body).await;
    let body = json!({ "name": "other", "expires_in": "10d" });
    organization.mint(&suite.gateway, &body).await;

    let list = ["token", "list", "-o", "json"];
    for (filter, expected) in [
        (&["--search", "build shop"][..], &["nightly-build"][..]),
        (&["--search", "night"], &["nightly-build"]),
        (&["--search", "nobody"], &[]),
        (&["--expires-before", "14d"], &["other"]),
        (&["--never-expires"], &["nightly-build"]),
        (&["--created-after", "1h"], &["nightly-build", "other"]),
        (&["--quarantined"], &[]),
        (&["--unused-since", "1h"], &[]),
    ] {
        let found = postern.run(&[&list[..], filter].concat()).await.json();
        assert_eq!(names(&found), expected, "{filter:?}");
    }
    // The secret by standard input alone, whatever has become of the token.
    let search = ["token", "list", "--search", "-", "-o", "name"];
    for text in [
        leaked.token.clone(),
        format!("TOKEN=\"{}\"\n", leaked.token),
    ] {
        let found = postern.run_with(&search, &text).await;
        assert_eq!(
            (found.code, found.stdout.as_str()),
            (0, "nightly-build\n"),
            "{found:?}"
        );
        assert!(found.stderr.starts_with("found by the secret"), "{found:?}");
    }
    let refused = postern.run(&["token", "revoke", &leaked.token]).await;
    assert!(!refused.stderr.contains(&leaked.token), "{refused:?}");
    refused.failed(2, "this is a token itself");
    let mistyped = postern.run(&["token", "revoke", "nihgtly-build"]).await;
    mistyped.failed(6, "did you mean `nightly-build`?");

    postern
        .run(&["token", "revoke", "nightly-build"])
        .await
        .done();
    let found = postern.run_with(&search, &leaked.token).await;
    assert_eq!(found.stdout, "nightly-build\n", "{found:?}");
    let shown = postern
        .run(&["token", "show", "nightly-build"])
        .await
        .done();
    assert!(shown.contains("STATUS          revoked\n"), "{shown}");
}

async fn all_that_a_token_has_created_are_revoked_and_no_other(suite: &Suite) {
    let organization = suite.organization().await;
    let postern = administrator(suite, &organization.name);
    let policies = ["org_api_token:create", "project_api_token:create"];
    let body = json!({ "name": "ci-bootstrap", "policies": policies });
    let creator = organization.mint(&suite.gateway, &body).await;
    let children = ["release-1", "release-2"];
    for name in children {
        let body = json!({ "name": name, "project": SHOP, "policies": [] });
        organization.mint_as(&suite.gateway, &creator, &body).await;
    }
    let body = json!({ "name": "bystander" });
    organization.mint(&suite.gateway, &body).await;

    let revoke = ["token", "revoke", "--minted-by", "ci-bootstrap"];
    let looked = postern
        .run(&[&revoke[..], &["--dry-run"]].concat())
        .await
        .done();
    for text in [
        "release-1",
        "release-2",
        "project/shop",
        "ci-bootstrap",
        "2 tokens matched: 2 of shop. ",
    ] {
        assert!(looked.contains(text), "{text}: {looked}");
    }
    assert!(!looked.contains("bystander"), "{looked}");
    let unasked = postern.run(&revoke).await;
    assert_eq!(unasked.code, 2, "{unasked:?}");

    let revoked = postern.run(&[&revoke[..], &["--yes"]].concat()).await;
    assert_eq!(revoked.code, 0, "{revoked:?}");
    assert!(
        revoked.stdout.ends_with("\n2 tokens revoked.\n"),
        "{revoked:?}"
    );
    let left = postern.run(&["token", "list", "-o", "json"]).await.json();
    assert_eq!(names(&left), ["bystander", "ci-bootstrap"]);
    // Once more goes on with nothing.
    let again = postern.run(&[&revoke[..], &["--yes"]].concat()).await;
    assert_eq!((again.code, again.stdout.as_str()), (0, ""), "{again:?}");
    assert!(
        again.stderr.contains("no active token matches"),
        "{again:?}"
    );

    let words = [
        "audit",
        "list",
        "--last",
        "1h",
        "--action",
        "token.revoke",
        "-o",
        "jsonl",
    ];
    let events = postern.run(&words).await.done();
    assert_eq!(events.lines().count(), children.len(), "{events}");
    let words = [
        "audit",
        "list",
        "--actor",
        "ci-bootstrap",
        "--action",
        "token.mint",
    ];
    let events = postern
        .run(&[&words[..], &["-o", "jsonl"]].concat())
        .await
        .done();
    assert_eq!(events.lines().count(), children.len(), "{events}");
    let of_child = postern
        .run(&["audit", "list", "release-1", "-o", "jsonl"])
        .await
        .done();
    assert_eq!(of_child.lines().count(), 2, "{of_child}");
}
