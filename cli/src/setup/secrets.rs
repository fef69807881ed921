//! Which secrets a Worker has, by their names, and so whether there is such a Worker.

use std::collections::BTreeSet;

use serde_json::Value;

use super::wrangler::Wrangler;
use crate::fail::{Failure, Kind, Outcome};

/// The names; `None` if there is no Worker of this name, or in a dry run.
///
/// # Errors
/// If wrangler fails, or its list is not one.
pub fn of(
    wrangler: &Wrangler,
    what: &str,
    (worker, words): (&str, &[&str]),
) -> Outcome<Option<BTreeSet<String>>> {
    // The pinned wrangler's whole sentence: a failure of any other kind must not pass for "no keys".
    let none = format!("Worker \"{worker}\" not found.");
    let Some(list) = wrangler.ask(what, words, &none)? else {
        return Ok(None);
    };
    names(&list).map(Some).ok_or_else(|| {
        Failure::new(Kind::Other, "wrangler's list of secrets was not understood")
            .hint("nothing was changed; use the wrangler that the release pins: npm ci")
    })
}

fn names(list: &str) -> Option<BTreeSet<String>> {
    let list: Value = serde_json::from_str(list.trim()).ok()?;
    let names = list.as_array()?.iter();
    names
        .map(|entry| Some(entry.get("name")?.as_str()?.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_not_understood_is_not_an_empty_one() {
        assert_eq!(names("[]"), Some(BTreeSet::new()));
        let one = names(r#"[{"name":"ADMIN_TOKEN","type":"secret_text"}]"#);
        assert_eq!(one, Some(BTreeSet::from(["ADMIN_TOKEN".to_owned()])));
        for wrong in [
            "",
            "{}",
            r#"[{"title":"ADMIN_TOKEN"}]"#,
            "[\"ADMIN_TOKEN\"]",
        ] {
            assert_eq!(names(wrong), None, "{wrong}");
        }
    }
}
