//! Changes what stopped gateways have stored, to make days pass or thousands of tokens be there. Refuses a gateway
//! that runs: two writers of one SQLite file are a test of SQLite.

use std::path::Path;
use std::process::Command;

use crate::gateway::files;

/// Runs SQL on every Ledger of a state folder that has tokens, through the SQLite of the Node that serves the gateway.
///
/// # Panics
/// When there is no Ledger, or the SQL fails.
pub fn on_ledgers(state: &Path, sql: &str) {
    let script = "const { DatabaseSync } = require('node:sqlite'); \
                  const db = new DatabaseSync(process.argv[1]); \
                  const has = db.prepare(\"select 1 from sqlite_master where name = 'head'\"); \
                  if (has.get()) db.exec(process.argv[2]); db.close();";
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let node = root.join("node_modules/.bin/node");
    let ledgers: Vec<_> = files(state)
        .into_iter()
        .filter(|path| {
            let text = path.to_string_lossy();
            text.contains("Ledger") && text.ends_with(".sqlite") && !text.contains("metadata")
        })
        .collect();
    assert!(
        !ledgers.is_empty(),
        "no Ledger is stored in {}",
        state.display()
    );
    for ledger in ledgers {
        let done = Command::new(&node)
            .args(["--no-warnings", "-e", script])
            .arg(&ledger)
            .arg(sql)
            .output()
            .expect("node runs");
        let told = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{}: {told}", ledger.display());
    }
}
