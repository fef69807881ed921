//! Which assertions have been used. Remembers each as long as it would be
//! believed, and takes no more when it is full: forgetting one early would let
//! it be used again.

use std::collections::{BTreeSet, HashSet};

use super::Refusal;

/// Most assertions remembered at once: a minute of 3,000 calls a second.
pub(super) const CAPACITY: usize = 200_000;
/// Longest `jti`: that of a UUID.
const MAX_ID: usize = 36;

/// The used assertions of this process. Several origins behind one audience
/// would have to share theirs.
#[derive(Debug, Default)]
pub(super) struct Spent {
    ids: HashSet<String>,
    by_end: BTreeSet<(u64, String)>,
}

impl Spent {
    /// Uses the assertion `id`, which is believed until `until`.
    pub(super) fn take(&mut self, id: &str, until: u64, now: u64) -> Result<(), Refusal> {
        if id.is_empty() || id.len() > MAX_ID {
            return Err(Refusal::Malformed);
        }
        while let Some((end, _)) = self.by_end.first()
            && *end <= now
            && let Some((_, old)) = self.by_end.pop_first()
        {
            self.ids.remove(&old);
        }
        if self.ids.contains(id) {
            return Err(Refusal::Replayed);
        }
        if self.ids.len() >= CAPACITY {
            return Err(Refusal::Full);
        }
        self.ids.insert(id.to_owned());
        self.by_end.insert((until, id.to_owned()));
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.ids.len(), self.by_end.len());
        self.ids.len()
    }
}
