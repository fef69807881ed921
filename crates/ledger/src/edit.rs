//! The message that edits a token: it is renamed, described anew, or made narrower (R53).

use serde::{Deserialize, Serialize};

use postern_domain::audit::Requester;
use postern_domain::edit::{TokenEdit, Widens};
use postern_domain::id::TokenId;
use postern_domain::token::TokenFacts;

use crate::Command;

/// Edit a token that can still be used, or will be.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditCommand {
    /// The token.
    pub token: TokenId,
    /// What is to change of its facts.
    pub edit: TokenEdit,
    /// Its description; empty = it gets none, `None` = stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who asked, for the event.
    #[serde(rename = "origin")]
    pub requester: Requester,
}

/// What became of an edit. Any answer but `Edited` has changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum EditAnswer {
    /// The token is as it was asked for, for every call that begins from now on.
    Edited {
        /// Its facts.
        facts: Box<TokenFacts>,
        /// Its description.
        description: Option<String>,
    },
    /// Something would become wider.
    Widens {
        /// What.
        what: Widens,
    },
    /// Another active token has the name.
    NameTaken,
    /// The token is revoked or has expired, or is still being created.
    NotLive,
    /// The Ledger has no such token.
    Unknown,
}

impl Command for EditCommand {
    const NAME: &'static str = "edit";
    type Answer = EditAnswer;
}
