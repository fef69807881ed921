//! The command line: which commands there are. Each command's flags stand beside its code.

use clap::{Parser, Subcommand};

use crate::bridge;
use crate::fail::Outcome;

/// Tokens and attestation calls through a Postern gateway.
#[derive(Debug, Parser)]
#[command(name = "postern", version, max_term_width = 100)]
pub struct Command {
    /// What to do.
    #[command(subcommand)]
    pub what: What,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Serve native gRPC on this machine, and call the gateway with gRPC-Web
    Bridge(bridge::Options),
}

impl Command {
    /// Does it.
    pub async fn run(self) -> Outcome {
        match self.what {
            What::Bridge(options) => bridge::run(&options).await,
        }
    }
}
