//! Which token a text is, in any state, so that its holder can revoke it. Whether it is active is
//! not asked: a quarantined token opens nothing but can be released, so it must be revocable.

use std::rc::Rc;

use super::Presented;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::ports::{Facts, Isolate, Ledgers};
use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::token::TokenFacts;
use postern_gate::proof::prove;
use postern_gate::{Home, home, sought};

/// The facts of the token that the credential is, as the Ledger has them: pending, quarantined,
/// expired or revoked ones too. `None` when it is not of this deployment, or not the one that the
/// facts describe. Admits nobody, and does not count as a use.
///
/// # Errors
/// `Unavailable` when a store or the Ledger does not answer.
pub async fn possession<P>(
    presented: &Presented,
    config: &Config,
    ports: &P,
) -> Result<Option<Rc<TokenFacts>>>
where
    P: Facts + Isolate + Ledgers,
{
    let Some(id) = presented.token() else {
        return Ok(None);
    };
    let organization = match whose(presented, id, config, ports).await {
        Ok(organization) => organization,
        Err(Error::Credential(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some(facts) = ports.shown(organization, id).await? else {
        return Ok(None);
    };
    let proved = prove(presented, &facts, &config.root_keys.pepper);
    Ok(proved.is_ok().then(|| Rc::new(facts)))
}

/// The organization whose Ledger has the token.
async fn whose<P>(
    presented: &Presented,
    id: TokenId,
    config: &Config,
    ports: &P,
) -> Result<OrganizationId>
where
    P: Facts + Isolate,
{
    let known = ports.gate(|gate| gate.memory.facts(id))?;
    match home(presented, known.as_deref(), config)? {
        Home::Known(organization) => Ok(organization),
        Home::Sought => sought(presented, ports.facts(id).await?.as_ref(), config),
    }
}
