//! `postern api-token adopt`: registers a token that the origin minted. Reads it from standard
//! input, so that it stands in no list of processes and no history of a shell.

use std::io::{IsTerminal as _, Read as _};

use serde_json::Value;

use super::{body, view};
use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::output::{Format, print, print_json};
use crate::settings::trimmed;

/// Longest token that is read, in bytes: more than the gateway takes.
const MAX_TOKEN: u64 = 64 * 1024;

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

    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    output: Format,
}

impl Adopt {
    pub(super) async fn run(self, api: &Api) -> Outcome {
        let token = token()?;
        let body = body(&[
            ("token", Some(&token)),
            ("project", self.project.as_deref()),
            ("workflow", self.workflow.as_deref()),
            ("name", self.name.as_deref()),
        ]);
        let adopted = api.post("/org/tokens/adopt", &Value::Object(body)).await?;
        match self.output {
            Format::Json => print_json(&adopted),
            Format::Table => print(&view::tokens(&[adopted])),
        }
    }
}

fn token() -> Outcome<String> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Err(
            Failure::new(Kind::Usage, "the token is read from standard input")
                .hint("postern api-token adopt < FILE"),
        );
    }
    let mut text = String::new();
    let read = stdin.lock().take(MAX_TOKEN).read_to_string(&mut text);
    read.map_err(|error| Failure::new(Kind::Usage, format!("standard input: {error}")))?;
    match trimmed(&text) {
        "" => Err(Failure::new(Kind::Usage, "standard input holds no token")),
        token => Ok(token.to_owned()),
    }
}
