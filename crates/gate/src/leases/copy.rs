//! One organization's copy: which of its tokens are known to be active, and until when that may be
//! believed.

use std::collections::HashMap;

use postern_domain::id::{HolderId, TokenId};
use postern_domain::time::Timestamp;
use postern_ledger::{Delta, Uses, Version, WATCH_MS};

use super::upstreams::Found;
use crate::upstream::Wanted;

/// How much longer than it is held a watch may take before it counts as lost, in milliseconds.
const WATCH_LOST_MS: i64 = 5_000;

/// A lease in force.
#[derive(Debug, Clone, Copy)]
pub struct Lease {
    /// Until then, exclusively.
    pub until: Timestamp,
    /// The question that brought it.
    pub question: u64,
}

/// The copy.
#[derive(Debug)]
pub struct Copy {
    pub holder: HolderId,
    /// The version of the log that the copy agrees with; `None` = it is empty.
    pub applied: Option<Version>,
    /// Tokens that are active, by the revision of their facts that this was told of.
    pub active: HashMap<TokenId, u32>,
    /// Which upstream credentials calls are sent on with.
    pub upstreams: HashMap<Wanted, Found>,
    /// Uses that no Ledger has heard of yet.
    pub uses: Uses,
    lease: Option<Lease>,
    /// The latest question whose timer has fired: neither it nor one before brings a lease.
    expired: u64,
    /// When a lease was last asked for, until the answer is here.
    pub asked_at: Option<Timestamp>,
    /// When the watch began that is under way.
    pub watched_at: Option<Timestamp>,
    /// Whether the next watch is there to acknowledge what the last one brought.
    pub acknowledges: bool,
    /// When uses are reported next.
    pub reports_at: Option<Timestamp>,
}

impl Copy {
    pub fn new(holder: HolderId) -> Self {
        Self {
            holder,
            applied: None,
            active: HashMap::new(),
            upstreams: HashMap::new(),
            uses: Uses::default(),
            lease: None,
            expired: 0,
            asked_at: None,
            watched_at: None,
            acknowledges: false,
            reports_at: None,
        }
    }

    /// Whether a token is known to be active, and to be what facts of this revision say.
    pub fn is_active(&self, token: TokenId, revision: u32, now: Timestamp) -> bool {
        self.holds(now) && self.active.get(&token) == Some(&revision)
    }

    /// Whether there is a lease that covers this moment.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.lease.is_some_and(|lease| now < lease.until)
    }

    /// Whether to ask for a lease: there is none, or half of it is over, and nobody is asking. A
    /// question that is older than a lease lasts would bring none.
    pub fn wants_lease(&self, now: Timestamp, lease_ms: u32) -> bool {
        let lease_ms = i64::from(lease_ms);
        let is_asked = self.asked_at.is_some_and(|at| now.since(at) < lease_ms);
        let is_young = self
            .lease
            .is_some_and(|lease| lease.until.since(now) > lease_ms / 2);
        lease_ms > 0 && !is_asked && !is_young
    }

    /// Whether to begin a watch. One that is long overdue was lost with its request.
    pub fn wants_watch(&self, now: Timestamp) -> bool {
        let lost_ms = i64::from(WATCH_MS) + WATCH_LOST_MS;
        self.watched_at.is_none_or(|at| now.since(at) > lost_ms)
    }

    /// Whether to plan a report of uses. One that is long overdue was lost with its request.
    pub fn wants_report(&self, now: Timestamp) -> bool {
        !self.uses.is_empty()
            && self
                .reports_at
                .is_none_or(|at| now.since(at) > i64::from(super::REPORT_MS))
    }

    /// Brings the copy up to a version, unless it is ahead of it.
    pub fn apply(&mut self, delta: &Delta) -> bool {
        if let Some(applied) = self.applied {
            if delta.version.number < applied.number {
                return false;
            }
            if delta.version.number == applied.number {
                return true;
            }
        }
        match &delta.changed {
            None => {
                self.active.clear();
                self.upstreams.clear();
            }
            Some(changed) => {
                for token in changed {
                    self.active.remove(token);
                }
            }
        }
        self.applied = Some(delta.version);
        true
    }

    /// Takes a lease, unless the one in force lasts longer or the timer of its question has fired.
    pub fn extend(&mut self, lease: Lease) {
        let is_longer = self.lease.is_none_or(|own| lease.until > own.until);
        if is_longer && lease.question > self.expired {
            self.lease = Some(lease);
        }
    }

    /// Ends the lease that a question has brought, and every earlier one.
    pub fn expire(&mut self, question: u64) {
        self.expired = self.expired.max(question);
        if self.lease.is_some_and(|lease| lease.question <= question) {
            self.lease = None;
        }
    }

    /// Forgets everything but uses.
    pub fn empty(&mut self, holder: HolderId) {
        *self = Self {
            uses: core::mem::take(&mut self.uses),
            reports_at: self.reports_at,
            expired: self.expired,
            ..Self::new(holder)
        };
    }
}
