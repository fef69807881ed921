//! `postern token edit`: a new name or description, and narrower limits.

use serde_json::Value;

use super::conditions::{self, Narrower};
use super::find::{self, Among};
use super::{body, route};
use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::output::{Format, print, print_json};
use crate::text::{self, member, moment, texts};

/// Which token to edit, and how. Whatever limits it can only become narrower.
#[derive(Debug, clap::Args)]
pub struct Edit {
    #[command(flatten)]
    token: find::One,

    /// Its new name
    #[arg(long)]
    name: Option<String>,

    /// Its new description; empty for none
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// From now on, such as 30d or 12h; no longer than it has
    #[arg(long, value_name = "SPAN")]
    expiration: Option<String>,

    /// A policy that it keeps, as resource:action; repeat the flag for more
    #[arg(long = "policy", value_name = "POLICY")]
    policies: Vec<String>,

    #[command(flatten)]
    conditions: Narrower,

    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    output: Format,
}

impl Edit {
    pub(super) async fn run(self, api: &Api) -> Outcome {
        let mut body = body(&[
            ("name", self.name.as_deref()),
            ("description", self.description.as_deref()),
            ("expires_in", self.expiration.as_deref()),
        ]);
        if !self.policies.is_empty() {
            body.insert("policies".to_owned(), self.policies.into());
        }
        self.conditions.add_to(&mut body);
        if body.is_empty() {
            let message = "say what is to change: --name, --description, --expiration, --policy, \
                           --from or --calls-per-minute";
            return Err(Failure::new(Kind::Usage, message));
        }
        let id = find::id(api, self.token.text(), Among::Active).await?;
        let edited = api.patch(&route(&id), &Value::Object(body)).await?;
        match self.output {
            Format::Json => print_json(&edited),
            Format::Table => print(&sheet(&edited)),
        }
    }
}

fn sheet(token: &Value) -> String {
    let expires = match moment(token, "expires_at") {
        never if never.is_empty() => "never".to_owned(),
        at => at,
    };
    let [from, calls] = conditions::rows(token);
    text::sheet(&[
        ("ID", member(token, "id")),
        ("NAME", member(token, "name")),
        ("DESCRIPTION", member(token, "description")),
        ("EXPIRES AT", expires),
        from,
        calls,
        (
            "POLICIES",
            texts(token, "policies").join("\n                "),
        ),
    ])
}
