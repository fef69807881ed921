//! The audit log as its readers have it: lists, exports, and the check of them with the gate's own function, under keys
//! that only the test and the gateway know.

use postern_domain::audit::verify::{Report, verify};
use serde_json::Value;

use crate::forge::Keys;
use crate::gateway::Gateway;
use crate::http::{Answer, Call};
use crate::organization::Organization;

/// The media type of an export.
pub const NDJSON: &str = "application/x-ndjson";

/// A call for an export.
pub fn exporting(call: Call) -> Call {
    call.header("accept", NDJSON)
}

/// The lines of an export.
#[track_caller]
pub fn lines(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}: {}", answer.what, answer.text());
    assert_eq!(answer.header("content-type"), Some(NDJSON));
    let text = String::from_utf8(answer.body.to_vec()).expect("UTF-8");
    assert!(text.ends_with('\n'), "whole lines");
    text.lines().map(str::to_owned).collect()
}

/// Everything that an organization's log has, as an export.
pub async fn export(gateway: &Gateway, organization: &Organization) -> Vec<String> {
    let call = organization.call(gateway, "GET", "/org/audit");
    lines(&exporting(call).send().await)
}

/// The check of lines under the audit keys of this gateway.
pub fn check(lines: &[String], keys: &Keys) -> Report {
    verify(lines, &keys.root().audit)
}

/// An export that must be whole and unchanged; gives its events, oldest first.
pub async fn verified(gateway: &Gateway, organization: &Organization, keys: &Keys) -> Vec<Value> {
    let lines = export(gateway, organization).await;
    let report = check(&lines, keys);
    assert!(report.is_clean(), "{:#?}", report.faults);
    assert_eq!(report.mended, [], "D1 has what the Ledger has");
    let reach = report.checkpoint.map(|(sequence, _)| sequence);
    assert_eq!(
        reach,
        Some(report.rows),
        "the checkpoint reaches the last row"
    );
    assert_eq!(lines.len() as u64, report.rows + 1);
    lines
        .iter()
        .filter_map(|line| {
            let row: Value = serde_json::from_str(line).expect("JSON");
            let content = row["content"].as_str()?;
            Some(serde_json::from_str(content).expect("an event"))
        })
        .collect()
}

/// The events of a list, over all its pages; what D1 does not have yet is fetched first.
pub async fn events(gateway: &Gateway, organization: &Organization, query: &str) -> Vec<Value> {
    export(gateway, organization).await;
    organization
        .all(gateway, "/org/audit", query, "events")
        .await
}
