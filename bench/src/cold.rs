//! Cold starts: from the start of a workerd of its own to the first answer, and what one more isolate of the same
//! Worker adds to that. workerd is started without Node around it, which takes longer than what is measured.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::free_ports;
use postern_system_tests::{process, root};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::chance::Chance;
use crate::statistics::{median, ratios, spread, verdict};
use crate::systems::{COMPATIBILITY_DATE, node};

/// Isolates beside the one that is asked.
const MORE: usize = 10;
/// Longest wait for a first answer.
const LIMIT: Duration = Duration::from_secs(30);
/// What is asked: an open call, which both forward.
const REQUEST: &[u8] = b"GET /statusz HTTP/1.1\r\nhost: gate.example\r\nconnection: close\r\n\r\n";

/// A Worker as workerd's own configuration has it.
struct Worker {
    name: &'static str,
    /// Name of each module, and where it is.
    modules: Vec<(&'static str, String)>,
    /// The rest of its description.
    rest: String,
}

fn text(name: &str, value: &str) -> String {
    format!("(name = \"{name}\", text = \"{value}\")")
}

fn bare(name: &'static str, origin: &str) -> Worker {
    let at = |file: &str| format!("bench/peers/{file}");
    Worker {
        name,
        modules: vec![
            ("bare.mjs", at("bare.mjs")),
            ("forward.mjs", at("forward.mjs")),
        ],
        rest: format!("bindings = [{}]", text("ORIGIN_URL", origin)),
    }
}

/// Forwards like `bare`, and imports the module, which the runtime compiles before it starts.
fn imports(origin: &str) -> Worker {
    let mut worker = bare("bare, with the module imported", origin);
    worker
        .modules
        .insert(0, ("imports.mjs", "bench/peers/imports.mjs".to_owned()));
    worker
        .modules
        .push(("index_bg.wasm", "build/index_bg.wasm".to_owned()));
    worker
}

fn postern(origin: &str) -> Worker {
    let keys = Keys::random();
    let object = |binding: &str, class: &str| {
        format!("(name = \"{binding}\", durableObjectNamespace = (className = \"{class}\"))")
    };
    let namespace = |class: &str| {
        format!("(className = \"{class}\", uniqueKey = \"{class}\", enableSql = true)")
    };
    let bindings = [
        text("ORIGIN_URL", origin),
        text("ADMIN_TOKEN", &keys.admin),
        text("TOKEN_KEYS", &keys.ring()),
        object("LEDGER", "Ledger"),
        object("MINT_LIMITER", "MintLimiter"),
    ];
    Worker {
        name: "postern",
        modules: vec![
            ("index.js", "build/index.js".to_owned()),
            ("index_bg.wasm", "build/index_bg.wasm".to_owned()),
        ],
        rest: format!(
            "bindings = [{}], durableObjectNamespaces = [{}, {}], durableObjectStorage = (inMemory = void)",
            bindings.join(", "),
            namespace("Ledger"),
            namespace("MintLimiter"),
        ),
    }
}

impl Worker {
    /// Writes a configuration with that many isolates, of which the first listens.
    fn write(&self, folder: &Path, port: u16, isolates: usize) -> std::io::Result<()> {
        for (name, from) in &self.modules {
            fs::copy(root().join(from), folder.join(name))?;
        }
        let modules: Vec<String> = self
            .modules
            .iter()
            .map(|(name, _)| {
                let kind = if name.ends_with(".wasm") {
                    "wasm"
                } else {
                    "esModule"
                };
                format!("(name = \"{name}\", {kind} = embed \"{name}\")")
            })
            .collect();
        let services: Vec<String> = (0..isolates)
            .map(|number| format!("(name = \"w{number}\", worker = .worker)"))
            .collect();
        let text = format!(
            "using Workerd = import \"/workerd/workerd.capnp\";\n\
             const config :Workerd.Config = (\n  services = [{}, (name = \"internet\", network = (allow = [\"private\", \"local\"]))],\n  \
             sockets = [(name = \"http\", address = \"127.0.0.1:{port}\", http = (), service = \"w0\")]\n);\n\
             const worker :Workerd.Worker = (\n  modules = [{}],\n  compatibilityDate = \"{COMPATIBILITY_DATE}\",\n  {}\n);\n",
            services.join(", "),
            modules.join(", "),
            self.rest
        );
        fs::write(folder.join("config.capnp"), text)
    }

