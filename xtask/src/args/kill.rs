//! What `cargo xtask kill` was asked for.

use super::values::{count, last, options};
use crate::fail::Outcome;

/// How often a gateway is killed under load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kill {
    /// How often.
    pub rounds: u32,
    /// Where its random choices begin; `None` = anew each time.
    pub seed: Option<u32>,
}

impl Default for Kill {
    fn default() -> Self {
        Self {
            rounds: 50,
            seed: None,
        }
    }
}

/// Reads its words.
pub fn parse(words: Vec<String>) -> Outcome<Kill> {
    let given = options("kill", words, &["--rounds", "--seed"])?;
    let number = |name| last(&given, name).map(|text| count(name, text)).transpose();
    Ok(Kill {
        rounds: number("--rounds")?.unwrap_or(Kill::default().rounds),
        seed: number("--seed")?,
    })
}
