//! What an isolate may repeat of what Ledgers have told it: for each organization a copy of which
//! tokens are active, and a lease, the time until which the copy may be believed (R41).
//!
//! A Ledger does not answer a revoke before every copy has acknowledged it or every lease is over.
//! So a lease is counted from a reading of the clock before the question was sent, a copy is
//! believed by a reading of the same request after its last wait, and where the clock steps back,
//! everything is forgotten. What a copy cannot answer, the Ledger is asked.

mod asked;
mod copy;
mod due;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
mod upstreams;

use std::collections::{HashMap, VecDeque};

use postern_domain::id::{HolderId, Id, OrganizationId, TokenId};
use postern_domain::time::Timestamp;
use postern_ledger::{Claim, Delta, Liveness, RenewCommand, Version, WatchCommand};

pub use self::asked::{Asked, Behind};
use self::copy::{Copy, Lease};
pub use self::due::{Due, REPORT_MS};
use self::upstreams::Opened;

/// Most organizations that an isolate has copies for; then one of them makes room.
const ORGANIZATIONS: usize = 1_024;

/// Most tokens in all copies together; then others make room. An entry takes about 32 bytes.
const TOKENS: usize = 65_536;

/// The copies of an isolate.
#[derive(Debug)]
pub struct Leases {
    /// Random bits of this isolate, in which the ids of its holders differ from every other's.
    isolate: u128,
    holders: u128,
    /// How many questions were asked.
    questions: u64,
    /// The latest reading of the clock.
    latest: Option<Timestamp>,
    copies: HashMap<OrganizationId, Copy>,
    due: VecDeque<Due>,
    opened: Opened,
    /// How long a lease lasts at most, in milliseconds; 0 = leases are off.
    lease_ms: u32,
}

impl Leases {
    /// No copies yet. `isolate` is random; `lease_ms` as in the configuration.
    pub fn new(isolate: u128, lease_ms: u32) -> Self {
        Self {
            isolate,
            holders: 0,
            questions: 0,
            latest: None,
            copies: HashMap::new(),
            due: VecDeque::new(),
            opened: Opened::default(),
            lease_ms,
        }
    }

    /// Whether a token is known to be active, and to be what its facts of this revision say, by a
    /// lease that covers `now`. No is no refusal, but a question for the Ledger.
    pub fn is_active(
        &mut self,
        organization: OrganizationId,
        (token, revision): (TokenId, u32),
        now: Timestamp,
    ) -> bool {
        self.read(now);
        let Some(copy) = self.copies.get_mut(&organization) else {
            return false;
        };
        if !copy.is_active(token, revision, now) {
            return false;
        }
        self.keep_up(organization, now);
        true
    }

    /// Begins a question to a Ledger. It asks for a lease where there is none, or where half of it
    /// is over, unless another question does.
    pub fn ask(&mut self, organization: OrganizationId, now: Timestamp) -> Asked {
        self.read(now);
        let lease_ms = self.lease_ms;
        let lease = self.copy(organization).wants_lease(now, lease_ms);
        self.question(organization, now, lease)
    }

    /// Takes in what the Ledger answered of a token, and of what has changed. Tells whether the copy
    /// took it: what else the answer says may be repeated then. `revision` is that of the token's facts
    /// which the answer is about.
    pub fn told(
        &mut self,
        asked: &Asked,
        (token, revision): (TokenId, u32),
        liveness: Liveness,
        delta: Option<&Delta>,
        now: Timestamp,
    ) -> bool {
        let is_taken = delta.is_some_and(|delta| self.take(asked, delta, now));
        match liveness {
            Liveness::Live if is_taken => self.insert(asked.organization, (token, revision), now),
            Liveness::Live => {}
            Liveness::Revoked | Liveness::Unknown => self.forget(asked.organization, token),
        }
        self.keep_up(asked.organization, now);
        is_taken
    }

    /// Takes in that a token is not active, from an answer to a question that was asked without a
    /// claim.
    pub fn forget(&mut self, organization: OrganizationId, token: TokenId) {
        if let Some(copy) = self.copies.get_mut(&organization) {
            copy.active.remove(&token);
        }
    }

