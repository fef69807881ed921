//! `cargo xtask issuer`: an issuer of job tokens for development and tests, through issuer.mjs. Knows no claims.
//!
//! Promises exactly one line on stdout, as `serve` does.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::fail::{Failure, Outcome, doing, failed};
use crate::{ends, json, node, paths, process, serve};

/// A running issuer. Dropping it closes the pipe that keeps issuer.mjs going.
pub struct Issuer {
    child: Child,
    _alive: ChildStdin,
}

pub fn run(port: u16) -> Outcome {
    ends::stop_is_success();
    let (mut issuer, ready) = start(port)?;
    let mut stdout = std::io::stdout();
    doing(
        "writing the ready line",
        writeln!(stdout, "{ready}").and_then(|()| stdout.flush()),
    )?;
    Err(issuer.wait())
}

/// Starts the issuer and waits until it listens; gives the ready line.
pub fn start(port: u16) -> Outcome<(Issuer, String)> {
    serve::require_free(port)?;
    node::modules()?; // for the Node among them
    let mut command = Command::new(node::node()?);
    command
        .arg(paths::root().join("xtask/issuer.mjs"))
        .current_dir(paths::root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = process::spawn(&mut command)?;
    let mut alive = child.stdin.take().expect("stdin was asked for");
    let configuration = json::object([("port", port.to_string())]);
    doing(
        "handing the port to issuer.mjs",
        writeln!(alive, "{configuration}"),
    )?;
    let mut ready = String::new();
    let stdout = child.stdout.take().expect("stdout was asked for");
    let read = BufReader::new(stdout).read_line(&mut ready);
    let mut issuer = Issuer {
        child,
        _alive: alive,
    };
    match read {
        Ok(length) if length > 0 => Ok((issuer, ready.trim_end().to_owned())),
        _ => Err(issuer.wait()),
    }
}

impl Issuer {
    /// The reason, if it has ended by itself.
    pub fn ended(&mut self) -> Option<Failure> {
        match self.child.try_wait() {
            Ok(None) => None,
            _ => Some(self.wait()),
        }
    }

    fn wait(&mut self) -> Failure {
        match process::wait(&mut self.child) {
            Ok(status) => failed(format_args!("the issuer ended ({status})")),
            Err(failure) => failure,
        }
    }
}
