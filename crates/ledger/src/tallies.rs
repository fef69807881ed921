//! What calls have come to since it was last written (R13, R49): counted in memory, because a write
//! for each would make a Ledger the bottleneck of its organization. A crash loses the last seconds.

use std::collections::{BTreeMap, HashMap, VecDeque};

use postern_domain::id::{ReporterId, TokenId};
use postern_domain::time::Timestamp;
use postern_domain::usage::day;

use crate::activity::{KEPT_REFUSALS, MAX_CALLERS, shortened};
use crate::{ActivityCommand, CallerActivity, RefusedCall};

/// Most codes that a tally has; what comes after them is counted as [`OTHER`].
const MAX_REASONS: usize = 32;
/// Longest code, in bytes.
const MAX_REASON: usize = 64;
/// The code of refusals whose own has no room.
const OTHER: &str = "other";
/// After so many tokens what was counted is written at once.
const FULL: usize = 5_000;
/// For how long a token counts as in use that was asked about for a call, in milliseconds: what became
/// of the call is told by then.
pub const IN_USE_MS: i64 = 30_000;
/// Most tokens that are known to be in use.
const IN_USE: usize = 20_000;
/// Most reporters whose last batch is remembered.
const REPORTERS: usize = 8_192;

/// What calls of one token, or of all, have come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub allowed: u64,
    /// When the last of these ended.
    pub used_at: Option<Timestamp>,
    pub origin_trouble: u64,
    pub refused: BTreeMap<String, u64>,
    /// The last ones, last first.
    pub callers: Vec<CallerActivity>,
    /// Credentials that were refused before any organization was known.
    pub offline: u64,
}

impl Tally {
    /// Counts refusals.
    pub fn refuse(&mut self, reason: &str, calls: u64) {
        let is_word = !reason.is_empty()
            && reason.len() <= MAX_REASON
            && reason
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        let has_room = self.refused.len() < MAX_REASONS || self.refused.contains_key(reason);
        let reason = if is_word && has_room { reason } else { OTHER };
        let count = self.refused.entry(reason.to_owned()).or_default();
        *count = count.saturating_add(calls);
    }

    /// How many were refused.
    pub fn refusals(&self) -> u64 {
        self.refused.values().sum()
    }

    /// Counts calls from somewhere. The last callers are kept.
    pub fn called(&mut self, callers: impl IntoIterator<Item = CallerActivity>) {
        for mut caller in callers {
            caller.user_agent = caller.user_agent.map(shortened);
            caller.address = caller.address.map(shortened);
            let mut known = self.callers.iter_mut();
            let same = known.find(|known| {
                known.address == caller.address && known.user_agent == caller.user_agent
            });
            match same {
                Some(known) => {
                    known.calls = known.calls.saturating_add(caller.calls);
                    known.last_at = known.last_at.max(caller.last_at);
                }
                None => self.callers.push(caller),
            }
        }
        self.callers
            .sort_by_key(|caller| core::cmp::Reverse(caller.last_at));
        self.callers.truncate(MAX_CALLERS);
    }

    /// Counts calls that were not refused.
    fn add(&mut self, allowed: u64, used_at: Option<Timestamp>, origin_trouble: u64) {
        self.allowed = self.allowed.saturating_add(allowed);
        self.used_at = self.used_at.max(used_at);
        self.origin_trouble = self.origin_trouble.saturating_add(origin_trouble);
    }

    /// Adds what another has counted, but for its callers.
    pub fn count(&mut self, other: &Self) {
        self.add(other.allowed, other.used_at, other.origin_trouble);
        self.offline = self.offline.saturating_add(other.offline);
        for (reason, calls) in &other.refused {
            self.refuse(reason, *calls);
        }
    }
}

/// What waits to be written.
#[derive(Debug, Default)]
pub struct Waiting {
    /// By day and token.
    pub tokens: HashMap<(i64, TokenId), Tally>,
    /// The last calls that were refused, oldest first.
    pub refused: VecDeque<RefusedCall>,
    /// Refused before any organization was known, by day.
    pub offline: BTreeMap<i64, u64>,
}

impl Waiting {
    /// Whether nothing has been counted.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.refused.is_empty() && self.offline.is_empty()
    }
}

/// What has been counted, and who has reported.
#[derive(Debug, Default)]
pub struct Tallies {
    waiting: Waiting,
    /// The last batch of each reporter.
    batches: HashMap<ReporterId, u64>,
    /// When a token was last asked about for a call that is yet to be told.
    in_use: HashMap<TokenId, Timestamp>,
}

impl Tallies {
    /// Counts uses of a token as gateways told them that do not report what calls have come to.
    pub fn used(&mut self, token: TokenId, uses: u64, at: Timestamp, now: Timestamp) {
        let tally = self.waiting.tokens.entry((day(now), token)).or_default();
        tally.add(uses, Some(at), 0);
    }

    /// A token was asked about for a call. It may be its first use, of which nobody has told yet: so
    /// it is neither idle nor never used.
    pub fn asked(&mut self, token: TokenId, now: Timestamp) {
        if self.in_use.len() >= IN_USE {
            self.in_use.retain(|_, at| now.since(*at) < IN_USE_MS);
        }
        if self.in_use.len() < IN_USE {
            self.in_use.insert(token, now);
        }
    }

    /// Whether a token may be in use, whatever is written of it.
    pub fn is_in_use(&self, token: TokenId, now: Timestamp) -> bool {
        let asked = self.in_use.get(&token);
        asked.is_some_and(|at| now.since(*at) < IN_USE_MS)
    }

    /// Takes a batch in. No = it was taken before.
    pub fn take_in(&mut self, command: ActivityCommand, now: Timestamp) -> bool {
        let ActivityCommand {
            reporter,
            batch,
            tokens,
            refused,
            offline,
        } = command;
        if self
            .batches
            .get(&reporter)
            .is_some_and(|last| batch <= *last)
        {
            return false;
        }
        if self.batches.len() >= REPORTERS {
            self.batches.clear();
        }
        self.batches.insert(reporter, batch);
        let today = day(now);
        for told in tokens {
            let tally = self.waiting.tokens.entry((today, told.token)).or_default();
            tally.add(told.allowed, told.used_at, told.origin_trouble);
            for (reason, calls) in &told.refused {
                tally.refuse(reason, *calls);
            }
            tally.called(told.callers);
        }
        for call in refused {
            if self.waiting.refused.len() >= KEPT_REFUSALS {
                self.waiting.refused.pop_front();
            }
            self.waiting.refused.push_back(RefusedCall {
                operation: call.operation.map(shortened),
                reason: shortened(call.reason),
                address: call.address.map(shortened),
                request_id: shortened(call.request_id),
                user_agent: call.user_agent.map(shortened),
                ..call
            });
        }
        if offline > 0 {
            let failures = self.waiting.offline.entry(today).or_default();
            *failures = failures.saturating_add(offline);
        }
        true
    }

    /// Whether there is so much that it is written at once.
    pub fn is_full(&self) -> bool {
        self.waiting.tokens.len() >= FULL
    }

    /// Takes what waits to be written.
    pub fn take(&mut self) -> Waiting {
        core::mem::take(&mut self.waiting)
    }
}
