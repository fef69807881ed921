//! The `postern` command as people have it: the built program, with an environment of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::{process, root};

/// The program and where it finds things.
pub struct Postern {
    home: TempDir,
    variables: Vec<(String, String)>,
}

/// What a run of it left.
#[derive(Debug)]
pub struct Output {
    /// The exit code.
    pub code: i32,
    /// Results.
    pub stdout: String,
    /// Remarks and errors.
    pub stderr: String,
}

impl Output {
    /// The results of a run that went well and had nothing to remark.
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "{self:?}");
        self.stdout
    }

    /// The same as JSON.
    #[track_caller]
    pub fn json(self) -> Value {
        serde_json::from_str(&self.done()).expect("JSON on stdout")
    }

    /// Asserts that a run failed so, and printed no result.
    #[track_caller]
    pub fn failed(self, code: i32, message: &str) {
        assert_eq!((self.code, self.stdout.as_str()), (code, ""), "{self:?}");
        assert!(self.stderr.contains(message), "{self:?}");
    }
}

impl Postern {
    /// With these variables and an empty home.
    pub fn new(variables: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            home: TempDir::with_prefix("postern-home-").expect("a temporary folder"),
            variables: variables.iter().map(owned).collect(),
        }
    }

    /// Its home.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs a command to its end.
    pub async fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, "").await
    }

    /// Runs a command on this standard input.
    pub async fn run_with(&self, arguments: &[&str], stdin: &str) -> Output {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        let stdin = stdin.to_owned();
        let run = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn().expect("postern starts");
            let mut input = child.stdin.take().expect("stdin was asked for");
            // A command that reads none may have ended already.
            let _ = input.write_all(stdin.as_bytes());
            drop(input);
            child.wait_with_output().expect("postern ends")
        });
        let output = run.await.expect("the program runs");
        Output {
            code: output.status.code().expect("no signal ends it"),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// Starts a bridge on a free port.
    pub async fn bridge(&self) -> Bridge {
        self.bridge_with(&[]).await
    }

    /// The same with further flags.
    pub async fn bridge_with(&self, flags: &[&str]) -> Bridge {
        let arguments = [&["bridge", "--listen", "127.0.0.1:0"], flags].concat();
        let (child, lines) = self.serving(&arguments, 1).await;
        Bridge::of(child, &lines)
    }

    /// Starts a witness with these flags; gives its public key too.
    pub async fn witness(&self, flags: &[&str]) -> (Bridge, String) {
        let arguments = [&["audit", "witness"], flags].concat();
        let (child, lines) = self.serving(&arguments, 2).await;
        let key = lines[0]
            .strip_prefix("key ")
            .expect("the line with the key");
        (Bridge::of(child, &lines), key.to_owned())
    }

    /// A process that goes on, and its first lines.
    async fn serving(&self, arguments: &[&str], lines: usize) -> (Child, Vec<String>) {
        let mut command = self.command(arguments);
        command.stdin(Stdio::null());
        process::tie(&mut command);
        let mut child = command.spawn().expect("postern starts");
        let stdout = child.stdout.take().expect("stdout was asked for");
        let reading = tokio::task::spawn_blocking(move || {
            let read = BufReader::new(stdout).lines().take(lines);
            read.collect::<Result<Vec<String>, _>>()
        });
        let read = reading.await.expect("the reader ends").expect("lines");
        assert_eq!(read.len(), lines, "{read:?}");
        (child, read)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped());
        command
    }
}

/// A running bridge, or a witness; ends when dropped.
pub struct Bridge {
    /// Where it listens.
    pub url: String,
    child: Child,
}

impl Bridge {
    fn of(child: Child, lines: &[String]) -> Self {
        let last = lines.last().and_then(|line| line.strip_prefix("ready "));
        Self {
            url: format!("http://{}", last.expect("the ready line")),
            child,
        }
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        process::signal(self.child.id(), libc::SIGTERM);
        if process::wait(&mut self.child, Duration::from_secs(10)).is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The program that `POSTERN_CLI` names; otherwise one that is built here, beside the tests' own.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(program) = std::env::var_os("POSTERN_CLI") {
            return program.into();
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--quiet", "--package", "postern-cli"])
            .current_dir(root())
            .stdin(Stdio::null())
            .status()
            .expect("cargo starts");
        assert!(built.success(), "postern-cli does not build");
        let tests = std::env::current_exe().expect("the path of the tests");
        let folder = tests.ancestors().nth(2).expect("target/debug");
        folder.join("postern")
    })
}
