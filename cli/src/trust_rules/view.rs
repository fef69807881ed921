//! How rules, and what they say of a job, look to people.

use serde_json::{Value, json};

use super::identity::ids;
use crate::fail::Outcome;
use crate::listing::{self, Listed, of};
use crate::table::{Cell, Column};
use crate::terminal::Tone;
use crate::text::{member, moment, plain, texts};
use crate::tokens::conditions::line;

/// Lists of rules.
pub const RULES: Listed = Listed {
    columns: &[
        Column::new("repository", 0, 20, |rule, look| {
            match member(rule, "repository") {
                none if none.is_empty() => look.absent("-", Tone::Quiet),
                repository => repository.into(),
            }
        }),
        Column::new("issuer", 3, 12, |rule, _| of(rule, "issuer")),
        Column::new("gives", 1, 16, |rule, _| gives(rule).into()),
        Column::new("conditions", 2, 24, |rule, look| {
            match conditions(rule).join(", ") {
                none if none.is_empty() => look.absent("none", Tone::Warning),
                several => several.into(),
            }
        }),
        Column::new("life", 5, 0, |rule, _| life(rule).into()),
        Column::new("created_at", 7, 0, |rule, look| {
            look.moment(rule, "created_at").into()
        }),
        Column::new("created_by", 6, 12, |rule, _| of(rule, "created_by")),
        Column::new("ids", 8, 0, |rule, _| ids(rule).into()),
        Column::new("id", 4, 0, |rule, _| of(rule, "id")),
    ],
    name: Some("id"),
};

/// What each rule says of a job.
const TESTED: Listed = Listed {
    columns: &[
        Column::new("rule", 4, 0, |row, _| of(row, "rule")),
        Column::new("repository", 0, 16, |row, _| of(row, "repository")),
        Column::new("conditions", 3, 20, |row, _| as_is(row, "conditions")),
        Column::new("result", 0, 20, |row, _| as_is(row, "result")),
        Column::new("asks", 1, 12, |row, _| of(row, "asks")),
        Column::new("token_says", 2, 12, |row, _| of(row, "token_says")),
    ],
    name: None,
};

/// A text that was made for people already.
fn as_is(row: &Value, name: &str) -> Cell {
    let text = row.get(name).and_then(Value::as_str);
    text.unwrap_or_default().to_owned().into()
}

/// Everything about one rule.
pub fn sheet(rule: &Value) -> String {
    sheet_of(&[
        ("ID", member(rule, "id")),
        ("ISSUER", member(rule, "issuer")),
        ("REPOSITORY", member(rule, "repository")),
        ("IDS", ids(rule)),
        ("CONDITIONS", conditions(rule).join("\n              ")),
        ("GIVES", gives(rule)),
        ("POLICIES", texts(rule, "policies").join("\n              ")),
        ("LIFE", life(rule)),
        ("CREATED AT", moment(rule, "created_at")),
        ("CREATED BY", member(rule, "created_by")),
    ])
}

fn sheet_of(rows: &[(&str, String)]) -> String {
    let rows = rows.iter().filter(|(_, value)| !value.is_empty());
    rows.map(|(name, value)| format!("{name:12}  {value}\n"))
        .collect()
}

/// `project/shop`, `workflow/shop/release`: the project or workflow that a token is for.
fn scope(of: &Value) -> String {
    let name = |entity: &str| match of.get(entity)? {
        Value::String(name) => Some(plain(name)),
        entity => entity.get("name")?.as_str().map(plain),
    };
    match (name("project"), name("workflow")) {
        (Some(project), Some(workflow)) => format!("workflow/{project}/{workflow}"),
        (Some(project), None) => format!("project/{project}"),
        _ => String::new(),
    }
}

/// What a token is for, and where it can be used from and how often, if that is limited.
fn gives(of: &Value) -> String {
    match (scope(of), line(of)) {
        (scope, none) if none.is_empty() => scope,
        (scope, limits) => format!("{scope} ({limits})"),
    }
}

fn life(rule: &Value) -> String {
    match rule.get("longest_life_seconds").and_then(Value::as_u64) {
        None => String::new(),
        Some(seconds) if seconds % 60 == 0 => format!("{} min", seconds / 60),
        Some(seconds) => format!("{seconds} s"),
    }
}

/// Each condition by its name in the API.
fn conditions(rule: &Value) -> Vec<String> {
    let conditions = rule.get("conditions").and_then(Value::as_object);
    let conditions = conditions.into_iter().flatten();
    conditions
        .filter_map(|(name, asked)| {
            let name = plain(name);
            match asked {
                Value::Bool(true) => Some(name),
                Value::String(text) => Some(format!("{name} {}", plain(text))),
                Value::Array(several) if !several.is_empty() => {
                    let several: Vec<String> = several
                        .iter()
                        .filter_map(Value::as_str)
                        .map(plain)
                        .collect();
                    Some(format!("{name} {}", several.join(" or ")))
                }
                _ => None,
            }
        })
        .collect()
}

