//! `actions/`: the GitHub Action and the GitLab template, read as text. Their scripts take inputs from variables alone, and
//! name commands and flags that exist, as the documents about CI do.

use std::fs;
use std::path::Path;

use clap::Parser as _;
use clap::error::ErrorKind;

pub const ACTION: &str = "actions/attest/action.yml";
pub const TEMPLATE: &str = "actions/gitlab/attest.gitlab-ci.yml";
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

pub fn text(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)).unwrap()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// What stands below each line that ends so, deeper than it, without the depth.
pub fn blocks(text: &str, head: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let heads = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.trim() == head);
    heads
        .map(|(at, line)| {
            let deeper = |below: &&&str| below.trim().is_empty() || indent(below) > indent(line);
            let below: Vec<&&str> = lines[at + 1..].iter().take_while(deeper).collect();
            let depth = below.first().map_or(0, |first| indent(first));
            below
                .iter()
                .map(|below| format!("{}\n", below.get(depth..).unwrap_or_default()))
                .collect()
        })
        .collect()
}

/// `name: value` on each line of a block.
pub fn pairs(block: &str) -> Vec<(String, String)> {
    let pairs = block.lines().filter_map(|line| line.split_once(": "));
    pairs
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

#[test]
fn no_input_becomes_a_part_of_a_script() {
    let action = text(ACTION);
    let scripts = blocks(&action, "run: |");
    assert_eq!(scripts.len(), 2);
    for script in &scripts {
        assert!(!script.contains("${{"), "{script}");
        assert!(script.starts_with("set -euo pipefail\n"), "{script}");
        for word in ["eval", "GITHUB_ENV", "GITHUB_OUTPUT", "set -x", "http://"] {
            assert!(!script.contains(word), "{word}: {script}");
        }
    }
    // Each input that is declared reaches a variable, and no other.
    let declared: Vec<String> = blocks(&action, "inputs:")[0]
        .lines()
        .filter(|line| indent(line) == 0)
        .map(|line| line.trim_end_matches(':').to_owned())
        .collect();
    let mut reached: Vec<String> = blocks(&action, "env:")
        .iter()
        .flat_map(|block| pairs(block))
        .map(|(_, value)| {
            let input = value
                .strip_prefix("${{ inputs.")
                .and_then(|rest| rest.strip_suffix(" }}"));
            input.unwrap_or_else(|| panic!("{value}")).to_owned()
        })
        .collect();
    assert_eq!(action.matches("${{").count(), reached.len());
    reached.sort();
    reached.dedup();
    let mut expected = declared.clone();
    expected.sort();
    assert_eq!(reached, expected);
    assert!(
        !text(TEMPLATE).contains("$[["),
        "GitLab puts inputs into the text itself"
    );
}

#[test]
fn both_install_the_version_that_they_are_of() {
    assert!(text(ACTION).contains(&format!("default: \"{VERSION}\"\n")));
    assert!(text(TEMPLATE).contains(&format!("POSTERN_VERSION: \"{VERSION}\"\n")));
}

#[test]
fn the_commands_and_flags_in_them_exist() {
    let mut found = 0;
    for (file, head) in [
        (ACTION, "run: |"),
        (TEMPLATE, "- |"),
        ("docs/CI.md", ""),
        ("README.md", ""),
    ] {
        let text = text(file);
        let scripts: Vec<String> = match head {
            // Blocks and words of code alike.
            "" => text
                .split('`')
                .skip(1)
                .step_by(2)
                .map(|code| format!("{code}\n"))
                .collect(),
            head => blocks(&text, head),
        };
        let joined = scripts
            .concat()
            .replace("\\\n", " ")
            .replace("\"$postern\" ", "postern ");
        for line in joined.lines() {
            let Some((_, words)) = line
                .split_once("postern ")
                .filter(|_| !line.contains("npm "))
            else {
                continue;
            };
            let words = words.split("   #").next().unwrap_or_default();
            // What the shell makes of a variable that is set, and one word of each that is quoted.
            let words = words
                .replace("${POSTERN_AUDIENCE:+", "")
                .replace("${POSTERN_ARTIFACT_CAS:+", "");
            let words: Vec<&str> = words
                .split_whitespace()
                .map(|word| word.trim_end_matches(['}', ')', '"', '`', ';']))
                .filter(|word| !word.is_empty())
                .take_while(|word| *word != "--" && !word.starts_with(['<', '|', '#']))
                .collect();
            let all = ["postern"].iter().chain(&words);
            // In prose a command may stand without what it needs.
            let left_out = [
                ErrorKind::MissingRequiredArgument,
                ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
            ];
            let error = postern_cli::command::Command::try_parse_from(all).err();
            let error = error.filter(|error| !head.is_empty() || !left_out.contains(&error.kind()));
            assert!(error.is_none(), "{file}: {line}\n{}", error.unwrap());
            found += 1;
        }
    }
    assert!(found >= 20, "{found}");
}
