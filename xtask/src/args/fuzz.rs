//! What `cargo xtask fuzz` was asked for.

use super::values::{count, last, options};
use crate::fail::Outcome;

/// How long the fuzzer tries what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fuzz {
    /// One target; `None` = all.
    pub target: Option<String>,
    /// For how long each.
    pub seconds: u32,
    /// Most inputs of each; `None` = as many as the time allows.
    pub runs: Option<u32>,
    /// Where its random choices begin; `None` = anew each time.
    pub seed: Option<u32>,
}

impl Default for Fuzz {
    /// What `cargo xtask test` takes.
    fn default() -> Self {
        Self {
            target: None,
            seconds: 20,
            runs: None,
            seed: None,
        }
    }
}

/// Reads its words.
pub fn parse(mut words: Vec<String>) -> Outcome<Fuzz> {
    let is_target = words.first().is_some_and(|word| !word.starts_with('-'));
    let target = is_target.then(|| words.remove(0));
    let given = options("fuzz", words, &["--seconds", "--runs", "--seed"])?;
    let number = |name| last(&given, name).map(|text| count(name, text)).transpose();
    Ok(Fuzz {
        target,
        seconds: number("--seconds")?.unwrap_or(Fuzz::default().seconds),
        runs: number("--runs")?,
        seed: number("--seed")?,
    })
}
