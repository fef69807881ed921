//! `postern trust test`: what the gateway makes of a job token. Uses nothing up; ends with the exit code of a refusal
//! where no rule is met.

use serde_json::{Value, json};

use super::{RULES, view};
use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::job::Source;
use crate::output::{Format, print, print_json};
use crate::text::member;

/// Which token.
#[derive(Debug, clap::Args)]
pub struct Test {
    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    output: Format,

    #[command(flatten)]
    source: Source,
}

impl Test {
    pub(super) async fn run(self, api: &Api) -> Outcome {
        let token = self.source.find(api.settings()).await?;
        let asked = json!({ "token": token.secret() });
        let told = api.post(&format!("{RULES}/test"), &asked).await?;
        let Some(verified) = told.get("verified").and_then(Value::as_bool) else {
            let message = "the gateway's answer does not say whether the token is good";
            return Err(Failure::new(Kind::Unavailable, message));
        };
        match self.output {
            Format::Json => print_json(&told)?,
            Format::Table => print(&view::tested(&told, verified))?,
        }
        let gives = told.get("gives").is_some_and(Value::is_object);
        match (verified, gives) {
            (true, true) => Ok(()),
            (true, false) => Err(refused("the job meets no rule of this organization")),
            (false, _) => Err(refused(&format!(
                "the job token is refused: {}",
                member(&told, "refusal")
            ))),
        }
    }
}

fn refused(why: &str) -> Failure {
    Failure::new(Kind::NotAllowed, why)
}
