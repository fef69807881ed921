//! `postern api-token create`.

use serde_json::Value;

use super::{body, expiration, view};
use crate::api::Api;
use crate::fail::Outcome;
use crate::output::TokenFormat;

/// What to mint.
#[derive(Debug, clap::Args)]
pub struct Create {
    /// Its name; otherwise the gateway makes one up
    #[arg(long)]
    name: Option<String>,

    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// How long it lives, such as 90d, 12h or PT1H; 0 for no end of its own
    #[arg(long, value_name = "SPAN")]
    expiration: Option<String>,

    /// The project that it is for, by its name or id
    #[arg(long)]
    project: Option<String>,

    /// The workflow of the project that it is for, by its name or id
    #[arg(long, requires = "project")]
    workflow: Option<String>,

    /// An opaque key, or a JWT with the control plane's claims
    #[arg(long, value_name = "KIND", value_parser = ["opaque", "jwt"])]
    format: Option<String>,

    /// A policy that it holds, as resource:action; several by repeating the flag. Otherwise the
    /// defaults of its scope
    #[arg(long = "policy", value_name = "POLICY")]
    policies: Vec<String>,

    /// How to write the token
    #[arg(long, short, value_enum, default_value_t = TokenFormat::Table)]
    output: TokenFormat,
}

impl Create {
    pub(super) async fn run(self, api: &Api) -> Outcome {
        let mut body = body(&[
            ("name", self.name.as_deref()),
            ("description", self.description.as_deref()),
            ("expires_in", expiration(self.expiration.as_ref())),
            ("project", self.project.as_deref()),
            ("workflow", self.workflow.as_deref()),
            ("format", self.format.as_deref()),
        ]);
        if !self.policies.is_empty() {
            body.insert("policies".to_owned(), self.policies.into());
        }
        let made = api.post("/org/tokens", &Value::Object(body)).await?;
        view::print_new(&made, self.output)
    }
}
