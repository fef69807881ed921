//! What was typed of the command that looks at what the project is made of.

use std::path::PathBuf;

use super::flag;
use super::values::{last, options};
use crate::fail::Outcome;

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
