//! The Ledger as a machine: one organization's single writer, over its SQLite and without I/O.
//!
//! INVARIANT (one writer for each organization): each call checks and writes in one turn; what has to
//! wait for D1 comes back as a value, and what could have changed meanwhile is looked at again.

mod activity;
mod artifacts;
mod edit;
mod events;
mod exchange;
mod leaks;
mod leases;
mod limits;
mod mint;
mod pause;
mod pending;
mod questions;
mod rebuild;
mod refusals;
mod reservations;
mod revoke;
mod rotate;
mod runs;
mod told;
mod tree;
mod trust;
mod upstream;

use std::collections::HashMap;

use postern_domain::id::{InstanceId, TokenId};
use postern_domain::keys::KeyRing;
use postern_domain::standing::Actor;
use postern_domain::time::Timestamp;
use postern_transparency::log::LogKeys;

use self::pending::PendingWait;
use self::reservations::Reservations;
use crate::acting::Acting;
use crate::calls::CallWindows;
use crate::done::{Carried, Delivery, Outcome, Stop, Suspended as _, Waiting};
use crate::leases::Leases;
use crate::sql::{Result, Sql};
use crate::store::journal::Step;
use crate::store::{Entry, Normalize, Store};
use crate::tallies::Tallies;
use crate::{Command as _, RebuildCommand};

/// How long after a change [`Ledger::wake`] looks for what no command has delivered, and after a
/// failed delivery tries again.
const ALARM_MS: i64 = 2_000;

/// How long uses are collected before they are written (R13). Less than the 10 s after which an idle
/// object loses its memory.
const USES_MS: i64 = 8_000;

/// What a Ledger needs of the configuration and of the platform.
pub struct Settings {
    /// The keys of the audit chain.
    pub audit: KeyRing,
    /// By how much a JWT may be used after its expiry, in milliseconds.
    pub jwt_leeway_ms: i64,
    /// How texts are normalized.
    pub normalize: Normalize,
    /// How long a lease lasts, in milliseconds, at most [`LONGEST_LEASE_MS`](crate::LONGEST_LEASE_MS);
    /// 0 = none is granted (R41).
    pub lease_ms: u32,
    /// Of this run of the Ledger: random, and never used again.
    pub instance: InstanceId,
    /// The keys that sign checkpoints for everybody; `None` = none are signed (R54).
    pub log_keys: Option<LogKeys>,
}

/// How a command came.
#[derive(Debug, Clone, Copy)]
pub struct Addressed<'a> {
    /// The name of the organization by which it came; `None` where it came by a token's own id.
    pub by: Option<&'a str>,
    /// Whom it is for.
    pub actor: Actor,
}

/// One organization's Ledger. Its memory holds nothing that its SQLite does not, but for uses of the
/// last seconds, who waits for D1, reservations, and leases: it can be dropped between any two calls
/// and opened again.
pub struct Ledger<S> {
    pub(crate) store: Store<S>,
    pub(crate) settings: Settings,
    tallies: Tallies,
    /// What was given of tokens that may make only so many calls a minute.
    calls: CallWindows,
    /// The organization's name, once it was read. It never changes.
    name: Option<String>,
    /// Whether tokens left pending by an earlier process have been dealt with.
    recovered: bool,
    /// Pending tokens that somebody in this process will come back for.
    awaited: HashMap<TokenId, PendingWait>,
    /// When to be woken, as far as this process knows.
    wakes_at: Option<Timestamp>,
    leases: Leases,
    /// Room under the limit of active tokens that is held.
    reservations: Reservations,
    /// Whether a rebuild is under way; `None` = nobody has looked.
    rebuilding: Option<bool>,
    /// Whether the organization is paused; `None` = nobody has looked.
    is_paused: Option<bool>,
    /// Whether D1 did not take what it was offered last.
    record_fails: bool,
}

impl<S: Sql> Ledger<S> {
    /// A Ledger over a database, which nothing is asked yet.
    pub fn open(sql: S, settings: Settings) -> Self {
        let leases = Leases::new(settings.instance, settings.lease_ms);
        Self {
            store: Store::new(sql),
            settings,
            tallies: Tallies::default(),
            calls: CallWindows::default(),
            name: None,
            recovered: false,
            awaited: HashMap::new(),
            wakes_at: None,
            leases,
            reservations: Reservations::default(),
            rebuilding: None,
            is_paused: None,
            record_fails: false,
        }
    }

    /// Carries out a command, in one turn.
    ///
    /// # Errors
    /// Why it was not carried out.
    pub fn handle<C: Carried>(
        &mut self,
        now: Timestamp,
        addressed: Addressed<'_>,
        command: C,
    ) -> Outcome<C> {
        self.check_name(addressed.by)?;
        if C::NAME != RebuildCommand::NAME && self.is_rebuilding()? {
            return Err(Stop::Rebuilding);
        }
        let actor = addressed.actor;
        let acting = match actor.token().is_some_and(|token| command.ends(token)) {
            true => self.active(actor, now)?,
            false => self.acting(actor, now)?,
        };
        if C::CREATES && self.is_paused()? {
            return Err(Stop::Paused);
        }
        command.begin(self, acting.by(addressed.by), now)
    }

