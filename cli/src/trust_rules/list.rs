//! `postern trust list`: the rules, and what their jobs must be made for.

use serde_json::Value;

use super::{RULES, view};
use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::listing::Shape;
use crate::output::remark;
use crate::text::texts;

/// How to list them.
#[derive(Debug, clap::Args)]
pub struct List {
    #[command(flatten)]
    shape: Shape,
}

impl List {
    pub(super) async fn run(self, api: &Api) -> Outcome {
        self.shape.check(view::RULES)?;
        let told = api.get(RULES).await?;
        let Some(rules) = told.get("trust_rules").and_then(Value::as_array) else {
            let message = "the gateway's answer has no `trust_rules`";
            return Err(Failure::new(Kind::Unavailable, message));
        };
        let none = "this organization trusts no CI job";
        self.shape.print_of(&told, view::RULES, rules, none)?;
        if !self.shape.is_table() {
            return Ok(());
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