    /// Milliseconds from a start to the first answer.
    async fn start(&self, workerd: &str, isolates: usize) -> Result<f64, String> {
        let folder = TempDir::with_prefix("postern-bench-").map_err(|error| error.to_string())?;
        let port = free_ports(1);
        self.write(folder.path(), port, isolates)
            .map_err(|error| format!("{}: {error}", self.name))?;
        let mut command = Command::new(workerd);
        command
            .args(["serve", "config.capnp", "--experimental"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        process::tie(&mut command);
        let begun = Instant::now();
        let child = command
            .spawn()
            .map_err(|error| format!("{workerd}: {error}"))?;
        let _running = Running(child);
        loop {
            if let Some(answer) = answer(port).await {
                let taken = begun.elapsed();
                return match answer.starts_with("HTTP/1.1 200") {
                    true => Ok(taken.as_secs_f64() * 1000.0),
                    false => Err(format!("{}: {answer}", self.name)),
                };
            }
            if begun.elapsed() > LIMIT {
                return Err(format!("{} does not answer", self.name));
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The beginning of an answer, once somebody listens.
async fn answer(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    stream.write_all(REQUEST).await.ok()?;
    let mut begins = vec![0; 256];
    let length = stream
        .read(&mut begins)
        .await
        .ok()
        .filter(|length| *length > 0)?;
    Some(String::from_utf8_lossy(&begins[..length]).into_owned())
}

/// Where the pinned workerd is.
fn workerd() -> Result<String, String> {
    let script = "process.stdout.write((await import('./xtask/guard.mjs')).workerd())";
    let told = Command::new(node())
        .args(["--input-type=module", "-e", script])
        .current_dir(root())
        .output()
        .map_err(|error| format!("Node: {error}"))?;
    match told.status.success() {
        true => Ok(String::from_utf8_lossy(&told.stdout).into_owned()),
        false => Err(String::from_utf8_lossy(&told.stderr).into_owned()),
    }
}

/// So many starts of each, in turn; gives the table.
///
/// # Errors
/// The first start without a good answer.
pub async fn run(origin: &str, rounds: usize) -> Result<String, String> {
    let workerd = workerd()?;
    let workers = [
        bare("bare", origin),
        bare("bare (control)", origin),
        imports(origin),
        postern(origin),
    ];
    let mut first = vec![Vec::new(); workers.len()];
    let mut further = vec![Vec::new(); workers.len()];
    let mut chance = Chance::new();
    for round in 0..rounds {
        eprintln!("round {} of {rounds} ...", round + 1);
        for number in chance.order(workers.len()) {
            let alone = workers[number].start(&workerd, 1).await?;
            let among = workers[number].start(&workerd, 1 + MORE).await?;
            first[number].push(alone);
            #[expect(clippy::cast_precision_loss, reason = "ten")]
            further[number].push((among - alone) / MORE as f64);
        }
    }
    let mut table = format!(
        "{rounds} starts of each, in turn: medians, and of the first answer least and most. One isolate more: a tenth of what \
         {MORE} more of them add.\n\n\
         | | first answer, ms | least to most | to bare | one isolate more, ms |\n|---|---|---|---|---|\n"
    );
    let mut ratio = 1.0;
    for ((worker, first_answer), more) in workers.iter().zip(&first).zip(&further) {
        // Postern is the last.
        ratio = median(&ratios(first_answer, &first[0]));
        let (least, most) = spread(first_answer);
        let _ = writeln!(
            table,
            "| {} | {:.1} | {least:.1} to {most:.1} | {ratio:.2} | {:.1} |",
            worker.name,
            median(first_answer),
            median(more)
        );
    }
    let met = verdict(ratio <= 1.9);
    Ok(table + &format!("\nFirst answer against bare: {ratio:.2}; target at most 1.9: {met}.\n"))
}
