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
use crate::error::{Error, Result};
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
        (given, keeps): (&GivenUpstream, bool),
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
        if !keeps {
            return Ok(opened);
        }
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
    /// remembered where the copy took the answer; one that cannot be opened is not. One that is not
    /// for what the call is about is refused.
    pub(crate) fn given(
        &mut self,
        organization: OrganizationId,
        wanted: &Wanted,
        (given, is_taken): (Option<&GivenUpstream>, bool),
        keys: &KeyRing,
    ) -> Result<Option<Rc<Upstream>>> {
        let is_other = |given: &&GivenUpstream| !given.reach.covers(&wanted.reach);
        if let Some(GivenUpstream { reach, .. }) = given.filter(is_other) {
            let wanted = &wanted.reach;
            return Err(Error::unavailable(format!(
                "the Ledger gave the upstream credential of {reach} for a call about {wanted}"
            )));
        }
        // Without leases no change is told: nothing would have it forget a text.
        let keeps = self.lease_ms > 0;
        let opened = given.map(|given| self.opened.open(organization, (given, keeps), keys));
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

#[cfg(test)]
mod tests {
    use postern_domain::id::Id;
    use postern_domain::keys::RootKeys;
    use postern_domain::upstream::{Credential, Reach, Sealed, seal};
    use postern_ledger::{Delta, Liveness, Version};

    use super::*;

    const ORGANIZATION: OrganizationId = Id::from_u128(1);

    fn keys() -> KeyRing {
        let ring = KeyRing::parse("r1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").expect("a key");
        RootKeys::from_root(&ring).upstream
    }

    fn given(id: u128, keys: &KeyRing) -> GivenUpstream {
        let reach = Reach::Organization;
        let credential = Credential::parse(format!("c{id}")).expect("good");
        let sealed = Sealed {
            organization: ORGANIZATION,
            reach: &reach,
            id: Id::from_u128(id),
        };
        GivenUpstream {
            id: sealed.id,
            sealed: seal(&credential, sealed, keys, [1; 12]).expect("sealed"),
            digest: credential.digest(),
            until: None,
            reach,
        }
    }

    fn wanted(began: u128) -> Wanted {
        Wanted {
            reach: Reach::Organization,
            began: Some(Id::from_u128(began)),
        }
    }

    /// Tells the copy a version of the log; `forgets` = and to forget all.
    fn told(leases: &mut Leases, number: i64, forgets: bool, now: Timestamp) {
        let asked = leases.ask(ORGANIZATION, now);
        let instance = Id::from_u128(5);
        let delta = Delta {
            version: Version { instance, number },
            changed: (!forgets).then(Vec::new),
            lease_ms: Some(1_000),
        };
        let token = Id::from_u128(7);
        assert!(leases.told(&asked, (token, 0), Liveness::Live, Some(&delta), now));
    }

    fn leased() -> (Leases, Timestamp) {
        let now = Timestamp::from_millis(1_000_000);
        let mut leases = Leases::new(1, 1_000);
        told(&mut leases, 1, true, now);
        (leases, now)
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let (mut leases, now) = leased();
        let keys = keys();
        for id in 0..=OPENED as u128 {
            let given = given(id, &keys);
            let kept = leases.given(ORGANIZATION, &wanted(id), (Some(&given), true), &keys);
            assert_eq!(kept.expect("it opens").map(|kept| kept.id), Some(given.id));
        }
        assert_eq!(leases.opened.0.len(), 1, "one more empties the list");
        for id in 0..FOUND as u128 - leases.found() as u128 {
            let nothing = (None, true);
            let kept = leases.given(ORGANIZATION, &wanted(1_000 + id), nothing, &keys);
            assert!(kept.expect("nothing to open").is_none());
        }
        assert_eq!(leases.found(), FOUND);
        assert!(leases.upstream(ORGANIZATION, &wanted(0), now).is_some());
        let one_more = leases.given(ORGANIZATION, &wanted(900), (None, true), &keys);
        assert!(one_more.is_ok());
        assert_eq!(leases.found(), 1);
    }

    #[test]
    fn r42_a_version_is_opened_once_and_forgotten_with_a_change() {
        let (mut leases, now) = leased();
        let keys = keys();
        let mut own = given(1, &keys);
        let opened = |leases: &mut Leases, own: &GivenUpstream, is_taken| {
            let kept = leases.given(ORGANIZATION, &wanted(1), (Some(own), is_taken), &keys);
            kept.expect("it opens").expect("there is one")
        };
        let first = opened(&mut leases, &own, false);
        let known = leases.upstream(ORGANIZATION, &wanted(1), now);
        assert!(known.is_none(), "the copy has not taken the answer");
        // A text that does not open is not looked at again while the version is known.
        own.sealed = "1:r1:gone".to_owned();
        let second = opened(&mut leases, &own, true);
        assert!(Rc::ptr_eq(&first, &second));
        let known = leases.upstream(ORGANIZATION, &wanted(1), now);
        assert!(known.flatten().is_some());
        drop((first, second));

        told(&mut leases, 2, true, now);
        assert!(leases.upstream(ORGANIZATION, &wanted(1), now).is_none());
        assert!(leases.opened.0.is_empty(), "nobody has its text any more");
        let refused = leases.given(ORGANIZATION, &wanted(1), (Some(&own), true), &keys);
        assert_eq!(refused.expect_err("it does not open").code(), "unavailable");
        let known = leases.upstream(ORGANIZATION, &wanted(1), now);
        assert!(known.is_none(), "what does not open is asked for anew");
    }

    #[test]
    fn r42_without_leases_no_text_is_kept() {
        let keys = keys();
        let mut leases = Leases::new(1, 0);
        let own = given(1, &keys);
        let sent = leases.given(ORGANIZATION, &wanted(1), (Some(&own), false), &keys);
        assert!(sent.expect("it opens").is_some());
        assert!(leases.opened.0.is_empty());
    }

    #[test]
    fn r42_one_for_something_else_is_neither_sent_nor_remembered() {
        let (mut leases, now) = leased();
        let keys = keys();
        let mut own = given(1, &keys);
        own.reach = Reach::of(Some("shop"), Some("release"));
        let wanted = Wanted {
            reach: Reach::of(Some("shop"), None),
            began: None,
        };
        let refused = leases.given(ORGANIZATION, &wanted, (Some(&own), true), &keys);
        let refused = refused.expect_err("it is for a workflow only");
        assert!(refused.private().contains("about project:shop"));
        assert!(leases.upstream(ORGANIZATION, &wanted, now).is_none());
    }

    #[test]
    fn r42_a_replaced_one_is_sent_until_its_time_is_over() {
        let (mut leases, now) = leased();
        let keys = keys();
        let mut own = given(1, &keys);
        own.until = Some(now.plus_millis(500));
        let kept = leases.given(ORGANIZATION, &wanted(1), (Some(&own), true), &keys);
        assert!(kept.is_ok());
        for (ms, is_known) in [(0, true), (499, true), (500, false)] {
            let known = leases.upstream(ORGANIZATION, &wanted(1), now.plus_millis(ms));
            assert_eq!(known.is_some(), is_known, "{ms}");
        }
    }
}
