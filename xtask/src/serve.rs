//! `cargo xtask serve`: the built module on workerd, through serve.mjs, which this file starts and outlives.
//!
//! Promises exactly one line on stdout and an end without remains; logs of the module and of workerd go to stderr.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::args::{Module, Serve};
use crate::build::Purpose;
use crate::fail::{Failure, Outcome, doing, failed, misuse};
use crate::{build, cache, ends, json, migrations, node, paths, previous, process};

/// The same as in wrangler.toml, so that `wrangler d1 … --local --persist-to DIR` sees the same database.
const DATABASE_ID: &str = "00000000-0000-4000-8000-000000000001";
const KV_ID: &str = "00000000000040008000000000000002";
const COMPATIBILITY_DATE: &str = "2026-04-01";

/// A running gateway. Dropping it closes the pipe that keeps serve.mjs going.
pub struct Gateway {
    child: Child,
    _alive: ChildStdin,
    _lock: cache::Lock,
}

pub fn run(request: &Serve) -> Outcome {
    ends::stop_is_success();
    let (mut gateway, ready) = start(request, Purpose::Release)?;
    let mut stdout = std::io::stdout();
    doing(
        "writing the ready line",
        writeln!(stdout, "{ready}").and_then(|()| stdout.flush()),
    )?;
    Err(gateway.wait())
}

/// Builds if needed, starts the gateway and waits until every isolate answers; gives the ready line.
pub fn start(request: &Serve, purpose: Purpose) -> Outcome<(Gateway, String)> {
    for port in ports(request) {
        require_free(port)?;
    }
    let state = absolute(&request.state)?;
    let Some(lock) = cache::try_lock(&state.join(".lock"))? else {
        return Err(misuse(format_args!(
            "the state directory {} is in use by another `serve` or `dev`; stop that one or choose another",
            state.display()
        )));
    };
    build::run(purpose)?;
    if gates(request).contains(&Module::Previous) || request.ledgers == Some(Module::Previous) {
        previous::build()?;
    }
    let mut child = spawn()?;
    let mut alive = child.stdin.take().expect("stdin was asked for");
    let configuration = configuration(request, &state)?;
    doing(
        "handing the configuration to serve.mjs",
        writeln!(alive, "{configuration}"),
    )?;

    let mut ready = String::new();
    let stdout = child.stdout.take().expect("stdout was asked for");
    let read = BufReader::new(stdout).read_line(&mut ready);
    let mut gateway = Gateway {
        child,
        _alive: alive,
        _lock: lock,
    };
    match read {
        Ok(length) if length > 0 => Ok((gateway, ready.trim_end().to_owned())),
        _ => Err(gateway.wait()),
    }
}

impl Gateway {
    /// The reason, if it has ended by itself.
    pub fn ended(&mut self) -> Option<Failure> {
        match self.child.try_wait() {
            Ok(None) => None,
            _ => Some(self.wait()),
        }
    }

    /// Waits for the end that should not come: a stop by signal leaves the program elsewhere.
    pub fn wait(&mut self) -> Failure {
        match process::wait(&mut self.child) {
            // serve.mjs has said why.
            Ok(status) => match status.code() {
                Some(2) => Failure {
                    code: 2,
                    message: String::new(),
                },
                _ => failed(format_args!("the gateway ended ({status})")),
            },
            Err(failure) => failure,
        }
    }
}

fn spawn() -> Outcome<Child> {
    let mut command = Command::new(node::node()?);
    command
        .arg(paths::root().join("xtask/serve.mjs"))
        .current_dir(paths::root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .env("NODE_NO_WARNINGS", "1");
    if cfg!(target_os = "linux") {
        // serve.mjs has Miniflare start workerd through us, so that workerd ends with Node however Node ends.
        command.env("POSTERN_GUARD", paths::program()?);
    }
    process::spawn(&mut command)
}

/// One line; the values of `--set` travel here and not as arguments, which everyone on the machine can read.
fn configuration(request: &Serve, state: &Path) -> Outcome<String> {
    let path = |path: &Path| json::string(&path.to_string_lossy());
    let mut bindings = vec![("ORIGIN_URL", json::string(&request.origin))];
    for (key, value) in &request.set {
        bindings.retain(|(other, _)| other != key); // the last one counts
        bindings.push((key, json::string(value)));
    }
    let gates = gates(request);
    let modules = gates
        .iter()
        .map(|gate| described(*gate))
        .collect::<Outcome<Vec<_>>>()?;
    let ledgers = request.ledgers.map_or(Ok("null".to_owned()), described)?;
    // D1 is migrated before a newer module runs, and never back.
    let is_current = |module| module == Module::Current;
    let migrated = match gates.into_iter().chain(request.ledgers).any(is_current) {
        true => paths::root().to_owned(),
        false => previous::folder()?,
    };
    let migrations = migrations::list(&migrated.join("migrations"))?
        .into_iter()
        .map(|found| {
            json::object([
                ("name", json::string(&found.name)),
                ("path", path(&found.path)),
            ])
        });
    Ok(json::object([
        ("port", request.port.to_string()),
        ("modules", json::array(modules)),
        // 0: the binding is not there.
        ("brake", request.brake.unwrap_or(0).to_string()),
        // Where wrangler keeps its stores below its own --persist-to.
        ("state", path(&state.join("v3"))),
        ("ledgers", ledgers),
        ("dashboard", path(&paths::root().join("dashboard"))),
        // Of what is no module of ours.
        ("compatibilityDate", json::string(COMPATIBILITY_DATE)),
        ("databaseId", json::string(DATABASE_ID)),
        ("kvId", json::string(KV_ID)),
        ("bindings", json::object(bindings)),
        ("migrations", json::array(migrations)),
    ]))
}

/// What each isolate runs.
fn gates(request: &Serve) -> Vec<Module> {
    match request.modules.is_empty() {
        true => vec![Module::Current; request.isolates.into()],
        false => request.modules.clone(),
    }
}

/// Where a module lies, and the date of the platform that it asks for, as JSON.
fn described(module: Module) -> Outcome<String> {
    let (folder, date) = match module {
        Module::Current => (build::folder(), COMPATIBILITY_DATE.to_owned()),
        Module::Previous => {
            let folder = previous::folder()?;
            let date = previous::compatibility_date(&folder)?;
            (folder.join("build"), date)
        }
    };
    Ok(json::object([
        ("folder", json::string(&folder.to_string_lossy())),
        ("compatibilityDate", json::string(&date)),
    ]))
}

fn ports(request: &Serve) -> impl Iterator<Item = u16> {
    request.port..=request.port + (request.isolates - 1)
}

/// Asks before building: a minute's wait for "port in use" helps nobody. workerd still has the last word.
pub fn require_free(port: u16) -> Outcome {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Ok(()),
        Err(error) => Err(misuse(format_args!(
            "port {port} on 127.0.0.1 cannot be used: {error}"
        ))),
    }
}

fn absolute(state: &Path) -> Outcome<std::path::PathBuf> {
    doing(
        format_args!("creating {}", state.display()),
        fs::create_dir_all(state),
    )?;
    doing(
        format_args!("finding {}", state.display()),
        state.canonicalize(),
    )
}
