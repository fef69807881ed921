//! What the log tells of grants and edits (R35, R53): what a token was given, and what it was before.

use postern_domain::audit::Action;
use postern_domain::conditions::{AddressRange, Conditions};
use postern_domain::edit::TokenEdit;
use postern_domain::policy::Policy;
use serde_json::{Value, json};

use super::edit::{calls, edit, edited, named};
use crate::testing::jobs::{add, exchange, job, trust_rule};
use crate::testing::*;
use crate::{EditCommand, ExchangeAnswer, Ledger, MintCommand, RotateAnswer};

fn conditions(ranges: &[&str], calls: Option<u32>) -> Option<Box<Conditions>> {
    let ranges = ranges.iter().map(|text| AddressRange::parse(text));
    let ranges = ranges.collect::<Result<_, _>>().expect("ranges");
    Conditions::new(ranges, calls).expect("good").map(Box::new)
}

fn policies(texts: &[String]) -> Vec<Policy> {
    let texts = texts.iter();
    texts
        .map(|text| Policy::parse(text).expect("a policy"))
        .collect()
}

/// The changes of the last event, which is of this action.
fn told(sql: &Sqlite, action: Action) -> Value {
    let event = events(sql).pop().expect("an event");
    assert_eq!(event.action, action);
    serde_json::to_value(event.changes).expect("changes")
}

/// A token of a project that is confined in every way.
fn narrow(id: u128, name: &str, now: i64) -> MintCommand {
    let mut command = mint(id, name, now);
    command.facts.scope = shop();
    command.facts.policies = policies(&["run:read".to_owned(), "run:write".to_owned()]);
    command.facts.expires_at = Some(at(1_797_717_849_000));
    command.facts.conditions = conditions(&["10.0.0.0/8", "2001:db8::/32"], Some(60));
    command
}

#[test]
fn r35_the_log_tells_what_a_token_was_given() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, narrow(1, "deploy", 0));
    let given = json!({
        "name": "deploy", "scope": "project:shop", "policies": "run:read run:write",
        "expires_at": "2026-12-19T22:04:09Z", "address_ranges": "10.0.0.0/8 2001:db8::/32",
        "calls_per_minute": 60,
    });
    assert_eq!(told(&sql, Action::TokenMint), given);
    let successor = MintCommand {
        facts: postern_domain::token::TokenFacts {
            name: mint(2, "deploy-2", 1).facts.name,
            ..narrow(2, "deploy", 1).facts
        },
        ..narrow(2, "deploy", 1)
    };
    let waiting = waits(tell(&mut ledger, 1, rotate(1, successor, 1)));
    let mut expected = given;
    expected["name"] = "deploy-2".into();
    assert_eq!(told(&sql, Action::TokenRotate), expected);
    let rotated = arrived(&mut ledger, 2, waiting, None);
    assert!(matches!(rotated, RotateAnswer::Rotated { .. }));
    // No end is said as such; the name of a system token is not.
    let mut endless = mint(3, "endless", 3);
    endless.facts.policies = Vec::new();
    endless.facts.expires_at = None;
    endless.facts.is_system = true;
    minted(&mut ledger, 3, endless);
    let expected = json!({
        "scope": "organization:acme", "policies": "", "expires_at": null, "is_system": true,
    });
    assert_eq!(told(&sql, Action::TokenMint), expected);
    let renamed = EditCommand {
        description: Some("of the schedule".to_owned()),
        ..edit(3, named("daemon"))
    };
    change(&mut ledger, renamed);
    assert_eq!(told(&sql, Action::TokenEdit), json!({}));
}

