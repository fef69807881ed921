//! What belongs to an installed command: completions for shells, and man pages. Both come from the
//! definitions of the command line itself.

use std::path::PathBuf;

use clap::Command;

use crate::fail::{Failure, Kind, Outcome};
use crate::output::print;

/// The shells that are completed for.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Shell {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
}

/// `postern completion`.
#[derive(Debug, clap::Args)]
pub struct Completion {
    /// The shell
    shell: Shell,
}

/// `postern man`.
#[derive(Debug, clap::Args)]
pub struct Man {
    /// Write one page per command into this folder, instead of the first to stdout
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
}

impl Completion {
    /// Prints the script of a shell for this command.
    pub fn run(&self, mut command: Command) -> Outcome {
        use clap_complete::Shell as Of;
        let shell = match self.shell {
            Shell::Bash => Of::Bash,
            Shell::Zsh => Of::Zsh,
            Shell::Fish => Of::Fish,
        };
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command, "postern", &mut script);
        print(&String::from_utf8_lossy(&script))
    }
}

impl Man {
    /// Writes the pages of this command.
    pub fn run(&self, command: Command) -> Outcome {
        match &self.into {
            None => print(&String::from_utf8_lossy(&page(&command)?)),
            Some(folder) => clap_mangen::generate_to(command, folder).map_err(|error| {
                let message = format!("{}: {error}", folder.display());
                Failure::new(Kind::Configuration, message)
            }),
        }
    }
}

fn page(command: &Command) -> Outcome<Vec<u8>> {
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(command.clone()).render(&mut page);
    rendered.map_err(|error| Failure::new(Kind::Other, error))?;
    Ok(page)
}
