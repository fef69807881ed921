//! `cargo xtask fuzz`: builds the targets of fuzz/ with libFuzzer and runs them, as many side by side as there are cores.
//! Needs no nightly compiler: the counters that the fuzzer follows are an option of the stable one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::args::Fuzz;
use crate::fail::{Outcome, doing, failed, misuse};
use crate::{cargo, paths, process, toolchain};

/// As cargo-fuzz sets them where no sanitizer is asked for: our crates have no unsafe code.
const FLAGS: [&str; 8] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "-Ccodegen-units=16",
    "--cfg=fuzzing",
];

/// A target that is no history of a Ledger takes microseconds.
const SLOWEST_INPUT_SECONDS: u32 = 20;

/// What became of a target.
struct Ran {
    name: String,
    executions: u64,
    time: Duration,
    /// Why it failed, and where the input is.
    fault: Option<String>,
}

/// Runs what was asked for, and tells of each target.
pub fn run(request: &Fuzz) -> Outcome {
    let all = targets(request)?;
    match all.iter().filter(|ran| ran.fault.is_some()).count() {
        0 => Ok(()),
        failures => Err(failed(format_args!(
            "targets that failed: {failures}; their inputs are named above"
        ))),
    }
}

fn targets(request: &Fuzz) -> Outcome<Vec<Ran>> {
    let programs = build()?;
    let seeds = paths::target().join("fuzz/seeds");
    let told = process::read(Command::new(programs.join("seeds")).env("POSTERN_SEEDS", &seeds))?;
    let known: Vec<(String, String)> = told
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, longest)| (name.to_owned(), longest.to_owned()))
        .collect();
    let chosen: Vec<(String, String)> = match &request.target {
        None => known,
        Some(target) => {
            let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
            let none = misuse(format_args!(
                "no target `{target}`; there are: {}",
                names.join(", ")
            ));
            let found = known.iter().find(|(name, _)| name == target);
            vec![found.cloned().ok_or(none)?]
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..cores.min(chosen.len()) {
            scope.spawn(|| {
                while let Some((name, longest)) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let ran = fuzz(&programs, &seeds, name, longest, request);
                    say!("{}", ran.line());
                    if let Ok(mut done) = done.lock() {
                        done.push(ran);
                    }
                }
            });
        }
    });
    done.into_inner().map_err(|_| failed("a run was lost"))
}

/// The programs, one for each target.
fn build() -> Outcome<PathBuf> {
    if ["c++", "g++", "clang++"]
        .iter()
        .all(|name| paths::on_path(name).is_none())
    {
        note!("apt-get: installing g++, for libFuzzer (about 10 s) ...");
        toolchain::install(&["g++"])?;
    }
    let host = host()?;
    let folder = paths::target().join("fuzz/build");
    let mut build = cargo::host()?;
    build
        .args([
            "build",
            "--quiet",
            "--release",
            "--locked",
            "--bins",
            "--manifest-path",
            "fuzz/Cargo.toml",
        ])
        .args(["--target", &host])
        .arg("--target-dir")
        .arg(&folder)
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"));
    let what = "compiling the fuzzer's targets (2 to 4 min from nothing) ...";
    if !process::announced(what, || process::run(&mut build))?.success() {
        return Err(failed(
            "the fuzzer's targets do not compile; cargo's messages are above",
        ));
    }
    Ok(folder.join(host).join("release"))
}

/// The kind of machine that this one is, as the compiler names it.
fn host() -> Outcome<String> {
    let about = process::read(Command::new("rustc").arg("-vV").current_dir(paths::root()))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| failed("`rustc -vV` names no host"))
}

fn fuzz(programs: &Path, seeds: &Path, name: &str, longest: &str, request: &Fuzz) -> Ran {
    let start = Instant::now();
    let told = try_fuzz(programs, seeds, name, longest, request);
    let (executions, fault) = match told {
        Ok(told) => told,
        Err(failure) => (0, Some(failure.message)),
    };
    Ran {
        name: name.to_owned(),
        executions,
        time: start.elapsed(),
        fault,
    }
}

