//! The fields of a token, and moments that must be recent.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// Fields of a token wherever it is shown.
pub const TOKEN: [&str; 14] = [
    "id",
    "name",
    "description",
    "format",
    "prefix",
    "organization",
    "project",
    "workflow",
    "policies",
    "is_system",
    "adopted",
    "created_at",
    "created_by",
    "expires_at",
];

pub fn set<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    names.into_iter().collect()
}

/// The fields of a token that is listed.
pub fn listed() -> BTreeSet<&'static str> {
    set(TOKEN.into_iter().chain([
        "minted_by",
        "creator_name",
        "last_used_at",
        "uses",
        "daily_uses",
        "revoked_at",
        "quarantined_at",
        "revoked_by",
    ]))
}

/// Milliseconds since the epoch of an RFC 3339 moment in UTC.
pub fn millis(moment: &Value) -> i64 {
    let text = moment
        .as_str()
        .unwrap_or_else(|| panic!("{moment} is no moment"));
    assert!(text.ends_with('Z'), "{text} is not in UTC");
    postern_wire::rfc3339::parse(text)
        .unwrap_or_else(|| panic!("{text} is no moment"))
        .as_millis()
}

pub fn now() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    i64::try_from(now.as_millis()).expect("before the year 292 million")
}

#[track_caller]
pub fn assert_recent(moment: &Value) {
    assert!(
        (now() - millis(moment)).abs() < 60_000,
        "{moment} is not now"
    );
}
