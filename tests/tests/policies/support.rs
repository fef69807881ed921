//! Sets of policies and ids, and what of an organization could change.

use std::collections::BTreeSet;

use postern_system_tests::organization::{Minted, Organization, id};
use postern_system_tests::suite::Suite;
use serde_json::{Value, json};

pub const FORMATS: [&str; 2] = ["opaque", "jwt"];

/// Everything of an organization that a management call could change, with its limits.
pub async fn snapshot(suite: &Suite, organization: &Organization) -> Value {
    let everything = organization.snapshot(&suite.gateway).await;
    let call = suite.gateway.call("GET", "/orgs?limit=500");
    let all = call.bearer(&suite.keys.admin).send().await.json(200);
    let rows = all["organizations"].as_array().expect("a list");
    assert!(rows.len() < 500, "one page holds all");
    let row = rows.iter().find(|row| id(row) == organization.id);
    json!({ "everything": everything, "organization": row.expect("listed"), "of": rows.len() })
}

pub fn set<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    texts.into_iter().map(str::to_owned).collect()
}

pub fn ids<'a>(tokens: impl IntoIterator<Item = &'a Minted>) -> BTreeSet<String> {
    tokens.into_iter().map(|token| token.id.clone()).collect()
}

/// The policies of an answer.
pub fn policies(answer: &Value) -> BTreeSet<String> {
    let list = answer["policies"].as_array().expect("a list");
    set(list.iter().map(|policy| policy.as_str().expect("a text")))
}
