//! Years of tokens and of audit events, put straight into the stores of a stopped gateway: copies of one real token
//! under other ids. The gateway reads the copies exactly as it reads what it wrote itself.

use std::path::Path;

use postern_system_tests::ledgers::{on_ledgers, on_record};

/// Which copies of a token are revoked.
#[derive(Debug, Clone, Copy)]
pub enum Revoked {
    /// Those with an odd number.
    Half,
    /// All, in another range of ids.
    All,
}

impl Revoked {
    /// What a copy with number `i` is called, in SQL.
    fn id(self) -> String {
        let variant = match self {
            Self::Half => '8',
            Self::All => '9',
        };
        format!("printf('%08x-0000-4000-{variant}000-%012x', i, i)")
    }

    fn sql(self) -> &'static str {
        match self {
            Self::Half => "(i & 1)",
            Self::All => "1",
        }
    }
}

/// The id of a copy where half are revoked.
pub fn id(number: u64) -> String {
    format!("{number:08x}-0000-4000-8000-{number:012x}")
}

fn numbers(count: u64) -> String {
    format!("with recursive n (i) as (select 1 union all select i + 1 from n where i < {count}) ")
}

/// Copies of a token in its Ledger and in the record: as old as their number in seconds, and what has ended marked so,
/// as the hourly event does.
///
/// # Errors
/// What SQLite says against it.
pub fn tokens(state: &Path, template: &str, count: u64, revoked: Revoked) -> Result<(), String> {
    let (numbers, id, dead) = (numbers(count), revoked.id(), revoked.sql());
    on_ledgers(
        state,
        &format!(
            "insert into tokens (id, facts, place, name, description, is_system, state, project, minted_by, replaces, \
             address, created_at, expires_at, revoked_at, version, quarantined_at, uses, used_at) {numbers} \
             select {id}, replace(replace(facts, id, {id}), name, 'seeded-' || i), place, 'seeded-' || i, description, 0, \
             1 + {dead}, project, minted_by, null, address, created_at - i * 1000, expires_at, \
             iif({dead}, created_at - i * 1000 + 500, null), iif({dead}, 1, null), null, 0, null \
             from n, tokens where tokens.id = '{template}'"
        ),
    );
    on_record(
        state,
        &format!(
            "insert into tokens (id, organization_id, project_id, workflow_id, name, description, format, pepper, hash, \
             policies, is_system, created_at, created_by, minted_by, expires_at, revoked_at, revoked_by, last_used_at, uses, \
             quarantined_at, claims, over) {numbers} \
             select {id}, organization_id, project_id, workflow_id, 'seeded-' || i, description, format, pepper, hash, \
             policies, 0, created_at - i * 1000, created_by, minted_by, expires_at, \
             iif({dead}, created_at - i * 1000 + 500, null), iif({dead}, 'admin-token', null), null, 0, null, claims, {dead} \
             from n, tokens where tokens.id = '{template}'"
        ),
    )
}

/// Audit events about these tokens, far behind those of the Ledger: the chain is not that of a real log.
///
/// # Errors
/// What SQLite says against it.
pub fn audit(state: &Path, template: &str, count: u64) -> Result<(), String> {
    let (numbers, id) = (numbers(count), Revoked::Half.id());
    on_record(
        state,
        &format!(
            "insert into audit (organization_id, sequence, at, action, actor, token_id, content, previous, link, kid) {numbers} \
             select organization_id, 1000000000 + i, at - i * 1000, action, actor, {id}, content, previous, link, kid \
             from n, audit where token_id = '{template}' and action = 'token.mint'"
        ),
    )
}
