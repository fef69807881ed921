//! `cargo xtask test`: every test, or a part of them. Every step runs, whatever failed before; the last line
//! counts.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::args::{OpenApi, Tests};
use crate::fail::{Failure, Outcome, doing, failed, misuse};
use crate::{browser, build, cargo, openapi, paths, previous, process, supply};

const SYSTEM_TESTS: &str = "postern-system-tests";
/// The file of them that needs the previous release.
const UPGRADE: &str = "upgrade";

/// How often things went well and badly, tests and steps alike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    passed: u64,
    failed: u64,
    skipped: u64,
}

struct Report {
    step: &'static str,
    time: Duration,
    count: Count,
}

pub fn run(tests: &Tests) -> Outcome {
    let program = paths::program()?;
    let reports = match tests {
        Tests::All => {
            let mut reports = native()?;
            reports.push(documentation());
            reports.push(module());
            reports.push(previous_release());
            if paths::root().join("tests/Cargo.toml").is_file() {
                // The native tests have built it, with the same features for all.
                let postern = paths::target().join("debug/postern");
                reports.push(system(program, None, Some(&postern), &[]));
            }
            reports.push(in_browser(program));
            reports.push(document(program, &OpenApi::default()));
            reports
        }
        Tests::Native => native()?,
        Tests::System(name) => {
            if let Some(name) = name {
                require_file(name)?;
            }
            let needs_previous = name.as_ref().is_none_or(|name| name == UPGRADE);
            after_module(|| {
                let previous = needs_previous.then(previous_release);
                let tests = system(program, name.as_deref(), None, &[]);
                previous.into_iter().chain([tests]).collect()
            })
        }
        Tests::Browser => after_module(|| vec![in_browser(program)]),
        Tests::OpenApi(request) => after_module(|| vec![document(program, request)]),
    };
    ended(&reports)
}

/// One file of the whole-system tests, with these variables in its environment.
pub fn one_file(name: &str, variables: &[(&str, String)]) -> Outcome {
    let program = paths::program()?;
    ended(&after_module(|| {
        vec![system(program, Some(name), None, variables)]
    }))
}

fn ended(reports: &[Report]) -> Outcome {
    let total = summarize(reports);
    say!("{}", total.line());
    total.outcome()
}

/// Everything that needs no module.
fn native() -> Outcome<Vec<Report>> {
    require_components()?;
    let clippy = "clippy --workspace --all-targets -- -D warnings";
    let tests = [
        "test",
        "--workspace",
        "--no-fail-fast",
        "--exclude",
        SYSTEM_TESTS,
    ];
    Ok(vec![
        check("format", "fmt --all --check", &[]),
        check("clippy", clippy, &[]),
        timed("supply chain", || counted(supply::quick())),
        timed("native tests", || {
            followed(cargo::host().map(|mut cargo| {
                // xtask's own tests start it: built by then, with the same features for all.
                cargo.env(
                    "POSTERN_ORIGIN",
                    paths::target().join("debug/postern-origin"),
                );
                cargo.args(tests);
                cargo
            }))
        }),
    ])
}

/// Links of the crates' documentation that lead nowhere.
fn documentation() -> Report {
    let command = "doc --locked --workspace --no-deps";
    check("documentation", command, &[("RUSTDOCFLAGS", "-D warnings")])
}

fn module() -> Report {
    timed("build the module", || {
        counted(build::run(build::Purpose::Release))
    })
}

/// What an upgrade starts from, and a rollback ends with.
fn previous_release() -> Report {
    timed("build the previous release", || {
        counted(previous::build().map(drop))
    })
}

/// Tests that need the module: without one, they would only fail one by one.
fn after_module(tests: impl FnOnce() -> Vec<Report>) -> Vec<Report> {
    let module = module();
    if module.count.failed > 0 {
        return vec![module];
    }
    let mut reports = vec![module];
    reports.extend(tests());
    reports
}

/// The whole-system tests, or those of one file. Chosen by file, not by package: for a package alone, cargo would
/// choose other features than for the native tests, and compile everything below it again.
fn system(
    xtask: &Path,
    name: Option<&str>,
    postern: Option<&Path>,
    variables: &[(&str, String)],
) -> Report {
    timed("whole-system tests", || {
        followed(cargo::host().and_then(|mut cargo| {
            cargo.env("POSTERN_XTASK", xtask);
            cargo.envs(variables.iter().map(|(name, value)| (name, value)));
            if let Some(postern) = postern.filter(|postern| postern.is_file()) {
                cargo.env("POSTERN_CLI", postern);
            }
            cargo.args(["test", "--workspace", "--no-fail-fast"]);
            let names = match name {
                Some(name) => vec![name.to_owned()],
                None => files()?,
            };
            for name in &names {
                cargo.args(["--test", name]);
            }
            Ok(cargo)
        }))
    })
}

fn require_file(name: &str) -> Outcome {
    let known = files()?;
    if known.iter().any(|file| file == name) {
        return Ok(());
    }
    Err(misuse(format_args!(
        "no whole-system test `{name}`; there are: {}",
        known.join(", ")
    )))
}

/// The names of the whole-system tests, in order: `tests/tests/NAME.rs`, or `tests/tests/NAME/main.rs`.
fn files() -> Outcome<Vec<String>> {
    let folder = paths::root().join("tests/tests");
    let mut known = Vec::new();
    for entry in doing("reading tests/tests", fs::read_dir(&folder))? {
        let path = doing("reading tests/tests", entry)?.path();
        let is_test = path.is_file() || path.join("main.rs").is_file();
        let name = path.file_stem().filter(|_| is_test);
        known.extend(name.map(|name| name.to_string_lossy().into_owned()));
    }
    known.sort();
    Ok(known)
}

