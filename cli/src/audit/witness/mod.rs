//! `postern audit witness`: a witness for a machine of one's own. It cosigns checkpoints of the logs that
//! it is told to watch, each only if it continues the one before, and so nobody can show it a log that
//! was written anew (C2SP `tlog-witness`).

mod answer;
mod serve;
mod state;

use std::io::Write as _;
use std::path::PathBuf;

use postern_transparency::key::Kind as KeyKind;
use tokio::net::TcpListener;

use self::answer::Witness;
use self::state::State;
use super::public::keys;
use crate::bridge::Stop;
use crate::fail::{Failure, Kind, Outcome};

/// `postern audit witness`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Address to listen on, without TLS; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9300")]
    listen: String,

    /// Folder with the witness's key and what it has cosigned; created if it is not there. A witness
    /// that loses it has forgotten what it saw
    #[arg(long, value_name = "FOLDER")]
    state: PathBuf,

    /// Public key of a log to watch, as `/.well-known/postern-audit-keys` lists it, or @FILE with one
    /// key on each line; can be repeated
    #[arg(long = "log", value_name = "KEY", required = true)]
    logs: Vec<String>,

    /// Name for the witness's key, such as witness.example/audit; needed once, when the folder is new
    #[arg(long)]
    name: Option<String>,
}

impl Options {
    /// Listens until SIGINT or SIGTERM. Prints the witness's public key, then `ready ADDRESS`.
    ///
    /// # Errors
    /// `Usage` for what is no key of a log, `Configuration` for a folder, a file in it or an address that
    /// cannot be used.
    pub async fn run(self) -> Outcome {
        let logs = keys("--log", &self.logs, KeyKind::Ed25519)?;
        let state = State::open(&self.state, self.name.as_deref())?;
        state.check(logs.iter().map(|key| key.name()))?;
        let listen = &self.listen;
        let cannot = |error: std::io::Error| {
            let message = format!("cannot listen on `{listen}`: {error}");
            Failure::new(Kind::Configuration, message)
        };
        let listener = TcpListener::bind(listen).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        // Before the ready line: whoever reads it may signal at once.
        let mut stop = Stop::new().map_err(cannot)?;
        let key = state.key().verifier();
        // Nobody reading stdout is no reason to stop.
        let mut stdout = std::io::stdout();
        let _ = writeln!(stdout, "key {key}\nready {address}").and_then(|()| stdout.flush());
        serve::serve(listener, Witness::new(logs, state), async move {
            stop.next().await;
        })
        .await;
        Ok(())
    }
}
