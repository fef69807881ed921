//! The program: arguments in, an exit code out. Everything else is the library's.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use postern_cli::command::Command;
use postern_cli::fail::{Failure, Kind, Outcome};

fn main() -> ExitCode {
    let command = Command::parse();
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let mut stderr = std::io::stderr();
            let _ = writeln!(stderr, "postern: {}", failure.message);
            if let Some(hint) = failure.hint {
                let _ = writeln!(stderr, "  hint: {hint}");
            }
            ExitCode::from(failure.kind.code())
        }
    }
}

fn run(command: Command) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| Failure::new(Kind::Other, error))?;
    runtime.block_on(command.run())
}