    /// Whether something is due behind an answer.
    pub fn is_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// The next thing that is due behind an answer.
    pub fn due(&mut self) -> Option<Due> {
        self.due.pop_front()
    }

    /// Begins a renewal, or a report of uses; `None` where there is nothing to say any more.
    pub fn renewal(
        &mut self,
        organization: OrganizationId,
        is_report: bool,
        now: Timestamp,
    ) -> Option<Behind<RenewCommand>> {
        self.read(now);
        let copy = self.copies.get_mut(&organization)?;
        let taken = copy.uses.take();
        if is_report {
            copy.reports_at = None;
            if taken.is_empty() {
                return None;
            }
        }
        let asked = self.question(organization, now, !is_report);
        let uses = taken.into_iter();
        Some(Behind {
            asked,
            command: RenewCommand {
                claim: asked.claim,
                uses: uses.map(|(token, (uses, at))| (token, uses, at)).collect(),
            },
        })
    }

    /// Takes in what came back; `None` = nothing did, and the uses are reported with the next. One
    /// that was taken although it did not answer counts twice: a use too many is better than a
    /// token that looks idle.
    pub fn renewed(
        &mut self,
        renewal: Behind<RenewCommand>,
        delta: Option<&Delta>,
        now: Timestamp,
    ) {
        let Behind { asked, command } = renewal;
        match delta {
            Some(delta) => {
                self.take(&asked, delta, now);
            }
            None => {
                let copy = self.copy(asked.organization);
                for (token, uses, at) in command.uses {
                    copy.uses.note(token, uses, at);
                }
            }
        }
    }

    /// Begins a watch; `None` where there is nothing to watch.
    pub fn watch(
        &mut self,
        organization: OrganizationId,
        now: Timestamp,
    ) -> Option<Behind<WatchCommand>> {
        self.read(now);
        let copy = self.copies.get_mut(&organization)?;
        copy.watched_at = None;
        let acknowledges = core::mem::take(&mut copy.acknowledges);
        if !copy.holds(now) && !acknowledges {
            return None;
        }
        copy.watched_at = Some(now);
        let asked = self.question(organization, now, false);
        let command = WatchCommand { claim: asked.claim };
        Some(Behind { asked, command })
    }

    /// Takes in what a watch has brought; `None` = nothing. Tells whether to watch on: that is how
    /// what has changed is acknowledged, of a lease that has run out meanwhile too.
    pub fn watched(
        &mut self,
        watch: &Behind<WatchCommand>,
        delta: Option<&Delta>,
        now: Timestamp,
    ) -> bool {
        let asked = &watch.asked;
        let is_taken = delta.is_some_and(|delta| self.take(asked, delta, now));
        let Some(copy) = self.copies.get_mut(&asked.organization) else {
            return false;
        };
        if copy.holder != asked.claim.holder {
            return false;
        }
        copy.watched_at = None;
        let has_news = is_taken && copy.applied != asked.claim.applied;
        copy.acknowledges = has_news && (asked.is_leased || copy.holds(now));
        copy.acknowledges
    }

    /// The timer of a question has fired that was to bring a lease: what it brought, or still
    /// brings, is over, whatever the clock says.
    pub fn expired(&mut self, organization: OrganizationId, question: u64) {
        if let Some(copy) = self.copies.get_mut(&organization) {
            copy.expire(question);
        }
    }

    /// Takes a reading of the clock. One that is earlier than another makes every age unknown.
    fn read(&mut self, now: Timestamp) {
        if self.latest.is_some_and(|latest| now < latest) {
            let organizations: Vec<OrganizationId> = self.copies.keys().copied().collect();
            for organization in organizations {
                self.empty(organization);
            }
        }
        self.latest = Some(now);
    }

    /// Makes what is said of the copy, with a timer where it asks for a lease.
    fn question(&mut self, organization: OrganizationId, now: Timestamp, lease: bool) -> Asked {
        self.questions += 1;
        let (number, after_ms) = (self.questions, self.lease_ms);
        let copy = self.copy(organization);
        if lease {
            copy.asked_at = Some(now);
        }
        let is_leased = copy.holds(now);
        let claim = Claim {
            holder: copy.holder,
            applied: copy.applied,
            lease,
        };
        if lease {
            self.due.push_back(Due::Expiry {
                organization,
                question: number,
                after_ms,
            });
        }
        Asked {
            organization,
            claim,
            number,
            at: now,
            is_leased,
        }
    }

