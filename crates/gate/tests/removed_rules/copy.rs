//! A copy of the crates that leases are made of, in which a rule can be missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::Removed;

const CRATES: [&str; 5] = ["domain", "wire", "routes", "ledger", "gate"];
/// Of the model: enough for most removals, and soon over where another test notices.
const HISTORIES: &str = "2000";

/// The top of the checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub struct Copy {
    folder: PathBuf,
}

impl Copy {
    pub fn new() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("removed-rules");
        // What an earlier run has left, in the middle of a removal.
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("removed");
        }
        for name in CRATES {
            let name = Path::new("crates").join(name);
            copy_folder(&root().join(&name), &folder.join(&name));
        }
        for name in ["Cargo.lock", "routes.toml"] {
            fs::copy(root().join(name), folder.join(name)).expect(name);
        }
        let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
        fs::write(folder.join("Cargo.toml"), workspace(&manifest)).expect("written");
        Self { folder }
    }

    /// The tests that fail without a rule.
    pub fn without(&self, removed: &Removed) -> Vec<String> {
        let file = self.folder.join(removed.file);
        let whole = fs::read_to_string(&file).expect(removed.file);
        let edited = whole.replacen(removed.text, removed.instead, 1);
        fs::write(&file, edited).expect("written");
        let failures = self.failures();
        fs::write(&file, whole).expect("written");
        failures
    }

    /// The tests of leases that fail, and of histories the first that does.
    pub fn failures(&self) -> Vec<String> {
        let built = self.test(&["--no-run"]);
        let said = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "it does not compile:\n{said}");
        let ran = self.test(&["--no-fail-fast", "--", "lease", "r41_", "r7_"]);
        let said = String::from_utf8_lossy(&ran.stdout);
        let failed = said
            .lines()
            .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
            .map(|name| name.rsplit("::").next().unwrap_or(name).to_owned());
        let histories = said.lines().filter_map(|line| {
            let (seed, _) = line.strip_prefix("seed ")?.split_once(": ")?;
            Some(format!("history {seed}"))
        });
        failed.chain(histories).collect()
    }

    fn test(&self, arguments: &[&str]) -> Output {
        // With the other packages as they are built already.
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
        Command::new(env!("CARGO"))
            .args(["test", "--offline", "--lib"])
            .args(["-p", "postern-ledger", "-p", "postern-gate"])
            .args(arguments)
            .env("LEASE_HISTORIES", HISTORIES)
            .env("CARGO_TARGET_DIR", target.expect("a folder above"))
            .current_dir(&self.folder)
            .output()
            .expect("cargo runs")
    }
}

/// The workspace's manifest, of these crates alone. They are built plainly: each is run for seconds.
fn workspace(manifest: &str) -> String {
    let (dependencies, rest) = manifest.split_once("[package]").expect("a package");
    let (_, profiles) = rest.split_once("[profile.release]").expect("profiles");
    let mut text = format!("{dependencies}[profile.release]{profiles}");
    let members = text.lines().find(|line| line.starts_with("members"));
    let members = members.expect("members").to_owned();
    text = text.replace(&members, "members = [\"crates/*\"]");
    text.replace("postern-ledger = { opt-level = 1 }\n", "")
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("created");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match from.is_dir() {
            true => copy_folder(&from, &to),
            false => drop(fs::copy(&from, &to).expect("copied")),
        }
    }
}
