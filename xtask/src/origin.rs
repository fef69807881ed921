//! `cargo xtask origin` and `cargo xtask attest`: the two programs of examples/origin, built and run. Knows no
//! protocol.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::fail::{Failure, Outcome, doing, failed, misuse};
use crate::{build, cargo, ends, paths, process, serve};

/// The running sample origin.
pub struct Origin(Child);

pub fn run(port: u16, with: &[String]) -> Outcome {
    ends::stop_is_success();
    let (mut origin, said) = start(port, with)?;
    let mut stdout = std::io::stdout();
    doing(
        "writing the ready line",
        write!(stdout, "{said}").and_then(|()| stdout.flush()),
    )?;
    Err(origin.wait())
}

/// Builds the origin if needed and waits for its ready line; gives that with all lines before it.
pub fn start(port: u16, with: &[String]) -> Outcome<(Origin, String)> {
    serve::require_free(port)?;
    let mut command = Command::new(program()?);
    command
        .args(["--port", &port.to_string()])
        .args(with)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = process::spawn(&mut command)?;
    let mut lines = BufReader::new(child.stdout.take().expect("stdout was asked for"));
    let mut origin = Origin(child);
    let mut said = String::new();
    loop {
        let begin = said.len();
        match lines.read_line(&mut said) {
            Ok(length) if length > 0 => {}
            _ => return Err(origin.wait()),
        }
        if said[begin..].starts_with("ready ") {
            break;
        }
    }
    // Its further lines are a log, and stdout carries no more.
    thread::spawn(move || {
        lines
            .lines()
            .map_while(Result::ok)
            .for_each(|line| note!("{line}"))
    });
    Ok((origin, said))
}

impl Origin {
    /// The reason, if it has ended by itself.
    pub fn ended(&mut self) -> Option<Failure> {
        match self.0.try_wait() {
            Ok(None) => None,
            _ => Some(self.wait()),
        }
    }

    fn wait(&mut self) -> Failure {
        match process::wait(&mut self.0) {
            Ok(status) => failed(format_args!("the sample origin ended ({status})")),
            Err(failure) => failure,
        }
    }
}

/// One attestation through a gateway: of the built module, unless a `--file` is named.
pub fn attest(mut words: Vec<String>) -> Outcome {
    if env::var_os("POSTERN_TOKEN").is_none_or(|token| token.is_empty()) {
        return Err(misuse(
            "POSTERN_TOKEN is not set: mint a token and `export POSTERN_TOKEN=…` first",
        ));
    }
    if !words
        .iter()
        .any(|word| word == "--file" || word.starts_with("--file="))
    {
        let module = build::folder().join("index_bg.wasm");
        if !module.is_file() {
            return Err(misuse(
                "nothing to attest yet: run `cargo xtask build`, or name a --file",
            ));
        }
        words.extend(["--file".to_owned(), module.to_string_lossy().into_owned()]);
    }
    compile()?;
    let mut command = Command::new(paths::target().join("debug/attest"));
    let status = process::wait(&mut process::spawn(command.args(words))?)?;
    if status.success() {
        return Ok(());
    }
    // It has said why.
    Err(Failure {
        code: status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(1),
        message: String::new(),
    })
}

/// The program that `POSTERN_ORIGIN` names, as the native tests have built it; otherwise one that is built here, with
/// the features that this package alone asks for: nothing of the workspace's build fits it.
fn program() -> Outcome<PathBuf> {
    if let Some(program) = env::var_os("POSTERN_ORIGIN") {
        return Ok(program.into());
    }
    compile()?;
    Ok(paths::target().join("debug/postern-origin"))
}

fn compile() -> Outcome {
    let what = "compiling the sample origin (1 to 2 min from nothing) ...";
    cargo::build(&["--package", "postern-origin"], what, "the sample origin")
}
