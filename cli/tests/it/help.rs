//! Help texts, completions and man pages: all of them, whatever commands there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use postern_cli::command;
use postern_cli::fail::Kind;

use crate::gateway::run_plain;
use crate::golden;

fn all(command: &Command, path: &str, into: &mut Vec<(String, String)>) {
    let help = command.clone().render_long_help().to_string();
    into.push((path.to_owned(), help));
    for below in command.get_subcommands() {
        if below.get_name() != "help" {
            all(below, &format!("{path}-{}", below.get_name()), into);
        }
    }
}

#[test]
fn help_texts() {
    let mut command = command::Command::command().term_width(100);
    command.build();
    let mut texts = Vec::new();
    all(&command, "postern", &mut texts);
    assert!(texts.len() > 25, "{}", texts.len());
    for (name, text) in texts {
        assert!(!text.contains("pst_"), "{name}");
        golden::check(&format!("help/{name}.txt"), &text);
    }
}

/// Every flag of every command, as it is written.
fn flags(command: &Command, into: &mut BTreeSet<String>) {
    let long = command.get_arguments().filter_map(clap::Arg::get_long);
    into.extend(long.map(|long| format!("--{long}")));
    for below in command.get_subcommands() {
        flags(below, into);
    }
}

#[test]
fn the_document_names_every_command_flag_and_exit_code() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/CLI.md");
    let document = fs::read_to_string(document).unwrap();
    let command = command::Command::command();
    for below in command.get_subcommands() {
        let name = below.get_name();
        let named = ["`", "`postern ", "postern "].map(|before| format!("{before}{name}"));
        let found = named.iter().any(|name| document.contains(name));
        assert!(found, "docs/CLI.md does not name `{name}`");
    }
    let mut all = BTreeSet::new();
    flags(&command, &mut all);
    assert!(all.len() > 30, "{all:?}");
    // Written `-o` there.
    all.remove("--output");
    for flag in all {
        assert!(document.contains(&flag), "docs/CLI.md does not name {flag}");
    }
    for kind in [
        Kind::Other,
        Kind::Usage,
        Kind::Configuration,
        Kind::Credential,
        Kind::NotAllowed,
        Kind::NotFound,
        Kind::Refused,
        Kind::Limit,
        Kind::Unavailable,
        Kind::UnusableCommand,
        Kind::NoCommand,
    ] {
        let row = format!("\n| {} | ", kind.code());
        assert!(document.contains(&row), "docs/CLI.md lacks{row}");
    }
}

#[test]
fn the_definitions_hold_together() {
    command::Command::command().debug_assert();
}

#[tokio::test]
async fn completions() {
    for (shell, sign) in [
        ("bash", "complete -F _postern"),
        ("zsh", "#compdef postern"),
        ("fish", "complete -c postern"),
    ] {
        let output = run_plain(&["completion", shell]).await;
        assert_eq!((output.code, output.stderr.as_str()), (0, ""));
        assert!(output.stdout.contains(sign), "{shell}");
        assert!(output.stdout.contains("api-token"), "{shell}");
    }
}

#[tokio::test]
async fn man_pages() {
    let output = run_plain(&["man"]).await;
    assert!(output.stdout.contains(".TH postern 1"), "{}", output.stdout);
    let folder = tempfile::TempDir::new().unwrap();
    let into = folder.path().to_str().unwrap();
    let output = run_plain(&["man", "--into", into]).await;
    assert_eq!((output.code, output.stdout.as_str()), (0, ""));
    for page in ["postern", "postern-bridge", "postern-api-token-create"] {
        let text = fs::read_to_string(folder.path().join(format!("{page}.1"))).unwrap();
        assert!(text.contains(&format!(".TH {page} 1")), "{page}");
    }
    assert!(!folder.path().join("postern-man.1").exists());
}
