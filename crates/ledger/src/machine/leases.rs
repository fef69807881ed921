//! Leases as the machine grants them, and the answers that wait until no isolate can believe the
//! contrary (R41).

use postern_domain::time::Timestamp;

use super::{Ledger, USES_MS};
use crate::done::{Carried, Done, Stop};
use crate::lease::{Claim, Delta, MAX_CHANGES};
use crate::leases::Timer;
use crate::sql::{Result, Sql};
use crate::{RenewCommand, WatchCommand};

impl<S: Sql> Ledger<S> {
    /// Extends a lease, and takes in uses.
    ///
    /// # Errors
    /// When the database fails.
    pub fn renew(&mut self, now: Timestamp, command: &RenewCommand) -> Result<Delta> {
        for (token, uses, at) in &command.uses {
            let uses = u64::try_from(*uses).unwrap_or_default();
            self.tallies.used(*token, uses, *at, now);
        }
        if !command.uses.is_empty() && self.store.exists()? && !self.is_rebuilding()? {
            self.wake_within(now, USES_MS);
        }
        self.delta(&command.claim)
    }

    /// The answer to a watch; `None` where nothing has changed: it is held then, and asked again
    /// whenever [`Ledger::take_moved`] says that something has, and after
    /// [`WATCH_MS`](crate::WATCH_MS), when it `is_over`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn watch(&mut self, command: &WatchCommand, is_over: bool) -> Result<Option<Delta>> {
        let delta = self.delta(&Claim {
            lease: false,
            ..command.claim
        })?;
        let has_news = command.claim.applied != Some(delta.version);
        Ok((has_news || is_over).then_some(delta))
    }

    /// What has changed since the version that the asker has applied, which that acknowledges, with
    /// a lease where one is asked for. All in one turn: what is told is what was true when the
    /// lease was recorded.
    pub(super) fn delta(&mut self, claim: &Claim) -> Result<Delta> {
        self.begin_leases()?;
        self.leases.acknowledge(claim);
        let exists = self.store.exists()?;
        let head = match exists {
            true => self.store.head()?.version,
            false => 0,
        };
        let is_rebuilding = self.is_rebuilding()?;
        let changed = match self.leases.number(claim.applied) {
            // Nothing that anybody knows of is active.
            _ if is_rebuilding => None,
            Some(since) if since == head => Some(Vec::new()),
            // What is sent to the origin is another credential (R42), or the organization was paused
            // (R53): whatever the holder knows of any token, it is to ask anew.
            Some(since) if since < head && self.store.anew_since()? > since => None,
            Some(since) if since < head => {
                let changed = self.store.changed(since, MAX_CHANGES + 1)?;
                Some(changed).filter(|changed| changed.len() <= MAX_CHANGES)
            }
            // An empty copy: another answer may fill it before this one comes. Or a version that
            // another instance has counted, whose log may have been another one.
            _ => None,
        };
        let lease_ms = match claim.lease && exists && !is_rebuilding {
            true => self.grant(claim)?,
            false => None,
        };
        Ok(Delta {
            version: self.leases.version(head),
            changed,
            lease_ms,
        })
    }

    /// Grants a lease, where leases are on.
    fn grant(&mut self, claim: &Claim) -> Result<Option<u32>> {
        let Some(lease_ms) = self.leases.offer() else {
            return Ok(None);
        };
        if let Some(ms) = self.leases.to_store() {
            self.store.set_longest_lease(ms)?;
            self.leases.stored(ms);
        }
        self.leases.grant(claim);
        Ok(Some(lease_ms))
    }

    /// Finds out what an earlier instance has left behind, once there is anything.
    pub(super) fn begin_leases(&mut self) -> Result<()> {
        if self.leases.is_new() && self.store.exists()? {
            let (version, longest) = (self.store.head()?.version, self.store.longest_lease()?);
            self.leases.begin(version, longest);
        }
        Ok(())
    }

    /// An answer that says or implies that a token is revoked, as of a version: it waits until that
    /// is final.
    pub(super) fn when_final<C: Carried>(
        &mut self,
        version: i64,
        answer: C::Answer,
    ) -> core::result::Result<Done<C>, Stop> {
        Ok(match self.is_final(version)? {
            true => Done::BestAfterDelivery(answer),
            false => Done::WhenFinal(version, answer),
        })
    }

    /// After how many milliseconds a version is final at the latest; 0 = it is.
    pub(super) fn becomes_final_in_ms(&mut self, version: i64) -> Result<u32> {
        self.begin_leases()?;
        self.leases.await_final(version);
        Ok(self.leases.final_in_ms(version))
    }

    /// Whether no isolate can still believe what was true before a version, which this sees
    /// to. For an answer of [`Done::WhenFinal`] it is asked again whenever [`Ledger::take_moved`] says
    /// so.
    ///
    /// # Errors
    /// When the database fails.
    pub fn is_final(&mut self, version: i64) -> Result<bool> {
        self.begin_leases()?;
        // An answer may have begun to wait at an earlier instance.
        self.leases.await_final(version);
        Ok(self.leases.is_final(version))
    }

    /// The timers that were asked for since the last call: which, and after how many milliseconds
    /// from now [`Ledger::fired`] is to be called. To be taken after each turn, in that turn.
    pub fn timers(&mut self) -> Vec<(Timer, u32)> {
        self.leases.timers()
    }

    /// A timer has fired.
    ///
    /// # Errors
    /// When the database fails.
    pub fn fired(&mut self, timer: Timer) -> Result<()> {
        if self.leases.fired(timer) {
            self.store.set_longest_lease(0)?;
            self.leases.stored(0);
        }
        Ok(())
    }

    /// Whether something has changed or become final since the last call.
    pub fn take_moved(&mut self) -> bool {
        self.leases.take_moved()
    }
}
