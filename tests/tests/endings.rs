//! However `cargo xtask serve` and `cargo xtask dev` end, gateway and origin end with them: told, killed outright, with
//! their terminal, or because nobody reads what they print.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use postern_system_tests::gateway::{free_ports, xtask};
use postern_system_tests::{cases, process, root, runner};
use tempfile::TempDir;

/// Above the five seconds that children are given to end in their own way.
const END: Duration = Duration::from_secs(15);

fn main() -> ExitCode {
    runner::run(
        async {},
        cases![serve_leaves_nothing_behind, dev_leaves_nothing_behind],
    )
}

/// How a command comes to its end.
#[derive(Debug, Clone, Copy)]
enum How {
    Signal(i32),
    /// To the command and everything in its process group.
    Group(i32),
    /// Its outputs are read no more, as after `| head`.
    Unread,
}

const WAYS: [How; 5] = [
    How::Unread,
    How::Signal(libc::SIGHUP),
    How::Signal(libc::SIGKILL),
    How::Group(libc::SIGKILL),
    How::Signal(libc::SIGQUIT),
];

/// Starts a command whose outputs are one pipe, waits for `ready` in it, ends it so, and looks what is left.
fn tried(words: &[&str], ready: &str, ports: &[u16], how: How) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut command: Command = xtask();
    command
        .args(words)
        .current_dir(root())
        .stdin(Stdio::null())
        .stdout(writer.try_clone().expect("a pipe"))
        .stderr(writer)
        .process_group(0);
    process::tie(&mut command);
    let mut child = command.spawn().expect("xtask starts");
    drop(command);
    let mut lines = BufReader::new(reader).lines();
    let is_ready = lines
        .by_ref()
        .map_while(Result::ok)
        .any(|line| line.starts_with(ready));
    assert!(is_ready, "{words:?} does not get ready");
    let below = process::descendants(child.id());
    assert!(
        below.iter().any(|(_, name)| name.contains("workerd")),
        "{below:?}"
    );
    match how {
        How::Signal(signal) => process::signal(child.id(), signal),
        How::Group(signal) => {
            let group = i32::try_from(child.id()).expect("process ids fit in i32");
            // SAFETY: kill has no memory effects.
            unsafe { libc::kill(-group, signal) };
        }
        How::Unread => drop(lines),
    }
    ended(&mut child, how);
    let deadline = Instant::now() + END;
    loop {
        let left: Vec<_> = below
            .iter()
            .filter(|process| process::lives(process))
            .collect();
        let taken = ports
            .iter()
            .find(|port| TcpListener::bind(("127.0.0.1", **port)).is_err());
        if left.is_empty() && taken.is_none() {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{how:?}: left {left:?}, and {taken:?} is taken"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn ended(child: &mut Child, how: How) {
    if process::wait(child, END).is_none() {
        let _ = child.kill();
        let _ = child.wait();
        panic!("{how:?}: the command goes on");
    }
}

async fn serve_leaves_nothing_behind(_: &()) {
    for how in WAYS {
        let folder = TempDir::with_prefix("postern-test-").expect("a temporary folder");
        let state = folder.path().to_string_lossy().into_owned();
        let port = free_ports(1);
        let text = port.to_string();
        let words = [
            "serve",
            "--port",
            &text,
            "--origin",
            "http://127.0.0.1:9",
            "--state",
            &state,
        ];
        tokio::task::block_in_place(|| tried(&words, "ready ", &[port], how));
    }
}

async fn dev_leaves_nothing_behind(_: &()) {
    for how in WAYS {
        let folder = TempDir::with_prefix("postern-test-").expect("a temporary folder");
        let state = folder.path().to_string_lossy().into_owned();
        let port = free_ports(2);
        let (gateway, origin) = (port.to_string(), (port + 1).to_string());
        let words = [
            "dev",
            "--port",
            &gateway,
            "--origin-port",
            &origin,
            "--state",
            &state,
        ];
        let ready = "Ctrl-C stops everything.";
        tokio::task::block_in_place(|| tried(&words, ready, &[port, port + 1], how));
    }
}
