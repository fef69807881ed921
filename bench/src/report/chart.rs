//! A bar chart of the ratios to `bare`, as SVG that reads in light and dark. No scripts, no fonts of its own.

use super::{BARE, Report};
use crate::plan::Cell;
use crate::work::Work;

const LABEL: f64 = 190.0;
const FULL: f64 = 400.0;
const BAR: f64 = 18.0;
const STEP: f64 = 26.0;

/// The chart.
pub fn svg(report: &Report<'_>) -> String {
    let cells: [Cell; 2] = [(Work::Store, 16), (Work::Read, 16)];
    let mut y = 10.0;
    let mut shapes = String::new();
    for cell in cells {
        let heading = format!(
            "{}, {} connections: requests/s, bare = 1",
            cell.0.name(),
            cell.1
        );
        shapes += &format!(
            "<text x=\"10\" y=\"{:.0}\" font-weight=\"bold\">{heading}</text>\n",
            y + 14.0
        );
        y += STEP;
        for system in report.systems {
            let Some(ratio) = report.ratio(cell, system, BARE, |sample| sample.rate) else {
                continue;
            };
            let kind = if system.starts_with("postern") {
                "ours"
            } else {
                "other"
            };
            let (width, middle) = (ratio * FULL, y + 14.0);
            shapes += &format!(
                "<text x=\"{:.0}\" y=\"{middle:.0}\" text-anchor=\"end\">{system}</text>\
                 <rect class=\"{kind}\" x=\"{LABEL:.0}\" y=\"{y:.0}\" width=\"{width:.0}\" height=\"{BAR:.0}\"/>\
                 <text x=\"{:.0}\" y=\"{middle:.0}\">{ratio:.2}</text>\n",
                LABEL - 8.0,
                LABEL + width + 6.0
            );
            y += STEP;
        }
        y += 12.0;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 680 {y:.0}\" width=\"680\" height=\"{y:.0}\" role=\"img\" \
         aria-label=\"Requests per second in proportion to a Worker that only forwards\">\n<style>\n\
         text {{ font: 13px sans-serif; fill: #24292f }} .ours {{ fill: #0969da }} .other {{ fill: #8c959f }}\n\
         @media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3 }} .ours {{ fill: #58a6ff }} .other {{ fill: #6e7681 }} }}\n\
         </style>\n{shapes}</svg>\n"
    )
}
