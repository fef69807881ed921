//! `postern trust list`: the rules, and what their jobs must be made for.

use serde_json::Value;

use super::{RULES, texts, view};
use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::output::{Format, print, print_json, remark};

/// How to list them.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    output: Format,
}

impl List {
    pub(super) async fn run(self, api: &Api) -> Outcome {
        let told = api.get(RULES).await?;
        let Some(rules) = told.get("trust_rules").and_then(Value::as_array) else {
            let message = "the gateway's answer has no `trust_rules`";
            return Err(Failure::new(Kind::Unavailable, message));
        };
        match self.output {
            Format::Json => return print_json(&told),
            Format::Table if rules.is_empty() => remark("this organization trusts no CI job"),
            Format::Table => print(&view::table_of(rules))?,
        }
        remark(&format!("issuers: {}", all(&told, "issuers")));
        remark(&format!(
            "audience of job tokens: {}",
            all(&told, "audiences")
        ));
        Ok(())
    }
}

fn all(told: &Value, name: &str) -> String {
    let texts = texts(told, name);
    match texts.is_empty() {
        true => "none".to_owned(),
        false => texts.join(", "),
    }
}
