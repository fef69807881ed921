//! What was measured, as Markdown, JSON and a chart. A difference that the control, a second bare Worker, shows as well
//! is not reported as one.

mod chart;
mod targets;

use std::fs;
use std::path::Path;
use std::process::Command;

use postern_system_tests::root;
use serde_json::{Value, json};

use crate::plan::{Cell, Effort, Sample, Samples};
use crate::statistics::{median, ratios, spread};
use crate::systems::node;

/// The Worker that only forwards.
pub const BARE: &str = "bare";

/// A finished run.
pub struct Report<'r> {
    /// What it ran on.
    pub machine: String,
    /// How long.
    pub effort: Effort,
    /// What was asked.
    pub cells: &'r [Cell],
    /// The systems in the order of tables.
    pub systems: &'r [&'static str],
    /// The samples.
    pub samples: &'r Samples,
}

/// Medians of one system in one cell.
struct Row {
    rate: f64,
    least: f64,
    most: f64,
    p50: f64,
    p99: f64,
    cpu: f64,
    resident: f64,
    ratio: f64,
}

impl Report<'_> {
    fn of(&self, cell: Cell, system: &'static str) -> &[Sample] {
        self.samples.get(&(cell, system)).map_or(&[], Vec::as_slice)
    }

    /// The median of the ratios within each round.
    pub fn ratio(
        &self,
        cell: Cell,
        system: &'static str,
        to: &'static str,
        of: impl Fn(&Sample) -> f64,
    ) -> Option<f64> {
        let ratios = self.ratios(cell, system, to, of);
        (!ratios.is_empty()).then(|| median(&ratios))
    }

    /// The ratios within each round.
    pub fn ratios(
        &self,
        cell: Cell,
        system: &'static str,
        to: &'static str,
        of: impl Fn(&Sample) -> f64,
    ) -> Vec<f64> {
        let all = |system| self.of(cell, system).iter().map(&of).collect::<Vec<_>>();
        ratios(&all(system), &all(to))
    }

    fn row(&self, cell: Cell, system: &'static str) -> Option<Row> {
        let samples = self.of(cell, system);
        let ratio = self.ratio(cell, system, BARE, |sample| sample.rate)?;
        let all = |of: fn(&Sample) -> f64| samples.iter().map(of).collect::<Vec<_>>();
        let rates = all(|sample| sample.rate);
        let (least, most) = spread(&rates);
        Some(Row {
            rate: median(&rates),
            least,
            most,
            p50: median(&all(|sample| sample.p50)),
            p99: median(&all(|sample| sample.p99)),
            cpu: median(&all(|sample| sample.cpu)),
            resident: median(&all(|sample| sample.resident)),
            ratio,
        })
    }

    /// The report for people.
    pub fn markdown(&self) -> String {
        let Effort { rounds, time, warm } = self.effort;
        let mut text = format!(
            "{}; {}.\n{rounds} rounds of {} ms after {} ms; medians, and of the rates least and most. \
             The ratio is to `bare` within each round, then its median.\n",
            self.machine,
            versions().join(", "),
            time.as_millis(),
            warm.as_millis()
        );
        for &(work, connections) in self.cells {
            text += &format!(
                "\n**{}, {connections} connections**\n\n| system | requests/s | least to most | p50 ms | p99 ms | CPU s for 10,000 | RSS MiB | to bare |\n|---|---|---|---|---|---|---|---|\n",
                work.name()
            );
            for system in self.systems {
                if let Some(row) = self.row((work, connections), system) {
                    text += &format!(
                        "| {system} | {:.0} | {:.0} to {:.0} | {:.2} | {:.2} | {:.2} | {:.0} | {:.3} |\n",
                        row.rate,
                        row.least,
                        row.most,
                        row.p50 / 1000.0,
                        row.p99 / 1000.0,
                        row.cpu,
                        row.resident,
                        row.ratio
                    );
                }
            }
        }
        text + &targets::markdown(self)
    }

    fn json(&self) -> Value {
        let mut rows = Vec::new();
        for &cell in self.cells {
            for system in self.systems {
                let samples = self.of(cell, system).iter().map(|sample| {
                    json!({
                        "requests_per_second": sample.rate, "p50_us": sample.p50, "p99_us": sample.p99,
                        "cpu_seconds_per_10000": sample.cpu, "rss_mib": sample.resident,
                    })
                });
                rows.push(json!({
                    "work": cell.0.name(), "connections": cell.1, "system": system,
                    "ratio_to_bare": self.ratio(cell, system, BARE, |sample| sample.rate),
                    "rounds": samples.collect::<Vec<_>>(),
                }));
            }
        }
        json!({ "machine": self.machine, "versions": versions(), "rows": rows })
    }

    /// Writes all three.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, folder: &Path) -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("bench.md"), self.markdown())?;
        fs::write(folder.join("bench.json"), format!("{:#}\n", self.json()))?;
        fs::write(folder.join("bench.svg"), chart::svg(self))
    }
}

/// Versions of what it ran on, and the day.
fn versions() -> Vec<String> {
    let of = |package: &str| {
        let file = root()
            .join("node_modules")
            .join(package)
            .join("package.json");
        let text = fs::read_to_string(file).unwrap_or_default();
        let json: Value = serde_json::from_str(&text).unwrap_or_default();
        format!(
            "{package} {}",
            json["version"].as_str().unwrap_or("unknown")
        )
    };
    let said = |program: &Path, word: &str| {
        let output = Command::new(program).arg(word).output().ok();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        text.unwrap_or_default()
    };
    vec![
        said(Path::new("date"), "+%F"),
        of("workerd"),
        of("hono"),
        of("jose"),
        format!("Node {}", said(&node(), "--version")),
    ]
}
