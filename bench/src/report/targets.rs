//! The targets of the project against the figures of a run. A figure is not rounded into meeting its target.

use super::{BARE, Report};
use crate::plan::{Cell, Sample};
use crate::statistics::{median, spread, verdict};
use crate::work::Work;

/// The simulator's share of a local D1 read, measured for the project by taking the simulator's workers apart: the rest
/// is what the runtime and SQLite take.
const SIMULATED: f64 = 2.0 / 3.0;

const STORE: Cell = (Work::Store, 16);

fn rate(sample: &Sample) -> f64 {
    sample.rate
}

/// A table of targets, and what must be said beside the peers that read D1.
pub fn markdown(report: &Report<'_>) -> String {
    let large = (Work::Bundle1M, 16);
    let init = (Work::Init, 16);
    let middle = (Work::Bundle64K, 16);
    let rows = [
        (
            "Store against bare",
            0.70,
            report.ratio(STORE, "postern, JWT", BARE, rate),
            true,
        ),
        (
            "refusals logged, Store against bare",
            0.75,
            report.ratio(STORE, "postern refusals logged, JWT", BARE, rate),
            true,
        ),
        (
            "Store against js-same-calls",
            0.87,
            report.ratio(STORE, "postern, JWT", "js-same-calls", rate),
            true,
        ),
        (
            "Store against js-do",
            1.10,
            report.ratio(STORE, "postern, JWT", "js-do", rate),
            true,
        ),
        (
            "Store against hono-jose",
            3.00,
            report.ratio(STORE, "postern, JWT", "hono-jose", rate),
            true,
        ),
        (
            "leases off, Store against bare",
            0.52,
            report.ratio(STORE, "postern leases off, JWT", BARE, rate),
            true,
        ),
        (
            "Init against bare",
            0.55,
            report.ratio(init, "postern, JWT", BARE, rate),
            true,
        ),
        (
            "64 KiB bodies against bare",
            0.75,
            report.ratio(middle, "postern, JWT", BARE, rate),
            true,
        ),
        (
            "1 MiB bodies against bare",
            0.88,
            report.ratio(large, "postern, JWT", BARE, rate),
            true,
        ),
        (
            "p99, Store against bare",
            1.40,
            report.ratio(STORE, "postern, JWT", BARE, |sample| sample.p99),
            false,
        ),
    ];
    let mut text = "\n**Targets**\n\n| | target | measured | |\n|---|---|---|---|\n".to_owned();
    for (what, target, measured, at_least) in rows {
        let Some(measured) = measured else {
            text += &format!("| {what} | {target} | not measured | |\n");
            continue;
        };
        let (word, met) = match at_least {
            true => ("at least", measured >= target),
            false => ("at most", measured <= target),
        };
        let met = verdict(met);
        text += &format!("| {what} | {word} {target} | {measured:.3} | {met} |\n");
    }
    text += &controls(report);
    text + &without_simulator(report).unwrap_or_default()
}

/// What two systems differ by that are the same, table by table.
fn controls(report: &Report<'_>) -> String {
    let told: Vec<String> = report
        .cells
        .iter()
        .filter_map(|&cell| {
            let ratios = report.ratios(cell, "bare (control)", BARE, rate);
            let (least, most) = spread(&ratios);
            let (work, connections) = (cell.0.name(), cell.1);
            (!ratios.is_empty()).then(|| {
                format!(
                    "{:.3} ({least:.2} to {most:.2}) in {work} at {connections}",
                    median(&ratios)
                )
            })
        })
        .collect();
    match told.is_empty() {
        true => String::new(),
        false => format!(
            "\nThe control, a second `bare`, is at {}: medians of the rounds, least and most. A difference smaller than that is none.\n",
            told.join("; ")
        ),
    }
}

/// hono-jose's rate if a D1 read cost only what the runtime takes.
fn without_simulator(report: &Report<'_>) -> Option<String> {
    let cpu = |system| {
        let samples: Vec<f64> = report
            .of(STORE, system)
            .iter()
            .map(|sample| sample.cpu)
            .collect();
        (!samples.is_empty()).then(|| median(&samples))
    };
    let (each, cached) = (cpu("hono-jose")?, cpu("hono-jose, 5 s cache")?);
    let left = each - SIMULATED * (each - cached);
    let ratio = report.ratio(STORE, "hono-jose", BARE, rate)? * each / left;
    Some(format!(
        "\nTwo thirds of a local D1 read is the simulator's. By workerd's processor time, which is not all that bounds a rate, a read takes {:.2} s for 10,000 requests here \
         (`hono-jose` less its cached form); with the simulator's share taken off, `hono-jose` would be at {ratio:.3} of bare.\n",
        each - cached
    ))
}
