//! `postern bridge`: native gRPC on this machine, gRPC-Web to the gateway. A Worker cannot receive
//! native gRPC, and the stock command-line client speaks nothing else. Adds no right to a call and
//! keeps nothing of it; there is no retry here.

use std::ffi::OsString;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use postern_wire::grpc_web;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use self::check::Token;
use self::local::Local;
use self::signals::Signals;
use crate::address::Gateway;
use crate::api::Api;
use crate::connect;
use crate::fail::{Failure, Kind, Outcome};
use crate::settings::{self, Settings};

mod answer;
mod artifacts;
mod call;
mod check;
mod child;
mod frames;
mod health;
mod local;
mod log;
mod metadata;
mod serve;
mod signals;
mod status;
mod timeout;
mod upload;

pub use artifacts::{Artifacts, STORE_SERVICES};
pub use call::Bridge;
pub use local::SERVICES;
pub use log::Log;
pub use metadata::MAX_METADATA;
pub use serve::{MAX_CONNECTIONS, MAX_HEADERS, serve};
pub use signals::Stop;
pub use status::Code;

/// Largest message to the gateway, in bytes: with its frame's head it is the largest body that the
/// gateway reads.
pub const MAX_REQUEST: usize = grpc_web::MAX_BODY - 5;
/// Largest message of an answer, in bytes: the most that the stock client takes.
pub const MAX_ANSWER: usize = 32 * 1024 * 1024;

/// Where the bridge listens when it is not told and runs no command.
const LISTEN: &str = "127.0.0.1:9000";
/// Where it listens for the command that it runs: nobody else can have been waiting there.
const LISTEN_FOR_COMMAND: &str = "127.0.0.1:0";

/// Flags of `postern bridge`.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Address to listen on; port 0 picks a free one. Default: 127.0.0.1:9000, or a free port with
    /// a COMMAND
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,

    /// The gateway to call. Default: POSTERN_URL, or `url` in the configuration file
    #[arg(long, value_name = "URL")]
    pub gateway: Option<String>,

    /// The artifact store to carry uploads and downloads to, over native gRPC. Without it such calls
    /// are refused
    #[arg(long, value_name = "URL")]
    pub artifact_cas: Option<String>,

    /// Trust only the certificates of this PEM file, instead of the public authorities
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,

    /// Allow http:// to a gateway on another machine: tokens then travel unencrypted
    #[arg(long)]
    pub insecure_http: bool,

    /// Listen on an address that other machines can reach: their tokens then travel unencrypted
    #[arg(long)]
    pub allow_remote: bool,

    /// Largest message in either direction, in bytes. Default: what the gateway accepts (10 MiB)
    /// and, for answers, what the stock client accepts (32 MiB)
    #[arg(long, value_name = "BYTES")]
    pub max_message: Option<usize>,

    /// Maximum number of concurrent calls on one connection
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_streams: u32,

    /// Timeout for connecting to the gateway, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub connect_timeout: u64,

    /// Timeout for calls that set no deadline, in seconds; 0 for none
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub timeout: u64,

    /// Wait until the gateway is ready before starting, for so many seconds at most (60 without a number)
    #[arg(
        long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "60"
    )]
    pub wait: Option<u64>,

    /// Start without asking the gateway whether it answers, and whether it accepts the token in CHAINLOOP_TOKEN or
    /// POSTERN_TOKEN
    #[arg(long, conflicts_with = "wait")]
    pub no_check: bool,

    /// Log one JSON object per call instead of a line of text
    #[arg(long)]
    pub json: bool,

    /// Run this with the bridge's address in CHAINLOOP_CONTROL_PLANE_API and POSTERN_BRIDGE (with
    /// --artifact-cas in CHAINLOOP_ARTIFACT_CAS_API too), forward signals to it, and exit with its exit code
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

impl Options {
    /// Refuses `--` with no command behind it, as an empty variable of a script leaves it: a bridge
    /// without a command runs for ever.
    ///
    /// # Errors
    /// `Usage`.
    pub fn refuse_no_command(&self, mut arguments: impl Iterator<Item = OsString>) -> Outcome {
        match self.command.is_empty() && arguments.any(|argument| argument == "--") {
            false => Ok(()),
            true => Err(Failure::new(Kind::Usage, "there is no command after `--`")
                .hint("name one; to serve every client that connects, leave out `--`")),
        }
    }

