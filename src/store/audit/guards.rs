//! The triggers that keep the audit log in D1 as it came: whether all of them are there, and no others.

use serde::Deserialize;
use worker::Env;

use crate::store::d1;
use postern_registry::error::Result;

/// Triggers of the audit log and its checkpoints: those that the migrations make, and all there
/// are.
pub(super) const TRIGGERS: &str = "select count(*) as found, coalesce(sum(name in ( \
    'audit_is_append_only_update', 'audit_is_append_only_delete', 'audit_is_append_only_insert', \
    'audit_has_rows_of_ledgers_only', 'checkpoints_are_append_only_update', \
    'checkpoints_are_append_only_delete', 'checkpoints_are_append_only_insert', \
    'checkpoints_are_of_ledgers_only')), 0) as known \
    from sqlite_master where type = 'trigger' and tbl_name in ('audit', 'checkpoints')";

/// Whether D1 has the triggers that keep the log as it came, and no others on its tables.
pub async fn is_guarded(env: &Env) -> Result<bool> {
    let rows: Vec<Guards> = d1::rows(env, TRIGGERS, Vec::new()).await?;
    Ok(rows.first().is_some_and(Guards::are_all))
}

#[derive(Deserialize)]
pub(super) struct Guards {
    pub(super) found: u32,
    pub(super) known: u32,
}

impl Guards {
    pub(super) fn are_all(&self) -> bool {
        self.found == 8 && self.known == 8
    }
}
