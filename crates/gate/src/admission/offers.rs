//! Which upstream credential a call is sent on with, found while its caller is (R42): by a lease of
//! this isolate, or in the question that the Ledger is asked anyhow.

use postern_domain::time::Timestamp;
use postern_ledger::{Admission, Liveness, UpstreamQuery};

use super::{Asks, CredentialQuery};
use crate::Gate;
use crate::upstream::Offer;

impl<M: Asks + 'static> CredentialQuery<M> {
    /// What this isolate knows by a lease. Of a token or a run that it does not know yet it cannot
    /// say which credential is wanted.
    pub(super) fn kept(&self, gate: &mut Gate, now: Timestamp) -> Option<Offer> {
        let run = self.known_run.as_deref();
        let (names, facts) = (self.names.as_ref()?, self.known.as_deref()?);
        if run.is_none() && self.run.is_some() {
            return None;
        }
        let wanted = names.wanted(&facts.scope, run);
        let leases = &mut gate.memory.leases;
        let found = leases.upstream(self.organization, &wanted, now)?;
        Some(Offer {
            wanted,
            found: Ok(found),
        })
    }

    /// What the Ledger is asked, where that is not enough.
    pub(super) fn upstream_query(&self) -> Option<UpstreamQuery> {
        let names = self.names.as_ref().filter(|_| self.upstream.is_none())?;
        Some(names.query(self.known_run.as_deref()))
    }

    /// Takes in which upstream credential the Ledger has given, in the same step as its word on the
    /// token: what else happens in this isolate is after that.
    pub(super) fn offered(&mut self, gate: &mut Gate, admission: &Admission, is_taken: bool) {
        let known = self.known.as_deref();
        let (Some(names), Some(facts), None, Liveness::Live) = (
            &self.names,
            known.or(admission.facts.as_ref()),
            &self.upstream,
            admission.liveness,
        ) else {
            return;
        };
        let run = admission.run.as_ref().or(self.known_run.as_deref());
        let wanted = names.wanted(&facts.scope, run);
        let config = gate.config();
        let given = (admission.upstream.as_ref(), is_taken);
        let keys = &config.root_keys.upstream;
        let leases = &mut gate.memory.leases;
        let found = leases.given(self.organization, &wanted, given, keys);
        self.upstream = Some(Offer { wanted, found });
    }
}
