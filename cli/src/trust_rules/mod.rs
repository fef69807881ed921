//! `postern trust`: which CI jobs an organization trusts, so that they need no stored secret (R47). `trust.rs` is about
//! TLS, and has nothing to do with it.

use crate::api::Api;
use crate::fail::Outcome;
use crate::settings::{Flags, Settings};
use crate::text::encoded;

mod add;
mod conditions;
mod identity;
mod list;
mod remove;
mod test;
mod view;

pub use view::job;

/// `postern trust`.
#[derive(Debug, clap::Args)]
pub struct Trust {
    #[command(flatten)]
    flags: Flags,
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
    pub async fn run(self) -> Outcome {
        let api = Api::new(Settings::find(&self.flags)?)?;
        match self.what {
            What::Add(add) => add.run(&api).await,
            What::List(list) => list.run(&api).await,
            What::Remove(remove) => remove.run(&api).await,
            What::Test(test) => test.run(&api).await,
        }
    }
}

/// Where the rules are.
const RULES: &str = "/org/trust-rules";

/// The route of a rule.
fn route(id: &str) -> String {
    format!("{RULES}/{}", encoded(id))
}
