//! Revoking one token (R11). D1 is not needed: the organization's id, the token's facts and the
//! tombstone are all with the Ledger.

use serde::Serialize;

use super::{UNKNOWN, hide, reach, token_id};
use crate::error::Result;
use crate::organization::resolve_id;
use crate::ports::{Clock, Directory, Ledgers};
use postern_domain::audit::Requester;
use postern_domain::caller::Caller;
use postern_domain::decide::{Target, decide};
use postern_domain::id::TokenId;
use postern_domain::operation::Operation;
use postern_domain::time::Timestamp;
use postern_ledger::{LONGEST_LEASE_MS, RevokeAnswer, RevokeCommand};
use postern_wire::rfc3339;

/// The answer to a revoke.
#[derive(Debug, Serialize)]
pub struct Revoked {
    id: TokenId,
    revoked_at: String,
    /// From then on at the latest no call with the token is accepted anywhere (R41); `None` = that was so long
    /// before this call.
    final_at: Option<String>,
}

/// `DELETE /org/tokens/{id}`. INVARIANT (a revoke that has answered is final): the Ledger answers
/// only after its tombstone is stored and no isolate can believe any more that the token is active.
/// With `respond_async` (RFC 7240, section 4.1) it answers at once, and says when that is so.
///
/// # Errors
/// `Denied`, `Invalid` for a malformed id, `NotFound`, `Unavailable`.
pub async fn revoke<P: Clock + Directory + Ledgers>(
    caller: &Caller,
    organization: Option<&str>,
    id: &str,
    (requester, respond_async): (Requester, bool),
    ports: &P,
) -> Result<Revoked> {
    reach(caller, Operation::TokenRevoke)?;
    let id = token_id(id)?;
    let organization = resolve_id(caller, organization, ports).await?;
    // Facts never change, so nothing can come between this question and the command.
    let facts = ports.describe(&organization, id).await?.ok_or(UNKNOWN)?;
    let permit = decide(caller, Operation::TokenRevoke, Target::Token(&facts)).map_err(hide)?;
    let command = RevokeCommand {
        token: id,
        requester,
        respond_async,
    };
    let asked_at = ports.now();
    match ports.send(&permit.over(&organization)?, &command).await? {
        RevokeAnswer::Revoked { at, final_in_ms } => {
            // By this clock, which need not agree with the Ledger's.
            let final_at = ports.now().plus_millis(i64::from(final_in_ms)).max(at);
            Ok(Revoked {
                id,
                revoked_at: rfc3339::print(at),
                final_at: (!long_final(at, asked_at)).then(|| rfc3339::print(final_at)),
            })
        }
        RevokeAnswer::Unknown => Err(UNKNOWN),
    }
}

/// Whether a revoke of that moment was final before it was asked for again: twice the longest lease covers
/// what a restart waits for, and clocks that differ.
fn long_final(at: Timestamp, asked_at: Timestamp) -> bool {
    asked_at.since(at) > 2 * i64::from(LONGEST_LEASE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r11_a_revoke_that_was_final_long_ago_has_no_new_moment_of_it() {
        let asked = Timestamp::from_millis(1_800_000_000_000);
        let longest = 2 * i64::from(LONGEST_LEASE_MS);
        for (ago, expected) in [
            (-60, false),
            (0, false),
            (longest, false),
            (longest + 1, true),
            (840_000, true),
        ] {
            let at = asked.plus_millis(-ago);
            assert_eq!(long_final(at, asked), expected, "{ago}");
        }
    }
}