    /// Brings the copy up to what was told. No = it is not taken: it was asked for by a copy that
    /// has been emptied since, told by another instance of the Ledger, or is older than the copy.
    fn take(&mut self, asked: &Asked, delta: &Delta, now: Timestamp) -> bool {
        self.read(now);
        let lease_ms = self.lease_ms;
        let Some(copy) = self.copies.get_mut(&asked.organization) else {
            return false;
        };
        if copy.holder != asked.claim.holder {
            return false;
        }
        if asked.claim.lease {
            copy.asked_at = None;
        }
        let is_other = |applied: Version| applied.instance != delta.version.instance;
        if copy.applied.is_some_and(is_other) {
            self.empty(asked.organization);
            return false;
        }
        if !copy.apply(delta) {
            return false;
        }
        if delta.changed.is_none() {
            self.opened.forget(asked.organization);
        }
        if let Some(told_ms) = delta.lease_ms.filter(|_| asked.claim.lease) {
            let ms = told_ms.min(lease_ms);
            copy.extend(Lease {
                until: asked.at.plus_millis(i64::from(ms)),
                question: asked.number,
            });
        }
        true
    }

    /// Adds a token to a copy. Where there are too many, those make room first that no lease
    /// covers, then one of the largest copy.
    fn insert(
        &mut self,
        organization: OrganizationId,
        (token, revision): (TokenId, u32),
        now: Timestamp,
    ) {
        if self.known() >= TOKENS {
            let idle = self.copies.values_mut().filter(|copy| !copy.holds(now));
            idle.for_each(|copy| copy.active.clear());
        }
        if self.known() >= TOKENS {
            let largest = self
                .copies
                .values_mut()
                .max_by_key(|copy| copy.active.len());
            if let Some(copy) = largest
                && let Some(other) = copy.active.keys().next().copied()
            {
                copy.active.remove(&other);
            }
        }
        self.copy(organization).active.insert(token, revision);
    }

    /// How many tokens there are in all copies.
    fn known(&self) -> usize {
        self.copies.values().map(|copy| copy.active.len()).sum()
    }

    /// Makes due what keeps a lease from running out, brings changes at once, and reports uses.
    fn keep_up(&mut self, organization: OrganizationId, now: Timestamp) {
        let lease_ms = self.lease_ms;
        let Some(copy) = self.copies.get_mut(&organization) else {
            return;
        };
        if copy.holds(now) && copy.wants_lease(now, lease_ms) {
            copy.asked_at = Some(now);
            self.due.push_back(Due::Renewal { organization });
        }
        if copy.holds(now) && copy.wants_watch(now) {
            copy.watched_at = Some(now);
            self.due.push_back(Due::Watch { organization });
        }
        if copy.wants_report(now) {
            copy.reports_at = Some(now.plus_millis(i64::from(REPORT_MS)));
            self.due.push_back(Due::Report {
                organization,
                after_ms: REPORT_MS,
            });
        }
    }

    /// Forgets what a copy has. It is another holder from then on: what was asked before is not
    /// for it.
    fn empty(&mut self, organization: OrganizationId) {
        let holder = self.new_holder();
        if let Some(copy) = self.copies.get_mut(&organization) {
            copy.empty(holder);
        }
    }

    fn copy(&mut self, organization: OrganizationId) -> &mut Copy {
        if !self.copies.contains_key(&organization) && self.copies.len() >= ORGANIZATIONS {
            let other = self.copies.keys().next().copied();
            if let Some(other) = other {
                self.copies.remove(&other);
            }
        }
        let holder = self.new_holder();
        self.copies
            .entry(organization)
            .or_insert_with(|| Copy::new(holder))
    }

    fn new_holder(&mut self) -> HolderId {
        self.holders += 1;
        Id::from_u128(self.isolate ^ self.holders)
    }
}
