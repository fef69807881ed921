//! A gateway whose Ledgers live in a process of their own, which can be killed alone. Isolates, D1 and KV go on
//! meanwhile; on the platform, too, an object and the isolates that ask it do not end together.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::gateway::{Gateway, Serve, free_ports};
use crate::suite::Setup;

/// The two processes.
pub struct Apart {
    /// The one with the isolates, D1 and KV.
    pub gateway: Gateway,
    ledgers: Option<Gateway>,
    serve_ledgers: Serve,
    ledgers_port: u16,
}

impl Apart {
    /// Starts both, with that many isolates.
    pub async fn start(setup: &Setup, isolates: u16, settings: impl Fn(Serve) -> Serve) -> Self {
        let port = free_ports(1 + isolates);
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let (ledgers_at, gateway_at) = (port, port + 1);
        let serve_ledgers = settings(setup.serve())
            .at(ledgers_at)
            .only_ledgers(&url(gateway_at));
        let ledgers = serve_ledgers.start().await;
        let serve = settings(setup.serve()).isolates(isolates).at(gateway_at);
        let gateway = serve.ledgers_at(&url(ledgers_at)).start().await;
        Self {
            gateway,
            ledgers: Some(ledgers),
            serve_ledgers,
            ledgers_port: ledgers_at,
        }
    }

    /// Kills the Ledgers outright, if they run.
    pub fn kill_ledgers(&mut self) {
        if let Some(ledgers) = self.ledgers.take() {
            ledgers.kill();
        }
    }

    /// Starts the Ledgers again on what they have stored.
    pub async fn start_ledgers(&mut self) {
        // A process that was killed may hold it for a moment, until its last thread is gone.
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpListener::bind(("127.0.0.1", self.ledgers_port)).is_err() {
            let late = Instant::now() > deadline;
            assert!(!late, "port {} is not free", self.ledgers_port);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.ledgers = Some(self.serve_ledgers.start().await);
    }

    /// Stops both.
    pub fn stop(self) {
        self.gateway.stop();
        if let Some(ledgers) = self.ledgers {
            ledgers.stop();
        }
    }
}
