//! The leases that a Ledger has granted, and who waits until they are over. Here is no clock: what
//! has to wait asks for a timer, and is told when it has fired.
//!
//! INVARIANT (final means everywhere): [`Leases::is_final`] is true of a version when every lease
//! that was granted before it is over, or its holder has said that it has applied it. Whatever says
//! or implies that a token is revoked waits for this one function.

use std::collections::{HashMap, HashSet};

use postern_domain::id::{HolderId, InstanceId};

use crate::lease::{Claim, LONGEST_LEASE_MS, Version, margin_ms};

/// How long leases may last of which nothing is known.
const LOST_MS: u32 = LONGEST_LEASE_MS + margin_ms(LONGEST_LEASE_MS);

/// A timer that the machine asks for. It counts from the turn that asked;
/// [`Ledger::fired`](crate::Ledger::fired) is called once the time has passed, and not before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timer {
    /// Who asked: the timers of an instance that has ended mean nothing to the next one.
    instance: InstanceId,
    end: End,
}

/// What a timer is the end of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Leases that an earlier instance may have granted are over.
    Restart,
    /// Leases of a Ledger whose storage was lost are over.
    Lost,
    /// Leases that were granted before a version are over.
    Granted(i64),
    /// Holders that have not been heard of since the last one are forgotten.
    Holders,
}

/// A holder that may have a lease.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// The version that it has said it has applied; below every version where it has said none.
    applied: i64,
    /// Whether the next [`End::Holders`] spares it.
    is_recent: bool,
}

/// What an earlier instance may have left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Restart {
    /// Nobody has asked the database yet.
    Unknown,
    /// Its leases may still be believed; the number is the version at the beginning.
    Waits { version: i64, ms: u32 },
    /// They are over.
    Over,
}

/// Leases out, and waits for their end.
#[derive(Debug)]
pub struct Leases {
    instance: InstanceId,
    /// How long a lease lasts; 0 = none is granted.
    lease_ms: u32,
    holders: HashMap<HolderId, Held>,
    /// For each version that somebody waits for: who was granted a lease before and has not
    /// acknowledged it.
    waits: HashMap<i64, HashSet<HolderId>>,
    /// The highest version that is final.
    watermark: i64,
    restart: Restart,
    /// Whether leases may be out of a Ledger whose storage was lost.
    lost: bool,
    /// The longest lease that may be out, as the database has it.
    stored_ms: u32,
    counts_holders: bool,
    timers: Vec<(Timer, u32)>,
    /// Whether something has become final, or been changed, since somebody last looked.
    has_moved: bool,
}

impl Leases {
    /// No leases of this instance. `lease_ms` is at most [`LONGEST_LEASE_MS`].
    pub fn new(instance: InstanceId, lease_ms: u32) -> Self {
        Self {
            instance,
            lease_ms,
            holders: HashMap::new(),
            waits: HashMap::new(),
            watermark: 0,
            restart: Restart::Unknown,
            lost: false,
            stored_ms: 0,
            counts_holders: false,
            timers: Vec::new(),
            has_moved: false,
        }
    }

    /// Whether [`Leases::begin`] is still to be called.
    pub fn is_new(&self) -> bool {
        self.restart == Restart::Unknown
    }

    /// Takes in what the database had at the beginning: the version of the log, and how long a lease
    /// of an earlier instance may last. Until those are over nothing is final.
    pub fn begin(&mut self, version: i64, stored_ms: u32) {
        self.stored_ms = stored_ms;
        if stored_ms == 0 {
            self.restart = Restart::Over;
            self.watermark = version;
            return;
        }
        let ms = stored_ms + margin_ms(stored_ms);
        self.restart = Restart::Waits { version, ms };
        self.ask(End::Restart, ms);
    }

    /// Leases may be out that no database tells of, as long as any can be. Until they are over
    /// nothing is final. The database holds the longest from now on.
    pub fn lose(&mut self) {
        self.lost = true;
        self.stored_ms = LONGEST_LEASE_MS;
        self.ask(End::Lost, LOST_MS);
    }

    /// A version of this instance.
    pub fn version(&self, number: i64) -> Version {
        Version {
            instance: self.instance,
            number,
        }
    }

    /// The number of a version, where this instance has counted it.
    pub fn number(&self, version: Option<Version>) -> Option<i64> {
        version
            .filter(|version| version.instance == self.instance)
            .map(|version| version.number)
    }

    /// Takes in what a holder says it has applied. Only this acknowledges a version.
    pub fn acknowledge(&mut self, claim: &Claim) {
        let Some(number) = self.number(claim.applied) else {
            return;
        };
        if let Some(held) = self.holders.get_mut(&claim.holder) {
            held.applied = held.applied.max(number);
        }
        for (version, waited) in &mut self.waits {
            if number >= *version {
                waited.remove(&claim.holder);
            }
        }
        self.settle();
    }

