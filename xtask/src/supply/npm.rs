//! The locks of npm: each package is of the registry, and has the hash of what was locked. None of it ships, but it
//! builds the module and runs the tests.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::fail::{Outcome, doing, failed};
use crate::{paths, process};

/// Where `package-lock.json` lies.
const FOLDERS: [&str; 2] = ["", "tests/openapi"];

/// Reads the locks.
pub fn check() -> Outcome<String> {
    let (mut count, mut scripts) = (0, BTreeSet::new());
    for folder in FOLDERS {
        let file = paths::root().join(folder).join("package-lock.json");
        let what = format!("reading {}", file.display());
        let text = doing(what, fs::read_to_string(&file))?;
        for package in packages(&text) {
            if let Some(fault) = package.fault() {
                return Err(failed(format_args!(
                    "{}: `{}` {fault}",
                    file.display(),
                    package.name
                )));
            }
            count += 1;
            if package.has_script {
                scripts.insert(package.name);
            }
        }
    }
    let scripts: Vec<_> = scripts.into_iter().collect();
    Ok(format!(
        "npm: {count} packages in {} locks, each of the registry and with its hash; they run at their install: {}",
        FOLDERS.len(),
        scripts.join(", ")
    ))
}

/// Asks the registry for what is known against them.
pub fn audit() -> Outcome<String> {
    for folder in FOLDERS {
        let mut audit = Command::new("npm");
        audit
            .args(["audit", "--package-lock-only", "--audit-level=moderate"])
            .current_dir(paths::root().join(folder));
        process::quiet("npm audit", &mut audit)?;
    }
    Ok("npm audit: nothing moderate or worse".to_owned())
}

/// A package of a lock.
#[derive(Debug, Default, PartialEq, Eq)]
struct Package {
    name: String,
    resolved: Option<String>,
    integrity: Option<String>,
    has_script: bool,
}

impl Package {
    fn fault(&self) -> Option<&'static str> {
        let hash = self.integrity.as_deref().unwrap_or_default();
        // Our locks leave the address out for what the registry has.
        if self.resolved.is_some() {
            Some("is not of the registry")
        } else if !hash.starts_with("sha512-") {
            Some("has no SHA-512 of what was locked")
        } else {
            None
        }
    }
}

/// The packages of a lock as npm writes it: a member a line, a package at four spaces, what is told of it at six.
fn packages(text: &str) -> Vec<Package> {
    let mut found: Vec<Package> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line
            .strip_prefix("    \"node_modules/")
            .and_then(|rest| rest.strip_suffix("\": {"))
        {
            found.push(Package {
                name: name.to_owned(),
                ..Package::default()
            });
        }
        let Some(package) = found.last_mut() else {
            continue;
        };
        let told = |member: &str| {
            let rest = line.strip_prefix(&format!("      \"{member}\": \""))?;
            Some(rest.trim_end_matches(',').trim_end_matches('"').to_owned())
        };
        if let Some(from) = told("resolved") {
            package.resolved = Some(from);
        } else if let Some(hash) = told("integrity") {
            package.integrity = Some(hash);
        } else if line.starts_with("      \"hasInstallScript\": true") {
            package.has_script = true;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_a_lock() {
        let lock = |members: &str| {
            let text = format!(
                "{{\n  \"packages\": {{\n    \"\": {{\n      \"name\": \"postern\"\n    }},\n    \
                 \"node_modules/a\": {{\n{members}    }}\n  }}\n}}\n"
            );
            let mut found = packages(&text);
            assert_eq!(found.len(), 1, "{text}");
            found.remove(0)
        };
        let good = "      \"integrity\": \"sha512-x\",\n";
        assert_eq!(lock(good).fault(), None);
        assert!(!lock(good).has_script);
        assert!(lock(&format!("{good}      \"hasInstallScript\": true,\n")).has_script);
        for (members, fault) in [
            (
                "      \"version\": \"1\"\n",
                "has no SHA-512 of what was locked",
            ),
            (
                "      \"integrity\": \"sha1-x\"\n",
                "has no SHA-512 of what was locked",
            ),
            (
                "      \"resolved\": \"git+ssh://git@example.com/a\",\n      \"integrity\": \"sha512-x\"\n",
                "is not of the registry",
            ),
        ] {
            assert_eq!(lock(members).fault(), Some(fault), "{members}");
        }
    }
}
