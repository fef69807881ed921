//! A gateway of the built module on workerd, through `cargo xtask serve`, as the contract in docs has it. Ends with all
//! its processes when dropped. Restarting is starting the same [`Serve`] again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::forge::Keys;
use crate::http::{Call, Http};
use crate::releases::Releases;
use crate::{process, random, root};

/// How long a gateway may take to be ready: the first one of a checkout builds the module.
const READY: Duration = Duration::from_secs(20 * 60);
/// How long it may take to end.
const END: Duration = Duration::from_secs(15);

/// How to start a gateway: variables, isolates, and a state directory that outlives single starts.
#[derive(Clone)]
pub struct Serve {
    origin: String,
    pub(crate) isolates: u16,
    /// Otherwise a free one.
    port: Option<u16>,
    brake: Option<u32>,
    set: BTreeMap<String, String>,
    /// A folder of modules in front of the built one.
    front: Option<&'static str>,
    /// Of which releases it is.
    pub(crate) releases: Releases,
    folder: Arc<TempDir>,
}

impl Serve {
    /// A gateway in front of `origin` with these keys, which mints without limits.
    pub fn new(origin: &str, keys: &Keys) -> Self {
        Self::bare(origin)
            .set("ADMIN_TOKEN", &keys.admin)
            .set("TOKEN_KEYS", &keys.ring())
            .set("ADOPT_KEYS", &keys.origin_ring())
            .set("MINT_PER_HOUR", "100000")
            .set("ORG_TOKEN_MINT_CEILING", "0")
            .set("ANSWER_HEADERS", "on")
    }

    /// A gateway of which only the origin is set.
    pub fn bare(origin: &str) -> Self {
        let folder = TempDir::with_prefix("postern-test-").expect("a temporary folder");
        Self {
            origin: origin.to_owned(),
            isolates: 1,
            port: None,
            brake: None,
            set: BTreeMap::new(),
            front: None,
            releases: Releases::default(),
            folder: Arc::new(folder),
        }
    }

    /// Sets a variable.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.set.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Asks the origin about sessions.
    #[must_use]
    pub fn sessions(self) -> Self {
        let endpoint = format!("{}/session", self.origin);
        self.set("SESSION_VERIFY_URL", &endpoint)
    }

    /// Puts the modules of a folder in front of the built one.
    #[must_use]
    pub(crate) fn front(mut self, folder: &'static str) -> Self {
        self.front = Some(folder);
        self
    }

    /// Takes this port for its first isolate each time it starts, and those after it.
    #[must_use]
    pub(crate) fn at(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Takes that many isolates.
    #[must_use]
    pub fn isolates(mut self, count: u16) -> Self {
        self.isolates = count;
        self
    }

    /// Slows an address down after that many refused credentials in a minute.
    #[must_use]
    pub fn brake(mut self, refused: u32) -> Self {
        self.brake = Some(refused);
        self
    }

    /// Where the stores are.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The files of the stores in which a text stands.
    pub fn holding(&self, text: &str) -> Vec<PathBuf> {
        let holds = |file: &PathBuf| match fs::read(file) {
            Ok(bytes) => bytes
                .windows(text.len())
                .any(|window| window == text.as_bytes()),
            // SQLite takes its journals away while it works.
            Err(error) => {
                let is_gone = error.kind() == io::ErrorKind::NotFound;
                assert!(is_gone, "{}: {error}", file.display());
                false
            }
        };
        files(&self.state()).into_iter().filter(holds).collect()
    }

    /// What gateways of this state have written to stderr so far.
    pub fn log(&self) -> String {
        fs::read(self.log_file())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("gateway.log")
    }

    /// Starts it and waits for its ready line.
    pub async fn start(&self) -> Gateway {
        // Another process may take a port between our look and workerd's bind.
        for _ in 0..3 {
            if let Some(gateway) = self.try_start().await {
                return gateway;
            }
        }
        panic!(
            "the gateway does not start; its log ends:\n{}",
            tail(&self.log())
        );
    }

    async fn try_start(&self) -> Option<Gateway> {
        let port = self.port.unwrap_or_else(|| free_ports(self.isolates));
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_file())
            .expect("a log file");
        let mut command = xtask();
        command.args([
            "serve",
            "--port",
            &port.to_string(),
            "--origin",
            &self.origin,
            "--state",
        ]);
        command.arg(self.state()).args(self.which());
        if let Some(refused) = self.brake {
            command.args(["--brake", &refused.to_string()]);
        }
        for (name, value) in &self.set {
            command.arg("--set").arg(format!("{name}={value}"));
        }
        if let Some(folder) = self.front {
            command.env("POSTERN_FRONT", root().join(folder));
        }
        command
            .current_dir(root())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        process::tie(&mut command);
        let mut child = command.spawn().expect("xtask starts");

        let stdout = child.stdout.take().expect("stdout was asked for");
        let mut gateway = Gateway {
            child,
            port,
            isolates: self.isolates,
            serve: self.clone(),
            http: Http::new(),
        };
        let (sender, receiver) = tokio::sync::oneshot::channel();
        // Reads on to the end, so that more than the one promised line would be noticed in the log.
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
            let _ = sender.send(lines.next());
            for line in lines {
                eprintln!("unexpected on the gateway's stdout: {line}");
            }
        });
        let ready = tokio::time::timeout(READY, receiver)
            .await
            .expect("the gateway gets ready in time");
        match ready.expect("the reader sends") {
            Some(line) => {
                assert_eq!(line, format!("ready http://127.0.0.1:{port}"));
                Some(gateway)
            }
            None => {
                let _ = process::wait(&mut gateway.child, END);
                None
            }
        }
    }
}

