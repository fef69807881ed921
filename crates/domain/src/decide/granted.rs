//! What a new token gets where the request leaves it open: of its creator's own, and no more.

use super::Wish;
use crate::caller::Caller;
use crate::conditions::{self, Conditions};
use crate::policy::{Policy, covers, defaults};
use crate::time::Timestamp;

/// What a mint gives when the request leaves it open: the defaults of the scope, of those only
/// what the creator holds, and at most the creator's own life.
pub fn granted(caller: &Caller, wish: &Wish<'_>) -> (Vec<Policy>, Option<Timestamp>) {
    let mut policies = match wish.policies {
        Some(named) => named.to_vec(),
        None => defaults(wish.scope),
    };
    let own = match caller {
        Caller::Administrator(_) | Caller::Bootstrap => return (policies, wish.expires_at),
        // No person grants anything: see `ways_in::person`.
        Caller::Person(_) => return (Vec::new(), wish.expires_at),
        Caller::Token(facts) | Caller::WorkflowReader(facts) => &facts.policies,
        Caller::Session(session) => &session.policies,
    };
    policies.retain(|policy| covers(own, policy.as_str()));
    (policies, wish.expires_at.or(caller.expires_at()))
}

/// The conditions of what the caller creates: those that are asked for, and where the request leaves
/// one open, the creator's own (R53).
pub fn conditioned(caller: &Caller, asked: Option<&Conditions>) -> Option<Box<Conditions>> {
    let own = caller.token().and_then(|facts| facts.conditions.as_deref());
    conditions::inherited(asked, own).map(Box::new)
}