fn in_browser(xtask: &Path) -> Report {
    timed("dashboard in the browser", || {
        followed(browser::tests(xtask))
    })
}

fn document(xtask: &Path, request: &OpenApi) -> Report {
    timed("OpenAPI and its clients", || {
        followed(openapi::tests(xtask, request))
    })
}

impl Count {
    /// `12 passed, 0 failed`, and how many were skipped where some were.
    fn line(self) -> String {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        match skipped {
            0 => format!("{passed} passed, {failed} failed"),
            _ => format!("{passed} passed, {failed} failed, {skipped} skipped"),
        }
    }

    fn outcome(self) -> Outcome {
        if self.failed == 0 && self.passed > 0 {
            return Ok(());
        }
        Err(Failure {
            code: 1,
            message: String::new(),
        })
    }
}

/// A step that passes or fails as a whole: one run of cargo, with these variables in its environment.
fn check(step: &'static str, command: &str, variables: &[(&str, &str)]) -> Report {
    timed(step, || {
        counted(cargo::host().and_then(|mut cargo| {
            cargo.args(command.split(' '));
            cargo.envs(variables.iter().copied());
            match process::run(&mut cargo)? {
                status if status.success() => Ok(()),
                status => Err(failed(format_args!("`cargo {command}`: {status}"))),
            }
        }))
    })
}

/// Runs a command that counts its tests to its end. One that fails without a failed test (it did not compile, say)
/// counts as one.
fn followed(command: Outcome<Command>) -> Count {
    let mut count = Count::default();
    let result = command.and_then(|mut command| follow(&mut command, &mut count));
    if let Err(failure) = result {
        let _ = failure.report();
        count.failed = count.failed.max(1);
    }
    count
}

/// Passes the output on, line by line, and adds up the results in it.
fn follow(command: &mut Command, count: &mut Count) -> Outcome {
    let (reader, writer) = doing("opening a pipe", std::io::pipe())?;
    let copy = doing("copying a pipe", writer.try_clone())?;
    let mut child = process::spawn(command.stdin(Stdio::null()).stdout(writer).stderr(copy))?;
    command.stdout(Stdio::null()).stderr(Stdio::null()); // else our own copies keep the pipe open
    for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        say!("{line}");
        if let Some(result) = parse_result(&line) {
            count.passed += result.passed;
            count.failed += result.failed;
            count.skipped += result.skipped;
        }
    }
    let status = process::wait(&mut child)?;
    if status.success() {
        Ok(())
    } else {
        let program = command.get_program().to_string_lossy();
        Err(failed(format_args!("the tests of `{program}`: {status}")))
    }
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; …`, in colour or not.
fn parse_result(line: &str) -> Option<Count> {
    let (_, rest) = line.split_once("test result: ")?;
    let number = |word: &str| {
        rest.split(';').find_map(|part| {
            part.trim()
                .strip_suffix(word)?
                .rsplit(' ')
                .next()?
                .parse()
                .ok()
        })
    };
    Some(Count {
        passed: number(" passed")?,
        failed: number(" failed")?,
        skipped: number(" ignored").unwrap_or(0),
    })
}

fn timed(step: &'static str, run: impl FnOnce() -> Count) -> Report {
    say!("\n== {step}");
    let start = Instant::now();
    let count = run();
    Report {
        step,
        time: start.elapsed(),
        count,
    }
}

fn counted(result: Outcome) -> Count {
    match result {
        Ok(()) => Count {
            passed: 1,
            ..Count::default()
        },
        Err(failure) => {
            let _ = failure.report();
            Count {
                failed: 1,
                ..Count::default()
            }
        }
    }
}

fn summarize(reports: &[Report]) -> Count {
    say!(
        "\n{:<26} {:>8} {:>7} {:>7}",
        "step",
        "seconds",
        "passed",
        "failed"
    );
    let mut total = Count::default();
    for Report { step, time, count } in reports {
        say!(
            "{step:<26} {:>8.1} {:>7} {:>7}",
            time.as_secs_f64(),
            count.passed,
            count.failed
        );
        total.passed += count.passed;
        total.failed += count.failed;
        total.skipped += count.skipped;
    }
    say!("");
    total
}

/// A minimal toolchain has neither rustfmt nor clippy; rustup can add them.
fn require_components() -> Outcome {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        let present = || {
            cargo::host()
                .is_ok_and(|mut cargo| process::read(cargo.args([subcommand, "--version"])).is_ok())
        };
        if present() {
            continue;
        }
        note!("rustup: adding {component}, for `cargo {subcommand}` (a few seconds) ...");
        let mut add = Command::new("rustup");
        add.args(["component", "add", component])
            .current_dir(paths::root());
        if !process::succeeds_within(Duration::from_secs(120), &mut add) || !present() {
            return Err(failed(format_args!(
                "`cargo {subcommand}` is missing and `rustup component add {component}` did not bring it; install {component}"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines() {
        let counted =
            |line| parse_result(line).map(|count| (count.passed, count.failed, count.skipped));
        assert_eq!(
            counted("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured"),
            Some((3, 0, 1))
        );
        assert_eq!(
            counted("test result: \u{1b}[31mFAILED\u{1b}[m. 12 passed; 2 failed; 0 ignored"),
            Some((12, 2, 0))
        );
        assert_eq!(counted("test tests::x ... ok"), None);
        assert_eq!(counted("test result: strange"), None);
    }
}
