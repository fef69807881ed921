//! However a command ends, its children end with it. Tried on `cargo xtask origin`, which starts in a moment and has a
//! child that listens; whole gateways are the system tests' business (tests/tests/endings.rs).

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Above the five seconds that children are given to end in their own way.
const END: Duration = Duration::from_secs(15);

struct Origin {
    child: Child,
    port: u16,
    stdout: Option<BufReader<ChildStdout>>,
    /// Ends when every process that has inherited stderr has ended: the program, its child, its warden's charges.
    left: mpsc::Receiver<()>,
}

impl Drop for Origin {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Origin {
    /// Starts one. `before` comes in front of the command, as `nohup` does.
    fn start(before: &[&str], stderr: Option<Stdio>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let program = env!("CARGO_BIN_EXE_xtask");
        let port_text = port.to_string();
        let words = [before, &[program, "origin", "--port", &port_text]].concat();
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr.unwrap_or_else(|| writer.into()))
            .process_group(0);
        let mut child = command.spawn().expect("xtask starts");
        drop(command); // and with it our own copy of the pipe
        let (ended, left) = mpsc::channel();
        thread::spawn(move || {
            let mut reader = reader;
            let _ = reader.read_to_end(&mut Vec::new());
            drop(ended);
        });
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout was asked for"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        assert_eq!(line, format!("ready http://127.0.0.1:{port}\n"));
        let stdout = Some(stdout);
        Self {
            child,
            port,
            stdout,
            left,
        }
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &id]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Asserts that the program ends, and that nothing of it is left; gives its exit code.
    fn ended(mut self, how: &str) -> Option<i32> {
        let deadline = Instant::now() + END;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            assert!(Instant::now() < deadline, "{how}: the command goes on");
            thread::sleep(Duration::from_millis(10));
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let all = self.left.recv_timeout(left);
        assert_eq!(
            all,
            Err(mpsc::RecvTimeoutError::Disconnected),
            "{how}: a process is left"
        );
        while TcpListener::bind(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "{how}: the port is still taken");
            thread::sleep(Duration::from_millis(10));
        }
        status.code()
    }
}

#[test]
fn stop_signals() {
    for name in ["-TERM", "-INT", "-HUP"] {
        let origin = Origin::start(&[], None);
        origin.signal(name);
        assert_eq!(
            origin.ended(name),
            Some(0),
            "{name}: being told to stop is no error"
        );
    }
}

#[test]
fn killed_outright() {
    for name in ["-KILL", "-QUIT"] {
        let origin = Origin::start(&[], None);
        origin.signal(name);
        assert_eq!(origin.ended(name), None);
    }
    // The whole group, as a terminal that is killed or a supervisor does it.
    let origin = Origin::start(&[], None);
    let group = format!("-{}", origin.child.id());
    let sent = Command::new("kill").args(["-KILL", "--", &group]).status();
    assert!(sent.expect("kill runs").success());
    assert_eq!(origin.ended("the group"), None);
}

#[test]
fn nobody_reads_the_output_any_more() {
    let mut origin = Origin::start(&[], None);
    // As `| head -1` does it: the reader has its line, and goes.
    drop(origin.stdout.take());
    assert_eq!(origin.ended("stdout"), Some(0));

    let (reader, writer) = std::io::pipe().expect("a pipe");
    let origin = Origin::start(&[], Some(writer.into()));
    drop(reader);
    assert_eq!(origin.ended("stderr"), Some(0));
}

#[test]
fn what_nohup_starts_outlives_a_terminal() {
    let origin = Origin::start(&["nohup"], None);
    origin.signal("-HUP");
    thread::sleep(Duration::from_millis(500));
    assert!(
        TcpListener::bind(("127.0.0.1", origin.port)).is_err(),
        "SIGHUP was to be ignored"
    );
    origin.signal("-TERM");
    assert_eq!(origin.ended("after nohup"), Some(0));
}
