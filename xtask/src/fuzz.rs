//! `cargo xtask fuzz`: builds the targets of fuzz/ with libFuzzer and runs them, as many side by side as there are cores,
//! or as were asked for. Needs no nightly compiler: the counters that the fuzzer follows are an option of the stable one.

mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use crate::args::Fuzz;
use crate::fail::{Outcome, doing, failed, misuse};
use crate::{cargo, paths, process, toolchain};

use report::{Ran, Told};

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

/// Runs what was asked for, and tells of each target.
pub fn run(request: &Fuzz) -> Outcome {
    let all = targets(request)?;
    say!("{}", report::total(&all));
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
    let chosen = chosen(known, &request.targets)?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let jobs = request.jobs.map_or(cores, |jobs| jobs as usize);
    say!("{}", report::heading());
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..jobs.min(chosen.len()) {
            scope.spawn(|| {
                while let Some((name, longest)) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let ran = fuzz(&programs, &seeds, name, longest, request);
                    say!("{}", report::line(&ran));
                    if let Ok(mut done) = done.lock() {
                        done.push(ran);
                    }
                }
            });
        }
    });
    done.into_inner().map_err(|_| failed("a run was lost"))
}

/// Those with these names, in the order of the names; all of them where there are no names.
fn chosen(known: Vec<(String, String)>, names: &[String]) -> Outcome<Vec<(String, String)>> {
    if names.is_empty() {
        return Ok(known);
    }
    let named = |name: &String| {
        let found = known.iter().find(|(own, _)| own == name).cloned();
        found.ok_or_else(|| {
            let all: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
            misuse(format_args!(
                "no target `{name}`; there are: {}",
                all.join(", ")
            ))
        })
    };
    names.iter().map(named).collect()
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
    let (told, fault) = told.unwrap_or_else(|failure| (Told::default(), Some(failure.message)));
    Ran {
        name: name.to_owned(),
        told,
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
) -> Outcome<(Told, Option<String>)> {
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
    // libFuzzer ends where there are no words in it, as with those that choices are made of.
    let words = seeds.join(format!("{name}.dict"));
    let has_words = fs::metadata(&words).is_ok_and(|words| words.len() > 0);
    command
        .args(has_words.then(|| format!("-dict={}", words.display())))
        .arg(format!("-artifact_prefix={}/", crashes.display()))
        .arg(format!("-max_len={longest}"))
        .args(request.seconds.map(|most| format!("-max_total_time={most}")))
        .arg(format!("-timeout={SLOWEST_INPUT_SECONDS}"))
        // Nobody else writes into its corpus.
        .args(["-print_final_stats=1", "-rss_limit_mb=4096", "-reload=0"])
        .args(request.runs.map(|runs| format!("-runs={runs}")))
        .args(request.seed.map(|seed| format!("-seed={seed}")))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(file);
    let mut child = process::spawn(&mut command)?;
    let status = process::wait(&mut child)?;
    let told = doing(format_args!("reading {}", log.display()), fs::read(&log))?;
    let told = String::from_utf8_lossy(&told);
    let fault = (!status.success()).then(|| report::fault(&told, &log));
    Ok((Told::read(&told), fault))
}
