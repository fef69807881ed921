//! The command that a bridge runs: started with the bridge's address in its environment, told every
//! signal that the bridge is told, and over when it says so. Never sees a credential of the
//! bridge's, since that has none.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitCode, ExitStatus};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::signals::{Signals, reaches_the_group};
use crate::fail::{Failure, Kind, Outcome};

/// Runs the command to its end, and gives its exit code.
pub async fn run(
    program: &OsStr,
    arguments: &[OsString],
    bridge: SocketAddr,
    carries_artifacts: bool,
    signals: &mut Signals,
) -> Outcome<ExitCode> {
    let mut command = Command::new(program);
    command.args(arguments).envs(variables(bridge));
    if carries_artifacts {
        let address = within_reach(bridge).to_string();
        command.env("CHAINLOOP_ARTIFACT_CAS_API", address);
    }
    let mut child = command.spawn().map_err(|error| {
        let kind = match error.kind() {
            ErrorKind::NotFound => Kind::NoCommand,
            _ => Kind::UnusableCommand,
        };
        let message = format!("cannot run `{}`: {error}", program.display());
        Failure::new(kind, message)
    })?;
    loop {
        tokio::select! {
            ended = child.wait() => return match ended {
                Ok(status) => Ok(code(status)),
                Err(error) => Err(Failure::new(Kind::Other, error)),
            },
            signal = signals.next() => pass_on(&child, signal),
        }
    }
}

/// What the command finds in its environment: where the bridge is, as the stock client reads it and
/// under a name of our own.
fn variables(bridge: SocketAddr) -> [(&'static str, String); 3] {
    let address = within_reach(bridge).to_string();
    [
        ("CHAINLOOP_CONTROL_PLANE_API", address.clone()),
        // No TLS from here to the bridge, on this machine.
        ("CHAINLOOP_API_INSECURE", "true".to_owned()),
        ("POSTERN_BRIDGE", address),
    ]
}

/// An address to call where the bridge listens on all of the machine's.
fn within_reach(bridge: SocketAddr) -> SocketAddr {
    let ip = match bridge.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, bridge.port())
}

fn pass_on(child: &Child, signal: Signal) {
    if reaches_the_group(signal) {
        return;
    }
    // No id: it has ended, and is about to be waited for.
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    if let Some(id) = id.and_then(Pid::from_raw) {
        let _ = kill_process(id, signal);
    }
}

/// The exit code that a shell would give for it: after signal N, 128 + N.
fn code(status: ExitStatus) -> ExitCode {
    let killed = status.signal().map(|signal| 128 + signal);
    let code = status.code().or(killed).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_command_calls() {
        for (listening, called) in [
            ("127.0.0.1:9000", "127.0.0.1:9000"),
            ("0.0.0.0:81", "127.0.0.1:81"),
            ("[::]:82", "[::1]:82"),
            ("[::1]:83", "[::1]:83"),
            ("10.0.0.7:84", "10.0.0.7:84"),
        ] {
            let variables = variables(listening.parse().unwrap());
            let expected = [
                ("CHAINLOOP_CONTROL_PLANE_API", called.to_owned()),
                ("CHAINLOOP_API_INSECURE", "true".to_owned()),
                ("POSTERN_BRIDGE", called.to_owned()),
            ];
            assert_eq!(variables, expected, "{listening}");
        }
    }

    #[test]
    fn exit_codes_as_a_shell_gives_them() {
        for (wait_status, expected) in [(0, 0), (3 << 8, 3), (255 << 8, 255), (9, 137), (15, 143)] {
            let given = code(ExitStatus::from_raw(wait_status));
            let expected = ExitCode::from(expected);
            assert_eq!(format!("{given:?}"), format!("{expected:?}"));
        }
    }
}
