//! Options with their values, read and checked one by one.

use std::collections::BTreeSet;

use super::Module;
use crate::fail::{Outcome, misuse};

/// More would only measure the machine.
const MAX_ISOLATES: u16 = 16;

/// Names that mean a store or an object inside the module; a text there would be a puzzle for whoever reads it.
const RESERVED: [&str; 6] = [
    "DB",
    "FACTS",
    "LEDGER",
    "MINT_LIMITER",
    "ASSETS",
    "CREDENTIAL_BRAKE",
];

pub type Given = Vec<(String, String)>;

/// `--name value` and `--name=value` pairs, each name known; only `--set` may come twice.
pub fn options(command: &str, words: Vec<String>, known: &[&str]) -> Outcome<Given> {
    let mut given = Given::new();
    let mut seen = BTreeSet::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let (name, inline) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => {
                (name.to_owned(), Some(value.to_owned()))
            }
            _ => (word, None),
        };
        if !known.contains(&name.as_str()) {
            return Err(misuse(format_args!(
                "`{command}` does not know `{name}`; see `cargo xtask help`"
            )));
        }
        if !seen.insert(name.clone()) && name != "--set" {
            return Err(misuse(format_args!("`{name}` is given twice")));
        }
        let value = inline
            .or_else(|| words.next())
            .filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| misuse(format_args!("`{name}` needs a value")))?;
        given.push((name, value));
    }
    Ok(given)
}

pub fn last<'a>(given: &'a Given, name: &str) -> Option<&'a str> {
    given
        .iter()
        .rev()
        .find(|(other, _)| other == name)
        .map(|(_, value)| value.as_str())
}

pub fn one<'a>(command: &str, given: &'a Given, name: &str) -> Outcome<&'a str> {
    last(given, name).ok_or_else(|| {
        misuse(format_args!(
            "`{command}` needs `{name}`; see `cargo xtask help`"
        ))
    })
}

pub fn port(name: &str, text: &str) -> Outcome<u16> {
    match text.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(misuse(format_args!(
            "`{name}` is `{text}`; a port is a number from 1 to 65535"
        ))),
    }
}

pub fn isolates(text: &str) -> Outcome<u16> {
    match text.parse() {
        Ok(count) if (1..=MAX_ISOLATES).contains(&count) => Ok(count),
        _ => Err(misuse(format_args!(
            "`--isolates` is `{text}`; a number from 1 to {MAX_ISOLATES} is possible"
        ))),
    }
}

pub fn module(text: &str) -> Outcome<Module> {
    match text {
        "current" => Ok(Module::Current),
        "previous" => Ok(Module::Previous),
        _ => Err(misuse(format_args!(
            "`{text}` is no module: there are `current`, of this checkout, and `previous`, of the previous release"
        ))),
    }
}

/// One for each isolate.
pub fn modules(text: &str) -> Outcome<Vec<Module>> {
    text.split(',').map(module).collect()
}

pub fn brake(text: &str) -> Outcome<u32> {
    match text.parse() {
        Ok(limit) if limit > 0 => Ok(limit),
        _ => Err(misuse(format_args!(
            "`--brake` is `{text}`; a number of refused credentials, at least 1"
        ))),
    }
}

/// A number of something; none is not a number of it.
pub fn count(name: &str, text: &str) -> Outcome<u32> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(misuse(format_args!(
            "`{name}` is `{text}`; a whole number, at least 1, is possible"
        ))),
    }
}

/// `KEY=VALUE`; an empty value is a value.
pub fn variable(pair: &str) -> Outcome<(String, String)> {
    let Some((key, value)) = pair.split_once('=') else {
        return Err(misuse(format_args!(
            "`--set {pair}` is not `--set KEY=VALUE`"
        )));
    };
    let starts_well = key.starts_with(|c: char| c.is_ascii_uppercase());
    if !starts_well
        || !key
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    {
        return Err(misuse(format_args!(
            "`--set`: `{key}` is not a variable name (capitals, digits and `_`)"
        )));
    }
    if RESERVED.contains(&key) {
        return Err(misuse(format_args!(
            "`--set`: `{key}` names a store, not a variable"
        )));
    }
    Ok((key.to_owned(), value.to_owned()))
}
