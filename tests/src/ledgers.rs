//! Changes what stopped gateways have stored, to make days pass or thousands of tokens be there. The gateway must be
//! stopped: two writers of one SQLite file are a test of SQLite.

use std::path::Path;

use crate::gateway::files;
use crate::node;

/// Takes what schemas after the fourth brought out of a Ledger. A new schema adds its own part here.
pub const WITHOUT_LATER_THAN_4: &str = "drop table organization; drop index tokens_retiring; drop table events; \
    drop table leases; drop table upstreams; drop table upstream_changes; \
    drop table rebuild; drop table rebuild_tokens; drop table trust_rules; drop table policy; \
    drop index tokens_by_rule; drop index tokens_of_rules; drop index tokens_of_rules_by_end; \
    alter table tokens drop column rule; \
    drop table activity_days; drop table refused_calls; drop table pause; \
    drop table tree; drop table tree_tiles; drop table tree_signed; drop table call_windows;";

/// Runs SQL on every Ledger of a state folder that has tokens, through the SQLite of the Node that serves the gateway.
///
/// # Panics
/// When there is no Ledger, or the SQL fails.
pub fn on_ledgers(state: &Path, sql: &str) {
    let run = on_stores(state, "Ledger", "head", sql);
    assert_eq!(run, Ok(()), "{sql}");
}

/// Runs SQL on D1; gives what SQLite says against it.
///
/// # Panics
/// When there is no D1.
pub fn on_record(state: &Path, sql: &str) -> Result<(), String> {
    on_stores(state, "D1DatabaseObject", "organizations", sql)
}

/// Runs SQL on KV, whose entries are rows of `_mf_entries`; gives what SQLite says against it.
///
/// # Panics
/// When there is no KV.
pub fn on_kv(state: &Path, sql: &str) -> Result<(), String> {
    on_stores(state, "KVNamespaceObject", "_mf_entries", sql)
}

/// What every table of D1 is called while D1 does not answer.
const TABLES: [&str; 8] = [
    "organizations",
    "projects",
    "workflows",
    "tokens",
    "token_days",
    "runs",
    "audit",
    "checkpoints",
];

/// Has every statement of the gateway on D1 fail, until [`mend_record`]: its tables go by other names meanwhile.
///
/// # Panics
/// When SQLite refuses.
pub fn break_record(state: &Path) {
    let rename = |table: &str| format!("alter table {table} rename to {table}_away;");
    let sql: String = TABLES.map(rename).concat();
    assert_eq!(on_record(state, &sql), Ok(()));
}

/// Undoes [`break_record`].
///
/// # Panics
/// When SQLite refuses.
pub fn mend_record(state: &Path) {
    let rename = |table: &str| format!("alter table {table}_away rename to {table};");
    let sql: String = TABLES.map(rename).concat();
    let run = on_stores(state, "D1DatabaseObject", "organizations_away", &sql);
    assert_eq!(run, Ok(()));
}

/// Has every read and write of KV fail: the table of its entries has none of its columns any more.
///
/// # Panics
/// When there is no KV.
pub fn break_kv(state: &Path) {
    let sql = "drop table _mf_entries; create table _mf_entries (gone integer);";
    assert_eq!(on_kv(state, sql), Ok(()));
}

/// Runs SQL on every store of a kind that has a table.
fn on_stores(state: &Path, kind: &str, table: &str, sql: &str) -> Result<(), String> {
    let script = "const { DatabaseSync } = require('node:sqlite'); \
                  const [, file, table, sql] = process.argv; \
                  const db = new DatabaseSync(file); \
                  const has = db.prepare('select 1 from sqlite_master where name = ?'); \
                  if (has.get(table)) { db.exec(sql); console.log('ran'); } db.close();";
    let stores = files(state).into_iter().filter(|path| {
        let text = path.to_string_lossy();
        text.contains(kind) && text.ends_with(".sqlite") && !text.contains("metadata")
    });
    let mut ran = 0;
    for store in stores {
        let done = node()
            .args(["--no-warnings", "-e", script])
            .arg(&store)
            .args([table, sql])
            .output()
            .expect("node runs");
        if !done.status.success() {
            return Err(String::from_utf8_lossy(&done.stderr).into_owned());
        }
        ran += usize::from(!done.stdout.is_empty());
    }
    assert!(ran > 0, "no {kind} with {table} in {}", state.display());
    Ok(())
}
