//! What expires soon, and what never does: both are found out too late otherwise.

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::Value;

use super::Finding;
use crate::api::Api;
use crate::table::{Form, Look};
use crate::terminal::Screen;
use crate::text::{counted, encoded, member};

/// How soon.
const DAYS: i64 = 14;
/// Most tokens that a line names.
const MAX_NAMED: usize = 5;

/// Looks at the active tokens. An earlier release of the gateway cannot be asked: nothing is said.
pub async fn look(api: &Api) -> Vec<Finding> {
    let before = Utc::now() + TimeDelta::days(DAYS);
    let before = before.to_rfc3339_opts(SecondsFormat::Secs, true);
    let soon = tokens(api, &format!("expires_before={}", encoded(&before))).await;
    let endless = tokens(api, "never_expires=true").await;
    let (Some(soon), Some(endless)) = (soon, endless) else {
        return Vec::new();
    };
    let mut findings = vec![expiring(&soon)];
    if !endless.rows.is_empty() {
        findings.push(never(&endless));
    }
    findings
}

/// A page of tokens.
struct Page {
    rows: Vec<Value>,
    has_more: bool,
}

async fn tokens(api: &Api, filter: &str) -> Option<Page> {
    let path = format!("/org/tokens?limit=100&status=active&{filter}");
    let mut page = api.get(&path).await.ok()?;
    let Value::Array(rows) = page.get_mut("tokens")?.take() else {
        return None;
    };
    let has_more = page.get("next_cursor").is_some_and(Value::is_string);
    Some(Page { rows, has_more })
}

fn expiring(page: &Page) -> Finding {
    let look = Look {
        form: Form::Near,
        now: Utc::now(),
        screen: Screen::NONE,
    };
    if page.rows.is_empty() {
        return Finding::good("expiry", format!("no token expires within {DAYS} days"));
    }
    let mut rows: Vec<&Value> = page.rows.iter().collect();
    rows.sort_by_key(|token| look.instant(token, "expires_at"));
    let names = rows.iter().map(|token| {
        let end = look.moment(token, "expires_at");
        format!("{} {end}", member(token, "name"))
    });
    let found = format!(
        "{} within {DAYS} days: {}",
        number(page, "expires", "expire"),
        some(names)
    );
    let advice = format!(
        "rotate them in time: postern token rotate NAME; all: postern token list --expires-before {DAYS}d"
    );
    Finding::odd("expiry", found, advice)
}

fn never(page: &Page) -> Finding {
    let names = page.rows.iter().map(|token| member(token, "name"));
    let found = format!(
        "{}: {}",
        number(page, "never expires", "never expire"),
        some(names)
    );
    Finding::odd(
        "expiry",
        found,
        "give them an end by rotating: postern token rotate NAME --expiration 90d; all: postern token list \
         --never-expires",
    )
}

/// `3 tokens expire`, `more than 100 tokens expire`.
fn number(page: &Page, one: &str, several: &str) -> String {
    let tokens = counted(page.rows.len() as u64, "token");
    match (page.rows.len(), page.has_more) {
        (1, false) => format!("{tokens} {one}"),
        (_, false) => format!("{tokens} {several}"),
        (_, true) => format!("more than {tokens} {several}"),
    }
}

fn some(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len() > MAX_NAMED;
    let mut names: Vec<String> = names.take(MAX_NAMED).collect();
    if more {
        names.push("…".to_owned());
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn page(ends: &[Option<i64>], has_more: bool) -> Page {
        let end = |days: &Option<i64>| {
            // A minute more, so that the test may take one.
            let end = Utc::now() + TimeDelta::days((*days)?) + TimeDelta::minutes(1);
            Some(end.to_rfc3339())
        };
        let rows = ends
            .iter()
            .enumerate()
            .map(|(at, days)| json!({ "name": format!("t{at}"), "expires_at": end(days) }));
        Page {
            rows: rows.collect(),
            has_more,
        }
    }

    #[test]
    fn what_expires_is_named_the_soonest_first() {
        for (ends, has_more, expected) in [
            (&[][..], false, "no token expires within 14 days"),
            (
                &[Some(3)],
                false,
                "1 token expires within 14 days: t0 in 3 days",
            ),
            (
                &[Some(9), Some(2)],
                true,
                "more than 2 tokens expire within 14 days: t1 in 2 days, t0 in 9 days",
            ),
        ] {
            assert_eq!(expiring(&page(ends, has_more)).found, expected);
        }
    }

    #[test]
    fn what_never_expires_is_named_too() {
        let found = never(&page(&[None; 6], false)).found;
        assert_eq!(found, "6 tokens never expire: t0, t1, t2, t3, t4, …");
        assert_eq!(
            never(&page(&[None], false)).found,
            "1 token never expires: t0"
        );
    }
}
