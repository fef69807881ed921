//! Releasing a token that is quarantined after a report (see `leaks`). It takes the right to create
//! such a token: a release makes one active.

use serde::Serialize;

use super::{UNKNOWN, hide, reach, token_id};
use crate::error::{Error, Result};
use crate::organization::resolve_id;
use crate::ports::{Directory, Ledgers};
use postern_domain::audit::Origin;
use postern_domain::caller::Caller;
use postern_domain::decide::{Target, Wish, decide};
use postern_domain::id::TokenId;
use postern_domain::operation::Operation;
use postern_ledger::{ReleaseAnswer, ReleaseCommand};

/// The answer to a release.
#[derive(Debug, Serialize)]
pub struct Released {
    id: TokenId,
}

/// `POST /org/tokens/{id}/release`.
///
/// # Errors
/// `Denied`, `Invalid` for a malformed id, `NotFound`, `Conflict` for a token that is not
/// quarantined, `Unavailable`.
pub async fn release<P: Directory + Ledgers>(
    caller: &Caller,
    organization: Option<&str>,
    id: &str,
    origin: Origin,
    ports: &P,
) -> Result<Released> {
    reach(caller, Operation::TokenRelease)?;
    let id = token_id(id)?;
    let organization = resolve_id(caller, organization, ports).await?;
    let facts = ports.describe(&organization, id).await?.ok_or(UNKNOWN)?;
    let permit = decide(caller, Operation::TokenRelease, Target::Token(&facts)).map_err(hide)?;
    let wish = Wish {
        scope: &facts.scope,
        policies: Some(&facts.policies),
        expires_at: None,
        is_system: facts.is_system,
    };
    decide(caller, Operation::TokenCreate, Target::NewToken(wish))?;
    let command = ReleaseCommand { token: id, origin };
    match ports.send(&permit.over(&organization)?, &command).await? {
        ReleaseAnswer::Released => Ok(Released { id }),
        ReleaseAnswer::NotHeld => Err(Error::Conflict {
            code: "token_not_held",
            detail: "the token is not quarantined: there is nothing to release".into(),
        }),
    }
}
