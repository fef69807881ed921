//! Help texts, completions and man pages: all of them, whatever commands there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::Command;
use postern_cli::fail::Kind;
use postern_cli::help as help_of;

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
    let mut command = help_of::definition().term_width(100);
    command.build();
    let mut texts = Vec::new();
    all(&command, "postern", &mut texts);
    assert!(texts.len() > 25, "{}", texts.len());
    for (name, text) in texts {
        // A prefix, and nothing longer.
        assert!(
            text.split("pst_").skip(1).all(|behind| behind
                .chars()
                .nth(8)
                .is_none_or(|next| !next.is_alphanumeric())),
            "{name}"
        );
        let repeats = text
            .matches("Trust only the certificates of this PEM file")
            .count();
        let own = ["postern", "postern-bridge"].contains(&name.as_str());
        assert_eq!(
            repeats,
            usize::from(own),
            "{name}: global options stand in the first help alone"
        );
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
    let command = help_of::definition();
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
    help_of::definition().debug_assert();
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
        assert!(output.stdout.contains("token"), "{shell}");
        // Global options are completed everywhere, though helps show them once.
        assert!(output.stdout.contains("profile"), "{shell}");
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
    for page in [
        "postern",
        "postern-bridge",
        "postern-token-create",
        "postern-man",
    ] {
        let text = fs::read_to_string(folder.path().join(format!("{page}.1"))).unwrap();
        assert!(text.contains(&format!(".TH {page} 1")), "{page}");
        for section in ["EXAMPLES", "ENVIRONMENT", "EXIT STATUS", "FILES"] {
            let heading = format!("\n.SH {section}\n");
            assert_eq!(text.matches(&heading).count(), 1, "{page}: {section}");
        }
    }
    let page = fs::read_to_string(folder.path().join("postern-token-list.1")).unwrap();
    golden::check(
        "output/man-token-list.txt",
        &page.replace(env!("CARGO_PKG_VERSION"), "VERSION"),
    );
}
