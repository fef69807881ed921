//! Bounded mode in an isolate: its copies of revocation logs, the uses that no Ledger has heard of
//! yet, and when the next question for changes is due. No request waits for one: what a copy cannot
//! answer, the Ledger is asked.

use std::collections::{HashMap, VecDeque};

use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::revocation::{Copy, Delta, LONGEST_WAIT_MS};
use postern_domain::time::Timestamp;
use postern_ledger::{SyncCommand, Uses};

/// Most organizations that an isolate has copies for; a full map is emptied.
const CAPACITY: usize = 1_024;

/// The copies.
#[derive(Debug, Default)]
pub struct Copies {
    organizations: HashMap<OrganizationId, OrganizationCopy>,
    due: VecDeque<Due>,
}

#[derive(Debug, Default)]
struct OrganizationCopy {
    copy: Copy,
    uses: Uses,
    /// When the next question to the Ledger is due. One that is long overdue was lost with its
    /// request.
    sync_due: Option<Timestamp>,
}

/// A question for changes that is to be asked, behind the answer of the request that made it due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Whose Ledger is to be asked.
    pub organization: OrganizationId,
    /// How long to wait first, in milliseconds.
    pub wait_ms: i64,
}

/// A question for changes on its way, with what it reports.
#[derive(Debug)]
pub struct Sync {
    organization: OrganizationId,
    asked: Timestamp,
    /// What it is asked.
    pub command: SyncCommand,
}

impl Copies {
    /// Whether the token is known to have been active less than `bound_ms` ago. If so, its use is
    /// counted.
    pub(crate) fn is_known_live(
        &mut self,
        organization: OrganizationId,
        token: TokenId,
        now: Timestamp,
        bound_ms: i64,
    ) -> bool {
        let entry = self.of(organization);
        let lives = entry.copy.lives(token, now, bound_ms);
        if lives {
            entry.uses.note(token, 1, now);
        }
        self.claim(organization, now, bound_ms);
        lives
    }

    /// Records that the Ledger, asked at `asked`, said that the token is active, at this version of
    /// its log.
    pub(crate) fn record_live(
        &mut self,
        organization: OrganizationId,
        (token, version): (TokenId, i64),
        asked: Timestamp,
        now: Timestamp,
        bound_ms: i64,
    ) {
        self.of(organization).copy.join(token, version, asked);
        self.claim(organization, now, bound_ms);
    }

    /// The next question for changes that is due, for the request that made it due.
    pub fn due(&mut self) -> Option<Due> {
        self.due.pop_front()
    }

    /// Begins such a question. Uses that are noted from here on go with the next one.
    pub fn sync(&mut self, organization: OrganizationId, now: Timestamp) -> Sync {
        let entry = self.of(organization);
        entry.sync_due = None;
        let uses = entry.uses.take().into_iter();
        Sync {
            organization,
            asked: now,
            command: SyncCommand {
                since: entry.copy.version(),
                uses: uses.map(|(token, (uses, at))| (token, uses, at)).collect(),
            },
        }
    }

    /// Takes in what came back; `None` = nothing did, and the uses are reported with the next. One
    /// that was taken although it did not answer counts twice: a use too many is better than a
    /// token that looks idle.
    pub fn synced(&mut self, sync: Sync, delta: Option<&Delta>) {
        let entry = self.of(sync.organization);
        match delta {
            Some(delta) => entry.copy.advance(sync.command.since, delta, sync.asked),
            None => {
                for (token, uses, at) in sync.command.uses {
                    entry.uses.note(token, uses, at);
                }
            }
        }
    }

    fn of(&mut self, organization: OrganizationId) -> &mut OrganizationCopy {
        if self.organizations.len() >= CAPACITY && !self.organizations.contains_key(&organization) {
            self.organizations.clear();
        }
        self.organizations.entry(organization).or_default()
    }

    /// Makes a question for changes due, unless one is under way.
    fn claim(&mut self, organization: OrganizationId, now: Timestamp, bound_ms: i64) {
        let entry = self.of(organization);
        let lost = |due: Timestamp| now.as_millis() > due.as_millis() + LONGEST_WAIT_MS;
        if entry.sync_due.is_some_and(|due| !lost(due)) {
            return;
        }
        let wait_ms = entry.copy.wait_ms(now, bound_ms);
        entry.sync_due = Some(now.plus_millis(wait_ms));
        self.due.push_back(Due {
            organization,
            wait_ms,
        });
    }
}

#[cfg(test)]
mod tests {
    use postern_domain::id::Id;

    use super::*;

    const BOUND: i64 = 5_000;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn one_question_is_due_at_a_time_and_a_lost_one_is_asked_again() {
        let (organization, token) = (Id::from_u128(1), Id::from_u128(7));
        let mut copies = Copies::default();
        copies.record_live(organization, (token, 3), at(0), at(10), BOUND);
        assert_eq!(copies.due().map(|due| due.wait_ms), Some(4_000));
        assert!(copies.is_known_live(organization, token, at(20), BOUND));
        assert_eq!(copies.due(), None, "one is under way");
        // It was lost with its request.
        let late = 10 + 4_000 + LONGEST_WAIT_MS + 1;
        assert!(!copies.is_known_live(organization, token, at(late), BOUND));
        assert_eq!(copies.due().map(|due| due.wait_ms), Some(0));
    }

    #[test]
    fn uses_are_reported_once_and_again_where_nothing_answered() {
        let (organization, token) = (Id::from_u128(1), Id::from_u128(7));
        let mut copies = Copies::default();
        copies.record_live(organization, (token, 3), at(0), at(0), BOUND);
        for ms in [1, 2] {
            assert!(copies.is_known_live(organization, token, at(ms), BOUND));
        }
        let sync = copies.sync(organization, at(3));
        assert_eq!(sync.command.uses, [(token, 2, at(2))]);
        assert!(copies.is_known_live(organization, token, at(4), BOUND));
        copies.synced(sync, None);
        let sync = copies.sync(organization, at(5));
        assert_eq!(sync.command.uses, [(token, 3, at(4))]);
        let delta = Delta {
            version: 4,
            changed: Some(vec![token]),
        };
        copies.synced(sync, Some(&delta));
        assert!(!copies.is_known_live(organization, token, at(6), BOUND));
        assert_eq!(copies.sync(organization, at(7)).command.since, 4);
    }
}
