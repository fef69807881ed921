//! Asserts which tokens a bulk revoke ended, and reads its answer.

use std::collections::BTreeSet;

use postern_system_tests::gateway::Gateway;
use postern_system_tests::life::{assert_dead, assert_live, millis, now};
use postern_system_tests::organization::{Minted, Organization, fields};
use postern_system_tests::suite::Suite;
use serde_json::{Value, json};

/// How many isolates the gateways have.
pub const ISOLATES: u16 = 4;

pub const REVOKE: &str = "/org/tokens/revoke";

/// Revokes by a selector, first as a dry run, and asserts that exactly these tokens died of it, of all that there
/// are in the organization.
pub async fn dies(
    suite: &Suite,
    organization: &Organization,
    caller: Option<&Minted>,
    selector: &Value,
    all: &[&Minted],
    expected: &[&Minted],
) {
    let gateway = &suite.gateway;
    let expected = ids(expected.iter().copied());
    let live = living(gateway, organization).await;
    let call = |selector: &Value| match caller {
        None => organization.revoking(gateway, selector),
        Some(caller) => organization
            .call_as(gateway, caller, "POST", REVOKE)
            .json(selector),
    };
    let mut dry = selector.clone();
    dry["dry_run"] = json!(true);
    let told = call(&dry).send().await.json(200);
    assert_eq!(fields(&told), ANSWER.into());
    assert_eq!(told["dry_run"], true);
    assert_eq!(told["revoked_at"], Value::Null, "a dry run revokes nothing");
    assert_eq!(listed(&told["ids"]), expected, "{selector} as a dry run");
    assert_eq!(
        living(gateway, organization).await,
        live,
        "a dry run changes nothing"
    );

    let begun = now();
    let done = call(selector).send().await.json(200);
    assert_eq!(fields(&done), ANSWER.into());
    assert_eq!(done["dry_run"], false);
    assert_eq!(listed(&done["ids"]), expected, "{selector}");
    assert_eq!(done["matched"], expected.len(), "{selector}");
    assert_eq!(
        (&told["matched"], &told["used_in_last_day"]),
        (&done["matched"], &done["used_in_last_day"]),
        "the dry run told it"
    );
    let at = &done["revoked_at"];
    if expected.is_empty() {
        assert_eq!(at, &Value::Null);
    } else {
        assert!((begun..=now()).contains(&millis(at)), "{done}");
    }
    for token in all {
        if expected.contains(&token.id) {
            assert_dead(gateway, token, "it matched").await;
            let row = organization.token(gateway, &token.id).await;
            assert_eq!(&row["revoked_at"], at, "one moment for all");
        } else if live.contains(&token.id) {
            assert_live(gateway, token, "it did not match").await;
        }
    }
    assert_eq!(
        living(gateway, organization).await,
        &live - &expected,
        "{selector}: what is left"
    );
    let again = call(selector).send().await.json(200);
    assert_eq!(again["matched"], 0, "{selector}: nothing is left of it");
}

/// Fields of the answer.
pub const ANSWER: [&str; 7] = [
    "dry_run",
    "matched",
    "used_in_last_day",
    "ids",
    "tokens",
    "projects",
    "revoked_at",
];

pub async fn living(gateway: &Gateway, organization: &Organization) -> BTreeSet<String> {
    organization.token_ids(gateway, "include_system=true").await
}

pub fn ids<'a>(tokens: impl IntoIterator<Item = &'a Minted>) -> BTreeSet<String> {
    tokens.into_iter().map(|token| token.id.clone()).collect()
}

/// A list of ids, each of which must be there once.
#[track_caller]
pub fn listed(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().expect("a list");
    let ids: BTreeSet<_> = list
        .iter()
        .map(|id| id.as_str().expect("an id").to_owned())
        .collect();
    assert_eq!(ids.len(), list.len(), "each once");
    ids
}
