//! `postern bridge -- COMMAND`: the command finds the bridge, hears signals, and its end is the
//! bridge's.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Stdio};

use crate::gateway::program;
use crate::support::{Handmade, connect, ended, find, good};

struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    stderr: ChildStderr,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn start(flags: &[&str], command: &[&str]) -> Self {
        let words = [&["bridge", "--no-check"], flags, &["--"], command].concat();
        let mut command = program(&words);
        command
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("CHAINLOOP_TOKEN", "the-commands-own")
            .env("CHAINLOOP_CONTROL_PLANE_API", "elsewhere.example:443")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        Self {
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            stderr: child.stderr.take().unwrap(),
            child,
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = std::process::Command::new("kill")
            .args([name, &id])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Exit code, the rest of stdout, and stderr.
    fn end(mut self) -> (Option<i32>, String, String) {
        drop(self.stdin.take());
        let status = ended(&mut self.child);
        let (mut rest, mut errors) = (String::new(), String::new());
        self.stdout.read_to_string(&mut rest).unwrap();
        self.stderr.read_to_string(&mut errors).unwrap();
        (status.code(), rest, errors)
    }
}

const TELL: &str = "echo $CHAINLOOP_CONTROL_PLANE_API; echo $CHAINLOOP_API_INSECURE; \
    echo $POSTERN_BRIDGE; echo $CHAINLOOP_TOKEN; read end";

#[tokio::test]
async fn the_command_calls_through_the_bridge_and_ends_it() {
    let gateway = Handmade::answering(good()).await;
    let mut running = Running::start(
        &["--gateway", &gateway.url],
        &["sh", "-c", &format!("{TELL}; exit 3")],
    );
    let address = running.line();
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    assert_ne!(address, "127.0.0.1:9000", "a free port");
    assert_eq!(running.line(), "true");
    assert_eq!(running.line(), address);
    assert_eq!(running.line(), "the-commands-own");
    // The address is there before the command is.
    let mut client = connect(&format!("http://{address}")).await;
    assert_eq!(find(&mut client).await.unwrap(), "release");
    drop(client);
    let (code, rest, errors) = tokio::task::spawn_blocking(|| running.end()).await.unwrap();
    assert_eq!((code, rest.as_str()), (Some(3), ""), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.contains("FindOrCreateWorkflow OK (0) "), "{errors}");
    assert!(
        TcpListener::bind(&address).is_ok(),
        "nobody listens any more"
    );
}

const GATEWAY: [&str; 2] = ["--gateway", "http://127.0.0.1:1"];

#[test]
fn exit_codes() {
    for (command, expected, error) in [
        (&["true"][..], 0, ""),
        (&["sh", "-c", "exit 42"], 42, ""),
        (&["sh", "-c", "kill -9 $$"], 137, ""),
        (&["sh", "-c", "kill -TERM $$"], 143, ""),
        (
            &["no-such-command-here"],
            127,
            "postern: cannot run `no-such-command-here`: ",
        ),
        (&["/etc/passwd"], 126, "postern: cannot run `/etc/passwd`: "),
    ] {
        let (code, stdout, errors) = Running::start(&GATEWAY, command).end();
        assert_eq!((code, stdout.as_str()), (Some(expected), ""), "{command:?}");
        assert!(errors.starts_with(error), "{command:?}: {errors}");
        assert_eq!(errors.is_empty(), error.is_empty(), "{command:?}: {errors}");
    }
}

#[test]
fn signals_are_the_commands() {
    for name in ["INT", "TERM", "HUP", "QUIT"] {
        // What it does with one is its own affair: here it goes on, and says so.
        let script = format!(
            "trap 'echo heard {name}' {name}; echo up; while ! read end; do :; done; exit 5"
        );
        let mut running = Running::start(&GATEWAY, &["sh", "-c", &script]);
        assert_eq!(running.line(), "up");
        running.signal(&format!("-{name}"));
        assert_eq!(running.line(), format!("heard {name}"));
        use std::io::Write as _;
        writeln!(running.stdin.as_mut().unwrap(), "end").unwrap();
        let (code, _, errors) = running.end();
        assert_eq!((code, errors.as_str()), (Some(5), ""), "{name}");
    }
    // One that does nothing about it ends, and the bridge with it.
    let mut running = Running::start(&GATEWAY, &["sh", "-c", "echo up; exec sleep 60"]);
    assert_eq!(running.line(), "up");
    running.signal("-TERM");
    assert_eq!(running.end().0, Some(143));
}

#[test]
fn a_port_that_is_taken_is_an_error_before_the_command_runs() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let flags = [&["--listen", &address][..], &GATEWAY].concat();
    let (code, stdout, errors) = Running::start(&flags, &["sh", "-c", "echo started"]).end();
    assert_eq!((code, stdout.as_str()), (Some(3), ""), "{errors}");
    let message = format!("postern: cannot listen on {address}: ");
    assert!(errors.starts_with(&message), "{errors}");
    // Nobody came to whoever has the port.
    taken.set_nonblocking(true).unwrap();
    assert!(taken.accept().is_err());
}
