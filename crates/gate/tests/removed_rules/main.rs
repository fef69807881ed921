//! Leases without one of their rules (R41): each removal is a small edit of the program, and some test
//! notices it. A proof that cannot fail is none.
//!
//! `cargo test -p postern-gate --test removed_rules -- --ignored --nocapture` removes one rule after
//! the other in a copy of the crates, and tells which tests failed. It takes minutes.
//! `REMOVED_RULE=5` takes those alone whose name begins so.
#![expect(clippy::expect_used, reason = "a test, which may fail")]

mod copy;
mod gate;
mod ledger;

use std::fs;

use copy::{Copy, root};

/// A removal.
pub struct Removed {
    /// The number of the rule, and what is left out.
    pub rule: &'static str,
    pub file: &'static str,
    /// What stands there now, once.
    pub text: &'static str,
    pub instead: &'static str,
}

fn all() -> impl Iterator<Item = &'static Removed> {
    gate::REMOVED.iter().chain(ledger::REMOVED)
}

#[test]
fn what_is_removed_stands_in_its_file_once() {
    for removed in all() {
        let text = fs::read_to_string(root().join(removed.file)).expect(removed.file);
        let found = text.matches(removed.text).count();
        assert_eq!(found, 1, "{}: {}", removed.rule, removed.file);
        assert_ne!(removed.text, removed.instead, "{}", removed.rule);
    }
}

#[test]
#[ignore = "builds the crates once for each rule"]
fn no_rule_can_be_removed_unnoticed() {
    let only = std::env::var("REMOVED_RULE").unwrap_or_default();
    let copy = Copy::new();
    let whole = copy.failures();
    assert_eq!(whole, Vec::<String>::new(), "with every rule");
    let mut unnoticed = Vec::new();
    for removed in all().filter(|removed| removed.rule.starts_with(&only)) {
        let failures = copy.without(removed);
        println!("| {} | {} |", removed.rule, failures.join(", "));
        if failures.is_empty() {
            unnoticed.push(removed.rule);
        }
    }
    assert_eq!(unnoticed, Vec::<&str>::new(), "nothing notices");
}
