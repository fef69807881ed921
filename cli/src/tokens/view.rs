//! How tokens look to people.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::conditions;
use crate::fail::{Failure, Kind, Outcome};
use crate::listing::{self, Listed, of};
use crate::output::{TokenFormat, json, print_secret, remark};
use crate::table::{Cell, Column, Form, Look, cut};
use crate::terminal::Tone;
use crate::text::{member, moment, plain};
use crate::upstream;

/// Most columns that a description takes in a table.
const MAX_CELL: usize = 60;
/// How long before its end a token is pointed at.
const SOON: TimeDelta = TimeDelta::days(7);

const NAME: Column = Column::new("name", 0, 20, |token, _| of(token, "name"));
const PREFIX: Column = Column::new("prefix", 3, 0, |token, _| of(token, "prefix"));
const SCOPE: Column = Column::new("scope", 4, 14, |token, look| {
    let scope = scope(token);
    match look.form {
        Form::Near => short(&scope).into(),
        Form::Whole | Form::Raw => scope.into(),
    }
});
const LAST_USED: Column = Column::new("last_used_at", 5, 0, |token, look| {
    match token.get("last_used_at") {
        None | Some(Value::Null) => look.absent("never", Tone::Quiet),
        Some(_) => look.moment(token, "last_used_at").into(),
    }
});
const CREATED_BY: Column = Column::new("created_by", 6, 12, creator);
const ID: Column = Column::new("id", 10, 0, |token, _| of(token, "id"));

/// Lists of tokens.
pub const TOKENS: Listed = Listed {
    columns: &[
        NAME,
        PREFIX,
        SCOPE,
        Column::new("status", 1, 0, status),
        Column::new("expires_at", 2, 12, expiry),
        LAST_USED,
        CREATED_BY,
        Column::new("created_at", 7, 0, |token, look| {
            look.moment(token, "created_at").into()
        }),
        Column::new("uses", 8, 0, |token, _| of(token, "uses")),
        Column::new("description", 9, 20, |token, look| {
            let text = member(token, "description");
            match look.form {
                Form::Raw => text.into(),
                Form::Near | Form::Whole => cut(&text, MAX_CELL).into(),
            }
        }),
        Column::new("revoked_at", 11, 0, revoked),
        ID,
        Column::new("conditions", 12, 20, |token, _| {
            conditions::line(token).into()
        }),
    ],
    name: Some("name"),
};

/// What a revoke of many matches.
pub const MATCHED: Listed = Listed {
    columns: &[
        NAME,
        PREFIX,
        SCOPE,
        LAST_USED,
        Column::new("uses_since_yesterday", 2, 0, |token, _| {
            of(token, "uses_since_yesterday")
        }),
        CREATED_BY,
        ID,
    ],
    name: Some("name"),
};

/// Tokens as a table.
///
/// # Errors
/// Never.
pub fn tokens(tokens: &[Value]) -> Outcome<String> {
    listing::table(TOKENS, tokens)
}

/// As the stock client writes it: `global`, `project/…`; and `workflow/…/…`.
pub fn scope(token: &Value) -> String {
    upstream::scope(token)
}

/// The same in fewer letters: `shop/release`, `shop/*`, `global`.
fn short(scope: &str) -> String {
    match (
        scope.strip_prefix("workflow/"),
        scope.strip_prefix("project/"),
    ) {
        (Some(both), _) => both.to_owned(),
        (_, Some(project)) => format!("{project}/*"),
        (None, None) => scope.to_owned(),
    }
}

/// What has become of a token, in one of four words.
pub fn state(token: &Value, now: DateTime<Utc>) -> (&'static str, Tone) {
    let passed = |name: &str| {
        let text = token.get(name).and_then(Value::as_str)?;
        let moment = DateTime::parse_from_rfc3339(text).ok()?;
        Some(moment.to_utc() <= now)
    };
    let is_set = |name: &str| token.get(name).is_some_and(Value::is_string);
    if passed("revoked_at") == Some(true) {
        return ("revoked", Tone::Bad);
    }
    if passed("expires_at") == Some(true) {
        return ("expired", Tone::Bad);
    }
    match is_set("quarantined_at") {
        true => ("quarantined", Tone::Warning),
        false => ("active", Tone::Good),
    }
}

fn status(token: &Value, look: &Look) -> Cell {
    let (word, tone) = state(token, look.now);
    let mark = match look.form {
        Form::Near => tone.mark(look.screen),
        Form::Whole | Form::Raw => "",
    };
    Cell::new(format!("{mark}{word}"), tone)
}

