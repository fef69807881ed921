//! What libFuzzer has told of a run, and the table that `cargo xtask fuzz` prints of all runs.

use std::path::Path;
use std::time::Duration;

/// What libFuzzer has told of a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// How many inputs it has tried.
    pub executions: u64,
    /// How many of them it has added to the corpus.
    pub found: u64,
    /// How many inputs of failures it has written.
    pub crashes: u64,
}

/// What became of a target.
pub struct Ran {
    pub name: String,
    pub told: Told,
    pub time: Duration,
    /// Why it failed, and where the input is.
    pub fault: Option<String>,
}

impl Told {
    /// Reads its log.
    pub fn read(log: &str) -> Self {
        Self {
            executions: executions(log),
            found: stat(log, "new_units_added").unwrap_or_else(|| {
                let is_new = |line: &&str| line.starts_with('#') && line.contains("\tNEW ");
                log.lines().filter(is_new).count() as u64
            }),
            crashes: inputs_of_failures(log).count() as u64,
        }
    }
}

/// `stat::number_of_executed_units: 5`, at the end of a run.
fn stat(log: &str, name: &str) -> Option<u64> {
    log.lines().find_map(|line| {
        let (own, number) = line.strip_prefix("stat::")?.split_once(':')?;
        (own == name).then(|| number.trim().parse().ok())?
    })
}

/// As the end of a run says; else the last line that counts (`#5 NEW …`).
fn executions(log: &str) -> u64 {
    let counted = || {
        log.lines().rev().find_map(|line| {
            let (number, _) = line.strip_prefix('#')?.split_once(['\t', ' '])?;
            number.parse().ok()
        })
    };
    stat(log, "number_of_executed_units")
        .or_else(counted)
        .unwrap_or_default()
}

/// The files that were written for failures. An input that only took long has one too, which is none of these.
fn inputs_of_failures(log: &str) -> impl Iterator<Item = &str> {
    let written = |line| {
        let (_, path) = str::split_once(line, "Test unit written to ")?;
        Some(path).filter(|path| !path.contains("/slow-unit-"))
    };
    log.lines().filter_map(written)
}

/// What is said of a run that failed: the panic, and where the input is.
pub fn fault(told: &str, log: &Path) -> String {
    let mut lines = told.lines();
    let panic = lines.by_ref().find(|line| line.contains("panicked at"));
    let words = lines.next().unwrap_or_default();
    let input = inputs_of_failures(told).next();
    let input = input.map_or_else(String::new, |path| format!("; the input: {path}"));
    let what = panic.map_or_else(
        || "it ended badly".to_owned(),
        |panic| format!("{panic} {words}"),
    );
    format!("{what}{input}; the log: {}", log.display())
}

/// The table's first line.
pub fn heading() -> String {
    format!(
        "{:<16} {:>12} {:>10} {:>9} {:>8} {:>8}",
        "target", "executions", "a second", "seconds", "new", "crashes"
    )
}

/// A target's line, and below it why it failed.
pub fn line(ran: &Ran) -> String {
    let line = row(&ran.name, &ran.told, ran.time);
    match &ran.fault {
        None => line,
        Some(fault) => format!("{line}\n  FAILED: {fault}"),
    }
}

/// All targets together: their seconds are added up, so that executions a second are those of one core.
pub fn total(all: &[Ran]) -> String {
    let sum = |of: fn(&Told) -> u64| all.iter().map(|ran| of(&ran.told)).sum();
    let told = Told {
        executions: sum(|told| told.executions),
        found: sum(|told| told.found),
        crashes: sum(|told| told.crashes),
    };
    row("total", &told, all.iter().map(|ran| ran.time).sum())
}

fn row(name: &str, told: &Told, time: Duration) -> String {
    let Told {
        executions,
        found,
        crashes,
    } = told;
    let seconds = time.as_secs_f64();
    let speed = *executions as f64 / seconds.max(0.001);
    format!("{name:<16} {executions:>12} {speed:>10.0} {seconds:>9.1} {found:>8} {crashes:>8}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_is_that_of_the_end_or_of_the_lines_before_it() {
        let ended = "#2\tINITED\n#3\tNEW    cov: 5\nstat::number_of_executed_units: 12345\n\
                     stat::average_exec_per_sec:     617\nstat::new_units_added:          89\n";
        let broken = "#2\tINITED cov: 5\n#700\tNEW    cov: 6\n#800\tREDUCE cov: 6\n\
                      #1024\tpulse  cov: 7\nthread 'a' panicked at b:1:\n\
                      artifact_prefix='/c/'; Test unit written to /c/crash-1\n";
        let slow = "#2\tINITED\nartifact_prefix='/c/'; Test unit written to /c/slow-unit-1\n\
                    stat::number_of_executed_units: 4\n";
        for (log, executions, found, crashes) in [
            (ended, 12_345, 89, 0),
            (broken, 1_024, 1, 1),
            (slow, 4, 0, 0),
            ("", 0, 0, 0),
            ("# none", 0, 0, 0),
        ] {
            let expected = Told {
                executions,
                found,
                crashes,
            };
            assert_eq!(Told::read(log), expected, "{log}");
        }
    }

    #[test]
    fn a_fault_names_its_place_and_its_input() {
        let told = "artifact_prefix='x'; Test unit written to /c/slow-unit-2\n\
                    thread '<unnamed>' panicked at src/a.rs:1:2:\nwrong\n\
                    artifact_prefix='x'; Test unit written to /c/crash-1\n";
        let said = fault(told, Path::new("a.log"));
        for part in ["src/a.rs:1:2", "wrong", "/c/crash-1", "a.log"] {
            assert!(said.contains(part), "{said}");
        }
        assert!(!said.contains("slow-unit"), "{said}");
        assert!(fault("", Path::new("a.log")).starts_with("it ended badly"));
    }

    #[test]
    fn the_table_ends_with_the_sums() {
        let ran = |name: &str, executions, seconds, crashes| Ran {
            name: name.to_owned(),
            told: Told {
                executions,
                found: 7,
                crashes,
            },
            time: Duration::from_secs(seconds),
            fault: (crashes > 0).then(|| "why".to_owned()),
        };
        let all = [ran("jwt", 1_000, 4, 0), ran("ledger_messages", 50, 6, 1)];
        let words = |text: String| {
            let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            words.join(" ")
        };
        assert_eq!(words(line(&all[0])), "jwt 1000 250 4.0 7 0");
        assert_eq!(
            words(line(&all[1])),
            "ledger_messages 50 8 6.0 7 1 FAILED: why"
        );
        assert_eq!(words(total(&all)), "total 1050 105 10.0 14 1");
        let widths = [heading(), line(&all[0]), total(&all)].map(|line| line.len());
        assert!(widths.iter().all(|width| *width == widths[0]), "{widths:?}");
    }
}