    /// What calls share, ready to serve.
    pub fn bridge(&self, log: Arc<Log>) -> Outcome<Arc<Bridge>> {
        let connect_timeout = Duration::from_secs(self.connect_timeout);
        let (url, ca) = settings::gateway(self.gateway.as_deref(), self.ca.clone())?;
        let gateway = Gateway::parse(&url, self.insecure_http)?;
        let readyz = gateway.url(PathAndQuery::from_static("/readyz"))?;
        let asked = connect::client(ca.as_deref(), connect_timeout)?;
        Ok(Arc::new(Bridge {
            http: connect::client(ca.as_deref(), connect_timeout)?,
            gateway,
            max_request: self.max_message.unwrap_or(MAX_REQUEST),
            max_answer: self.max_message.unwrap_or(MAX_ANSWER),
            timeout: (self.timeout > 0).then(|| Duration::from_secs(self.timeout)),
            log,
            artifacts: self.artifacts(connect_timeout, ca.as_deref())?,
            local: Local::new(Arc::new(health::Gateway::new(asked, readyz)))?,
        }))
    }

    /// Asks the gateway before anybody calls through the bridge.
    async fn check(&self) -> Outcome {
        if self.no_check {
            return Ok(());
        }
        let token = Token::find(&|name: &str| std::env::var_os(name))?;
        let (url, ca) = settings::gateway(self.gateway.as_deref(), self.ca.clone())?;
        let gateway = Gateway::parse(&url, self.insecure_http)?;
        let api = |authorization| {
            Api::new(Settings {
                gateway: gateway.clone(),
                authorization,
                organization: None,
                // Calls through the bridge do not carry these headers, so the check does not either.
                headers: Vec::new(),
                ca: ca.clone(),
                timeout: Duration::from_secs(self.connect_timeout),
                withheld: None,
            })
        };
        let wait = Duration::from_secs(self.wait.unwrap_or_default());
        let seen = check::gateway(&api(None)?, wait).await;
        seen.map_err(|failure| match self.wait {
            Some(seconds) => Failure {
                message: format!("{}, after {seconds} s", failure.message),
                ..failure
            },
            None => failure
                .hint("--wait waits for the gateway; --no-check starts the bridge without it"),
        })?;
        match &token {
            Some(token) => check::token(&api(token.authorization())?, token).await,
            None => Ok(()),
        }
    }

    fn artifacts(
        &self,
        connect_timeout: Duration,
        ca: Option<&Path>,
    ) -> Outcome<Option<Arc<Artifacts>>> {
        let Some(url) = &self.artifact_cas else {
            return Ok(None);
        };
        let store = Gateway::parse_named("artifact store", url, self.insecure_http)?;
        let http = connect::http2_client(ca, connect_timeout)?;
        Ok(Some(Arc::new(Artifacts { http, store })))
    }

    async fn address(&self) -> Outcome<SocketAddr> {
        let listen = match &self.listen {
            Some(listen) => listen,
            None if self.command.is_empty() => LISTEN,
            None => LISTEN_FOR_COMMAND,
        };
        let wrong = |why: &str| {
            let message = format!("cannot listen on `{listen}`: {why}");
            Failure::new(Kind::Configuration, message)
        };
        let found = tokio::net::lookup_host(listen).await;
        let mut found = found.map_err(|error| wrong(&error.to_string()))?;
        let address = found.next().ok_or_else(|| wrong("no such address"))?;
        if !self.allow_remote && !address.ip().is_loopback() {
            return Err(wrong("other machines can reach this address")
                .hint("listen on 127.0.0.1, or give --allow-remote"));
        }
        Ok(address)
    }
}

/// Listens, then serves: a command, for as long as it runs and to its exit code; otherwise whoever
/// comes, after `ready ADDRESS` on stdout, until SIGINT or SIGTERM.
pub async fn run(options: &Options) -> Outcome<ExitCode> {
    let bridge = options.bridge(Log::new(std::io::stderr(), options.json))?;
    let address = options.address().await?;
    let cannot = |error: std::io::Error| {
        let message = format!("cannot listen on {address}: {error}");
        Failure::new(Kind::Configuration, message)
    };
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    // The port is ours by now, and nobody has been told.
    options.check().await?;
    let address = listener.local_addr().map_err(cannot)?;
    let streams = options.max_streams;
    let Some((program, arguments)) = options.command.split_first() else {
        // Before the ready line: whoever reads it may signal at once.
        let mut stop = Stop::new().map_err(cannot)?;
        // Nobody reading stdout is no reason to stop.
        let mut stdout = std::io::stdout();
        let _ = writeln!(stdout, "ready {address}").and_then(|()| stdout.flush());
        let stop = async move {
            stop.next().await;
        };
        serve(listener, bridge, streams, stop).await;
        return Ok(ExitCode::SUCCESS);
    };
    let carries = options.artifact_cas.is_some();
    let mut signals = Signals::new().map_err(cannot)?;
    let (ended, end) = oneshot::channel::<()>();
    let running = async {
        let code = child::run(program, arguments, address, carries, &mut signals).await;
        drop(ended);
        code
    };
    let stop = async {
        let _ = end.await;
    };
    let (code, ()) = tokio::join!(running, serve(listener, bridge, streams, stop));
    code
}
