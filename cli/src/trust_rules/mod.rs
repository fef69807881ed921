//! `postern trust`: which CI jobs an organization trusts, so that they need no stored secret (R47). `trust.rs` is about
//! TLS, and has nothing to do with it.

use crate::api::Api;
use crate::fail::{Failure, Outcome};
use crate::settings::{Flags, Settings};
use crate::text::encoded;

mod add;
mod conditions;
mod identity;
mod list;
mod remove;
mod test;
mod view;

pub use view::of_job;

/// `postern trust`.
#[derive(Debug, clap::Args)]
pub struct Trust {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Trust the jobs of one repository: add a rule
    Add(Box<add::Add>),
    /// List the rules
    #[command(visible_alias = "ls")]
    List(list::List),
    /// Remove a rule, and revoke every token that it gave
    #[command(visible_alias = "rm")]
    Remove(remove::Remove),
    /// Show what each rule says of a job token, and which one counts
    Test(test::Test),
}

impl Trust {
    /// Does it.
    pub async fn run(self, flags: &Flags) -> Outcome {
        let api = Api::new(Settings::find(flags)?)?;
        match self.what {
            What::Add(add) => add
                .run(&api)
                .await
                .map_err(|failure| needs(failure, CHANGE)),
            What::List(list) => list.run(&api).await.map_err(|failure| needs(failure, READ)),
            What::Remove(remove) => remove
                .run(&api)
                .await
                .map_err(|failure| needs(failure, CHANGE)),
            What::Test(test) => test.run(&api).await.map_err(|failure| needs(failure, READ)),
        }
    }
}

const READ: &str = "this needs an organization-level token with the policy `trust_rule:read`";
const CHANGE: &str = "this needs an organization-level token with the policies `trust_rule:update`, \
                      `trust_rule:read` and `project_api_token:create`, and those that the rule gives";

/// A call that the credential may not make, with the policies that it needs.
fn needs(failure: Failure, policies: &str) -> Failure {
    let denied = failure
        .message
        .starts_with("operation not allowed (operation_not_allowed");
    match denied && failure.hint.is_none() {
        true => failure.hint(policies),
        false => failure,
    }
}

/// Where the rules are.
const RULES: &str = "/org/trust-rules";

/// The route of a rule.
fn route(id: &str) -> String {
    format!("{RULES}/{}", encoded(id))
}
