//! The flags for the conditions on a token: from where, and how often.

use clap::builder::RangedI64ValueParser;
use postern_domain::conditions::{AddressRange, MAX_CALLS_PER_MINUTE, RangeError};
use serde_json::{Map, Value};

use crate::text::{member, texts};

/// From where and how often a new token can be used.
#[derive(Debug, clap::Args)]
pub struct Conditions {
    /// An address, or a range of addresses, from which it can be used; repeat the flag for more. Ranges
    /// of IPv4 and of IPv6 are named separately. Default: those of the token that creates it, or from
    /// everywhere
    #[arg(long, value_name = "CIDR", value_parser = range)]
    from: Vec<String>,

    /// How many calls a minute it can make. Default: as many as the token that creates it, or without
    /// limit
    #[arg(long, value_name = "N", value_parser = calls(), allow_negative_numbers = true)]
    calls_per_minute: Option<u32>,
}

/// From where and how often a token can be used from now on.
#[derive(Debug, clap::Args)]
pub struct Narrower {
    /// An address, or a range of addresses, from which alone it can be used, within those that it has;
    /// repeat the flag for more. Left out, its ranges stay
    #[arg(long, value_name = "CIDR", value_parser = range)]
    from: Vec<String>,

    /// How many calls a minute it can make, no more than it can now. Left out, it stays
    #[arg(long, value_name = "N", value_parser = calls(), allow_negative_numbers = true)]
    calls_per_minute: Option<u32>,
}

/// A range as it was given, if it is one.
fn range(text: &str) -> Result<String, String> {
    if text.contains([',', ';', ' ']) {
        return Err("one range for each flag: repeat it, --from A --from B".to_owned());
    }
    let wrong = |error: RangeError| match error {
        RangeError::Malformed => {
            "it is no range such as 203.0.113.0/24 or 2001:db8::/32, and no address".to_owned()
        }
        RangeError::HostBits(_) => error.to_string(),
    };
    AddressRange::parse(text).map_err(wrong)?;
    Ok(text.to_owned())
}

/// Numbers of calls that can be set.
fn calls() -> RangedI64ValueParser<u32> {
    RangedI64ValueParser::new().range(1..=i64::from(MAX_CALLS_PER_MINUTE))
}

impl Conditions {
    /// Adds them to a body.
    pub fn add_to(self, body: &mut Map<String, Value>) {
        add(self.from, self.calls_per_minute, body);
    }
}

impl Narrower {
    /// Adds them to a body.
    pub fn add_to(self, body: &mut Map<String, Value>) {
        add(self.from, self.calls_per_minute, body);
    }
}

fn add(from: Vec<String>, calls_per_minute: Option<u32>, body: &mut Map<String, Value>) {
    if !from.is_empty() {
        body.insert("address_ranges".to_owned(), from.into());
    }
    if let Some(calls) = calls_per_minute {
        body.insert("calls_per_minute".to_owned(), calls.into());
    }
}

fn calls_of(token: &Value) -> String {
    match member(token, "calls_per_minute") {
        none if none.is_empty() => none,
        calls => format!("{calls} a minute"),
    }
}

/// Those of a token in one line, for a column; empty where there are none.
pub fn line(token: &Value) -> String {
    let (from, calls) = (texts(token, "address_ranges").join(" "), calls_of(token));
    match (from.is_empty(), calls.is_empty()) {
        (true, _) => calls,
        (false, true) => format!("from {from}"),
        (false, false) => format!("from {from}; {calls}"),
    }
}

/// Those of a token, as rows of a sheet; empty where there are none, or the gateway tells none.
pub fn rows(token: &Value) -> [(&'static str, String); 2] {
    [
        (
            "ONLY FROM",
            texts(token, "address_ranges").join("\n                "),
        ),
        ("CALLS", calls_of(token)),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_sheet_says_what_there_is() {
        let rows = [
            (json!({}), ["", ""], ""),
            (
                json!({ "address_ranges": [], "calls_per_minute": null }),
                ["", ""],
                "",
            ),
            (
                json!({ "calls_per_minute": 60 }),
                ["", "60 a minute"],
                "60 a minute",
            ),
            (
                json!({ "address_ranges": ["10.0.0.0/8", "::1/128"] }),
                ["10.0.0.0/8\n                ::1/128", ""],
                "from 10.0.0.0/8 ::1/128",
            ),
            (
                json!({ "address_ranges": ["10.0.0.0/8"], "calls_per_minute": 60 }),
                ["10.0.0.0/8", "60 a minute"],
                "from 10.0.0.0/8; 60 a minute",
            ),
        ];
        for (token, expected, line) in rows {
            let told = super::rows(&token).map(|(_, value)| value);
            assert_eq!(told, expected, "{token}");
            assert_eq!(super::line(&token), line, "{token}");
        }
    }
}
