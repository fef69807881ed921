//! What stopped gateways have left in the stores of objects and of D1, and changes of it, to make clocks run wrong. The
//! gateway must be stopped: two writers of one SQLite file are a test of SQLite.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::gateway::files;
use crate::node;

/// The SQLite files of one kind (`MintLimiter`, `d1`), those aside in which the runtime keeps its own.
pub fn stores(state: &Path, kind: &str) -> Vec<PathBuf> {
    let mut found = files(state);
    found.retain(|path| {
        let text = path.to_string_lossy();
        text.contains(kind) && text.ends_with(".sqlite") && !text.contains("metadata")
    });
    found
}

/// Runs one statement on a store and gives its rows.
///
/// # Panics
/// When it fails.
pub fn sql(store: &Path, statement: &str) -> Vec<Value> {
    let script = "const { DatabaseSync } = require('node:sqlite'); \
                  const db = new DatabaseSync(process.argv[1]); \
                  console.log(JSON.stringify(db.prepare(process.argv[2]).all())); db.close();";
    let done = node()
        .args(["--no-warnings", "-e", script])
        .arg(store)
        .arg(statement)
        .output()
        .expect("node runs");
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{}: {told}", store.display());
    serde_json::from_slice(&done.stdout).expect("rows as JSON")
}

/// Whether a store has this table.
pub fn has_table(store: &Path, name: &str) -> bool {
    let statement = format!("select name from sqlite_master where name = '{name}'");
    !sql(store, &statement).is_empty()
}
