//! `postern token adopt`: registers a token that the origin minted. Reads it from standard
//! input, so that it stands in no list of processes and no history of a shell.

use serde_json::Value;

use super::conditions::Conditions;
use super::{body, read_stdin, view};
use crate::api::Api;
use crate::fail::Outcome;
use crate::output::{Format, print, print_json};

/// What to register it as.
#[derive(Debug, clap::Args)]
pub struct Adopt {
    /// The project to narrow it to, by its name or id
    #[arg(long)]
    project: Option<String>,

    /// The workflow to narrow it to, by its name or id
    #[arg(long)]
    workflow: Option<String>,

    /// Its name here. Default: the name that it has, or a generated one
    #[arg(long)]
    name: Option<String>,

    #[command(flatten)]
    conditions: Conditions,

    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    output: Format,
}

impl Adopt {
    pub(super) async fn run(self, api: &Api) -> Outcome {
        let token =
            read_stdin("the token is read from standard input: postern token adopt < FILE")?;
        let mut body = body(&[
            ("token", Some(&token)),
            ("project", self.project.as_deref()),
            ("workflow", self.workflow.as_deref()),
            ("name", self.name.as_deref()),
        ]);
        self.conditions.add_to(&mut body);
        let adopted = api.post("/org/tokens/adopt", &Value::Object(body)).await?;
        match self.output {
            Format::Json => print_json(&adopted),
            Format::Table => print(&view::tokens(&[adopted])?),
        }
    }
}
