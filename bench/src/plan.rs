//! Which systems do which work, how long, and in which order: in turn, a round at a time, so that a machine that grows
//! slower slows all of them, and in another order each time, so that none is always behind the same one, whose last
//! work may go on beside it. Never one round alone.

use std::collections::HashMap;
use std::time::Duration;

use crate::chance::Chance;
use crate::load;
use crate::machine::cpu_seconds;
use crate::statistics::percentile;
use crate::systems::System;
use crate::work::Work;

/// Work at a number of connections.
pub type Cell = (Work, usize);

/// What one system did in one cell and round.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Requests in a second.
    pub rate: f64,
    /// Microseconds, half and 99 % of the calls.
    pub p50: f64,
    /// As `p50`.
    pub p99: f64,
    /// Processor seconds of workerd for 10,000 requests.
    pub cpu: f64,
    /// Resident memory after it, in MiB.
    pub resident: f64,
}

/// Samples by cell and system, a round each.
pub type Samples = HashMap<(Cell, &'static str), Vec<Sample>>;

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Rounds.
    pub rounds: usize,
    /// Of each sample.
    pub time: Duration,
    /// Before each sample.
    pub warm: Duration,
}

/// Measures every system in every cell.
///
/// # Errors
/// The first answer that is no success, with the system's name.
pub async fn measure(
    systems: &[System],
    cells: &[Cell],
    effort: Effort,
) -> Result<Samples, String> {
    let mut samples = Samples::new();
    let mut chance = Chance::new();
    for round in 0..effort.rounds {
        eprintln!("round {} of {} ...", round + 1, effort.rounds);
        for &cell in cells {
            for place in chance.order(systems.len()) {
                let system = &systems[place];
                let sample = sample(system, cell, effort)
                    .await
                    .map_err(|error| format!("{}, {}: {error}", system.name, cell.0.name()))?;
                samples.entry((cell, system.name)).or_default().push(sample);
            }
        }
    }
    Ok(samples)
}

async fn sample(
    system: &System,
    (work, connections): Cell,
    effort: Effort,
) -> Result<Sample, String> {
    let request = work.request(&system.credential);
    load::run(system.port, &request, connections, effort.warm).await?;
    let before = cpu_seconds(system.workerd);
    let shown = load::run(system.port, &request, connections, effort.time).await?;
    let cpu = cpu_seconds(system.workerd) - before;
    #[expect(clippy::cast_precision_loss, reason = "counts of requests")]
    let count = shown.latencies.len() as f64;
    Ok(Sample {
        rate: count / shown.time.as_secs_f64(),
        p50: percentile(&shown.latencies, 0.5).into(),
        p99: percentile(&shown.latencies, 0.99).into(),
        cpu: cpu / count * 10_000.0,
        resident: system.resident_mib(),
    })
}