/// A running gateway.
pub struct Gateway {
    child: Child,
    port: u16,
    isolates: u16,
    serve: Serve,
    /// For calls of any kind to this gateway.
    pub http: Http,
}

impl Gateway {
    /// The address of an isolate.
    pub fn url(&self, isolate: u16) -> String {
        assert!(
            isolate < self.isolates,
            "there are {} isolates",
            self.isolates
        );
        format!("http://127.0.0.1:{}", self.port + isolate)
    }

    /// `host:port` of the first isolate, for sockets.
    pub fn socket(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The process that was started; workerd is below it.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// The port of the first isolate.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many isolates there are.
    pub fn isolates(&self) -> u16 {
        self.isolates
    }

    /// A request to the first isolate.
    pub fn call(&self, method: &str, path: &str) -> Call {
        self.call_on(0, method, path)
    }

    /// A request to that isolate.
    pub fn call_on(&self, isolate: u16, method: &str, path: &str) -> Call {
        Call::new(&self.http, method, &format!("{}{path}", self.url(isolate)))
    }

    /// A way to start this gateway again on the same stores.
    pub fn serve(&self) -> &Serve {
        &self.serve
    }

    /// The log line of a request, once it is written.
    pub async fn log_line(&self, request_id: &str) -> Value {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let log = self.serve.log();
            let found = log.lines().rev().find_map(|line| {
                let line = line.get(line.find('{')?..)?;
                let line: Value = serde_json::from_str(line).ok()?;
                (line["request_id"] == request_id).then_some(line)
            });
            if let Some(line) = found {
                return line;
            }
            assert!(
                Instant::now() < deadline,
                "no log line of request {request_id}; the log ends:\n{}",
                tail(&log)
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Stops it as a person would, and checks that nothing of it is left.
    pub fn stop(mut self) {
        let below = process::descendants(self.child.id());
        process::signal(self.child.id(), libc::SIGTERM);
        let status = process::wait(&mut self.child, END).expect("the gateway ends when told to");
        assert!(
            status.success(),
            "a gateway that was told to end says {status}"
        );
        assert_gone(&below);
    }

    /// Kills workerd and everything around it outright, as a power cut would.
    pub fn kill(mut self) {
        let mut below = process::descendants(self.child.id());
        // The deepest first: workerd, which holds the stores, must not see anybody else end.
        below.reverse();
        for (id, _) in &below {
            process::signal(*id, libc::SIGKILL);
        }
        process::signal(self.child.id(), libc::SIGKILL);
        process::wait(&mut self.child, END).expect("SIGKILL ends it");
        assert_gone(&below);
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        process::signal(self.child.id(), libc::SIGTERM);
        if process::wait(&mut self.child, END).is_none() {
            process::signal(self.child.id(), libc::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

fn assert_gone(processes: &[(u32, String)]) {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let left: Vec<_> = processes
            .iter()
            .filter(|process| process::lives(process))
            .collect();
        if left.is_empty() {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "the gateway left {left:?} behind"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The developer commands' program.
pub fn xtask() -> Command {
    if let Some(program) = std::env::var_os("POSTERN_XTASK") {
        return Command::new(program);
    }
    // On Unix `cargo run` becomes the program, so signals reach it.
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["run", "--quiet", "--package", "xtask", "--"]);
    cargo
}

/// The first of `count` free ports in a row, below those that the kernel hands out by itself.
pub fn free_ports(count: u16) -> u16 {
    for _ in 0..200 {
        let base = 20_000 + u16::from_be_bytes(random()) % 12_000;
        let bound: Vec<_> = (base..base + count)
            .filter_map(|port| TcpListener::bind(("127.0.0.1", port)).ok())
            .collect();
        if bound.len() == usize::from(count) {
            return base;
        }
    }
    panic!("no {count} free ports in a row");
}

fn tail(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

/// Every file below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found
}
