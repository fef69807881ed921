//! `postern preflight`: refuses a deployment of placeholders. Reads the configuration of wrangler and nothing else.

use std::path::PathBuf;

use crate::deployment::Deployment;
use crate::fail::{Failure, Kind, Outcome};
use crate::output::remark;
use crate::text::plain;

/// The files that wrangler looks for, in its order.
const FILES: [&str; 2] = ["wrangler.jsonc", "wrangler.toml"];

/// `postern preflight`.
#[derive(Debug, clap::Args)]
pub struct Preflight {
    /// The configuration of wrangler. Default: wrangler.jsonc, else wrangler.toml, of this folder
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The environment of the configuration, if it has some
    #[arg(long, short, value_name = "NAME")]
    env: Option<String>,
}

impl Preflight {
    /// Does it. Silent where nothing is wrong.
    pub fn run(&self) -> Outcome {
        let file = match &self.config {
            Some(file) => file.clone(),
            None => found()?,
        };
        check(&Deployment::read(&file, self.env.as_deref())?)
    }
}

fn found() -> Outcome<PathBuf> {
    let mut files = FILES.iter().map(PathBuf::from);
    files.find(|file| file.is_file()).ok_or_else(|| {
        let message = format!("there is no {} in this folder", FILES.join(" or "));
        Failure::new(Kind::Configuration, message).hint("name the file: --config FILE")
    })
}

/// Says every problem, and fails if there is one.
///
/// # Errors
/// `Configuration` if this may not be deployed.
pub fn check(deployment: &Deployment) -> Outcome {
    let problems = deployment.problems();
    for problem in &problems {
        remark(&format!("refused  {}", plain(problem)));
    }
    match problems.len() {
        0 => Ok(()),
        count => {
            let message = format!("this may not be deployed: {count} of its settings are wrong");
            Err(Failure::new(Kind::Configuration, message)
                .hint("mend them, or let `postern setup` fill them in"))
        }
    }
}
