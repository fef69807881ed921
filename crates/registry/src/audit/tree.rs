//! The tree over an organization's log, asked. A tree that is behind takes in events of the record first,
//! a bounded number in each call; until it is level it answers nothing (R54).

use crate::error::{AuditTreeFault, Error, Result};
use crate::ports::PublicLog;
use postern_domain::id::OrganizationId;
use postern_ledger::{Numbered, TREE_EVENTS, TreeAnswer, TreeStep};

/// Pages of events that one call takes in. Each is a question to the record and one to the Ledger.
pub const TREE_PAGES: usize = 8;

/// Asks the tree, once it is level with the log.
///
/// # Errors
/// `AuditTree` where it is still behind; `Conflict` where the record's log is not genuine, or is not the one
/// that was signed before; `Invalid` for a size that the log does not have; `Unavailable`.
pub async fn ask<P: PublicLog>(
    organization: OrganizationId,
    step: TreeStep,
    ports: &P,
) -> Result<TreeAnswer> {
    let mut reach = 0;
    for _ in 0..TREE_PAGES {
        let (size, log) = match ports.tree(organization, step.clone()).await? {
            TreeAnswer::Behind { size, log } => (size, log),
            answer => return told(answer),
        };
        if reach > 0 && size <= reach {
            break;
        }
        let rows = ports.log_rows(organization, size, log, TREE_EVENTS).await?;
        let numbered = |(sequence, row)| Numbered { sequence, row };
        let rows: Vec<Numbered> = rows.into_iter().map(numbered).collect();
        if rows.is_empty() {
            return Err(behind(size, log));
        }
        reach = size;
        told(ports.tree(organization, TreeStep::Grow { rows }).await?)?;
    }
    match ports.tree(organization, step).await? {
        TreeAnswer::Behind { size, log } => Err(behind(size, log)),
        answer => told(answer),
    }
}

fn behind(size: u64, log: u64) -> Error {
    Error::AuditTree(AuditTreeFault::Behind { size, log })
}

/// An answer that is no refusal.
fn told(answer: TreeAnswer) -> Result<TreeAnswer> {
    Err(match answer {
        TreeAnswer::Level { .. }
        | TreeAnswer::Behind { .. }
        | TreeAnswer::Signed { .. }
        | TreeAnswer::Proof { .. } => return Ok(answer),
        TreeAnswer::NoKeys => Error::AuditTree(AuditTreeFault::KeysNotSet),
        TreeAnswer::NotGenuine { sequence, problem } => Error::Conflict {
            code: "log_not_genuine",
            detail: format!(
                "D1's audit log does not fit at event {sequence}: {problem}; restore D1, or mend \
                 it, and call again"
            ),
        },
        TreeAnswer::Forked { size } => Error::Conflict {
            code: "audit_log_forked",
            detail: format!(
                "the log is not the one of which a checkpoint of {size} events was signed: nothing \
                 more is signed, because that would prove a fork; see docs/RECOVERY.md"
            ),
        },
        TreeAnswer::OutOfRange { size } => Error::invalid(
            "size_invalid",
            format!(
                "the log has {size} events: `from` must be at most `to`, and `to` at most that"
            ),
        ),
    })
}
