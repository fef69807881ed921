//! Help texts: global options once instead of in every command, and examples for each. The
//! definitions of commands and flags stand beside their code.

use clap::{Arg, Command, CommandFactory as _};

use crate::command;
use crate::shell::EXIT_STATUS;

mod examples;

pub use examples::{EXAMPLES, of};

/// What stands below the help of each command.
const FOOTER: &str =
    "Global options (--url, --profile, --token, --organization, …): postern --help";

/// The command line as it is parsed and as it explains itself.
pub fn definition() -> Command {
    told(without_repeats(), "")
}

/// The same without examples, for pages that have a section for them.
pub fn without_repeats() -> Command {
    let mut command = flags_everywhere();
    let global: Vec<Arg> = command
        .get_arguments()
        .filter(|arg| arg.is_global_set())
        .cloned()
        .collect();
    let below: Vec<Command> = command.get_subcommands().cloned().collect();
    for below in below {
        let name = below.get_name().to_owned();
        command = command.mut_subcommand(name, |below| hiding(below, &global));
    }
    command
}

/// The command line with global options in every command, as completions want it.
pub fn flags_everywhere() -> Command {
    command::Command::command()
}

/// Global options work behind each command, and are shown with the first one alone. Clap would give
/// each command a copy that is shown; one that it has already stays.
fn hiding(mut command: Command, global: &[Arg]) -> Command {
    for arg in global {
        if !command
            .get_arguments()
            .any(|own| own.get_id() == arg.get_id())
        {
            command = command.arg(arg.clone().hide(true));
        }
    }
    let below: Vec<String> = command
        .get_subcommands()
        .map(|below| below.get_name().to_owned())
        .collect();
    for name in below {
        command = command.mut_subcommand(name, |below| hiding(below, global));
    }
    command
}

/// Adds examples, and where the global options are.
fn told(mut command: Command, path: &str) -> Command {
    let mut after = Vec::new();
    after.extend(command.get_after_help().map(ToString::to_string));
    let examples = of(path);
    if !examples.is_empty() {
        let lines = examples.iter().map(|line| format!("\n  {line}"));
        let lines: String = lines.collect();
        let examples = format!("Examples:{lines}");
        // In the first help, before the longer sections.
        match path {
            "" => after.insert(0, examples),
            _ => after.push(examples),
        }
    }
    match path {
        "" => after.push(format!(
            "Exit codes:\n  {}",
            EXIT_STATUS.replace('\n', "\n  ")
        )),
        _ => after.push(FOOTER.to_owned()),
    }
    let below: Vec<String> = command
        .get_subcommands()
        .map(|below| below.get_name().to_owned())
        .collect();
    for name in below {
        let path = [path, &name].join(" ");
        command = command.mut_subcommand(name, |below| told(below, path.trim_start()));
    }
    command.after_help(after.join("\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(command: &Command, path: &str, into: &mut Vec<String>) {
        into.push(path.to_owned());
        for below in command.get_subcommands() {
            paths(below, [path, below.get_name()].join(" ").trim_start(), into);
        }
    }

    /// The words of a line as a shell has them, up to what is for the shell alone.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quote = None;
        for character in line.chars() {
            match (character, quote) {
                ('\'' | '"', None) => quote = Some(character),
                (end, Some(open)) if end == open => quote = None,
                (' ', None) => words.push(String::new()),
                (other, _) => words.last_mut().unwrap().push(other),
            }
        }
        let end = words
            .iter()
            .position(|word| ["<", ">", "|", "#", "&&"].contains(&word.as_str()));
        words.truncate(end.unwrap_or(words.len()));
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn every_command_has_examples_that_can_be_typed() {
        let mut all = Vec::new();
        paths(&flags_everywhere(), "", &mut all);
        assert!(all.len() > 30, "{all:?}");
        for path in &all {
            assert!(!of(path).is_empty(), "`postern {path}` has no example");
        }
        for (path, lines) in EXAMPLES {
            for line in *lines {
                let start = line.rfind("postern ").unwrap_or_else(|| panic!("{line}"));
                let line = line.get(start..).unwrap().trim_end_matches(')');
                let words = words(line);
                let parsed = definition().try_get_matches_from(&words);
                let matches = parsed.unwrap_or_else(|error| panic!("{line}: {error}"));
                let mut named = Vec::new();
                let mut below = matches.subcommand();
                while let Some((name, matches)) = below {
                    named.push(name);
                    below = matches.subcommand();
                }
                let named = named.join(" ");
                assert!(
                    path.is_empty() || named == *path,
                    "{line} is under `{path}`"
                );
            }
        }
    }

    #[test]
    fn global_options_work_before_and_after_a_command() {
        use clap::FromArgMatches as _;
        for words in [
            "postern --url http://x --timeout 5 token list",
            "postern token --url http://x list --timeout 5",
            "postern api-token list --url http://x --timeout 5",
            "postern token list --timeout 5 --url http://x",
        ] {
            let matches = definition().try_get_matches_from(words.split(' '));
            let command = command::Command::from_arg_matches(&matches.unwrap()).unwrap();
            let found = (command.flags.url.as_deref(), command.flags.timeout);
            assert_eq!(found, (Some("http://x"), 5), "{words}");
        }
    }

    /// An argument with the id of a global option would give its value to it: a name could become the
    /// credential that is sent.
    #[test]
    fn no_argument_is_taken_for_a_global_option() {
        fn shared(command: &Command, global: &[Arg], path: &str, into: &mut Vec<String>) {
            for below in command.get_subcommands() {
                let path = [path, below.get_name()].join(" ");
                for own in below.get_arguments() {
                    if global.iter().any(|arg| arg.get_id() == own.get_id()) {
                        into.push(format!("{} {}", path.trim_start(), own.get_id()));
                    }
                }
                shared(below, global, &path, into);
            }
        }
        let command = flags_everywhere();
        let global = command.get_arguments().filter(|arg| arg.is_global_set());
        let global: Vec<Arg> = global.cloned().collect();
        let mut found = Vec::new();
        shared(&command, &global, "", &mut found);
        let expected = [
            "bridge ca",
            "bridge insecure_http",
            "bridge timeout",
            "setup organization",
        ];
        assert_eq!(
            found, expected,
            "these mean the same; nothing else may share an id"
        );
    }

    #[test]
    fn flags_of_the_bridge_stay_its_own() {
        use clap::FromArgMatches as _;
        for (words, expected) in [
            ("postern bridge", (300, None)),
            ("postern --timeout 7 bridge --ca a.pem", (7, Some("a.pem"))),
            ("postern bridge --timeout 8", (8, None)),
        ] {
            let matches = definition().try_get_matches_from(words.split(' '));
            let command = command::Command::from_arg_matches(&matches.unwrap()).unwrap();
            let command::What::Bridge(options) = command.what else {
                panic!("another command");
            };
            let ca = options.ca.as_deref().and_then(std::path::Path::to_str);
            assert_eq!((options.timeout, ca), expected, "{words}");
        }
    }
}