    /// Ends a command that waited for D1, in one turn.
    ///
    /// # Errors
    /// Why it was not carried out, as after a revoke of its actor.
    pub fn resume<C: Carried>(
        &mut self,
        now: Timestamp,
        waiting: Waiting<C>,
        delivery: Delivery,
    ) -> Outcome<C> {
        let Waiting {
            actor, suspended, ..
        } = waiting;
        // It began before; what it began has been taken back.
        if self.is_rebuilding()? {
            return Err(Stop::Rebuilding);
        }
        suspended.resume(self, now, actor, delivery)
    }

    /// The oldest entries of the outbox, as many as one batch to D1 may have. They are
    /// delivered in order, one batch at a time.
    ///
    /// # Errors
    /// When the database fails.
    pub fn outbox(&mut self) -> Result<Vec<Entry>> {
        match self.store.exists()? {
            true => self.store.oldest_entries(),
            false => Ok(Vec::new()),
        }
    }

    /// D1 has shown that it has every entry up to this one.
    ///
    /// # Errors
    /// When the database fails; the entries are delivered once more then, harmlessly.
    pub fn delivered(&mut self, up_to: i64) -> Result<()> {
        self.record_fails = false;
        self.store.forget_entries(up_to)
    }

    /// D1 did not take the outbox: it is tried again.
    pub fn not_delivered(&mut self, now: Timestamp) {
        self.record_fails = true;
        self.wake_within(now, ALARM_MS);
    }

    /// When to call [`Ledger::wake`], if at all. The driver sets its alarm to this after each turn,
    /// in that turn.
    pub fn wakes_at(&self) -> Option<Timestamp> {
        self.wakes_at
    }

    /// What is due: tokens that nobody will come back for, uses and refusals that were counted. The
    /// outbox is to be delivered after this.
    ///
    /// # Errors
    /// When the database fails.
    pub fn wake(&mut self, now: Timestamp) -> Result<()> {
        self.wakes_at = None;
        if !self.store.exists()? {
            return Ok(());
        }
        if self.is_rebuilding()? {
            // Nothing but what the rebuild itself has for D1.
            return Ok(());
        }
        let next_wait_ends = self.recover(now)?;
        self.settle(now)?;
        self.close_hours(now)?;
        let lacks_more = self.write_lacking(now)?;
        // What this has put into the outbox is delivered now, or `not_delivered` says otherwise.
        self.wakes_at = None;
        if lacks_more {
            self.wake_within(now, ALARM_MS);
        }
        if let Some(end) = next_wait_ends {
            self.wake_within(now, end.since(now));
        }
        self.await_hour(now)
    }

    /// How every command begins that writes: tables and the organization's name on the first write,
    /// and what an earlier process left pending before any other.
    pub(crate) fn prepare_write(&mut self, acting: Acting, now: Timestamp) -> Result<()> {
        if self.store.create()? {
            self.recovered = true;
        }
        self.begin_leases()?;
        self.take_name(acting.name())?;
        match self.recovered {
            true => Ok(()),
            false => self.recover(now).map(|_| ()),
        }
    }

    /// Runs a step of the journal and commits it; tells what it gave, and its last entry of the
    /// outbox. D1 follows within [`ALARM_MS`] at the latest.
    pub(crate) fn step<T>(
        &mut self,
        now: Timestamp,
        run: impl FnOnce(&mut Step<'_, S>) -> Result<T>,
    ) -> Result<(T, i64)> {
        let mut step = Step::begin(&mut self.store, &self.settings.audit)?;
        let given = run(&mut step)?;
        let has_moved = step.has_version();
        let entry = step.commit()?;
        if has_moved {
            self.leases.moved();
        }
        self.wake_within(now, ALARM_MS);
        Ok((given, entry))
    }

    /// Has the alarm ring within `ms`. A due alarm is not moved back: under steady traffic it would
    /// never ring. One that is further ahead than that, as after a clock that went back, is.
    pub(crate) fn wake_within(&mut self, now: Timestamp, ms: i64) {
        let at = now.plus_millis(ms);
        if self.wakes_at.is_none_or(|due| due <= now || due > at) {
            self.wakes_at = Some(at);
        }
    }

    /// The organization's name; `None` before the first write.
    fn name(&mut self) -> Result<Option<&str>> {
        if self.name.is_none() && self.store.exists()? {
            self.name = self.store.name()?;
        }
        Ok(self.name.as_deref())
    }

    /// INVARIANT (a name opens its own Ledger): names are turned into ids by stores that others may
    /// write to; what comes here by another organization's name is refused, whatever those stores
    /// said. What came by no name, but by a token of its own, is ours; so is everything before the
    /// first write.
    fn is_for(&mut self, by: Option<&str>) -> Result<bool> {
        Ok(match (by, self.name()?) {
            (Some(by), Some(own)) => by == own,
            _ => true,
        })
    }

    fn check_name(&mut self, by: Option<&str>) -> core::result::Result<(), Stop> {
        match self.is_for(by)? {
            true => Ok(()),
            false => Err(Stop::Misdirected),
        }
    }

    /// Gives the name up that a rebuild came by: its log is another organization's.
    fn forget_name(&mut self) -> Result<()> {
        self.name = None;
        self.store.forget_name()
    }

    /// Keeps the name that the first write came by. Ledgers of earlier releases have it from their
    /// first token.
    fn take_name(&mut self, by: Option<String>) -> Result<()> {
        let Some(by) = by else {
            return Ok(());
        };
        if self.name()?.is_none() {
            self.store.set_name(&by)?;
            self.name = Some(by);
        }
        Ok(())
    }
}
