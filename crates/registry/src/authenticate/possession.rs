//! Whose token a text is, whatever has become of the token: for whoever wants it revoked. To ask
//! whether it is active would be the wrong question: a quarantined token opens nothing and can yet
//! be released, so it is the one that has to be revocable.

use std::rc::Rc;

use super::proof::prove;
use super::{Presented, home};
use crate::config::Config;
use crate::error::{CredentialError, Error, Result};
use crate::ports::{Facts, Ledgers, Memory};
use postern_domain::token::TokenFacts;

/// The facts of the token that the credential is, as the Ledger has them: pending, quarantined,
/// expired or revoked ones too. `None` when it is none of ours, or not the one that the facts
/// describe. Admits nobody, and counts as no use.
///
/// # Errors
/// `Unavailable` when a store or the Ledger does not answer.
pub async fn possession<P>(
    presented: &Presented,
    config: &Config,
    ports: &P,
) -> Result<Option<Rc<TokenFacts>>>
where
    P: Facts + Ledgers + Memory,
{
    let Some(id) = presented.token() else {
        return Ok(None);
    };
    let known = Memory::facts(ports, id);
    let organization = match home(presented, id, known.as_deref(), config, ports).await {
        Ok(organization) => organization,
        Err(Error::Credential(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some(facts) = ports.shown(organization, id).await? else {
        return Ok(None);
    };
    let proved: core::result::Result<(), CredentialError> =
        prove(presented, &facts, &config.root_keys.pepper);
    Ok(proved.is_ok().then(|| Rc::new(facts)))
}
