//! An isolate of the model: its copies, and a clock of its own.

use std::collections::HashMap;
use std::rc::Rc;

use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::time::Timestamp;
use postern_ledger::testing::dice::Dice;

use super::world::{ORGANIZATION, wanted};
use crate::leases::Leases;
use crate::upstream::Upstream;

/// How long a lease lasts, as the isolates have it. The Ledger's own is as long.
pub const LEASE_MS: u32 = postern_ledger::testing::LEASE_MS;

pub struct Isolate {
    pub leases: Leases,
    /// The revisions of the facts that it knows, as its memory has them.
    facts: HashMap<TokenId, u32>,
    /// Which isolate at this place: what was asked by one before gets no answer.
    pub run: u32,
    /// By how many millionths its clock is fast.
    fast: i64,
    offset_ms: i64,
    /// Nothing happens in it before this, in microseconds.
    pub blocked_until: i64,
    /// Between two calls, in microseconds.
    pub gap: i64,
}

impl Isolate {
    pub fn new(dice: &mut Dice, number: u128) -> Self {
        // Traffic repairs a copy, and hides a fault of a quiet isolate.
        let gap = dice.pick(&[80_000, 200_000, 450_000, 1_500_000]);
        Self {
            leases: Leases::new(number << 64, LEASE_MS),
            facts: HashMap::new(),
            run: 0,
            fast: dice.roll(20_001) as i64 - 10_000,
            offset_ms: 1_800_000_000_000 + dice.roll(2_000_000) as i64,
            blocked_until: 0,
            gap: gap.unwrap_or(200_000),
        }
    }

    /// The isolate ends, and another one begins in its place, on the same machine.
    pub fn replace(&mut self, number: u128) {
        self.leases = Leases::new(number << 64, LEASE_MS);
        self.facts.clear();
        self.run += 1;
    }

    /// The revision of a token's facts that it knows.
    pub fn revision(&self, token: TokenId) -> Option<u32> {
        self.facts.get(&token).copied()
    }

    /// It learns facts; those of an earlier revision than it knows change nothing.
    pub fn learns(&mut self, token: TokenId, revision: u32) {
        let known = self.facts.entry(token).or_insert(revision);
        *known = revision.max(*known);
    }

    /// Its memory is full, and starts anew.
    pub fn forgets(&mut self) {
        self.facts.clear();
    }

    /// What its clock shows at a moment, which is in microseconds.
    pub fn clock(&self, now: i64) -> Timestamp {
        let micros = now + now * self.fast / 1_000_000;
        Timestamp::from_millis(micros.div_euclid(1_000) + self.offset_ms)
    }

    /// Somebody sets its clock.
    pub fn step(&mut self, ms: i64) {
        self.offset_ms += ms;
    }

    /// The credential that a call which began now would be sent on with, without a question.
    pub fn would_send(&self, now: i64) -> Option<Rc<Upstream>> {
        let clock = self.clock(now);
        let known = self.leases.peek_upstream(ORGANIZATION, &wanted(), clock);
        known.filter(|_| self.blocked_until <= now)
    }

    /// By which facts a call that began now would be accepted without a question, if it would be.
    pub fn would_accept(&self, token: TokenId, now: i64) -> Option<u32> {
        let revision = self.revision(token)?;
        let is_accepted = self.blocked_until <= now
            && self
                .leases
                .peek(ORGANIZATION, (token, revision), self.clock(now));
        is_accepted.then_some(revision)
    }
}

impl Leases {
    /// Whether [`Leases::is_active`] would say yes.
    pub(super) fn peek(
        &self,
        organization: OrganizationId,
        (token, revision): (TokenId, u32),
        now: Timestamp,
    ) -> bool {
        let is_back = self.latest.is_some_and(|latest| now < latest);
        let copy = self.copies.get(&organization);
        !is_back && copy.is_some_and(|copy| copy.is_active(token, revision, now))
    }
}
