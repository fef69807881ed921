//! How tokens look to people.

use serde_json::Value;
use unicode_width::UnicodeWidthChar as _;

use crate::fail::{Failure, Kind, Outcome};
use crate::output::{TokenFormat, json, print_secret, remark};
use crate::text::{member, moment, plain, table};

/// The stock client's columns, and two of ours.
const HEADINGS: [&str; 10] = [
    "ID",
    "NAME",
    "SCOPE",
    "DESCRIPTION",
    "CREATED AT",
    "EXPIRES AT",
    "REVOKED AT",
    "LAST USED AT",
    "PREFIX",
    "CREATED BY",
];

/// Most columns that a description takes in a table.
const MAX_CELL: usize = 60;

/// Tokens as a table.
pub fn tokens(tokens: &[Value]) -> String {
    let rows: Vec<_> = tokens.iter().map(row).collect();
    table(&HEADINGS, &rows)
}

fn row(token: &Value) -> Vec<String> {
    vec![
        member(token, "id"),
        member(token, "name"),
        scope(token),
        cut(member(token, "description")),
        moment(token, "created_at"),
        moment(token, "expires_at"),
        revoked(token),
        moment(token, "last_used_at"),
        member(token, "prefix"),
        member(token, "created_by"),
    ]
}

/// A cell of a bearable width; `show` has the whole text.
fn cut(text: String) -> String {
    let mut width = 0;
    let end = text.char_indices().find(|(_, character)| {
        width += character.width().unwrap_or(0);
        width > MAX_CELL
    });
    match end {
        None => text,
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// As the stock client writes it: `global`, `project/…`; and `workflow/…/…`.
pub fn scope(token: &Value) -> String {
    let name = |entity: &str| {
        let entity = token.get(entity)?.as_object()?;
        Some(plain(entity.get("name")?.as_str()?))
    };
    match (name("project"), name("workflow")) {
        (None, _) => "global".to_owned(),
        (Some(project), None) => format!("project/{project}"),
        (Some(project), Some(workflow)) => format!("workflow/{project}/{workflow}"),
    }
}

fn revoked(token: &Value) -> String {
    let held = moment(token, "quarantined_at");
    match moment(token, "revoked_at") {
        none if none.is_empty() && !held.is_empty() => format!("quarantined {held}"),
        revoked => revoked,
    }
}

/// Shows a token that was just made, with its secret.
pub fn print_new(made: &Value, format: TokenFormat) -> Outcome {
    let (Some(id), Some(secret)) = (
        made.get("id").and_then(Value::as_str),
        made.get("token").and_then(Value::as_str),
    ) else {
        let message = "the gateway's answer has no token";
        return Err(Failure::new(Kind::Unavailable, message));
    };
    let text = match format {
        TokenFormat::Token => format!("{secret}\n"),
        TokenFormat::Json => json(made),
        TokenFormat::Table => format!(
            "{}{}\nSave the following token since it will not be printed again:\n\n{secret}\n",
            tokens(std::slice::from_ref(made)),
            replaced(made)
                .map(|line| format!("\n{line}\n"))
                .unwrap_or_default(),
        ),
    };
    print_secret(&text, &plain(id))?;
    if let (TokenFormat::Token, Some(line)) = (format, replaced(made)) {
        remark(&line);
    }
    Ok(())
}

/// What becomes of the token that a rotation replaces.
fn replaced(made: &Value) -> Option<String> {
    let old = made.get("replaces")?;
    let (id, at) = (member(old, "id"), moment(old, "revoked_at"));
    // The successor was made at the moment that an old token without an overlap ended.
    Some(match at > moment(made, "created_at") {
        true => format!("The old token {id} is accepted until {at}."),
        false => format!("The old token {id} is revoked."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn scopes() {
        for (project, workflow, expected) in [
            (json!(null), json!(null), "global"),
            (json!({"name": "shop"}), json!(null), "project/shop"),
            (
                json!({"name": "shop"}),
                json!({"name": "a\u{1b}"}),
                "workflow/shop/a\\u{1b}",
            ),
        ] {
            let token = json!({ "project": project, "workflow": workflow });
            assert_eq!(scope(&token), expected);
        }
    }

    #[test]
    fn long_descriptions_are_cut() {
        let text = "\u{e9}".repeat(MAX_CELL);
        assert_eq!(cut(text.clone()), text);
        assert_eq!(cut(format!("{text}x")), format!("{text}…"));
        let wide = "\u{6771}".repeat(MAX_CELL / 2);
        assert_eq!(cut(wide.clone()), wide);
        assert_eq!(cut(format!("{wide}\u{6771}")), format!("{wide}…"));
    }

    #[test]
    fn a_token_that_is_quarantined_says_so() {
        let at = "2026-11-22T01:14:20Z";
        let held = json!({ "revoked_at": null, "quarantined_at": at });
        assert_eq!(revoked(&held), "quarantined 2026-11-22 01:14:20 UTC");
        let ended = json!({ "revoked_at": at, "quarantined_at": at });
        assert_eq!(revoked(&ended), "2026-11-22 01:14:20 UTC");
        let live = json!({ "revoked_at": null, "quarantined_at": null });
        assert_eq!(revoked(&live), "");
    }
}
