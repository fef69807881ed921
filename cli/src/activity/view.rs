//! How activity looks to people: days with a bar for each outcome, the tokens that were refused most,
//! and refused calls.

use serde_json::{Value, json};

use crate::fail::Outcome;
use crate::listing::{Listed, Shape, of};
use crate::table::{Cell, Column, Form, Look, cut};
use crate::terminal::{Screen, Tone};
use crate::text::{count, counted, member, moment, plain};

/// Columns of the longest bar.
const BAR: u64 = 24;
/// Reasons that a day names.
const MAX_REASONS: usize = 3;

/// Lists of refused calls.
pub const RECENT: Listed = Listed {
    columns: &[
        Column::new("at", 0, 0, |call, look| look.moment(call, "at").into()),
        Column::new("reason", 0, 14, |call, _| {
            Cell::new(member(call, "reason"), Tone::Bad)
        }),
        Column::new("token", 1, 14, token),
        Column::new("operation", 2, 20, |call, _| of(call, "operation")),
        Column::new("address", 3, 0, |call, _| of(call, "address")),
        Column::new("request_id", 4, 0, |call, _| of(call, "request_id")),
        Column::new("user_agent", 5, 16, |call, _| of(call, "user_agent")),
    ],
    name: None,
};

const MOST_REFUSED: Listed = Listed {
    columns: &[
        Column::new("token", 0, 20, token),
        Column::new("refused", 0, 0, |row, _| number(row, "refused").into()),
    ],
    name: None,
};

const CALLERS: Listed = Listed {
    columns: &[
        Column::new("address", 0, 0, |row, _| of(row, "address")),
        Column::new("calls", 0, 0, |row, _| number(row, "calls").into()),
        Column::new("last_at", 1, 0, |row, look| {
            look.moment(row, "last_at").into()
        }),
        Column::new("user_agent", 2, 20, |row, _| of(row, "user_agent")),
    ],
    name: None,
};

const DAYS: Listed = Listed {
    columns: &[
        Column::new("date", 0, 0, |day, _| of(day, "date")),
        Column::new("allowed", 0, 0, |day, _| number(day, "allowed").into()),
        Column::new("refused", 0, 0, |day, _| {
            toned(day, "refused_calls", Tone::Bad)
        }),
        Column::new("origin_trouble", 1, 0, |day, _| {
            toned(day, "origin_trouble", Tone::Warning)
        }),
        Column::new("calls", 2, 0, |day, _| {
            Cell::new(member(day, "bar"), Tone::Quiet)
        }),
        Column::new("reasons", 3, 16, |day, _| reasons(day).into()),
    ],
    name: None,
};

/// The token of a row: by name, and by prefix where there is room.
fn token(row: &Value, look: &Look) -> Cell {
    let token = row.get("token").unwrap_or(&Value::Null);
    let (name, prefix) = (member(token, "name"), member(token, "prefix"));
    match (name.is_empty(), look.form) {
        (true, Form::Near | Form::Whole) if prefix.is_empty() => look.absent("-", Tone::Quiet),
        (true, _) | (false, Form::Raw) => prefix.into(),
        (false, Form::Near) => name.into(),
        (false, Form::Whole) => format!("{name} ({prefix})").into(),
    }
}

fn amount(of: &Value, name: &str) -> u64 {
    of.get(name).and_then(Value::as_u64).unwrap_or(0)
}

fn number(of: &Value, name: &str) -> String {
    count(amount(of, name))
}

fn toned(of: &Value, name: &str, tone: Tone) -> Cell {
    match amount(of, name) {
        0 => Cell::new("0", Tone::Quiet),
        some => Cell::new(count(some), tone),
    }
}

/// Refused calls of a day, all reasons together.
fn refused(day: &Value) -> u64 {
    let reasons = day.get("refused").and_then(Value::as_object);
    reasons
        .into_iter()
        .flatten()
        .filter_map(|(_, calls)| calls.as_u64())
        .sum()
}

/// The most frequent reasons of a day.
fn reasons(day: &Value) -> String {
    let reasons = day.get("refused").and_then(Value::as_object);
    let mut reasons: Vec<(u64, String)> = reasons
        .into_iter()
        .flatten()
        .filter_map(|(reason, calls)| Some((calls.as_u64()?, plain(reason))))
        .collect();
    reasons.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    let more = reasons.len() > MAX_REASONS;
    let mut text: Vec<String> = reasons
        .iter()
        .take(MAX_REASONS)
        .map(|(calls, reason)| format!("{reason} {}", count(*calls)))
        .collect();
    if more {
        text.push("…".to_owned());
    }
    text.join(", ")
}

