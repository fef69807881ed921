//! The template against the checkout that it is made of: what is deployed from a release is what is deployed from here.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn json_of(path: &str) -> Value {
    let text = fs::read_to_string(root().join(path)).unwrap();
    // Lines that are comments alone, which is all that the template has.
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    serde_json::from_str(&lines.collect::<Vec<_>>().join("\n")).unwrap()
}

#[test]
fn the_release_is_configured_as_the_checkout_without_its_build() {
    let toml = fs::read_to_string(root().join("wrangler.toml")).unwrap();
    let ours: toml::Table = toml::from_str(&toml).unwrap();
    let mut ours = serde_json::to_value(ours).unwrap();
    let members = ours.as_object_mut().unwrap();
    members.remove("build").expect("the checkout builds");
    let rules = json!([{ "type": "CompiledWasm", "globs": ["**/*.wasm"], "fallthrough": false }]);
    members.insert("no_bundle".into(), true.into());
    members.insert("rules".into(), rules);
    assert_eq!(json_of(&format!("{TEMPLATE}/wrangler.jsonc")), ours);
}

#[test]
fn the_release_is_deployed_with_the_tools_of_the_checkout() {
    let (ours, theirs) = (
        json_of("package.json"),
        json_of(&format!("{TEMPLATE}/package.json")),
    );
    let wrangler = "/devDependencies/wrangler";
    assert_eq!(theirs.pointer(wrangler), ours.pointer(wrangler));
    assert_eq!(theirs["optionalDependencies"], ours["optionalDependencies"]);
    assert_eq!(theirs["scripts"]["predev"], ours["scripts"]["predev"]);
}

#[test]
fn every_version_is_the_same() {
    let version = env!("CARGO_PKG_VERSION");
    for file in ["package.json", "packages/create-postern/package.json"] {
        assert_eq!(json_of(file)["version"], version, "{file}");
    }
    let description = fs::read_to_string(root().join("docs/openapi.json")).unwrap();
    let description: Value = serde_json::from_str(&description).unwrap();
    assert_eq!(description["info"]["version"], version);
    let changes = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    assert!(
        changes.contains(&format!("\n## [{version}]")),
        "CHANGELOG.md has no {version}"
    );
}
