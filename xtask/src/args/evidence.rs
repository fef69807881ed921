//! What was typed of the commands that kill gateways and that look at what the project is made of.

use std::path::PathBuf;

use super::values::{count, last, options};
use super::{Tests, flag};
use crate::fail::Outcome;

/// How often a gateway is killed where nobody says.
const ROUNDS: u32 = 50;

/// What is looked at of what the project is made of.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SupplyChain {
    /// A clone of RustSec's database.
    pub advisories: Option<PathBuf>,
    /// Leaves out what only the network knows.
    pub offline: bool,
    /// Does not build the module twice.
    pub no_module: bool,
}

pub fn kill(words: Vec<String>) -> Outcome<Tests> {
    let given = options("kill", words, &["--rounds"])?;
    let rounds = last(&given, "--rounds").map_or(Ok(ROUNDS), |text| count("--rounds", text))?;
    Ok(Tests::Kill(rounds))
}

pub fn supply_chain(words: Vec<String>) -> Outcome<SupplyChain> {
    let (offline, words) = flag("--offline", words)?;
    let (no_module, words) = flag("--no-module", words)?;
    let given = options("supply-chain", words, &["--advisories"])?;
    Ok(SupplyChain {
        advisories: last(&given, "--advisories").map(PathBuf::from),
        offline,
        no_module,
    })
}
