//! How the artifacts were made, as an in-toto statement with the SLSA v1 provenance predicate. It is not signed here:
//! whoever publishes a release signs it (.github/workflows/release.yml).

use serde_json::{Value, json};

use crate::digest::{self, Digests};
use crate::{Outcome, Places, read, read_json};

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "https://slsa.dev/provenance/v1";
/// What the parameters below mean: docs/OPERATIONS.md, "Releases".
const BUILD_TYPE: &str = "https://postern.invalid/release/v1";

/// What the build depends on beside its sources, and what it was built with.
const LOCKS: [&str; 2] = ["Cargo.lock", "package-lock.json"];

/// The statement about these artifacts.
pub fn statement(places: &Places, version: &str, artifacts: &Digests) -> Outcome<Vec<u8>> {
    let facts = read_json(&places.parts.join("facts.json"))?;
    let fact = |name: &str| facts.get(name).cloned().unwrap_or_default();
    // The commit that was built comes first.
    let mut dependencies = vec![json!({
        "uri": fact("source"),
        "digest": { "gitCommit": fact("commit") },
    })];
    for lock in LOCKS {
        let digest = digest::hex(&read(&places.root.join(lock))?);
        dependencies.push(json!({ "name": lock, "digest": { "sha256": digest } }));
    }
    let subject: Vec<Value> = artifacts
        .iter()
        .map(|(name, digest)| json!({ "name": name, "digest": { "sha256": digest } }))
        .collect();
    let statement = json!({
        "_type": STATEMENT,
        "subject": subject,
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": { "command": "cargo xtask release", "version": version },
                "internalParameters": { "rustc": fact("rustc"), "toolchain": fact("toolchain"), "clean": fact("clean") },
                "resolvedDependencies": dependencies,
            },
            "runDetails": { "builder": { "id": fact("builder") }, "metadata": {} },
        },
    });
    Ok(format!("{statement:#}\n").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_statement_names_each_artifact_and_the_commit() {
        let folder = tempfile::TempDir::new().unwrap();
        let places = Places {
            root: folder.path().to_owned(),
            parts: folder.path().to_owned(),
            out: folder.path().to_owned(),
        };
        for lock in LOCKS {
            fs::write(folder.path().join(lock), "abc").unwrap();
        }
        let facts = json!({ "commit": "c0", "source": "git+https://example.com/postern", "rustc": "rustc 1",
            "toolchain": "rustup", "clean": true, "builder": "https://example.com/ci" });
        fs::write(folder.path().join("facts.json"), facts.to_string()).unwrap();
        let artifacts = Digests::from([("postern.tar.gz".into(), "d1".into())]);
        let made = statement(&places, "1.2.3", &artifacts).unwrap();
        let made: Value = serde_json::from_slice(&made).unwrap();
        assert_eq!(made["_type"], STATEMENT);
        assert_eq!(made["predicateType"], PREDICATE);
        assert_eq!(
            made["subject"],
            json!([{ "name": "postern.tar.gz", "digest": { "sha256": "d1" } }])
        );
        let definition = &made["predicate"]["buildDefinition"];
        assert_eq!(definition["externalParameters"]["version"], "1.2.3");
        let first = &definition["resolvedDependencies"][0];
        assert_eq!(first["digest"]["gitCommit"], "c0");
        assert_eq!(
            definition["resolvedDependencies"].as_array().unwrap().len(),
            3
        );
        assert_eq!(
            made["predicate"]["runDetails"]["builder"]["id"],
            "https://example.com/ci"
        );
    }
}
