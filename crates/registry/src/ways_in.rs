//! The ways in to management calls, in their order (R22 to R25). What the caller may do once it is
//! in is for `decide`.
//!
//! INVARIANT (a failed dependency closes): a tier that cannot find out ends the call; it neither
//! admits nor lets the next tier try.

use std::net::IpAddr;
use std::rc::Rc;

use super::authenticate::{About, Presented, admit, present};
use super::body::BodyRead;
use super::config::Config;
use super::error::{CredentialError, Error, Result};
use super::organization::registered;
use super::ports::{Clock, Directory, Facts, FirstToken, Isolate, Ledgers, Sessions};
use super::session;
use postern_domain::caller::{Caller, Session};
use postern_domain::decide::Denial;
use postern_domain::operation::Operation;
use postern_domain::role::policies_of;
use postern_domain::scope::Scope;
use postern_domain::session::NoMembership;
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_gate::KnownToken;
use postern_ledger::Purpose;
use postern_wire::site::Site;

/// What a management call shows of itself at the door.
#[derive(Debug)]
pub struct Knock<'a> {
    /// What is asked for.
    pub operation: Operation,
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// The `Cookie` header.
    pub cookie: Option<&'a str>,
    /// `Postern-Organization`.
    pub organization: Option<&'a str>,
    /// Where a browser says that it comes from.
    pub site: Site,
    /// Whether the method is one that changes something.
    pub writes: bool,
    /// Whether the body is declared as JSON.
    pub is_json: bool,
    /// The client's address, where it is known.
    pub address: Option<IpAddr>,
}

/// What a call shows, as far as that can be told before anybody is asked.
#[derive(Debug)]
pub enum Shown {
    /// No credential; a way in that needs none may be open.
    Nothing,
    /// A credential that passed its offline check.
    Credential(Rc<Presented>),
}

/// Checks offline what a call shows. A call with an `Authorization` header is never one of tier 0
/// or 1.
///
/// # Errors
/// As [`present`]: such a call is refused before its body is read.
pub fn show(
    knock: &Knock<'_>,
    config: &Config,
    now: Timestamp,
) -> core::result::Result<Shown, CredentialError> {
    let ways_in = &config.ways_in;
    let session = ways_in.session_url.is_some() && knock.cookie.is_some();
    if knock.authorization.is_none() && (ways_in.bootstrap || session) {
        return Ok(Shown::Nothing);
    }
    let presented = present(knock.authorization, config, now)?;
    Ok(Shown::Credential(Rc::new(presented)))
}

/// Finds out who is calling, by the first way in that the call is for, once its body is here.
///
/// # Errors
/// `Credential`, `CrossSite`, `Denied` for an organization that is not the person's or a call
/// that no session may make, `Invalid` for want of its name, `NotFound` for one that is not
/// registered, `Unavailable`.
pub async fn enter<P>(
    knock: &Knock<'_>,
    shown: &Shown,
    read: BodyRead,
    known: &mut Option<KnownToken>,
    config: &Config,
    ports: &P,
) -> Result<Caller>
where
    P: Clock + Directory + Facts + FirstToken + Isolate + Ledgers + Sessions,
{
    let Shown::Credential(presented) = shown else {
        // Tier 0.
        if config.ways_in.bootstrap && !ports.any_live_token(ports.now()).await? {
            // A web page open on the laptop must not create the first token.
            return match knock.site {
                Site::Other => Err(Error::CrossSite),
                Site::Own | Site::Untold => Ok(Caller::Bootstrap),
            };
        }
        // Tier 1.
        if let (Some(url), Some(cookie)) = (&config.ways_in.session_url, knock.cookie) {
            return session(url, cookie, knock, ports).await;
        }
        return Err(CredentialError::Missing.into());
    };
    // Tiers 2a and 2b.
    let (about, purpose) = (About::Nothing, (Purpose::Manage, knock.address));
    let admitted = admit(presented, about, purpose, read, known, ports).await?;
    let caller = admitted.caller;
    Ok(match caller {
        // Tier 3.
        Caller::Token(facts) if may_read(&facts, knock.operation, config) => {
            Caller::WorkflowReader(facts)
        }
        caller => caller,
    })
}

async fn session<P>(url: &str, cookie: &str, knock: &Knock<'_>, ports: &P) -> Result<Caller>
where
    P: Clock + Directory + Ledgers + Sessions,
{
    // Before the endpoint is asked: another site's page makes the browser send the cookie too.
    if knock.writes && (knock.site != Site::Own || !knock.is_json) {
        return Err(Error::CrossSite);
    }
    let person = session::verify(url, cookie, ports).await?;
    if above_organizations(knock.operation) {
        return Err(Denial::Operation.into());
    }
    let membership = person
        .membership(knock.organization)
        .map_err(|none| match none {
            NoMembership::Unnamed => Error::invalid(
                "organization_required",
                "name the organization in the `Postern-Organization` header",
            ),
            NoMembership::NotAMember => Denial::NotAMember.into(),
        })?;
    Ok(Caller::Session(Rc::new(Session {
        user: person.user.clone(),
        organization: registered(&membership.organization, ports).await?,
        policies: policies_of(&membership.role),
    })))
}

/// What is about organizations rather than within one: no role reaches there.
fn above_organizations(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::OrganizationCreate
            | Operation::OrganizationList
            | Operation::OrganizationUpdate
            | Operation::OrganizationRebuild
    )
}

fn may_read(facts: &TokenFacts, operation: Operation, config: &Config) -> bool {
    config.ways_in.workflow_read
        && config.admin.is_none()
        && matches!(facts.scope, Scope::Workflow { .. })
        && matches!(operation, Operation::TokenList | Operation::TokenRead)
}

#[cfg(test)]
mod tests;
