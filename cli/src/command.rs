//! The command line: which commands there are. Each command's flags stand beside its code.

use std::process::ExitCode;

use clap::error::ContextValue;
use clap::{FromArgMatches as _, Parser, Subcommand};

use crate::activity::Activity;
use crate::attest::Attest;
use crate::audit::Audit;
use crate::bridge;
use crate::doctor::Doctor;
use crate::explain::Explain;
use crate::fail::Outcome;
use crate::help;
use crate::leaks::Leaks;
use crate::preflight::Preflight;
use crate::profiles::Profiles;
use crate::registry::{Organizations, Projects, Workflows};
use crate::settings::{self, Flags};
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
  profile      of the configuration file, if --profile names it
  environment  POSTERN_URL, POSTERN_TOKEN, POSTERN_ORGANIZATION
  file         ~/.config/postern/config.toml with url, token, organization, headers, ca; in
               [profile.NAME] the same for POSTERN_PROFILE and --profile. Refused unless only its
               owner can use it
A gateway of the file gets no token, organization or headers that stand beside another one, and that
of a profile none of the environment.
POSTERN_HEADERS has headers for what stands in front of the gateway: Name:value,Name:value
NO_COLOR turns colours off, CLICOLOR_FORCE=1 turns them on where stdout is no terminal.";

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
    /// How to call the gateway.
    #[command(flatten)]
    pub flags: Flags,
    /// What to do.
    #[command(subcommand)]
    pub what: What,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Create, find, rotate and revoke API tokens
    #[command(name = "token", visible_alias = "api-token")]
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
    /// Calls per day and outcome, and the last that were refused
    Activity(Activity),
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
    /// The profiles of the configuration file: several gateways, or several credentials
    Profile(Profiles),
    /// Print completions for a shell
    Completion(Completion),
    /// Print the man page, or write one page for each command
    Man(Man),
}

impl Command {
    /// Reads the arguments of this process; ends it with a word on wrong ones, or with the help
    /// that was asked for.
    pub fn read() -> Self {
        let matches = help::definition().try_get_matches();
        let command = matches.and_then(|matches| Self::from_arg_matches(&matches));
        command.unwrap_or_else(|error| escaped(error).exit())
    }

    /// Does it; gives the exit code of a command that went well.
    pub async fn run(self) -> Outcome<ExitCode> {
        let flags = &self.flags;
        let done = match self.what {
            What::Bridge(options) => {
                options.refuse_no_command(std::env::args_os())?;
                return bridge::run(&of_flags(options, flags)?).await;
            }
            What::ApiToken(tokens) => tokens.run(flags).await,
            What::Trust(trust) => trust.run(flags).await,
            What::WhoAmI(whoami) => whoami.run(flags).await,
            What::Org(organizations) => organizations.run(flags).await,
            What::Project(projects) => projects.run(flags).await,
            What::Workflow(workflows) => workflows.run(flags).await,
            What::Upstream(upstream) => upstream.run(flags).await,
            What::Leaks(leaks) => leaks.run(flags).await,
            What::Activity(activity) => activity.run(flags).await,
            What::Audit(audit) => audit.run(flags).await,
            What::Explain(explain) => explain.run(flags).await,
            What::Attest(attest) => attest.run(flags).await,
            What::Doctor(doctor) => doctor.run(flags).await,
            What::Setup(setup) => setup.run().await,
            What::Preflight(preflight) => preflight.run(),
            What::Profile(profiles) => profiles.run(flags),
            What::Completion(completion) => completion.run(help::flags_everywhere()),
            What::Man(man) => man.run(),
        };
        done.map(|()| ExitCode::SUCCESS)
    }
}

/// A bridge to the gateway that the global flags name, unless it has its own.
fn of_flags(options: bridge::Options, flags: &Flags) -> Outcome<bridge::Options> {
    if options.gateway.is_some() || (flags.url.is_none() && flags.profile.is_none()) {
        return Ok(options);
    }
    let (url, ca) = settings::gateway_of(
        flags.url.as_deref(),
        options.ca.clone(),
        flags.profile.as_deref(),
    )?;
    Ok(bridge::Options {
        gateway: Some(url),
        ca,
        ..options
    })
}
