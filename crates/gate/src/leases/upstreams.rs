//! Upstream credentials that an isolate has been given (R42). Which one a call is sent on with may be
//! repeated while a lease lasts, as that a token is active may; every change of one has the copy
//! forget all, so a change is final when a revoke would be.

use std::collections::HashMap;
use std::rc::Rc;

use postern_domain::id::{OrganizationId, UpstreamId};
use postern_domain::keys::KeyRing;
use postern_domain::time::Timestamp;
use postern_ledger::GivenUpstream;

use super::Leases;
use crate::error::Result;
use crate::upstream::{Upstream, Wanted};

/// Most credentials that are kept opened: 2 MiB of text.
const OPENED: usize = 256;
/// Most answers of which credential is sent, in all copies together.
const FOUND: usize = 4_096;

/// Which credential is sent; none where none is set.
#[derive(Debug)]
pub struct Found {
    upstream: Option<Rc<Upstream>>,
    /// Until when, where it was replaced.
    until: Option<Timestamp>,
}

/// Credentials that were opened here, by their versions. A version never changes, so one that is
/// still here need not be opened again; whether it is sent, the copies say.
#[derive(Debug, Default)]
pub struct Opened(HashMap<UpstreamId, Rc<Upstream>>);

impl Opened {
    fn open(
        &mut self,
        organization: OrganizationId,
        given: &GivenUpstream,
        keys: &KeyRing,
    ) -> Result<Rc<Upstream>> {
        let known = self.0.get(&given.id);
        let is_same = |known: &&Rc<Upstream>| {
            known.organization == organization && known.reach == given.reach
        };
        if let Some(known) = known.filter(is_same) {
            return Ok(Rc::clone(known));
        }
        let opened = Rc::new(Upstream::open(organization, given, keys)?);
        if self.0.len() >= OPENED {
            self.0.clear();
        }
        self.0.insert(given.id, Rc::clone(&opened));
        Ok(opened)
    }

    /// Drops those of an organization.
    pub fn forget(&mut self, organization: OrganizationId) {
        self.0
            .retain(|_, opened| opened.organization != organization);
    }
}

impl Leases {
    /// The credential that a call is sent on with, by a lease that covers `now`; inside, `None` = none
    /// is set. `None` = the Ledger is to be asked.
    #[expect(
        clippy::option_option,
        reason = "that none is set is known, or nothing is"
    )]
    pub(crate) fn upstream(
        &mut self,
        organization: OrganizationId,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Option<Option<Rc<Upstream>>> {
        self.read(now);
        let copy = self.copies.get(&organization)?;
        let found = copy.upstreams.get(wanted).filter(|_| copy.holds(now))?;
        let is_over = found.until.is_some_and(|until| until <= now);
        (!is_over).then(|| found.upstream.clone())
    }

    /// Takes in what a Ledger has answered of the credential that a call wants, and opens it. It is
    /// remembered where the copy took the answer; one that cannot be opened is not.
    pub(crate) fn given(
        &mut self,
        organization: OrganizationId,
        wanted: &Wanted,
        (given, is_taken): (Option<&GivenUpstream>, bool),
        keys: &KeyRing,
    ) -> Result<Option<Rc<Upstream>>> {
        let opened = given.map(|given| self.opened.open(organization, given, keys));
        let upstream = opened.transpose()?;
        if is_taken {
            if self.found() >= FOUND {
                let copies = self.copies.values_mut();
                copies.for_each(|copy| copy.upstreams.clear());
            }
            let found = Found {
                upstream: upstream.clone(),
                until: given.and_then(|given| given.until),
            };
            self.copy(organization)
                .upstreams
                .insert(wanted.clone(), found);
        }
        Ok(upstream)
    }

    /// What [`Leases::upstream`] would say.
    #[cfg(test)]
    pub(super) fn peek_upstream(
        &self,
        organization: OrganizationId,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Option<Rc<Upstream>> {
        let is_back = self.latest.is_some_and(|latest| now < latest);
        let copy = self.copies.get(&organization)?;
        let found = copy.upstreams.get(wanted);
        let found = found.filter(|_| copy.holds(now) && !is_back)?;
        found.upstream.clone()
    }

    fn found(&self) -> usize {
        let copies = self.copies.values();
        copies.map(|copy| copy.upstreams.len()).sum()
    }
}
