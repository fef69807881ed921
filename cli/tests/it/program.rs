//! The program itself: what it prints, what it refuses, how it ends.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Output, Stdio};

use crate::support::{Handmade, Plan, TOKEN, connect, ended, find, good};

struct Program {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    url: String,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn postern(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

impl Program {
    fn start(gateway: &str) -> Self {
        let words = [
            "bridge",
            "--no-check",
            "--listen",
            "127.0.0.1:0",
            "--gateway",
        ];
        let mut child = postern(&[&words[..], &[gateway]].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.strip_prefix("ready ").expect(&line).trim_end();
        let url = format!("http://{address}");
        assert!(address.starts_with("127.0.0.1:"), "{line}");
        Self { child, stdout, url }
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end: what else was printed, and whether it ended well.
    fn end(mut self) -> (String, String, bool) {
        let status = ended(&mut self.child);
        let (mut rest, mut errors) = (String::new(), String::new());
        self.stdout.read_to_string(&mut rest).unwrap();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut errors).unwrap();
        (rest, errors, status.success())
    }
}

fn refused(arguments: &[&str]) -> Output {
    let output = postern(arguments).output().unwrap();
    assert!(output.stdout.is_empty());
    output
}

#[tokio::test]
async fn one_line_when_ready_and_one_for_each_call() {
    let gateway = Handmade::answering(good()).await;
    for name in ["-TERM", "-INT"] {
        let program = Program::start(&gateway.url);
        let mut client = connect(&program.url).await;
        find(&mut client).await.unwrap();
        program.signal(name);
        let (rest, errors, success) = tokio::task::spawn_blocking(|| program.end()).await.unwrap();
        assert!(success);
        assert_eq!(rest, "");
        let lines: Vec<_> = errors.lines().collect();
        assert_eq!(lines.len(), 1, "{errors}");
        assert!(
            lines[0].contains("FindOrCreateWorkflow OK (0) "),
            "{errors}"
        );
        assert!(!errors.contains(TOKEN), "{errors}");
    }
}

#[tokio::test]
async fn calls_in_flight_may_end() {
    // The answer comes after the signal: the server waits for the other end to hang up or not.
    let gateway = Handmade::start(Plan::Wait).await;
    let program = Program::start(&gateway.url);
    let mut client = connect(&program.url).await;
    let call = tokio::spawn(async move { find(&mut client).await });
    gateway
        .until("the call arrives", |seen| seen.heads.len() == 1)
        .await;
    program.signal("-TERM");
    // Nobody new is let in from now on.
    let address = program.url.strip_prefix("http://").unwrap().to_owned();
    crate::support::until("the door closes", || {
        std::net::TcpStream::connect(&address)
            .is_err()
            .then_some(())
    })
    .await;
    gateway.go.add_permits(1);
    assert_eq!(call.await.unwrap().unwrap(), "release");
    let (_, errors, success) = tokio::task::spawn_blocking(|| program.end()).await.unwrap();
    assert!(success);
    assert!(errors.contains(" OK (0) "), "{errors}");
}

#[tokio::test]
async fn a_call_that_hangs_does_not_keep_the_bridge() {
    let gateway = Handmade::start(Plan::Hang(Vec::new())).await;
    let program = Program::start(&gateway.url);
    let mut client = connect(&program.url).await;
    let call = tokio::spawn(async move { find(&mut client).await });
    gateway
        .until("the call arrives", |seen| seen.heads.len() == 1)
        .await;
    program.signal("-TERM");
    let (_, errors, success) = tokio::task::spawn_blocking(|| program.end()).await.unwrap();
    assert!(success);
    assert!(errors.contains(" CANCELLED (1) "), "{errors}");
    assert!(call.await.unwrap().is_err());
    gateway
        .until("the gateway's call ends", |seen| seen.gone == 1)
        .await;
}

#[test]
fn addresses_that_are_refused() {
    let gateway = "http://127.0.0.1:1";
    for (arguments, code, why) in [
        (
            &["bridge", "--listen", "0.0.0.0:0", "--gateway", gateway][..],
            3,
            "other machines can reach this address",
        ),
        (
            &["bridge", "--listen", "[::]:0", "--gateway", gateway],
            3,
            "--allow-remote",
        ),
        (
            &["bridge", "--listen", "nonsense", "--gateway", gateway],
            3,
            "cannot listen on `nonsense`",
        ),
        (
            &["bridge", "--gateway", "http://gate.example"],
            3,
            "would send tokens unencrypted",
        ),
        (
            &["bridge", "--max-streams", "0", "--gateway", gateway],
            2,
            "--max-streams",
        ),
    ] {
        let output = refused(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.contains(why), "{arguments:?}: {errors}");
    }
}

#[test]
fn a_port_that_is_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = refused(&[
        "bridge",
        "--listen",
        &address,
        "--gateway",
        "http://127.0.0.1:1",
    ]);
    assert_eq!(output.status.code(), Some(3));
    let errors = String::from_utf8(output.stderr).unwrap();
    let message = format!("postern: cannot listen on {address}: ");
    assert!(errors.starts_with(&message), "{errors}");
}
