//! `postern-origin`: the sample origin as a program. Prints one line on stdout when it listens, in
//! strict mode one more before it for each organization, one line per call on stderr, and ends on
//! SIGTERM or SIGINT.

use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::process::ExitCode;

use lexopt::prelude::*;
use postern_origin::assertion::Verifier;
use postern_origin::strict::{NewToken, Role, Strict, serve_strict};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "\
usage: postern-origin --port P [--require-assertion JWKS_URL --audience A]
       postern-origin --port P --strict [--store-port S] [--organization O]...

A sample attestation service on 127.0.0.1: gRPC, gRPC-Web and /debug routes on
one port. P = 0 takes any free port; the line `ready http://127.0.0.1:P` on
stdout says which. It verifies no token and keeps everything in memory.

With --require-assertion it answers only calls that the gate asserts for the
audience A, by the keys at JWKS_URL (http://GATE/.well-known/jwks.json).

With --strict it behaves as a stock control plane: it believes only tokens that
it made, keeps scopes, and has an artifact store on a port of its own (S; 0, as
without it, takes any). Its signing key is in the environment variable
POSTERN_ORIGIN_KEY, or made at start. For each organization (`demo` without
any) one more line on stdout, before the ready line, has what to begin with:
`strict {JSON}` with organization, id, api_token, user_token and store, the
tokens being those of the whole organization and of an owner.
";

/// Signs the tokens of strict mode.
const KEY: &str = "POSTERN_ORIGIN_KEY";

/// What the tokens that are there from the start are called.
const FIRST: &str = "first";

enum Command {
    Serve { port: u16, mode: Mode },
    Help,
}

enum Mode {
    /// Believes everybody, or a gateway.
    Sample(Option<Verifier>),
    /// Believes its own tokens.
    Strict {
        store_port: u16,
        organizations: Vec<String>,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let (port, mode) = match arguments() {
        Ok(Command::Serve { port, mode }) => (port, mode),
        Ok(Command::Help) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprint!("postern-origin: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(port, mode).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("postern-origin: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Result<Command, lexopt::Error> {
    let (mut port, mut keys, mut audience) = (None, None, None);
    let (mut strict, mut store_port, mut organizations) = (false, None, Vec::new());
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("port") => port = Some(parser.value()?.parse()?),
            Long("require-assertion") => keys = Some(parser.value()?.string()?),
            Long("audience") => audience = Some(parser.value()?.string()?),
            Long("strict") => strict = true,
            Long("store-port") => store_port = Some(parser.value()?.parse()?),
            Long("organization") => organizations.push(parser.value()?.string()?),
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
    let mode = match (strict, verifier) {
        (true, None) => Mode::Strict {
            store_port: store_port.unwrap_or_default(),
            organizations,
        },
        (false, verifier) if store_port.is_none() && organizations.is_empty() => {
            Mode::Sample(verifier)
        }
        (true, Some(_)) => {
            return Err("`--strict` and `--require-assertion` exclude each other".into());
        }
        (false, _) => return Err("`--store-port` and `--organization` need `--strict`".into()),
    };
    Ok(Command::Serve {
        port: port.ok_or("`--port` is missing")?,
        mode,
    })
}

async fn run(port: u16, mode: Mode) -> io::Result<()> {
    // Before the ready line: whoever reads it may signal at once.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stopped = async move {
        tokio::select! {
            _ = terminate.recv() => (),
            _ = interrupt.recv() => (),
        }
    };
    let listener = listen(port).await?;
    let ready = format!("ready http://{}", listener.local_addr()?);
    match mode {
        Mode::Sample(verifier) => {
            say(&ready)?;
            postern_origin::serve_requiring(listener, verifier, stopped).await
        }
        Mode::Strict {
            store_port,
            organizations,
        } => {
            let store = listen(store_port).await?;
            let strict = seeded(&organizations, &format!("http://{}", store.local_addr()?))?;
            say(&ready)?;
            serve_strict(listener, store, strict, stopped).await
        }
    }
}

async fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|e| io::Error::new(e.kind(), format!("cannot listen on 127.0.0.1:{port}: {e}")))
}

/// A control plane with these organizations, and a line for each of them.
fn seeded(organizations: &[String], store: &str) -> io::Result<Strict> {
    let key = std::env::var_os(KEY).map(std::ffi::OsString::into_encoded_bytes);
    let strict = Strict::new(key.as_deref()).map_err(io::Error::other)?;
    let demo = ["demo".to_owned()];
    let organizations = if organizations.is_empty() {
        &demo
    } else {
        organizations
    };
    for name in organizations {
        let id = strict.organization(name).map_err(io::Error::other)?;
        let first = NewToken {
            name: FIRST.to_owned(),
            ..NewToken::default()
        };
        let token = strict.api_token(name, &first).map_err(io::Error::other)?;
        let owner = strict.user(name, "owner@example.com", Role::Owner);
        let line = json!({
            "organization": name,
            "id": id,
            "api_token": token.jwt,
            "user_token": owner.map_err(io::Error::other)?.jwt,
            "store": store,
        });
        say(&format!("strict {line}"))?;
    }
    Ok(strict)
}

fn say(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
