//! Whether there is any active token at all (R22). Nothing is counted: one is enough.
//!
//! D1 has a token's row before its mint is answered, and the end of a token only after its revoke
//! is: an answer that comes too early or too late says that there is one, and nothing opens.

use serde::Deserialize;
use worker::Env;

use super::d1::{self, Bind};
use postern_domain::time::Timestamp;
use postern_registry::error::Result;

#[derive(Deserialize)]
struct ActiveRow {
    live: u32,
}

/// Whether any token is neither revoked nor expired.
pub async fn any_live_token(env: &Env, now: Timestamp) -> Result<bool> {
    let sql = "select exists (select 1 from tokens \
               where (revoked_at is null or revoked_at > ?1) \
               and (expires_at is null or expires_at > ?1)) as live";
    let rows: Vec<ActiveRow> = d1::rows(env, sql, vec![Bind::time(now)]).await?;
    // No row would be no answer: that is not a no.
    Ok(rows.first().is_none_or(|found| found.live != 0))
}
