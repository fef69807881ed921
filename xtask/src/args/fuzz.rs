//! What `cargo xtask fuzz` was asked for.

use super::values::{count, last, options};
use crate::fail::Outcome;

/// For how long a target is tried, if nobody says.
const SECONDS: u32 = 20;

/// How long the fuzzer tries what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fuzz {
    /// Some targets; none = all.
    pub targets: Vec<String>,
    /// For how long each; `None` = until it has its runs.
    pub seconds: Option<u32>,
    /// Most inputs of each; `None` = as many as the time allows.
    pub runs: Option<u32>,
    /// Where its random choices begin; `None` = anew each time.
    pub seed: Option<u32>,
    /// How many side by side; `None` = as many as there are cores.
    pub jobs: Option<u32>,
}

/// Reads its words.
pub fn parse(mut words: Vec<String>) -> Outcome<Fuzz> {
    let names = words.iter().take_while(|word| !word.starts_with('-'));
    let options_at = names.count();
    let rest = words.split_off(options_at);
    let given = options("fuzz", rest, &["--seconds", "--runs", "--seed", "--jobs"])?;
    let number = |name| last(&given, name).map(|text| count(name, text)).transpose();
    let runs = number("--runs")?;
    // So many runs take as long as they take.
    let usual = runs.is_none().then_some(SECONDS);
    Ok(Fuzz {
        targets: words,
        seconds: number("--seconds")?.or(usual),
        runs,
        seed: number("--seed")?,
        jobs: number("--jobs")?,
    })
}
