//! What events tell of tokens and trust rules: what was granted, and long values in several texts, so that the
//! log has all of them (R35).

use postern_domain::audit::{Changes, MAX_TEXT};
use postern_domain::conditions::Conditions;
use postern_domain::policy::Policy;
use postern_domain::scope::Scope;
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use serde_json::Value;

/// Most texts of one value. Ranges of one token have at most eight; whatever has more is cut.
const MAX_PARTS: usize = 20;
/// What stands at the end of a value that was cut.
const CUT: char = '…';

/// Adds a value: lists stand in an event as words, and what is too long for one text stands in several, as
/// `policies`, `policies.2` and so on.
pub(super) fn put(changes: &mut Changes, name: &str, value: &Value) {
    let words = value.as_array().map(|list| {
        let words: Vec<&str> = list.iter().filter_map(|word| word.as_str()).collect();
        words.join(" ")
    });
    let Some(text) = words.as_deref().or(value.as_str()) else {
        changes.insert(name.to_owned(), value.clone());
        return;
    };
    let mut characters: Vec<char> = text.chars().collect();
    if characters.len() > MAX_PARTS * MAX_TEXT {
        characters.truncate(MAX_PARTS * MAX_TEXT - 1);
        characters.push(CUT);
    }
    if characters.is_empty() {
        changes.insert(name.to_owned(), "".into());
    }
    for (place, part) in (1..).zip(characters.chunks(MAX_TEXT)) {
        let name = match place {
            1 => name.to_owned(),
            place => format!("{name}.{place}"),
        };
        changes.insert(name, part.iter().collect::<String>().into());
    }
}

/// What a new token was given, for its event. Readers of the log do not learn the name of a system token (R10).
pub(super) fn granted(changes: &mut Changes, facts: &TokenFacts) {
    if !facts.is_system {
        put(changes, "name", &facts.name.as_str().into());
    }
    put(changes, "scope", &place(&facts.scope, facts).into());
    put(changes, "policies", &policies(&facts.policies));
    put(changes, "expires_at", &end(facts.expires_at));
    if facts.is_system {
        put(changes, "is_system", &true.into());
    }
    conditions(changes, facts.conditions.as_deref());
}

/// The conditions on a token, where there are any.
pub(super) fn conditions(changes: &mut Changes, conditions: Option<&Conditions>) {
    let told = [
        ("address_ranges", ranges(conditions)),
        ("calls_per_minute", calls(conditions)),
    ];
    for (name, value) in told {
        if !value.is_null() {
            put(changes, name, &value);
        }
    }
}

/// A scope, as targets of events name organizations, projects and workflows.
fn place(scope: &Scope, facts: &TokenFacts) -> String {
    match (scope.project(), scope.workflow()) {
        (Some(project), Some(workflow)) => format!("workflow:{}/{}", project.name, workflow.name),
        (Some(project), None) => format!("project:{}", project.name),
        _ => format!("organization:{}", facts.organization.name),
    }
}

/// Policies as words.
pub(super) fn policies(policies: &[Policy]) -> Value {
    let words: Vec<String> = policies.iter().map(ToString::to_string).collect();
    words.join(" ").into()
}

/// The end of a token; null = it never expires.
pub(super) fn end(end: Option<Timestamp>) -> Value {
    end.map(Timestamp::rfc3339).into()
}

/// From where a token can be used, as words; null = from everywhere.
pub(super) fn ranges(conditions: Option<&Conditions>) -> Value {
    let ranges = conditions.map_or(&[][..], Conditions::address_ranges);
    let words: Vec<String> = ranges.iter().map(ToString::to_string).collect();
    match words.is_empty() {
        true => Value::Null,
        false => words.join(" ").into(),
    }
}

/// How many calls a minute a token may make; null = as many as one likes.
pub(super) fn calls(conditions: Option<&Conditions>) -> Value {
    conditions.and_then(Conditions::calls_per_minute).into()
}
