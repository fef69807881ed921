//! An issuer of job tokens of our own, through `cargo xtask issuer`: it signs whatever a test asks for. Each name is an
//! issuer of its own. Ends with its processes when dropped.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::gateway::{free_ports, xtask};
use crate::http::{Answer, Call, Http};
use crate::{process, root};

/// How long it may take to be ready: the first one of a checkout installs Node.
const READY: Duration = Duration::from_secs(10 * 60);
/// How long it may take to end.
const END: Duration = Duration::from_secs(15);

/// A running issuer.
pub struct Issuer {
    child: Child,
    port: u16,
    http: Http,
}

impl Issuer {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        // Another process may take a port between our look and its bind.
        for _ in 0..3 {
            if let Some(issuer) = Self::try_start(free_ports(1)).await {
                return issuer;
            }
        }
        panic!("the issuer does not start");
    }

    async fn try_start(port: u16) -> Option<Self> {
        let mut command = xtask();
        command
            .args(["issuer", "--port", &port.to_string()])
            .current_dir(root())
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        process::tie(&mut command);
        let mut child = command.spawn().expect("xtask starts");
        let stdout = child.stdout.take().expect("stdout was asked for");
        let mut issuer = Self {
            child,
            port,
            http: Http::new(),
        };
        let (sender, receiver) = tokio::sync::oneshot::channel();
        // Reads on to the end: an issuer whose reader has gone ends itself.
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
            let _ = sender.send(lines.next());
            for line in lines {
                eprintln!("unexpected on the issuer's stdout: {line}");
            }
        });
        let ready = tokio::time::timeout(READY, receiver).await;
        match ready.expect("ready in time").expect("the reader sends") {
            Some(line) => {
                assert_eq!(line, format!("ready http://127.0.0.1:{port}"));
                Some(issuer)
            }
            None => {
                let _ = process::wait(&mut issuer.child, END);
                None
            }
        }
    }

    /// The URL of the issuer of this name: `iss` of its tokens.
    pub fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.port)
    }

    /// A token of an issuer, as `xtask/issuer/token.mjs` takes it.
    pub async fn token(&self, name: &str, asked: &Value) -> String {
        let answer = self.call("POST", name, "token").json(asked).send().await;
        assert_eq!(answer.status, 200, "{asked}: {}", answer.text());
        String::from_utf8(answer.body.to_vec()).expect("ASCII")
    }

    /// Has an issuer behave so from now on, as `POST /NAME/behave` takes it.
    pub async fn behave(&self, name: &str, wanted: &Value) {
        let answer = self.call("POST", name, "behave").json(wanted).send().await;
        assert_eq!(answer.status, 200, "{wanted}: {}", answer.text());
    }

    /// How often an issuer was asked for its `discovery` document, its `jwks`, or where a redirect led (`moved`).
    pub async fn count(&self, name: &str, what: &str) -> u64 {
        let counts: Answer = self.call("GET", name, "counts").send().await;
        counts.json(200)[what].as_u64().expect("a count")
    }

    fn call(&self, method: &str, name: &str, what: &str) -> Call {
        Call::new(&self.http, method, &format!("{}/{what}", self.url(name)))
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        process::signal(self.child.id(), libc::SIGTERM);
        if process::wait(&mut self.child, END).is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
