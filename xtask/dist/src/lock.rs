//! The lock file of the deployed folder: the part of the checkout's that its own tools need. So the tools of a release
//! are the same for everybody, down to their hashes, and the ones that it was tested with.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::Outcome;

/// What a package or a manifest can ask for.
const KINDS: [&str; 4] = [
    "dependencies",
    "devDependencies",
    "optionalDependencies",
    "peerDependencies",
];

/// The lock file for a manifest whose tools are among those of `whole`, a lock file of version 3.
///
/// # Errors
/// If something is asked for that `whole` does not have, or has in a way that this does not know.
pub fn of(manifest: &Value, whole: &Value) -> Outcome<String> {
    if whole["lockfileVersion"] != 3 {
        return Err("package-lock.json is not of version 3".to_owned());
    }
    let known = whole["packages"]
        .as_object()
        .ok_or("package-lock.json has no packages")?;
    let mut needed = BTreeSet::new();
    follow(manifest, known, &mut needed)?;
    let mut packages = Map::new();
    let mut own = Map::new();
    for member in ["name", "license"].iter().chain(&KINDS) {
        if let Some(value) = manifest.get(*member) {
            own.insert((*member).to_owned(), value.clone());
        }
    }
    packages.insert(String::new(), own.into());
    for place in needed {
        if let Some(package) = known.get(&place) {
            packages.insert(place, package.clone());
        }
    }
    let lock = json!({
        "name": manifest["name"],
        "lockfileVersion": 3,
        "requires": true,
        "packages": packages,
    });
    serde_json::to_string_pretty(&lock)
        .map(|text| text + "\n")
        .map_err(|error| error.to_string())
}

/// Adds everything that a package asks for, in turn.
fn follow(package: &Value, known: &Map<String, Value>, needed: &mut BTreeSet<String>) -> Outcome {
    for kind in KINDS {
        let asked = package[kind].as_object().into_iter().flatten();
        for (name, _) in asked {
            // Each package lies at the top: one below another would be another version of it.
            let place = format!("node_modules/{name}");
            let Some(found) = known.get(&place) else {
                let meta = package["peerDependenciesMeta"].get(name);
                let is_optional = meta.is_some_and(|meta| meta["optional"] == true);
                if is_optional || kind == "optionalDependencies" {
                    continue;
                }
                return Err(format!("package-lock.json has no {name}"));
            };
            let below = format!("{place}/");
            if known.keys().any(|other| other.starts_with(&below))
                || known
                    .keys()
                    .any(|other| other.ends_with(&format!("/{place}")))
            {
                return Err(format!(
                    "package-lock.json has more than one place for {name}, or below it"
                ));
            }
            if needed.insert(place) {
                follow(found, known, needed)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Value {
        json!({
            "lockfileVersion": 3,
            "packages": {
                "": { "name": "checkout", "devDependencies": { "tool": "1.0.0", "other": "1.0.0" } },
                "node_modules/tool": {
                    "version": "1.0.0", "integrity": "sha512-a", "dev": true,
                    "dependencies": { "part": "2.0.0" },
                    "optionalDependencies": { "elsewhere": "1.0.0" },
                    "peerDependencies": { "types": "*" },
                    "peerDependenciesMeta": { "types": { "optional": true } },
                },
                "node_modules/part": { "version": "2.0.0", "dependencies": { "tool": "1.0.0" } },
                "node_modules/other": { "version": "1.0.0" },
            },
        })
    }

    fn manifest(tool: &str) -> Value {
        json!({ "name": "folder", "license": "L", "scripts": {}, "devDependencies": { tool: "1.0.0" } })
    }

    #[test]
    fn it_has_what_the_tools_need_and_nothing_else() {
        let lock = of(&manifest("tool"), &whole()).expect("a lock file");
        assert!(lock.ends_with("}\n"));
        let lock: Value = serde_json::from_str(&lock).expect("JSON");
        assert_eq!(lock["name"], "folder");
        let packages = lock["packages"].as_object().expect("packages");
        let places: Vec<&str> = packages.keys().map(String::as_str).collect();
        assert_eq!(places, ["", "node_modules/part", "node_modules/tool"]);
        let whole = whole();
        for place in ["node_modules/part", "node_modules/tool"] {
            assert_eq!(packages[place], whole["packages"][place]);
        }
        assert_eq!(
            packages[""],
            json!({ "name": "folder", "license": "L", "devDependencies": { "tool": "1.0.0" } })
        );
    }

    #[test]
    fn what_it_cannot_lock_is_said() {
        let why = of(&manifest("none"), &whole()).expect_err("it is not there");
        assert_eq!(why, "package-lock.json has no none");
        let mut older = whole();
        older["lockfileVersion"] = 2.into();
        let why = of(&manifest("tool"), &older).expect_err("an older form");
        assert_eq!(why, "package-lock.json is not of version 3");
        for place in [
            "node_modules/tool/node_modules/part",
            "node_modules/part/node_modules/x",
        ] {
            let mut twice = whole();
            twice["packages"][place] = json!({ "version": "1.0.0" });
            let why = of(&manifest("tool"), &twice).expect_err("two places");
            assert!(why.contains("more than one place for"), "{why}");
        }
    }
}
