//! A creation whose answer is lost between the Ledger and the gateway: what it may have created is
//! revoked, because nobody has it.

use crate::ports::Ledgers;
use postern_domain::decide::Grant;
use postern_ledger::{MintCommand, RevokeCommand};

/// Revokes a new token, if there is one, in the name of who asked for it: its plaintext was in the
/// answer that nobody gets. Pending or active, the Ledger revokes it, and the log has both events of
/// the one request. If the Ledger does not answer to this either, the token stays listed and can be
/// revoked like any other: there is nobody to tell.
pub async fn take_back<P: Ledgers>(grant: &Grant, command: &MintCommand, ports: &P) {
    let revoke = RevokeCommand {
        token: command.facts.id,
        requester: command.requester.clone(),
        // No isolate can have seen the token: there is nothing to wait for.
        respond_async: true,
    };
    let _ = ports.send(grant, &revoke).await;
}
