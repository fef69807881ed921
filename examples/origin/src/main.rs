//! `postern-origin`: the sample origin as a program. Prints one line on stdout
//! when it listens, one line per call on stderr, and ends on SIGTERM or SIGINT.

use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::process::ExitCode;

use lexopt::prelude::*;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "\
usage: postern-origin --port P

A sample attestation service on 127.0.0.1: gRPC, gRPC-Web and /debug routes on
one port. P = 0 takes any free port; the line `ready http://127.0.0.1:P` on
stdout says which. It verifies no token and keeps everything in memory.
";

enum Command {
    Serve { port: u16 },
    Help,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let port = match arguments() {
        Ok(Command::Serve { port }) => port,
        Ok(Command::Help) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprint!("postern-origin: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(port).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("postern-origin: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Result<Command, lexopt::Error> {
    let mut port = None;
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("port") => port = Some(parser.value()?.parse()?),
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Serve {
        port: port.ok_or("`--port` is missing")?,
    })
}

async fn run(port: u16) -> io::Result<()> {
    // Before the ready line: whoever reads it may signal at once.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|e| io::Error::new(e.kind(), format!("cannot listen on 127.0.0.1:{port}: {e}")))?;
    let mut stdout = io::stdout();
    writeln!(stdout, "ready http://{}", listener.local_addr()?)?;
    stdout.flush()?;
    postern_origin::serve(listener, async move {
        tokio::select! {
            _ = terminate.recv() => (),
            _ = interrupt.recv() => (),
        }
    })
    .await
}
