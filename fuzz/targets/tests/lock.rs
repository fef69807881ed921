//! The fuzzer's lock file is up to date: `cargo xtask fuzz` builds with it and changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use toml::{Table, Value};

fn read(path: &Path) -> Table {
    let text = fs::read_to_string(path).unwrap_or_else(|_| panic!("{}", path.display()));
    toml::from_str(&text).unwrap_or_else(|_| panic!("{}", path.display()))
}

/// The first word of an entry: others give its version, where there are several.
fn name(entry: &Value) -> Option<&str> {
    entry.as_str()?.split(' ').next()
}

fn dependencies(package: &Value) -> BTreeSet<&str> {
    let list = package.get("dependencies").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(name).collect()
}

/// The packages of the lock file that are ours, with what they are linked to.
fn locked(lock: &Table) -> BTreeMap<&str, BTreeSet<&str>> {
    let packages = lock["package"].as_array().expect("packages");
    let named = packages.iter().map(|package| {
        let name = package["name"].as_str().expect("a name");
        (name, dependencies(package))
    });
    named
        .filter(|(name, _)| name.starts_with("postern-"))
        .collect()
}

#[test]
fn the_lock_file_has_what_the_crates_depend_on() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lock = read(&here.join("../Cargo.lock"));
    let locked = locked(&lock);
    let mut seen = BTreeSet::new();
    let mut left = vec!["postern-fuzz-targets".to_owned()];
    while let Some(name) = left.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let folder = match name.strip_prefix("postern-") {
            Some("fuzz-targets") | None => here.to_owned(),
            Some(stem) => here.join("../../crates").join(stem),
        };
        let manifest = read(&folder.join("Cargo.toml"));
        let known = locked.get(name.as_str());
        for (dependency, how) in manifest["dependencies"].as_table().expect("a table") {
            let is_optional = how.get("optional").and_then(Value::as_bool) == Some(true);
            assert!(
                is_optional || known.is_some_and(|known| known.contains(dependency.as_str())),
                "fuzz/Cargo.lock does not say that {name} is linked to {dependency}: run \
                 `cargo metadata --manifest-path fuzz/Cargo.toml`"
            );
            if dependency.starts_with("postern-") {
                left.push(dependency.clone());
            }
        }
    }
    let domain_and_others = ["postern-domain", "postern-ledger", "postern-wire"];
    assert!(
        domain_and_others.iter().all(|name| seen.contains(*name)),
        "{seen:?}"
    );
}
