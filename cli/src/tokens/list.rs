//! `postern api-token list`: all of them, page after page.

use serde_json::Value;

use super::find::{self, Among};
use super::view;
use crate::api::Api;
use crate::fail::Outcome;
use crate::output::{Format, print, print_json, remark};

/// Which tokens to list.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Filter by status
    #[arg(long, default_value = "active", value_parser = ["active", "revoked", "all"])]
    status: String,

    /// Include revoked and expired tokens: the same as --status all
    #[arg(long, short, conflicts_with = "status")]
    all: bool,

    /// Filter by scope; `global` is `organization`
    #[arg(long, short, value_name = "SCOPE", value_parser = ["organization", "global", "project", "workflow"])]
    scope: Option<String>,

    /// Only tokens of this project, by its name or id
    #[arg(long, short)]
    project: Option<String>,

    /// Only tokens created by this one: its id, name or prefix
    #[arg(long, value_name = "TOKEN")]
    minted_by: Option<String>,

    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    output: Format,
}

impl List {
    pub(super) async fn run(self, api: &Api) -> Outcome {
        let status = if self.all { "all" } else { &self.status };
        let scope = match self.scope.as_deref() {
            Some("global") => Some("organization"),
            scope => scope,
        };
        let minter = match &self.minted_by {
            Some(meant) => Some(find::id(api, meant, Among::All).await?),
            None => None,
        };
        let query: Vec<_> = [
            ("status", Some(status)),
            ("scope", scope),
            ("project", self.project.as_deref()),
            ("minted_by", minter.as_deref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
        let tokens = api
            .list("/org/tokens", &query, "tokens", usize::MAX)
            .await?;
        match self.output {
            Format::Json => print_json(&Value::Array(tokens)),
            Format::Table if tokens.is_empty() => {
                remark("no API token in this organization matches");
                Ok(())
            }
            Format::Table => print(&view::tokens(&tokens)),
        }
    }
}
