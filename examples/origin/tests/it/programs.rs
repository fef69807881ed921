//! The two programs as processes: what they print, how they end.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Output, Stdio};

use crate::support::TOKEN;

struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_postern-origin"))
            .args(["--port", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line
            .trim_end()
            .strip_prefix("ready ")
            .expect("the ready line")
            .to_owned();
        Self { child, url }
    }

    /// Ends it by a signal; returns what it printed after the ready line.
    fn end(mut self, signal: &str) -> (String, String) {
        let kill = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(kill.success());
        assert!(self.child.wait().unwrap().success(), "ends cleanly");
        let (mut out, mut err) = (String::new(), String::new());
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut out)
            .unwrap();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut err)
            .unwrap();
        (out, err)
    }
}

impl Drop for Server {
    /// A failed test leaves no process behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn attest(token: Option<&str>, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_attest"));
    command.args(args).env_remove("POSTERN_TOKEN");
    if let Some(token) = token {
        command.env("POSTERN_TOKEN", token);
    }
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    (
        status.code().unwrap(),
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");

#[test]
fn attest_prints_one_line_per_step() {
    let server = Server::start();
    for extra in [&[][..], &["--text"][..]] {
        let base = [
            "--gateway",
            &server.url,
            "--project",
            "demo",
            "--workflow",
            "release",
            "--file",
            FILE,
        ];
        let (code, out, err) = attest(Some(TOKEN), &[&base[..], extra].concat());
        assert_eq!((code, err.as_str()), (0, ""));
        let lines: Vec<_> = out.lines().collect();
        assert_eq!(lines.len(), 3, "{out}");
        assert!(lines[0].starts_with("workflow release ("));
        assert!(lines[1].starts_with("run "));
        assert!(lines[2].starts_with("stored sha256:"));
    }
    let (out, err) = server.end("-TERM");
    assert_eq!(out, "", "one line on stdout, and no more");
    assert_eq!(err.lines().count(), 6, "one line per call: {err}");
    assert!(
        err.lines().all(|line| line.contains(" grpc 0 in ")),
        "{err}"
    );
    assert!(!err.contains(TOKEN));
}

#[test]
fn attest_says_why_it_was_refused() {
    let server = Server::start();
    let args = [
        "--gateway",
        &server.url,
        "--project",
        "Demo",
        "--workflow",
        "release",
        "--file",
        FILE,
    ];
    let (code, out, err) = attest(Some(TOKEN), &args);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.starts_with(
            "attest: FindOrCreateWorkflow: INVALID_ARGUMENT (3): validation error: project_name"
        ),
        "{err}"
    );
    let (_, err) = server.end("-INT");
    assert!(err.contains(" grpc 3 in "), "{err}");
}

#[test]
fn attest_without_what_it_needs() {
    let base = [
        "--gateway",
        "http://127.0.0.1:9",
        "--project",
        "demo",
        "--workflow",
        "release",
    ];
    let check = |token: Option<&str>, args: &[&str], message: &str| {
        let (code, out, err) = attest(token, args);
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(message), "`{err}` is not about `{message}`");
    };
    let with = |more: &[&'static str]| [&base[..], more].concat();
    check(
        None,
        &with(&["--file", FILE]),
        "set the environment variable `POSTERN_TOKEN`",
    );
    check(Some(""), &with(&["--file", FILE]), "the token is empty");
    check(Some(TOKEN), &base, "`--file` is missing");
    check(
        Some(TOKEN),
        &with(&["--file", "/no/such/file"]),
        "`/no/such/file`",
    );
    check(
        Some(TOKEN),
        &with(&["--file", FILE, "--token", "x"]),
        "--token",
    );
    check(
        Some(TOKEN),
        &with(&["--file", FILE, "--gateway", "https://gate.example"]),
        "no TLS",
    );
}

#[test]
fn postern_origin_without_what_it_needs() {
    let run = |args: &[&str]| {
        let Output {
            status,
            stdout,
            stderr,
        } = Command::new(env!("CARGO_BIN_EXE_postern-origin"))
            .args(args)
            .output()
            .unwrap();
        assert!(stdout.is_empty());
        (status.code().unwrap(), String::from_utf8(stderr).unwrap())
    };
    for args in [
        &[][..],
        &["--port"],
        &["--port", "x"],
        &["--port", "65536"],
        &["--port", "0", "more"],
    ] {
        assert_eq!(run(args).0, 2, "{args:?}");
    }
    let server = Server::start();
    let taken = server.url.rsplit(':').next().unwrap();
    let (code, err) = run(&["--port", taken]);
    assert_eq!(code, 1);
    assert!(
        err.contains(&format!("cannot listen on 127.0.0.1:{taken}")),
        "{err}"
    );
}
