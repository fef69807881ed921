//! How a credential for the origin looks to people: by its fingerprint.

use serde_json::Value;

use crate::listing::{Listed, of};
use crate::table::Column;
use crate::text::{member, moment, plain};

/// As tokens have it: `global`, `project/…`, `workflow/…/…`.
pub fn scope(scope: &Value) -> String {
    let name = |entity: &str| name_of(scope.get(entity)?);
    written(name("project").as_deref(), name("workflow").as_deref())
}

/// The same, of names.
pub fn written(project: Option<&str>, workflow: Option<&str>) -> String {
    match (project.map(plain), workflow.map(plain)) {
        (None, _) => "global".to_owned(),
        (Some(project), None) => format!("project/{project}"),
        (Some(project), Some(workflow)) => format!("workflow/{project}/{workflow}"),
    }
}

/// A name, or the name of an object that has an id too.
fn name_of(entity: &Value) -> Option<String> {
    let name = entity.get("name").unwrap_or(entity);
    name.as_str().map(str::to_owned)
}

/// Who set it: a word, or an object as the audit log has it.
fn actor(by: &Value) -> String {
    let named = by.get("actor").or_else(|| by.get("name"));
    named.unwrap_or(by).as_str().map(plain).unwrap_or_default()
}

/// Everything that the gateway tells about one.
pub fn sheet(set: &Value) -> String {
    let of = |name: &str| set.get(name).unwrap_or(&Value::Null);
    let replaced = of("replaced");
    let kept = match moment(replaced, "until") {
        none if none.is_empty() => member(replaced, "digest"),
        until => format!(
            "{}, kept for running attestations until {until}",
            member(replaced, "digest")
        ),
    };
    let rows = [
        ("SCOPE", scope(of("scope"))),
        ("FINGERPRINT", member(set, "digest")),
        ("SET AT", moment(set, "set_at")),
        ("SET BY", actor(of("set_by"))),
        ("REPLACED", kept),
    ];
    let mut text = String::new();
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&format!("{name:11}  {value}\n"));
    }
    text
}

/// Lists of those that are set.
pub const UPSTREAMS: Listed = Listed {
    columns: &[
        Column::new("scope", 0, 24, |set, _| {
            scope(set.get("scope").unwrap_or(&Value::Null)).into()
        }),
        Column::new("fingerprint", 1, 0, |set, _| of(set, "digest")),
        Column::new("set_at", 2, 0, |set, look| {
            look.moment(set, "set_at").into()
        }),
        Column::new("set_by", 3, 12, |set, _| {
            actor(set.get("set_by").unwrap_or(&Value::Null)).into()
        }),
    ],
    name: Some("scope"),
};

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn scopes() {
        let shop = json!({ "id": "1", "name": "shop" });
        for (given, expected) in [
            (json!({}), "global"),
            (json!({ "project": null }), "global"),
            (json!({ "project": "shop" }), "project/shop"),
            (json!({ "project": shop }), "project/shop"),
            (
                json!({ "project": shop, "workflow": "re\u{202e}lease" }),
                "workflow/shop/re\\u{202e}lease",
            ),
        ] {
            assert_eq!(scope(&given), expected);
        }
    }

    #[test]
    fn who_set_it() {
        for (by, expected) in [
            (json!("admin-token"), "admin-token"),
            (
                json!({ "actor": "admin-token:ops", "tier": "admin" }),
                "admin-token:ops",
            ),
            (json!({ "name": "k\nim" }), "k\\u{a}im"),
            (json!({}), ""),
            (Value::Null, ""),
        ] {
            assert_eq!(actor(&by), expected);
        }
    }
}
