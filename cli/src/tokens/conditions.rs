//! The flags for the conditions on a token: from where, and how often.

use serde_json::{Map, Value};

use crate::text::{member, texts};

/// From where and how often a token can be used.
#[derive(Debug, clap::Args)]
pub struct Conditions {
    /// An address, or a range of addresses, from which it can be used; repeat the flag for more. Default:
    /// from everywhere
    #[arg(long, value_name = "CIDR")]
    from: Vec<String>,

    /// How many calls a minute it can make. Default: as many as one likes
    #[arg(long, value_name = "N")]
    calls_per_minute: Option<u32>,
}

impl Conditions {
    /// Adds them to a body.
    pub fn add_to(self, body: &mut Map<String, Value>) {
        if !self.from.is_empty() {
            body.insert("address_ranges".to_owned(), self.from.into());
        }
        if let Some(calls) = self.calls_per_minute {
            body.insert("calls_per_minute".to_owned(), calls.into());
        }
    }
}

/// Those of a token, as rows of a sheet; empty where there are none, or the gateway tells none.
pub fn rows(token: &Value) -> [(&'static str, String); 2] {
    let calls = match member(token, "calls_per_minute") {
        none if none.is_empty() => none,
        calls => format!("{calls} a minute"),
    };
    [
        (
            "ONLY FROM",
            texts(token, "address_ranges").join("\n                "),
        ),
        ("CALLS", calls),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_sheet_says_what_there_is() {
        let rows = [
            (json!({}), ["", ""]),
            (
                json!({ "address_ranges": [], "calls_per_minute": null }),
                ["", ""],
            ),
            (
                json!({ "address_ranges": ["10.0.0.0/8"], "calls_per_minute": 60 }),
                ["10.0.0.0/8", "60 a minute"],
            ),
        ];
        for (token, expected) in rows {
            let told = super::rows(&token).map(|(_, value)| value);
            assert_eq!(told, expected, "{token}");
        }
    }
}
