//! Which Ledgers D1 refuses, because it has other rows under the numbers of their events. Each such
//! Ledger reports every failed try to the object that answers `/readyz`, which forgets it when a
//! few tries have not been reported.

use std::collections::HashMap;

use postern_domain::id::OrganizationId;
use postern_domain::time::Timestamp;

/// How long a conflict is believed to last: a Ledger tries every two seconds, and each try may take
/// five.
const BELIEVED_MS: i64 = 30_000;
/// Most Ledgers that are remembered; one is enough to be told.
const MOST: usize = 1_000;

/// Ledgers by their organization, with the moment of the last try.
#[derive(Debug, Default)]
pub struct Conflicts(HashMap<OrganizationId, Timestamp>);

impl Conflicts {
    /// A Ledger has tried and failed.
    pub fn tell(&mut self, organization: OrganizationId, now: Timestamp) {
        if self.0.len() < MOST || self.0.contains_key(&organization) {
            self.0.insert(organization, now);
        }
    }

    /// How many Ledgers have failed lately.
    pub fn lately(&mut self, now: Timestamp) -> usize {
        self.0.retain(|_, at| now.since(*at) < BELIEVED_MS);
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_domain::id::Id;

    #[test]
    fn r35_a_conflict_is_told_until_its_ledger_tries_no_more() {
        let at = Timestamp::from_millis;
        let mut conflicts = Conflicts::default();
        assert_eq!(conflicts.lately(at(0)), 0);
        conflicts.tell(Id::from_u128(1), at(0));
        conflicts.tell(Id::from_u128(2), at(5_000));
        conflicts.tell(Id::from_u128(1), at(10_000));
        assert_eq!(conflicts.lately(at(10_000)), 2);
        assert_eq!(conflicts.lately(at(34_999)), 2);
        assert_eq!(conflicts.lately(at(35_000)), 1);
        assert_eq!(conflicts.lately(at(40_000)), 0);
        for organization in 0..2_000 {
            conflicts.tell(Id::from_u128(organization), at(50_000));
        }
        assert_eq!(conflicts.lately(at(50_000)), MOST);
    }
}
