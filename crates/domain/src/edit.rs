//! An edit of a token (R53): its name is free, and whatever limits it can only become narrower. So an edit
//! needs no right to create, and no chain of edits gives a token what it did not hold.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::conditions::{AddressRange, Conditions, both, within};
use super::limit::lower;
use super::name::TokenName;
use super::policy::{Policy, covers};
use super::time::Timestamp;
use super::token::TokenFacts;

/// What is to change of a token's facts; `None` = stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenEdit {
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<TokenName>,
    /// An earlier end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Fewer policies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policies: Option<Vec<Policy>>,
    /// Ranges within those that it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_ranges: Option<Vec<AddressRange>>,
    /// Fewer calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_per_minute: Option<u32>,
}

/// What an edit would widen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Widens {
    /// A policy that the token does not hold.
    Policies,
    /// A later end than it has.
    Expiry,
    /// Addresses from which it cannot be used.
    AddressRanges,
    /// More calls than it may make.
    CallsPerMinute,
}

impl fmt::Display for Widens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Policies => "`policies` can only become fewer",
            Self::Expiry => "`expires_at` can only become earlier",
            Self::AddressRanges => "`address_ranges` can only become narrower",
            Self::CallsPerMinute => "`calls_per_minute` can only become fewer",
        })
    }
}

impl TokenEdit {
    /// The facts of a token after the edit, as its next revision; `None` where nothing changes.
    ///
    /// # Errors
    /// What the edit would widen.
    pub fn of(&self, facts: &TokenFacts) -> Result<Option<TokenFacts>, Widens> {
        let mut edited = facts.clone();
        if let Some(name) = &self.name {
            edited.name = name.clone();
        }
        if let Some(end) = self.expires_at {
            if facts.expires_at.is_some_and(|own| end > own) {
                return Err(Widens::Expiry);
            }
            edited.expires_at = Some(end);
        }
        if let Some(policies) = &self.policies {
            if !policies
                .iter()
                .all(|policy| covers(&facts.policies, policy.as_str()))
            {
                return Err(Widens::Policies);
            }
            edited.policies = policies.clone();
        }
        edited.conditions = self.conditions(facts.conditions.as_deref())?.map(Box::new);
        if edited == *facts {
            return Ok(None);
        }
        edited.revision = facts.revision.saturating_add(1);
        Ok(Some(edited))
    }

    fn conditions(&self, own: Option<&Conditions>) -> Result<Option<Conditions>, Widens> {
        let ranges = match &self.address_ranges {
            Some(ranges) => ranges.clone(),
            None => own.map_or(Vec::new(), |own| own.address_ranges().to_vec()),
        };
        let own_calls = own.and_then(Conditions::calls_per_minute);
        let calls = self.calls_per_minute.or(own_calls);
        let ranged = Conditions::new(ranges.clone(), own_calls);
        let ranged = ranged.map_err(|_| Widens::AddressRanges)?;
        if !within(ranged.as_ref(), own) {
            return Err(Widens::AddressRanges);
        }
        let edited = Conditions::new(ranges, calls).map_err(|_| Widens::CallsPerMinute)?;
        match within(edited.as_ref(), own) {
            true => Ok(edited),
            false => Err(Widens::CallsPerMinute),
        }
    }
}

/// Whether two accounts of a token are the same in all that an edit can change.
fn alike(one: &TokenFacts, other: &TokenFacts) -> bool {
    one.name == other.name
        && one.policies == other.policies
        && one.expires_at == other.expires_at
        && one.conditions == other.conditions
}

/// A token by two accounts of it, each with edits that the other may lack: the name by that of the later
/// revision, and of each limit the narrower. Where that is what the later revision was, it keeps its number.
/// Otherwise it is a revision of its own, so that no two facts have one. An account that was never edited
/// says nothing that the own one does not.
pub fn narrower(own: &TokenFacts, other: &TokenFacts) -> TokenFacts {
    if other.revision == 0 {
        return own.clone();
    }
    let name = match other.revision > own.revision {
        true => &other.name,
        false => &own.name,
    };
    let conditions = both(own.conditions.as_deref(), other.conditions.as_deref());
    let revision = own.revision.max(other.revision);
    let facts = TokenFacts {
        name: name.clone(),
        policies: held_by_both(&own.policies, &other.policies),
        expires_at: lower(own.expires_at, other.expires_at),
        conditions: conditions.map(Box::new),
        revision,
        ..own.clone()
    };
    let is_it = |known: &&TokenFacts| known.revision < revision || alike(known, &facts);
    match [own, other].iter().all(is_it) {
        true => facts,
        false => TokenFacts {
            revision: revision.saturating_add(1),
            ..facts
        },
    }
}

/// The policies that are held by both accounts.
fn held_by_both(own: &[Policy], other: &[Policy]) -> Vec<Policy> {
    let of = |some: &[Policy], held: &[Policy]| -> Vec<Policy> {
        let some = some.iter();
        let held = some.filter(|policy| covers(held, policy.as_str()));
        held.cloned().collect()
    };
    let (from_own, from_other) = (of(own, other), of(other, own));
    if from_own.len() == own.len() {
        return from_own;
    }
    let mut held = from_other;
    for policy in from_own {
        if !held.contains(&policy) {
            held.push(policy);
        }
    }
    held
}

#[cfg(test)]
mod tests;
