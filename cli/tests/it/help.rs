//! Help texts, completions and man pages: all of them, whatever commands there are.

use clap::{Command, CommandFactory as _};
use postern_cli::command;

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
        let text = std::fs::read_to_string(folder.path().join(format!("{page}.1"))).unwrap();
        assert!(text.contains(&format!(".TH {page} 1")), "{page}");
    }
    assert!(!folder.path().join("postern-man.1").exists());
}
