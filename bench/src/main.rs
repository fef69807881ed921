//! `cargo xtask bench` after everything was built: reads the flags, starts the systems, measures, writes the report.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use postern_bench::plan::{Cell, Effort, measure};
use postern_bench::report::Report;
use postern_bench::systems::Running;
use postern_bench::work::Work;
use postern_bench::{cold, distance, finality, growth, machine, origin, soak};

const USAGE: &str = "\
cargo xtask bench [--quick] [--rounds N] [--systems NAME,NAME] [--out DIR]
cargo xtask bench --growth | --cold | --soak SECONDS | --finality | --distance  [--rounds N]
  --quick          a few systems, two kinds of work, under a minute: for a look, not for figures
  --rounds N       rounds, at least 2; 5 unless told; 30 for figures that are published
  --systems A,B    only systems whose names begin so; `bare` and its control always run
  --out DIR        where bench.md, bench.json and bench.svg go; target/bench unless told
and in place of all that:
  --growth         the same questions with a hundred, ten thousand and a million tokens and events
  --cold           from the start of workerd to the first answer; 15 rounds unless told
  --soak SECONDS   calls with mints and revokes mixed in, and the memory they leave
  --finality       a model of how long a revoke takes with isolates in 300 locations
  --distance       what a caller waits for where the Ledger is far away; 30 rounds unless told";

/// Everything but the quick look.
const CELLS: [Cell; 7] = [
    (Work::Store, 16),
    (Work::Read, 16),
    (Work::Store, 1),
    (Work::Store, 64),
    (Work::Init, 16),
    (Work::Bundle64K, 16),
    (Work::Bundle1M, 16),
];
const QUICK: [Cell; 2] = [(Work::Store, 16), (Work::Read, 16)];
const QUICK_SYSTEMS: [&str; 4] = [
    "js-do",
    "js-same-calls",
    "postern, JWT",
    "postern leases off, JWT",
];

/// What is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Table,
    Quick,
    Growth,
    Cold,
    Soak(u64),
    Finality,
    Distance,
}

struct Flags {
    wanted: Wanted,
    rounds: Option<usize>,
    systems: Option<Vec<String>>,
    out: String,
}

fn flags() -> Result<Flags, String> {
    let mut flags = Flags {
        wanted: Wanted::Table,
        rounds: None,
        systems: None,
        out: "target/bench".to_owned(),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value\n{USAGE}"));
        match word.as_str() {
            "--quick" => flags.wanted = Wanted::Quick,
            "--growth" => flags.wanted = Wanted::Growth,
            "--cold" => flags.wanted = Wanted::Cold,
            "--rounds" => match value()?.parse() {
                Ok(rounds @ 2..=1_000) => flags.rounds = Some(rounds),
                _ => return Err("--rounds is a number from 2 to 1000".to_owned()),
            },
            "--systems" => {
                flags.systems = Some(
                    value()?
                        .split(',')
                        .map(|name| name.trim().to_owned())
                        .collect(),
                );
            }
            "--soak" => match value()?.parse() {
                Ok(seconds @ 10..=86_400) => flags.wanted = Wanted::Soak(seconds),
                _ => return Err("--soak is a number of seconds from 10 to 86400".to_owned()),
            },
            "--finality" => flags.wanted = Wanted::Finality,
            "--distance" => flags.wanted = Wanted::Distance,
            "--out" => flags.out = value()?,
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(flags)
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    match bench().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn bench() -> Result<(), String> {
    let flags = flags()?;
    if flags.wanted == Wanted::Finality {
        print!("{}", finality::markdown());
        return Ok(());
    }
    let origin = origin::start().await;
    let told = match flags.wanted {
        Wanted::Growth => growth::run(&origin, flags.rounds.unwrap_or(5)).await?,
        Wanted::Cold => cold::run(&origin, flags.rounds.unwrap_or(15)).await?,
        Wanted::Distance => distance::run(&origin, flags.rounds.unwrap_or(30)).await,
        Wanted::Soak(seconds) => soak::run(&origin, seconds).await?,
        _ => return table(&flags, &origin).await,
    };
    print!("{told}");
    Ok(())
}

async fn table(flags: &Flags, origin: &str) -> Result<(), String> {
    let quick = flags.wanted == Wanted::Quick;
    let wanted = |name: &str| {
        name.starts_with("bare")
            || match (&flags.systems, quick) {
                (Some(systems), _) => systems
                    .iter()
                    .any(|wanted| name.starts_with(wanted.as_str())),
                (None, true) => QUICK_SYSTEMS.contains(&name),
                (None, false) => true,
            }
    };
    let (cells, effort) = match quick {
        true => (&QUICK[..], (2, 800, 300)),
        false => (&CELLS[..], (5, 1_500, 500)),
    };
    let effort = Effort {
        rounds: flags.rounds.unwrap_or(effort.0),
        time: Duration::from_millis(effort.1),
        warm: Duration::from_millis(effort.2),
    };
    let running = Running::start(origin, wanted).await;
    let names: Vec<_> = running.systems.iter().map(|system| system.name).collect();
    let samples = measure(&running.systems, cells, effort).await?;
    drop(running);
    let report = Report {
        machine: machine::description(),
        effort,
        cells,
        systems: &names,
        samples: &samples,
    };
    report
        .write(Path::new(&flags.out))
        .map_err(|error| format!("{}: {error}", flags.out))?;
    print!("{}", report.markdown());
    Ok(())
}
