//! The answer to a mint or a rotation: the only one with a token's plaintext.

use serde::Serialize;

use crate::tokens::{TokenRecord, TokenView};
use postern_domain::id::TokenId;
use postern_domain::secret::Secret;
use postern_domain::time::Timestamp;
use postern_ledger::MintCommand;
use postern_wire::rfc3339;

/// The answer to a mint: the token's view and, this once, the token.
#[derive(Serialize)]
pub struct Minted {
    #[serde(flatten)]
    view: TokenView,
    token: String,
    warning: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<Replaced>,
}

/// The token that a rotation replaces, and when it ends.
#[derive(Serialize)]
struct Replaced {
    id: TokenId,
    /// RFC 3339; ahead of now where both overlap.
    revoked_at: String,
}

impl Minted {
    /// The answer for a token that the Ledger has minted.
    pub(crate) fn new(command: MintCommand, token: &Secret) -> Self {
        Self {
            view: TokenView::without_life(command.into()),
            token: token.expose().to_owned(),
            warning: WARNING,
            replaces: None,
        }
    }

    /// The same for a successor of the token `old`, which ends at `retire_at`.
    pub(crate) fn replacing(self, old: TokenId, retire_at: Timestamp) -> Self {
        let replaces = Some(Replaced {
            id: old,
            revoked_at: rfc3339::print(retire_at),
        });
        Self { replaces, ..self }
    }
}

impl From<MintCommand> for TokenRecord {
    /// The record of a token that has just come to life.
    fn from(command: MintCommand) -> Self {
        Self {
            facts: command.facts,
            description: command.description,
            created_at: command.created_at,
            created_by: command.created_by,
            minted_by: command.minted_by,
            creator_name: None,
            last_used_at: None,
            uses: 0,
            days: Vec::new(),
            revoked_at: None,
            revoked_by: None,
            quarantined_at: None,
        }
    }
}

const WARNING: &str = "copy the token now: it is not stored and will not be shown again";
