//! `postern bridge`: native gRPC on this machine, gRPC-Web to the gateway. A Worker cannot receive
//! native gRPC, and the stock command-line client speaks nothing else. Adds no right to a call and
//! keeps nothing of it; there is no retry here.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::address::Gateway;
use crate::connect;
use crate::fail::{Failure, Kind, Outcome};
use crate::settings;

mod answer;
mod call;
mod frames;
mod log;
mod metadata;
mod serve;
mod status;
mod timeout;
mod upload;

pub use call::Bridge;
pub use log::Log;
pub use metadata::MAX_METADATA;
pub use serve::{MAX_CONNECTIONS, MAX_HEADERS, serve};

/// Flags of `postern bridge`.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Where to listen, on this machine; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9000")]
    pub listen: String,

    /// The gateway to call; otherwise POSTERN_URL, or `url` of the configuration file
    #[arg(long, value_name = "URL")]
    pub gateway: Option<String>,

    /// Trust only the certificates of this PEM file, instead of the public authorities
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,

    /// Allow http:// to a gateway on another machine: tokens then travel unencrypted
    #[arg(long)]
    pub insecure_http: bool,

    /// Listen on an address that other machines can reach: their tokens then travel unencrypted
    #[arg(long)]
    pub allow_remote: bool,

    /// Largest message, either way, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 16 * 1024 * 1024)]
    pub max_message: usize,

    /// Most calls at once on one connection
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_streams: u32,

    /// Longest time to connect to the gateway, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub connect_timeout: u64,

    /// Longest time for a call that sets no deadline, in seconds; 0 for no end
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub timeout: u64,

    /// Write one JSON object for each call, instead of a line of text
    #[arg(long)]
    pub json: bool,
}

impl Options {
    /// What calls share, ready to serve.
    pub fn bridge(&self, log: Arc<Log>) -> Outcome<Arc<Bridge>> {
        let connect_timeout = Duration::from_secs(self.connect_timeout);
        let (url, ca) = settings::gateway(self.gateway.as_deref(), self.ca.clone())?;
        Ok(Arc::new(Bridge {
            http: connect::client(ca.as_deref(), connect_timeout)?,
            gateway: Gateway::parse(&url, self.insecure_http)?,
            max_message: self.max_message,
            timeout: (self.timeout > 0).then(|| Duration::from_secs(self.timeout)),
            log,
        }))
    }

    async fn address(&self) -> Outcome<SocketAddr> {
        let wrong = |why: &str| {
            let message = format!("cannot listen on `{}`: {why}", self.listen);
            Failure::new(Kind::Configuration, message)
        };
        let found = tokio::net::lookup_host(&self.listen).await;
        let mut found = found.map_err(|error| wrong(&error.to_string()))?;
        let address = found.next().ok_or_else(|| wrong("no such address"))?;
        if !self.allow_remote && !address.ip().is_loopback() {
            return Err(wrong("other machines can reach this address")
                .hint("listen on 127.0.0.1, or give --allow-remote"));
        }
        Ok(address)
    }
}

/// Listens, prints `ready ADDRESS` on stdout, and serves until SIGINT or SIGTERM.
pub async fn run(options: &Options) -> Outcome {
    let bridge = options.bridge(Log::new(std::io::stderr(), options.json))?;
    let address = options.address().await?;
    let cannot = |error: std::io::Error| {
        let message = format!("cannot listen on {address}: {error}");
        Failure::new(Kind::Configuration, message)
    };
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    // Before the ready line: whoever reads it may signal at once.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    // Nobody reading stdout is no reason to stop.
    let mut stdout = std::io::stdout();
    let _ = writeln!(stdout, "ready {address}").and_then(|()| stdout.flush());
    serve(listener, bridge, options.max_streams, async move {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
        }
    })
    .await;
    Ok(())
}
