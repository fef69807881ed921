//! The dependencies that are linked into a program, each with its version and licence, and the texts of the licences
//! as their sources have them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{Outcome, doing, read_json};

/// The longest text that is taken for a licence, in bytes.
const MAX_TEXT: u64 = 256 * 1024;

/// What a program, the package `name`, is made of, from cargo's metadata for its target.
pub fn of(metadata: &Path, name: &str) -> Outcome<String> {
    let metadata = read_json(metadata)?;
    let packages = packages(&metadata);
    let root = packages
        .iter()
        .find(|(_, package)| package["name"] == name && package["source"].is_null())
        .map(|(id, _)| *id)
        .ok_or_else(|| format!("cargo's metadata has no package {name}"))?;
    let mut linked = BTreeSet::new();
    follow(&metadata, root, &mut linked);
    let mut table = BTreeMap::new();
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for id in linked {
        let Some(package) = packages
            .get(id)
            .filter(|package| !package["source"].is_null())
        else {
            continue; // ours
        };
        let (name, version) = (text(package, "name"), text(package, "version"));
        let Some(licence) = package["license"].as_str() else {
            return Err(format!("{name} {version} names no licence"));
        };
        let titled = format!("{name} {version}");
        for found in texts_of(Path::new(text(package, "manifest_path")))? {
            texts.entry(found).or_default().insert(titled.clone());
        }
        table.insert(
            titled,
            format!("{licence}  {}", text(package, "repository")),
        );
    }
    Ok(write(name, &table, &texts))
}

fn packages(metadata: &Value) -> BTreeMap<&str, &Value> {
    let all = metadata["packages"].as_array().into_iter().flatten();
    all.filter_map(|package| Some((package["id"].as_str()?, package)))
        .collect()
}

fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value[member].as_str().unwrap_or_default()
}

/// What is linked: the normal dependencies, not those of builds and tests.
fn follow<'v>(metadata: &'v Value, id: &'v str, linked: &mut BTreeSet<&'v str>) {
    if !linked.insert(id) {
        return;
    }
    let nodes = metadata
        .pointer("/resolve/nodes")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    for node in nodes.filter(|node| node["id"] == id) {
        for dependency in node["deps"].as_array().into_iter().flatten() {
            let mut kinds = dependency["dep_kinds"].as_array().into_iter().flatten();
            if let Some(below) = dependency["pkg"].as_str()
                && kinds.any(|kind| kind["kind"].is_null())
            {
                follow(metadata, below, linked);
            }
        }
    }
}

/// The texts beside a manifest.
fn texts_of(manifest: &Path) -> Outcome<Vec<String>> {
    let Some(folder) = manifest.parent() else {
        return Ok(Vec::new());
    };
    let mut texts = Vec::new();
    for entry in doing(folder.display(), fs::read_dir(folder))? {
        let path = doing(folder.display(), entry)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_ascii_uppercase();
        let about = doing(path.display(), fs::metadata(&path))?;
        let is_licence = ["LICENSE", "LICENCE", "COPYING", "NOTICE"]
            .iter()
            .any(|start| name.starts_with(start));
        if is_licence && about.is_file() && about.len() <= MAX_TEXT {
            let text = String::from_utf8_lossy(&doing(path.display(), fs::read(&path))?)
                .replace("\r\n", "\n");
            texts.push(text.trim().to_owned());
        }
    }
    texts.sort();
    Ok(texts)
}

fn write(
    name: &str,
    table: &BTreeMap<String, String>,
    texts: &BTreeMap<String, BTreeSet<String>>,
) -> String {
    let width = table.keys().map(String::len).max().unwrap_or_default();
    let mut out = format!("What is linked into {name}, with the licence of each.\n\n");
    for (titled, licence) in table {
        out.push_str(format!("{titled:width$}  {licence}").trim_end());
        out.push('\n');
    }
    let mut blocks: Vec<(Vec<&str>, &str)> = texts
        .iter()
        .map(|(text, of)| (of.iter().map(String::as_str).collect(), text.as_str()))
        .collect();
    blocks.sort();
    let line = "-".repeat(80);
    for (of, text) in blocks {
        out.push_str(&format!("\n{line}\n{}\n\n{text}\n", of.join(", ")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_linked_is_listed_each_text_once() {
        let folder = tempfile::TempDir::new().unwrap();
        let package = |name: &str, source: Value| {
            let own = folder.path().join(name);
            fs::create_dir(&own).unwrap();
            fs::write(own.join("LICENSE-MIT"), "Permission is granted\r\n").unwrap();
            json!({ "id": name, "name": name, "version": "1.0.0", "source": source, "license": "MIT",
                "repository": null, "manifest_path": own.join("Cargo.toml") })
        };
        let depends = |on: &str, kind: Value| json!({ "pkg": on, "dep_kinds": [{ "kind": kind }] });
        let metadata = json!({
            "packages": [package("program", Value::Null), package("linked", json!("r")),
                package("below", json!("r")), package("builder", json!("r"))],
            "resolve": { "nodes": [
                { "id": "program", "deps": [depends("linked", Value::Null), depends("builder", json!("build"))] },
                { "id": "linked", "deps": [depends("below", Value::Null)] },
                { "id": "below", "deps": [depends("linked", Value::Null)] },
            ] },
        });
        let file = folder.path().join("metadata.json");
        fs::write(&file, metadata.to_string()).unwrap();
        let told = of(&file, "program").unwrap();
        assert!(
            told.contains("\nbelow 1.0.0   MIT\nlinked 1.0.0  MIT\n"),
            "{told}"
        );
        assert!(!told.contains("builder"), "{told}");
        assert_eq!(told.matches("Permission is granted").count(), 1);
        assert!(told.contains("\nbelow 1.0.0, linked 1.0.0\n"), "{told}");
    }
}
