//! `postern-origin`: the sample origin as a program. Prints one line on stdout
//! when it listens, one line per call on stderr, and ends on SIGTERM or SIGINT.

use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::process::ExitCode;

use lexopt::prelude::*;
use postern_origin::assertion::Verifier;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "\
usage: postern-origin --port P [--require-assertion JWKS_URL --audience A]

A sample attestation service on 127.0.0.1: gRPC, gRPC-Web and /debug routes on
one port. P = 0 takes any free port; the line `ready http://127.0.0.1:P` on
stdout says which. It verifies no token and keeps everything in memory.

With --require-assertion it answers only calls that the gate asserts for the
audience A, by the keys at JWKS_URL (http://GATE/.well-known/jwks.json).
";

enum Command {
    Serve {
        port: u16,
        verifier: Option<Verifier>,
    },
    Help,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let (port, verifier) = match arguments() {
        Ok(Command::Serve { port, verifier }) => (port, verifier),
        Ok(Command::Help) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprint!("postern-origin: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(port, verifier).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("postern-origin: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Result<Command, lexopt::Error> {
    let (mut port, mut keys, mut audience) = (None, None, None);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("port") => port = Some(parser.value()?.parse()?),
            Long("require-assertion") => keys = Some(parser.value()?.string()?),
            Long("audience") => audience = Some(parser.value()?.string()?),
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    let verifier = match (keys, audience) {
        (None, None) => None,
        (Some(keys), Some(audience)) => {
            Some(Verifier::new(&keys, &audience).map_err(|error| error.to_string())?)
        }
        _ => return Err("`--require-assertion` and `--audience` go together".into()),
    };
    Ok(Command::Serve {
        port: port.ok_or("`--port` is missing")?,
        verifier,
    })
}

async fn run(port: u16, verifier: Option<Verifier>) -> io::Result<()> {
    // Before the ready line: whoever reads it may signal at once.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|e| io::Error::new(e.kind(), format!("cannot listen on 127.0.0.1:{port}: {e}")))?;
    let mut stdout = io::stdout();
    writeln!(stdout, "ready http://{}", listener.local_addr()?)?;
    stdout.flush()?;
    postern_origin::serve_requiring(listener, verifier, async move {
        tokio::select! {
            _ = terminate.recv() => (),
            _ = interrupt.recv() => (),
        }
    })
    .await
}
