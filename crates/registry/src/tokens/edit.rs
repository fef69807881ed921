//! Editing a token (R53): a new name or description, and narrower limits. It takes the right to revoke such a
//! token: a caller that can end it can also make it allow less.

use serde::{Deserialize, Serialize};

use super::{UNKNOWN, hide, reach, token_id};
use crate::conditions::{ConditionsView, ranges, refused};
use crate::error::{Error, Result};
use crate::mint;
use crate::organization::resolve_id;
use crate::ports::{Clock, Directory, Ledgers};
use crate::registry::read_body;
use postern_domain::audit::Requester;
use postern_domain::caller::Caller;
use postern_domain::conditions::Conditions;
use postern_domain::decide::{Target, decide};
use postern_domain::edit::TokenEdit;
use postern_domain::id::TokenId;
use postern_domain::operation::Operation;
use postern_domain::policy::Policy;
use postern_domain::token::TokenFacts;
use postern_ledger::{EditAnswer, EditCommand};
use postern_wire::{json, rfc3339};

/// What stays is left out; `null` is left out too.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    name: Option<String>,
    description: Option<String>,
    expires_at: Option<String>,
    expires_in: Option<String>,
    policies: Option<Vec<String>>,
    address_ranges: Option<Vec<String>>,
    #[serde(default, deserialize_with = "json::whole")]
    calls_per_minute: Option<u32>,
}

/// A token as an edit has left it.
#[derive(Debug, Serialize)]
pub struct Edited {
    id: TokenId,
    name: String,
    description: Option<String>,
    policies: Vec<Policy>,
    expires_at: Option<String>,
    #[serde(flatten)]
    conditions: ConditionsView,
}

impl Edited {
    fn new(facts: TokenFacts, description: Option<String>) -> Self {
        Self {
            id: facts.id,
            name: facts.name.as_str().to_owned(),
            description,
            expires_at: facts.expires_at.map(rfc3339::print),
            conditions: facts.conditions.as_deref().into(),
            policies: facts.policies,
        }
    }
}

/// `PATCH /org/tokens/{id}`. It answers when the edit is final: no call that begins from then on goes by what
/// the token was before.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound`, `Conflict` for what would become wider, for a live name and for a token
/// that is not active, `Unavailable`. After an error the token is as it was.
pub async fn edit<P: Clock + Directory + Ledgers>(
    caller: &Caller,
    organization: Option<&str>,
    id: &str,
    (body, requester): (&[u8], Requester),
    ports: &P,
) -> Result<Edited> {
    reach(caller, Operation::TokenEdit)?;
    let id = token_id(id)?;
    let request: Request = read_body(body)?;
    let ends = (request.expires_at.as_deref(), request.expires_in.as_deref());
    let edit = TokenEdit {
        name: request.name.as_deref().map(mint::name).transpose()?,
        expires_at: mint::expiry(ends.0, ends.1, ports.now())?,
        policies: request.policies.map(mint::policies).transpose()?,
        address_ranges: request.address_ranges.as_deref().map(ranges).transpose()?,
        calls_per_minute: request.calls_per_minute,
    };
    // What no token can have is said as such, whatever this one has.
    let asked = edit.address_ranges.clone().unwrap_or_default();
    Conditions::new(asked, edit.calls_per_minute).map_err(refused)?;
    if let Some(text) = &request.description {
        mint::checked_description(text)?;
    }
    if edit == TokenEdit::default() && request.description.is_none() {
        return Err(Error::invalid(
            "edit_empty",
            "say what is to change: `name`, `description`, `expires_at`, `policies`, \
             `address_ranges` or `calls_per_minute`",
        ));
    }
    let organization = resolve_id(caller, organization, ports).await?;
    let facts = ports.describe(&organization, id).await?.ok_or(UNKNOWN)?;
    let permit = decide(caller, Operation::TokenEdit, Target::Token(&facts)).map_err(hide)?;
    let command = EditCommand {
        token: id,
        edit,
        description: request.description,
        requester,
    };
    match ports.send(&permit.over(&organization)?, &command).await? {
        EditAnswer::Edited { facts, description } => Ok(Edited::new(*facts, description)),
        EditAnswer::Widens { what } => Err(Error::Conflict {
            code: "edit_widens",
            detail: format!("{what}: create another token to allow more"),
        }),
        EditAnswer::NameTaken => Err(Error::Conflict {
            code: "name_taken",
            detail: "an active token of this organization or project already has this name".into(),
        }),
        EditAnswer::NotLive => Err(Error::Conflict {
            code: "token_not_live",
            detail: "the token is revoked or has expired: create a new one".into(),
        }),
        EditAnswer::Unknown => Err(UNKNOWN),
    }
}

#[cfg(test)]
mod tests;
