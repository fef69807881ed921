//! `postern trust remove`: a rule, and every token that it gave. Ends when that is final.

use super::route;
use crate::api::Api;
use crate::fail::Outcome;
use crate::output::{Format, print, print_json};
use crate::text::{member, moment};

/// Which rule.
#[derive(Debug, clap::Args)]
pub struct Remove {
    /// The id of the rule
    id: String,

    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    output: Format,
}

impl Remove {
    pub(super) async fn run(self, api: &Api) -> Outcome {
        let told = api.delete(&route(&self.id), true).await?.json()?;
        if self.output == Format::Json {
            return print_json(&told);
        }
        let (id, at) = (member(&told, "id"), moment(&told, "removed_at"));
        let tokens = match member(&told, "revoked_tokens").as_str() {
            "1" => "1 token".to_owned(),
            count => format!("{count} tokens"),
        };
        print(&format!(
            "Trust rule removed! {id}, {at}, {tokens} revoked\n"
        ))
    }
}