#[test]
fn r35_the_log_tells_all_that_the_widest_token_was_given() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let letters = || 'a'..='j';
    let texts: Vec<String> = letters()
        .flat_map(|one| letters().map(move |two| (one, two)))
        .map(|(one, two)| format!("some_long_resource_{one}{two}:some_action"))
        .collect();
    let range = |n| format!("2001:db8:ffff:ffff:ffff:ffff:ffff:{n:x}/128");
    let ranges: Vec<String> = (0xff00..0xff20).map(range).collect();
    let mut command = mint(1, "wide", 0);
    command.facts.policies = policies(&texts);
    let ranges: Vec<&str> = ranges.iter().map(String::as_str).collect();
    command.facts.conditions = conditions(&ranges, Some(60));
    minted(&mut ledger, 0, command);
    let changes = told(&sql, Action::TokenMint);
    let whole = |name: &str| {
        let first = changes[name].as_str().expect("a text").to_owned();
        let rest = (2..).map_while(|part| changes[format!("{name}.{part}")].as_str());
        rest.fold(first, |all, part| all + part)
    };
    assert_eq!(whole("policies"), texts.join(" "));
    assert_eq!(whole("address_ranges"), ranges.join(" "));
    assert_eq!(changes["name"], "wide");
    assert_eq!(changes["scope"], "organization:acme");
}

#[test]
fn r47_the_log_tells_what_a_job_got_beside_what_it_is() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let rule = trust_rule(9, 74, None);
    let gives = rule
        .gives()
        .clone()
        .under(conditions(&["10.0.0.0/8"], Some(5)));
    let rule = trust_rule_giving(&rule, gives);
    answer(tell(&mut ledger, 0, add(rule)));
    let changes = told(&sql, Action::TrustRuleAdd);
    assert_eq!(changes["address_ranges"], "10.0.0.0/8");
    assert_eq!(changes["calls_per_minute"], 5);
    let waiting = waits(tell(&mut ledger, 1_500, exchange(1, job(74))));
    let changes = told(&sql, Action::TokenMint);
    for (name, value) in [
        ("run_id", json!("1234")),
        ("scope", json!("workflow:shop/release")),
        ("policies", json!("workflow_run:create")),
        ("expires_at", json!("1970-01-01T00:15:01Z")),
        ("address_ranges", json!("10.0.0.0/8")),
        ("calls_per_minute", json!(5)),
    ] {
        assert_eq!(changes[name], value, "{name}");
    }
    let given = arrived(&mut ledger, 1_500, waiting, None);
    assert!(matches!(given, ExchangeAnswer::Given(_)), "{given:?}");
}

/// The same rule, giving something else.
fn trust_rule_giving(
    rule: &postern_domain::trust::TrustRule,
    gives: postern_domain::trust::Gives,
) -> postern_domain::trust::TrustRule {
    let mut stored = serde_json::to_value(rule).expect("serializes");
    stored["gives"] = serde_json::to_value(gives).expect("serializes");
    serde_json::from_value(stored).expect("a rule")
}

#[test]
fn r35_an_edit_tells_what_was_before_where_that_was_something_else() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, narrow(1, "stolen", 0));
    let mut told_of = |command: EditCommand| -> Value {
        change(&mut ledger, command);
        told(&sql, Action::TokenEdit)
    };
    assert_eq!(
        told_of(edit(1, named("harmless"))),
        json!({ "name": "harmless", "name.before": "stolen" })
    );
    let narrower = TokenEdit {
        name: named("harmless").name,
        expires_at: Some(at(1_000_000_000_250)),
        policies: Some(policies(&["run:read".to_owned()])),
        address_ranges: Some(vec![AddressRange::parse("10.1.0.0/16").expect("a range")]),
        ..calls(60)
    };
    let described = EditCommand {
        description: Some("of the release".to_owned()),
        ..edit(1, narrower)
    };
    assert_eq!(
        told_of(described),
        json!({
            "name": "harmless", "description": "of the release", "description.before": "",
            "expires_at": "2001-09-09T01:46:40.250Z", "expires_at.before": "2026-12-19T22:04:09Z",
            "policies": "run:read", "policies.before": "run:read run:write",
            "address_ranges": "10.1.0.0/16", "address_ranges.before": "10.0.0.0/8 2001:db8::/32",
            "calls_per_minute": 60,
        })
    );
}

fn change(ledger: &mut Ledger<Sqlite>, command: EditCommand) {
    edited(ledger, 10, command);
}
