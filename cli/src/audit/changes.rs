//! What changed, for people: each value whole, with the one before it.

use chrono::DateTime;
use serde_json::{Map, Value};

use crate::listing::of;
use crate::table::{Cell, Form, Look};
use crate::text::{member, moment, plain, utc};

/// What stands behind the name of a value that was so before.
const BEFORE: &str = ".before";

/// The changes of an event: each member and its new value, or as programs read them.
pub fn cell(event: &Value, look: &Look) -> Cell {
    match (event.get("changes"), look.form) {
        (Some(Value::Object(changes)), Form::Near | Form::Whole) => line(&whole(changes)).into(),
        _ => of(event, "changes"),
    }
}

/// `name: old → new, policies: attestation:create`.
fn line(changes: &Value) -> String {
    let changes_of = changes.as_object().into_iter().flatten();
    let told = changes_of.filter_map(|(name, value)| {
        if let Some(of) = name.strip_suffix(BEFORE)
            && changes.get(of).is_some()
        {
            return None;
        }
        let now = told(changes, name, value);
        let before = format!("{name}{BEFORE}");
        let before = changes
            .get(&before)
            .map(|value| told(changes, &before, value));
        Some(match before {
            Some(before) => format!("{}: {before} → {now}", plain(name)),
            None => format!("{}: {now}", plain(name)),
        })
    });
    told.collect::<Vec<_>>().join(", ")
}

/// One value. Moments are milliseconds in events of earlier releases.
fn told(changes: &Value, name: &str, value: &Value) -> String {
    let at = value.as_i64().and_then(DateTime::from_timestamp_millis);
    match (name.trim_end_matches(BEFORE).ends_with("_at"), value) {
        (_, Value::Null) => "none".to_owned(),
        (true, _) => at.map_or_else(|| moment(changes, name), utc),
        (false, _) => member(changes, name),
    }
}

/// Each value whole: one that is too long for one text stands in `policies`, `policies.2` and so on.
fn whole(changes: &Map<String, Value>) -> Value {
    let mut all = Map::new();
    for (name, value) in changes {
        if is_part(changes, name) {
            continue;
        }
        let mut whole = value.clone();
        for place in 2.. {
            let part = changes.get(&format!("{name}.{place}"));
            let (Value::String(whole), Some(Value::String(part))) = (&mut whole, part) else {
                break;
            };
            whole.push_str(part);
        }
        all.insert(name.clone(), whole);
    }
    Value::Object(all)
}

/// Whether a member goes on with another.
fn is_part(changes: &Map<String, Value>, name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(of, place)| {
        place.parse::<u8>().is_ok() && changes.get(of).is_some_and(Value::is_string)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(changes: &Value, form: Form) -> String {
        let look = Look {
            form,
            now: DateTime::UNIX_EPOCH,
            screen: crate::terminal::Screen::NONE,
        };
        cell(&json!({ "changes": changes }), &look).text
    }

    #[test]
    fn what_changed_is_told_with_what_was_before() {
        let rows = [
            (json!({}), ""),
            (
                json!({
                    "calls_per_minute": 60, "calls_per_minute.before": null, "expires_at": 1_797_717_849_000_i64,
                    "expires_at.before": "2026-12-20T22:04:09Z", "name": "2026-12-20T22:04:09Z",
                }),
                "calls_per_minute: none → 60, expires_at: 2026-12-20 22:04:09 UTC → 2026-12-19 22:04:09 UTC, \
                 name: 2026-12-20T22:04:09Z",
            ),
            (
                json!({ "policies": "attestation:cre", "policies.2": "ate organization:r", "policies.3": "ead" }),
                "policies: attestation:create organization:read",
            ),
            (
                json!({ "policies.2": "alone", "name.before": "old", "is_system": true, "is_system.2": "odd" }),
                "is_system: true, is_system.2: odd, name.before: old, policies.2: alone",
            ),
            (
                json!({ "name": "a\u{202e}b", "name.before": "c\n" }),
                r"name: c\u{a} → a\u{202e}b",
            ),
        ];
        for (changes, expected) in rows {
            assert_eq!(shown(&changes, Form::Whole), expected, "{changes}");
            assert_eq!(
                shown(&changes, Form::Raw),
                of(&json!({ "changes": changes }), "changes").text
            );
        }
    }
}