/// The job that a token was given to, and by which rule.
pub fn of_job(facts: &Value) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        (
            "CI JOB",
            "the token of a job, given by a trust rule".to_owned(),
        ),
        ("TRUST RULE", member(facts, "rule")),
    ];
    rows.extend(job(facts));
    rows
}

/// What a CI job was, one fact on each line.
fn job(job: &Value) -> Vec<(&'static str, String)> {
    let run = match (member(job, "run_id"), member(job, "run_attempt")) {
        (run, attempt) if attempt.is_empty() => run,
        (run, attempt) => format!("{run}, attempt {attempt}"),
    };
    [
        ("ISSUER", member(job, "issuer")),
        ("REPOSITORY", member(job, "repository")),
        ("RUN", run),
        ("WORKFLOW", member(job, "workflow")),
        ("REF", member(job, "ref")),
        ("COMMIT", member(job, "commit")),
        ("EVENT", member(job, "event")),
        ("ENVIRONMENT", member(job, "environment")),
        ("ACTOR", member(job, "actor")),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .collect()
}

/// What became of a token that was tested. `listed` has the rules with their conditions; `refusal` says why the token
/// opens nothing.
pub fn tested(told: &Value, listed: &Value, refusal: Option<&str>) -> Outcome<String> {
    let of = |name: &str| told.get(name).unwrap_or(&Value::Null);
    let first = match refusal {
        Some(why) => ("REFUSED", plain(why)),
        None => ("TOKEN", "good: signature, audience and times".to_owned()),
    };
    let mut text = sheet_of(&[first]);
    text.push_str(&sheet_of(&job(of("job"))));
    let rules = of("rules").as_array();
    let row = |rule| row(rule, listed, refusal.is_some());
    let rows: Vec<Value> = rules.into_iter().flatten().map(row).collect();
    if !rows.is_empty() {
        text.push_str(&format!("\n{}", listing::table(TESTED, &rows)?));
    }
    let gives = of("gives");
    if gives.is_object() && refusal.is_none() {
        text.push_str(&format!(
            "\nA token for {} until {}, with {}\n",
            self::gives(gives),
            moment(gives, "expires_at"),
            texts(gives, "policies").join(", "),
        ));
    }
    Ok(text)
}

fn row(rule: &Value, listed: &Value, refused: bool) -> Value {
    let is = |name: &str| rule.get(name).and_then(Value::as_bool) == Some(true);
    let result = match (is("met"), is("chosen")) {
        // No rule counts for a token that opens nothing.
        (true, _) if refused => "met".to_owned(),
        (true, true) => "met, counts".to_owned(),
        (true, false) => "met, another counts".to_owned(),
        (false, _) => format!("not met: {}", unmet(rule)),
    };
    json!({
        "rule": rule.get("id"), "repository": rule.get("repository"), "conditions": asked(rule, listed),
        "result": result, "asks": rule.get("asks"), "token_says": rule.get("says"),
    })
}

/// The conditions of a rule that was tested, which tell several rules of one repository apart.
fn asked(tested: &Value, listed: &Value) -> String {
    let id = tested.get("id");
    let rules = listed.get("trust_rules").and_then(Value::as_array);
    let rule = rules
        .into_iter()
        .flatten()
        .find(|rule| rule.get("id") == id);
    match rule.map(conditions) {
        None => String::new(),
        Some(none) if none.is_empty() => "none".to_owned(),
        Some(several) => several.join(", "),
    }
}

/// The first condition that is not met.
fn unmet(rule: &Value) -> String {
    let says = member(rule, "says");
    match member(rule, "unmet").as_str() {
        "outside_event" if says.is_empty() => "event: the token says none".to_owned(),
        "outside_event" => {
            format!("event: this event counts only where the rule names it (`--event {says}`)")
        }
        "unprotected_ref" => "ref: it is not protected".to_owned(),
        "unprotected_environment" => "environment: it is not protected".to_owned(),
        "reusable_workflow" => "reusable workflow".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rule's conditions are on the job; those on its tokens stand with what it gives.
    #[test]
    fn what_a_rule_gives_has_the_conditions_on_its_tokens() {
        let mut rule = json!({ "project": "shop", "conditions": { "ref": "refs/heads/main" } });
        assert_eq!(gives(&rule), "project/shop");
        rule["address_ranges"] = json!(["10.0.0.0/8"]);
        rule["calls_per_minute"] = 60.into();
        let expected = "project/shop (from 10.0.0.0/8; 60 a minute)";
        assert_eq!(gives(&rule), expected);
        let sheet = sheet(&rule);
        assert!(
            sheet.contains(&format!("GIVES         {expected}\n")),
            "{sheet}"
        );
        assert!(
            sheet.contains("CONDITIONS    ref refs/heads/main\n"),
            "{sheet}"
        );
        let told = tested(&json!({ "gives": rule }), &Value::Null, None).unwrap();
        assert!(
            told.contains(&format!("A token for {expected} until ")),
            "{told}"
        );
    }
}