    /// The lease that can be granted; `None` = leases are off.
    pub fn offer(&self) -> Option<u32> {
        (self.lease_ms > 0).then_some(self.lease_ms)
    }

    /// What the database has to hold before a lease is granted, where it does not yet.
    pub fn to_store(&self) -> Option<u32> {
        (self.stored_ms < self.lease_ms).then_some(self.lease_ms)
    }

    /// The database holds this from now on.
    pub fn stored(&mut self, ms: u32) {
        self.stored_ms = ms;
    }

    /// Records a lease, before its answer leaves.
    pub fn grant(&mut self, claim: &Claim) {
        let applied = self.number(claim.applied).unwrap_or(i64::MIN);
        let held = Held {
            applied,
            is_recent: true,
        };
        self.holders
            .entry(claim.holder)
            .and_modify(|held| held.is_recent = true)
            .or_insert(held);
        if !self.counts_holders {
            self.counts_holders = true;
            self.ask(End::Holders, self.over_ms());
        }
    }

    /// Whether no isolate can still believe what was true before a version.
    pub fn is_final(&self, version: i64) -> bool {
        self.restart == Restart::Over && !self.lost && version <= self.watermark
    }

    /// Sees to it that a version becomes final: called in the turn that wrote it, or later.
    pub fn await_final(&mut self, version: i64) {
        if version <= self.watermark || self.waits.contains_key(&version) {
            return;
        }
        let out = self
            .holders
            .iter()
            .filter(|(_, held)| held.applied < version);
        let waited: HashSet<HolderId> = out.map(|(holder, _)| *holder).collect();
        if !waited.is_empty() {
            self.ask(End::Granted(version), self.over_ms());
        }
        self.waits.insert(version, waited);
        self.settle();
    }

    /// After how many milliseconds a version is final at the latest; 0 = it is.
    pub fn final_in_ms(&self, version: i64) -> u32 {
        if self.is_final(version) {
            return 0;
        }
        let restart = match self.restart {
            Restart::Waits { ms, .. } => ms,
            Restart::Unknown | Restart::Over => 0,
        };
        let leases = match version <= self.watermark {
            true => 0,
            false => self.over_ms(),
        };
        let lost = if self.lost { LOST_MS } else { 0 };
        restart.max(leases).max(lost)
    }

    /// After how many milliseconds a lease that is granted now is over everywhere; 0 = there is
    /// none.
    pub fn over_ms(&self) -> u32 {
        match self.lease_ms {
            0 => 0,
            ms => ms + margin_ms(ms),
        }
    }

    /// A timer has fired. Tells whether the database is to forget what it holds of leases: none is
    /// out.
    pub fn fired(&mut self, timer: Timer) -> bool {
        if timer.instance != self.instance {
            return false;
        }
        match timer.end {
            End::Restart => {
                if let Restart::Waits { version, .. } = self.restart {
                    self.restart = Restart::Over;
                    self.watermark = self.watermark.max(version);
                    self.has_moved = true;
                }
                // An instance that has granted a lease counts holders, and clears it after them.
                !self.counts_holders && !self.lost && self.stored_ms > 0
            }
            End::Lost => {
                self.lost = false;
                self.has_moved = true;
                !self.counts_holders && self.restart == Restart::Over && self.stored_ms > 0
            }
            End::Granted(version) => {
                if let Some(waited) = self.waits.get_mut(&version) {
                    waited.clear();
                    self.settle();
                }
                false
            }
            End::Holders => {
                self.holders
                    .retain(|_, held| core::mem::take(&mut held.is_recent));
                let waits = self.restart != Restart::Over || self.lost;
                self.counts_holders = !self.holders.is_empty() || waits;
                if self.counts_holders {
                    self.ask(End::Holders, self.over_ms());
                }
                !self.counts_holders && self.stored_ms > 0
            }
        }
    }

    /// The timers that were asked for since the last call: which, and after how many milliseconds.
    pub fn timers(&mut self) -> Vec<(Timer, u32)> {
        core::mem::take(&mut self.timers)
    }

    /// Something has changed that somebody may wait for.
    pub fn moved(&mut self) {
        self.has_moved = true;
    }

    /// Whether something has, since the last call.
    pub fn take_moved(&mut self) -> bool {
        core::mem::take(&mut self.has_moved)
    }

    fn ask(&mut self, end: End, ms: u32) {
        let instance = self.instance;
        self.timers.push((Timer { instance, end }, ms));
    }

    /// Raises the watermark to the highest version that nobody is waited for any more.
    fn settle(&mut self) {
        let over = self.waits.iter().filter(|(_, waited)| waited.is_empty());
        let Some(version) = over.map(|(version, _)| *version).max() else {
            return;
        };
        self.watermark = self.watermark.max(version);
        self.waits.retain(|waited, _| *waited > version);
        self.has_moved = true;
    }
}