/// Until when it is accepted: the end of a rotation comes first.
fn expiry(token: &Value, look: &Look) -> Cell {
    if look.form == Form::Raw {
        return of(token, "expires_at");
    }
    let active = matches!(state(token, look.now).0, "active" | "quarantined");
    match (
        look.instant(token, "revoked_at"),
        look.instant(token, "expires_at"),
    ) {
        (Some(revoked), _) if revoked > look.now => {
            let at = look.moment(token, "revoked_at");
            Cell::new(format!("{at} (rotated)"), Tone::Warning)
        }
        (_, None) if active => look.absent("never", Tone::Warning),
        (_, None) => look.absent("never", Tone::Quiet),
        (_, Some(end)) => {
            let tone = match active {
                true if end - look.now < SOON => Tone::Warning,
                true => Tone::Plain,
                false => Tone::Quiet,
            };
            Cell::new(look.moment(token, "expires_at"), tone)
        }
    }
}

/// When it was revoked; a moment to come says so.
fn revoked(token: &Value, look: &Look) -> Cell {
    let at = look.moment(token, "revoked_at");
    match look.instant(token, "revoked_at") {
        Some(moment) if moment > look.now && look.form == Form::Whole => {
            Cell::new(format!("{at} (to come)"), Tone::Warning)
        }
        _ => at.into(),
    }
}

/// Who created it: the name of the token that did, where the gateway tells it.
fn creator(token: &Value, look: &Look) -> Cell {
    let (by, name) = (member(token, "created_by"), member(token, "creator_name"));
    match (name.is_empty(), look.form) {
        (true, _) | (false, Form::Raw) => by.into(),
        (false, Form::Near) => name.into(),
        (false, Form::Whole) => format!("{name} ({by})").into(),
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
            tokens(std::slice::from_ref(made))?,
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
    fn scopes_are_short_on_a_terminal() {
        for (scope, expected) in [
            ("workflow/shop/release", "shop/release"),
            ("project/shop", "shop/*"),
            ("global", "global"),
        ] {
            assert_eq!(short(scope), expected);
        }
    }

    fn look(form: Form) -> Look {
        let now = DateTime::parse_from_rfc3339("2026-11-22T02:00:00Z").unwrap();
        Look {
            form,
            now: now.to_utc(),
            screen: crate::terminal::Screen::NONE,
        }
    }

    #[test]
    fn a_token_has_one_of_four_states() {
        const PAST: &str = "2026-11-22T01:14:20Z";
        const FUTURE: &str = "2026-11-22T02:10:00Z";
        for (revoked, expires, quarantined, expected) in [
            (None, None, None, "active"),
            (Some(FUTURE), Some(FUTURE), None, "active"),
            (None, Some(FUTURE), Some(PAST), "quarantined"),
            (None, Some(PAST), Some(PAST), "expired"),
            (Some(PAST), Some(PAST), Some(PAST), "revoked"),
        ] {
            let token = json!({
                "revoked_at": revoked, "expires_at": expires, "quarantined_at": quarantined,
            });
            assert_eq!(state(&token, look(Form::Whole).now).0, expected, "{token}");
        }
    }

    #[test]
    fn a_revoke_to_come_is_marked() {
        let rotated = json!({ "revoked_at": "2026-11-22T02:10:00Z", "expires_at": null });
        let ended = json!({ "revoked_at": "2026-11-22T01:14:20Z", "expires_at": null });
        let endless = json!({ "revoked_at": null, "expires_at": null });
        let soon = json!({ "revoked_at": null, "expires_at": "2026-11-24T02:00:00Z" });
        for (token, form, until, at) in [
            (&rotated, Form::Near, "in 10 min (rotated)", "in 10 min"),
            (
                &rotated,
                Form::Whole,
                "2026-11-22 02:10:00 UTC (rotated)",
                "2026-11-22 02:10:00 UTC (to come)",
            ),
            (&rotated, Form::Raw, "", "2026-11-22T02:10:00Z"),
            (&ended, Form::Whole, "never", "2026-11-22 01:14:20 UTC"),
            (&endless, Form::Near, "never", ""),
            (&endless, Form::Raw, "", ""),
            (&soon, Form::Near, "in 2 days", ""),
        ] {
            let look = look(form);
            assert_eq!(expiry(token, &look).text, until, "{token} {form:?}");
            assert_eq!(revoked(token, &look).text, at, "{token} {form:?}");
        }
        let near = look(Form::Near);
        assert_eq!(expiry(&endless, &near).tone, Tone::Warning);
        assert_eq!(expiry(&soon, &near).tone, Tone::Warning);
        assert_eq!(expiry(&ended, &near).tone, Tone::Quiet);
    }

    #[test]
    fn a_creator_has_a_name_where_the_gateway_tells_it() {
        let token = json!({ "created_by": "org-token:pst_7aBcDeFg", "creator_name": "ci" });
        for (form, expected) in [
            (Form::Near, "ci"),
            (Form::Whole, "ci (org-token:pst_7aBcDeFg)"),
            (Form::Raw, "org-token:pst_7aBcDeFg"),
        ] {
            assert_eq!(creator(&token, &look(form)).text, expected);
        }
    }
}
