//! What wrangler is told to deploy: `wrangler.jsonc` or `wrangler.toml`, read as wrangler reads it, and what in it may
//! not be deployed (R51).

use std::fs;
use std::path::Path;

use postern_domain::placeholder;
use serde_json::Value;

use crate::fail::{Failure, Kind, Outcome};
use crate::setup::jsonc;

/// Longest file that is read, in bytes.
const MAX_FILE: u64 = 256 * 1024;

/// Variables whose place is among the secrets.
const SECRETS: [&str; 7] = [
    "ADMIN_TOKEN",
    "TOKEN_KEYS",
    "ROOT_KEYS",
    "ADOPT_KEYS",
    "ASSERTION_KEYS",
    "AUDIT_KEYS",
    "ORIGIN_HEADERS",
];

/// Names that RFC 2606 and RFC 6761 reserve: they are in examples, and no origin has one.
const RESERVED: [&str; 6] = [
    "example",
    "invalid",
    "test",
    "example.com",
    "example.net",
    "example.org",
];

const DATABASE: &str = "DB";
const NAMESPACE: &str = "FACTS";

/// A configuration of wrangler.
#[derive(Debug)]
pub struct Deployment {
    config: Value,
    /// Of a named environment: it inherits no variables and no stores.
    environment: Option<String>,
}

impl Deployment {
    /// Reads a file, by its ending.
    ///
    /// # Errors
    /// `Configuration` for a file that cannot be read, or does not parse.
    pub fn read(file: &Path, environment: Option<&str>) -> Outcome<Self> {
        let wrong = |why: &dyn std::fmt::Display| {
            let message = format!("{}: {why}", file.display());
            Failure::new(Kind::Configuration, message)
        };
        let size = fs::metadata(file).map_err(|error| wrong(&error))?.len();
        if size > MAX_FILE {
            return Err(wrong(&"is longer than any configuration of wrangler"));
        }
        let text = fs::read_to_string(file).map_err(|error| wrong(&error))?;
        let is_toml = file.extension().is_some_and(|ending| ending == "toml");
        let config = match is_toml {
            true => toml::from_str(&text).map_err(|error| wrong(&error.message()))?,
            false => jsonc::parse(&text).map_err(|error| wrong(&error))?,
        };
        Self::new(config, environment).map_err(|message| wrong(&message))
    }

    fn new(config: Value, environment: Option<&str>) -> Result<Self, String> {
        let known = |name: &str| config.pointer(&format!("/env/{name}")).is_some();
        if let Some(name) = environment.filter(|name| !known(name)) {
            return Err(format!("has no environment `{name}`"));
        }
        let environment = environment.map(str::to_owned);
        Ok(Self {
            config,
            environment,
        })
    }

    /// A value that every environment has for itself, by its JSON pointer.
    fn own(&self, pointer: &str) -> Option<&Value> {
        match &self.environment {
            None => self.config.pointer(pointer),
            Some(name) => self.config.pointer(&format!("/env/{name}{pointer}")),
        }
    }

    /// A variable.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.own(&format!("/vars/{name}")).and_then(Value::as_str)
    }

    /// The Worker's name.
    pub fn name(&self) -> Option<&str> {
        let own = self.own("/name").or_else(|| self.config.get("name"));
        own.and_then(Value::as_str)
    }

    /// The id of the database that holds the record.
    pub fn database(&self) -> Option<&str> {
        self.bound("/d1_databases", DATABASE, "database_id")
    }

    /// The name of that database.
    pub fn database_name(&self) -> Option<&str> {
        self.bound("/d1_databases", DATABASE, "database_name")
    }

    /// The id of the namespace that holds facts.
    pub fn namespace(&self) -> Option<&str> {
        self.bound("/kv_namespaces", NAMESPACE, "id")
    }

    fn bound(&self, list: &str, binding: &str, member: &str) -> Option<&str> {
        let mut entries = self.own(list)?.as_array()?.iter();
        let entry = entries.find(|entry| entry.get("binding").is_some_and(|own| own == binding))?;
        entry.get(member)?.as_str()
    }

    /// What may not be deployed, one sentence each; no value of a secret is in them.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let stores = [
            (
                "d1_databases, binding DB",
                self.database(),
                placeholder::DATABASE_ID,
                36,
            ),
            (
                "kv_namespaces, binding FACTS",
                self.namespace(),
                placeholder::NAMESPACE_ID,
                32,
            ),
        ];
        for (place, id, of_example, length) in stores {
            let problem = match id {
                None => "there is no id: create the store, and put its id here",
                Some(id) if id == of_example => {
                    "the id is the example's placeholder: create the store, and put its id here"
                }
                Some(id) if !is_id(id, length) => "this is no id that wrangler has printed",
                Some(_) => continue,
            };
            problems.push(format!("{place}: {problem}"));
        }
        problems.extend(self.origin());
        match self.variable("ENVIRONMENT") {
            Some("production") => {}
            _ => problems.push(
                "ENVIRONMENT is not `production`: set it, for what is deployed is production"
                    .into(),
            ),
        }
        if self.variable("BOOTSTRAP") == Some("open") {
            problems.push("BOOTSTRAP is `open`: close it, everybody could create tokens".into());
        }
        for name in SECRETS {
            let Some(value) = self.variable(name).filter(|value| !value.trim().is_empty()) else {
                continue;
            };
            let is_known = value.contains(placeholder::ADMIN_TOKEN);
            problems.push(match is_known {
                true => format!(
                    "{name} is the example's, which everybody knows: make a key of your own"
                ),
                false => format!(
                    "{name} stands among the variables, where everybody with the file can read it: \
                     set it with `npx wrangler secret put {name}`"
                ),
            });
        }
        problems
    }

    fn origin(&self) -> Option<String> {
        let Some(url) = self.variable("ORIGIN_URL") else {
            return Some("ORIGIN_URL is not set: give the URL of the attestation API".into());
        };
        origin_problem(url).map(|problem| format!("ORIGIN_URL {problem}"))
    }
}

/// Why a URL cannot be the origin of what is deployed.
pub fn origin_problem(url: &str) -> Option<&'static str> {
    let host = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .and_then(|rest| rest.split(['/', ':', '?', '#']).next())
        .filter(|host| !host.is_empty());
    let Some(host) = host else {
        return Some("must begin with https:// or http://, and a host");
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let is_reserved = RESERVED
        .iter()
        .any(|name| host == *name || host.ends_with(&format!(".{name}")));
    if placeholder::is_loopback(url) {
        return Some("leads to this machine: give the URL of the attestation API");
    }
    is_reserved.then_some("is an example's: give the URL of the attestation API")
}

fn is_id(text: &str, length: usize) -> bool {
    let hyphen = |b: u8| b == b'-' && length == 36;
    text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit() || hyphen(b))
}

#[cfg(test)]
mod tests;
