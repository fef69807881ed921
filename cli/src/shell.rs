//! What belongs to an installed command: completions for shells, and man pages. Both come from the
//! definitions of the command line itself.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Command;

use crate::fail::{Failure, Kind, Outcome};
use crate::help;
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
    pub fn run(&self) -> Outcome {
        let mut command = help::without_repeats();
        command.build();
        match &self.into {
            None => print(&page(&command, "")?),
            Some(folder) => pages(&command, "", folder),
        }
    }
}

/// A page for a command, and for each below it.
fn pages(command: &Command, path: &str, folder: &Path) -> Outcome {
    let name = command
        .get_display_name()
        .unwrap_or_else(|| command.get_name());
    let file = folder.join(format!("{name}.1"));
    fs::write(&file, page(command, path)?).map_err(|error| {
        let message = format!("{}: {error}", file.display());
        Failure::new(Kind::Configuration, message)
    })?;
    for below in command.get_subcommands() {
        if !below.is_hide_set() && below.get_name() != "help" {
            let path = [path, below.get_name()].join(" ");
            pages(below, path.trim_start(), folder)?;
        }
    }
    Ok(())
}

fn page(command: &Command, path: &str) -> Outcome<String> {
    let mut page = Vec::new();
    let man = clap_mangen::Man::new(command.clone())
        .source(concat!("postern ", env!("CARGO_PKG_VERSION")))
        .manual("Postern");
    let rendered = man.render(&mut page);
    rendered.map_err(|error| Failure::new(Kind::Other, error))?;
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let mut page = synopsis(&String::from_utf8_lossy(&page), usage);
    if !path.is_empty() {
        page.push_str(&section("GLOBAL OPTIONS", GLOBAL));
    }
    let examples = help::of(path).join("\n");
    if !examples.is_empty() {
        page.push_str(&section("EXAMPLES", &examples));
    }
    page.push_str(&section("ENVIRONMENT", ENVIRONMENT));
    page.push_str(&section("EXIT STATUS", EXIT_STATUS));
    page.push_str(&section("FILES", FILES));
    Ok(page)
}

const GLOBAL: &str = "\
--url, --token, --organization, --profile, --ca, --insecure-http, --timeout:
see postern(1). They stand before or after the command.";

const ENVIRONMENT: &str = "\
POSTERN_URL           the gateway
POSTERN_TOKEN         the credential
POSTERN_ORGANIZATION  the organization, for an administrator key
POSTERN_PROFILE       the profile of the configuration file
POSTERN_HEADERS       headers for what stands in front: Name:value,Name:value
HTTPS_PROXY, ALL_PROXY, NO_PROXY
                      the proxy to https:// gateways, and what is reached directly
SSL_CERT_FILE         certificates to trust, unless --ca names some
NO_COLOR              no colours, if it is set to anything
CLICOLOR_FORCE        colours where stdout is no terminal too, if it is not 0";

/// The exit codes, as `--help` and docs/CLI.md have them.
pub const EXIT_STATUS: &str = "\
0  done
1  other error
2  invalid flags or arguments
3  invalid configuration, address or file
4  missing or refused credential
5  not authorized
6  not found
7  invalid request
8  a limit was reached
9  gateway unreachable, or invalid answer
126, 127  the bridge's command cannot be run, or does not exist; otherwise its own code";

const FILES: &str = "\
~/.config/postern/config.toml
url, token, organization, headers, ca, and the same in [profile.NAME]";

/// The page with a synopsis that has not every flag in it: OPTIONS has them.
fn synopsis(page: &str, usage: &str) -> String {
    let begin = page.find(".SH SYNOPSIS\n");
    let parts = begin.and_then(|at| Some((page.get(..at)?, page.get(at + 1..)?)));
    let parts =
        parts.and_then(|(before, rest)| Some((before, rest.get(rest.find("\n.SH ")? + 1..)?)));
    match parts {
        Some((before, behind)) => format!("{before}{}{behind}", section("SYNOPSIS", usage)),
        None => page.to_owned(),
    }
}

/// A section whose lines stay as they are.
fn section(heading: &str, text: &str) -> String {
    let mut section = format!(".SH {heading}\n.nf\n");
    for line in text.lines() {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        // A point or a quote at the beginning would be a command to roff.
        let guard = match line.starts_with(['.', '\'']) {
            true => "\\&",
            false => "",
        };
        section.push_str(&format!("{guard}{line}\n"));
    }
    section.push_str(".fi\n");
    section
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_synopsis_is_the_usage() {
        let page = ".SH NAME\nx\n.SH SYNOPSIS\n[all] [flags]\n.SH OPTIONS\ny\n";
        let expected = ".SH NAME\nx\n.SH SYNOPSIS\n.nf\nx [OPTIONS]\n.fi\n.SH OPTIONS\ny\n";
        assert_eq!(synopsis(page, "x [OPTIONS]"), expected);
        assert_eq!(synopsis("none", "x"), "none");
    }

    #[test]
    fn lines_of_a_page_stay_as_they_are() {
        let expected = ".SH X\n.nf\na \\-\\-b\n\\&.c \\e\n.fi\n";
        assert_eq!(section("X", "a --b\n.c \\"), expected);
    }
}
