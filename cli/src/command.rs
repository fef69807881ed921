//! The command line: which commands there are. Each command's flags stand beside its code.

use std::process::ExitCode;

use clap::error::ContextValue;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::attest::Attest;
use crate::audit::Audit;
use crate::bridge;
use crate::doctor::Doctor;
use crate::explain::Explain;
use crate::fail::Outcome;
use crate::leaks::Leaks;
use crate::preflight::Preflight;
use crate::registry::{Organizations, Projects, Workflows};
use crate::setup::Setup;
use crate::shell::{Completion, Man};
use crate::text::plain;
use crate::tokens::Tokens;
use crate::trust_rules::Trust;
use crate::upstream::Upstream;
use crate::whoami::WhoAmI;

const AFTER: &str = "\
The gateway and the credential are looked up in this order:
  flags        --url, --token, --organization
  environment  POSTERN_URL, POSTERN_TOKEN, POSTERN_ORGANIZATION
  file         ~/.config/postern/config.toml with url, token, organization, headers, ca;
               refused unless only its owner can use it
POSTERN_HEADERS has headers for what stands in front of the gateway: Name:value,Name:value

Exit codes:
  0  done
  1  other error
  2  invalid flags or arguments
  3  invalid configuration, address or file
  4  missing or refused credential
  5  not authorized
  6  not found
  7  invalid request
  8  a limit was reached
  9  gateway unreachable, or invalid answer
  126, 127  the bridge's command cannot be run, or does not exist; otherwise its own code";

/// The same error with the arguments in it as they can be shown.
fn escaped(mut error: clap::Error) -> clap::Error {
    let texts: Vec<_> = error
        .context()
        .filter_map(|(kind, value)| match value {
            ContextValue::String(text) => Some((kind, ContextValue::String(plain(text)))),
            ContextValue::Strings(texts) => {
                let texts = texts.iter().map(|text| plain(text)).collect();
                Some((kind, ContextValue::Strings(texts)))
            }
            _ => None,
        })
        .collect();
    for (kind, text) in texts {
        error.insert(kind, text);
    }
    error
}

/// Tokens and attestation calls through a Postern gateway
#[derive(Debug, Parser)]
#[command(name = "postern", version, max_term_width = 100, after_help = AFTER)]
pub struct Command {
    /// What to do.
    #[command(subcommand)]
    pub what: What,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Create, list, rotate and revoke API tokens
    #[command(visible_alias = "token")]
    ApiToken(Tokens),
    /// Which CI jobs are trusted, so that they need no stored secret
    Trust(Trust),
    /// Whose the credential is, what it may do, and until when
    #[command(name = "whoami")]
    WhoAmI(WhoAmI),
    /// Organizations
    #[command(visible_alias = "organization")]
    Org(Organizations),
    /// Projects of an organization
    Project(Projects),
    /// Workflows of a project
    Workflow(Workflows),
    /// The credential that the gateway sends to the origin in place of the caller's
    Upstream(Upstream),
    /// Report tokens that were found in public
    Leaks(Leaks),
    /// The audit log of an organization
    Audit(Audit),
    /// Show what the gateway would decide about a call, and why
    Explain(Explain),
    /// Hand in an attestation, as a stock client does; signs nothing
    Attest(Box<Attest>),
    /// Serve native gRPC on this machine, and call the gateway with gRPC-Web
    Bridge(bridge::Options),
    /// Diagnose settings, connection and credential
    Doctor(Doctor),
    /// Deploy a release to Cloudflare Workers: stores, keys, migrations, a first token
    Setup(Setup),
    /// Refuse a deployment of placeholders
    Preflight(Preflight),
    /// Print completions for a shell
    Completion(Completion),
    /// Print the man page
    #[command(hide = true)]
    Man(Man),
}

impl Command {
    /// Reads the arguments of this process; ends it with a word on wrong ones, or with the help
    /// that was asked for.
    pub fn read() -> Self {
        Self::try_parse().unwrap_or_else(|error| escaped(error).exit())
    }

    /// Does it; gives the exit code of a command that went well.
    pub async fn run(self) -> Outcome<ExitCode> {
        let done = match self.what {
            What::Bridge(options) => return bridge::run(&options).await,
            What::ApiToken(tokens) => tokens.run().await,
            What::Trust(trust) => trust.run().await,
            What::WhoAmI(whoami) => whoami.run().await,
            What::Org(organizations) => organizations.run().await,
            What::Project(projects) => projects.run().await,
            What::Workflow(workflows) => workflows.run().await,
            What::Upstream(upstream) => upstream.run().await,
            What::Leaks(leaks) => leaks.run().await,
            What::Audit(audit) => audit.run().await,
            What::Explain(explain) => explain.run().await,
            What::Attest(attest) => attest.run().await,
            What::Doctor(doctor) => doctor.run().await,
            What::Setup(setup) => setup.run().await,
            What::Preflight(preflight) => preflight.run(),
            What::Completion(completion) => completion.run(Self::command()),
            What::Man(man) => man.run(Self::command()),
        };
        done.map(|()| ExitCode::SUCCESS)
    }
}