fn try_fuzz(
    programs: &Path,
    seeds: &Path,
    name: &str,
    longest: &str,
    request: &Fuzz,
) -> Outcome<(u64, Option<String>)> {
    let made = paths::target().join("fuzz");
    // What is found is kept there and begun with next time.
    let corpus = made.join("corpus").join(name);
    let crashes = made.join("crashes").join(name);
    for folder in [&corpus, &crashes] {
        doing(
            format_args!("creating {}", folder.display()),
            fs::create_dir_all(folder),
        )?;
    }
    let log = made.join(format!("{name}.log"));
    let file = doing(
        format_args!("creating {}", log.display()),
        fs::File::create(&log),
    )?;
    let mut command = Command::new(programs.join(name));
    command.arg(&corpus).arg(seeds.join(name));
    let kept = paths::root().join("fuzz/corpus").join(name);
    if kept.is_dir() {
        command.arg(kept);
    }
    command
        .arg(format!(
            "-dict={}",
            seeds.join(format!("{name}.dict")).display()
        ))
        .arg(format!("-artifact_prefix={}/", crashes.display()))
        .arg(format!("-max_len={longest}"))
        .arg(format!("-max_total_time={}", request.seconds))
        .arg(format!("-timeout={SLOWEST_INPUT_SECONDS}"))
        .args(["-print_final_stats=1", "-rss_limit_mb=4096"])
        .args(request.runs.map(|runs| format!("-runs={runs}")))
        .args(request.seed.map(|seed| format!("-seed={seed}")))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(file);
    let mut child = process::spawn(&mut command)?;
    let status = process::wait(&mut child)?;
    let told = doing(format_args!("reading {}", log.display()), fs::read(&log))?;
    let told = String::from_utf8_lossy(&told);
    let executions = executions(&told);
    let fault = (!status.success()).then(|| fault(&told, &log));
    Ok((executions, fault))
}

/// `stat::number_of_executed_units: 5`, of a run to its end; else the last line that counts (`#5 NEW …`).
fn executions(told: &str) -> u64 {
    let stat = told.lines().find_map(|line| {
        let number = line.strip_prefix("stat::number_of_executed_units:")?;
        number.trim().parse().ok()
    });
    let counted = || {
        told.lines().rev().find_map(|line| {
            let (number, _) = line.strip_prefix('#')?.split_once(['\t', ' '])?;
            number.parse().ok()
        })
    };
    stat.or_else(counted).unwrap_or_default()
}

/// What is said of a run that failed: the panic, and where the input is.
fn fault(told: &str, log: &Path) -> String {
    let mut lines = told.lines();
    let panic = lines.by_ref().find(|line| line.contains("panicked at"));
    let words = lines.next().unwrap_or_default();
    let input = told
        .lines()
        .find_map(|line| line.split_once("Test unit written to "));
    let input = input.map_or_else(String::new, |(_, path)| format!("; the input: {path}"));
    let what = panic.map_or_else(
        || "it ended badly".to_owned(),
        |panic| format!("{panic} {words}"),
    );
    format!("{what}{input}; the log: {}", log.display())
}

impl Ran {
    fn line(&self) -> String {
        let Self {
            name,
            executions,
            time,
            fault,
        } = self;
        let seconds = time.as_secs_f64();
        let speed = *executions as f64 / seconds.max(0.001);
        let result = fault
            .as_ref()
            .map_or_else(|| "ok".to_owned(), |fault| format!("FAILED: {fault}"));
        format!("{name:<16} {seconds:>7.1} s {executions:>12} executions {speed:>9.0}/s  {result}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_are_those_of_the_end_or_of_the_last_line() {
        let ended = "#2\tINITED\nstat::number_of_executed_units: 12345\nstat::x: 1";
        let broken = "#2\tINITED cov: 5\n#1024\tpulse  cov: 7\nthread 'a' panicked at b:1:\n";
        for (told, expected) in [(ended, 12_345), (broken, 1_024), ("", 0), ("# none", 0)] {
            assert_eq!(executions(told), expected, "{told}");
        }
    }

    #[test]
    fn a_fault_names_its_place_and_its_input() {
        let told = "thread '<unnamed>' panicked at src/a.rs:1:2:\nwrong\nartifact_prefix='x'; Test unit written to /c/crash-1\n";
        let said = fault(told, Path::new("a.log"));
        for part in ["src/a.rs:1:2", "wrong", "/c/crash-1", "a.log"] {
            assert!(said.contains(part), "{said}");
        }
        assert!(fault("", Path::new("a.log")).starts_with("it ended badly"));
    }
}