/// Days with what their rows need: the refused calls together, and a bar on one scale.
fn days(told: &Value, screen: Screen) -> Vec<Value> {
    let days = told.get("days").and_then(Value::as_array);
    let days: Vec<Value> = days.cloned().unwrap_or_default();
    let all = |day: &Value| amount(day, "allowed") + refused(day) + amount(day, "origin_trouble");
    let most = days.iter().map(all).max().unwrap_or(0).max(1);
    let (sign, part) = match screen.marks {
        true => ("█", "▏"),
        false => ("#", "."),
    };
    let days = days.into_iter().map(|mut day| {
        let calls = all(&day);
        let length = usize::try_from(calls * BAR / most).unwrap_or(0);
        let bar = match (calls, length) {
            (0, _) => String::new(),
            (_, 0) => part.to_owned(),
            (_, length) => sign.repeat(length),
        };
        if let Some(day) = day.as_object_mut() {
            day.insert("bar".to_owned(), bar.into());
        }
        let refused = refused(&day);
        if let Some(day) = day.as_object_mut() {
            day.insert("refused_calls".to_owned(), json!(refused));
        }
        day
    });
    days.collect()
}

/// Everything above the list of refused calls.
///
/// # Errors
/// Never.
pub fn above(told: &Value, shape: &Shape, screen: Screen) -> Outcome<String> {
    let shape = Shape {
        output: shape.output,
        columns: Vec::new(),
    };
    let strong = |text: &str| format!("{}\n", Tone::Strong.paint(text, screen));
    let mut text = strong("Calls per day (UTC)");
    text.push_str(&shape.text(DAYS, &days(told, screen), screen)?);
    for (heading, name, listed) in [
        ("Refused most", "most_refused", MOST_REFUSED),
        ("Last callers", "callers", CALLERS),
    ] {
        let rows = super::rows(told, name);
        if !rows.is_empty() {
            text.push_str(&format!("\n{}", strong(heading)));
            text.push_str(&shape.text(listed, &rows, screen)?);
        }
    }
    let offline = told.get("offline_failures").filter(|it| it.is_object());
    if let Some(offline) = offline {
        text.push_str(&format!(
            "\n{} failed at this gateway today before any organization was known, {} yesterday\n",
            counted(amount(offline, "today"), "credential"),
            number(offline, "yesterday"),
        ));
    }
    text.push_str(&format!("\n{}", strong("Refused calls, newest first")));
    Ok(text)
}

/// A refused call as one line of a log.
pub fn line(call: &Value, screen: Screen) -> String {
    let token = call.get("token").unwrap_or(&Value::Null);
    let token = match (member(token, "name"), member(token, "prefix")) {
        (name, prefix) if name.is_empty() && prefix.is_empty() => "-".to_owned(),
        (name, prefix) if name.is_empty() => prefix,
        (name, prefix) => format!("{name} ({prefix})"),
    };
    let at = moment(call, "at");
    let reason = member(call, "reason");
    let rest = format!(
        "  {token}  {}  {}  {}",
        member(call, "operation"),
        member(call, "address"),
        member(call, "request_id"),
    );
    let room = screen.width.map(|width| {
        let taken = at.chars().count() + 2 + reason.chars().count();
        width.saturating_sub(taken).max(8)
    });
    let rest = room.map_or(rest.clone(), |room| cut(&rest, room));
    format!("{at}  {}{rest}\n", Tone::Bad.paint(&reason, screen))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> Value {
        json!({ "days": [
            { "date": "2026-11-28", "allowed": 0, "refused": {}, "origin_trouble": 0 },
            { "date": "2026-11-29", "allowed": 1200, "origin_trouble": 80,
              "refused": { "not_confined": 320, "a": 1, "b": 2, "c": 3 } },
            { "date": "2026-11-30", "allowed": 1, "refused": {}, "origin_trouble": 0 },
        ] })
    }

    #[test]
    fn days_have_one_scale() {
        let days = days(&told(), Screen::NONE);
        let bars: Vec<_> = days.iter().map(|day| member(day, "bar")).collect();
        assert_eq!(bars, [String::new(), "#".repeat(24), ".".to_owned()]);
        assert_eq!(days[1]["refused_calls"], 326);
    }

    #[test]
    fn a_day_names_its_most_frequent_reasons() {
        let told = told();
        assert_eq!(reasons(&told["days"][1]), "not_confined 320, c 3, b 2, …");
        assert_eq!(reasons(&told["days"][0]), "");
    }

    #[test]
    fn a_refused_call_is_one_line() {
        let call = json!({
            "at": "2026-11-29T10:00:00.5Z", "operation": "AttestationService/Init", "reason": "not_confined",
            "token": { "id": "1", "name": "ci\u{1b}", "prefix": "pst_0ur4e3zI" }, "address": "192.0.2.7",
            "request_id": "r1", "user_agent": null,
        });
        assert_eq!(
            line(&call, Screen::NONE),
            "2026-11-29 10:00:00 UTC  not_confined  ci\\u{1b} (pst_0ur4e3zI)  AttestationService/Init  192.0.2.7  r1\n"
        );
        let narrow = Screen {
            width: Some(50),
            ..Screen::NONE
        };
        assert_eq!(
            line(&call, narrow),
            "2026-11-29 10:00:00 UTC  not_confined  ci\\u{1b} (…\n"
        );
    }
}
