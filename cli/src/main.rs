//! The program: arguments in, an exit code out. Everything else is the library's.

use std::io::Write as _;
use std::process::ExitCode;

use postern_cli::command::Command;
use postern_cli::fail::{Failure, Kind, Outcome};

fn main() -> ExitCode {
    match run(Command::read()) {
        Ok(code) => code,
        Err(failure) => {
            let mut stderr = std::io::stderr();
            let _ = writeln!(stderr, "{failure}");
            ExitCode::from(failure.kind.code())
        }
    }
}

fn run(command: Command) -> Outcome<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| Failure::new(Kind::Other, error))?;
    runtime.block_on(command.run())
}
