//! Whether the origin has refused upstream credentials of late, as this isolate has met it.

use postern_domain::time::Timestamp;

/// For how long a refusal is told, in milliseconds.
const REMEMBERED_MS: i64 = 600_000;

/// The last refusal, how many there were, and how many answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct UpstreamTrouble {
    last: Option<Timestamp>,
    count: u64,
    answered: u64,
}

impl UpstreamTrouble {
    /// Takes note of an answer to a call that was sent on with a credential, a refusal too.
    pub(crate) fn answered(&mut self) {
        self.answered = self.answered.saturating_add(1);
    }

    /// Takes note of a refusal.
    pub(crate) fn refused(&mut self, now: Timestamp) {
        self.last = Some(now);
        self.count = self.count.saturating_add(1);
    }

    /// How many this isolate has met.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// As `/readyz` has it: `refused` where there was one in the last ten minutes, else
    /// `accepted` where the origin has ever answered otherwise, else `unused`.
    pub fn state(&self, now: Timestamp) -> &'static str {
        let is_recent = |last: Timestamp| (0..REMEMBERED_MS).contains(&now.since(last));
        match self.last.is_some_and(is_recent) {
            true => "refused",
            false if self.answered > self.count => "accepted",
            false => "unused",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r42_a_refusal_is_told_for_ten_minutes() {
        let at = Timestamp::from_millis;
        let mut trouble = UpstreamTrouble::default();
        assert_eq!(trouble.state(at(0)), "unused");
        trouble.answered();
        trouble.refused(at(1_000));
        assert_eq!(trouble.state(at(1_000 + REMEMBERED_MS)), "unused");
        trouble.answered();
        assert_eq!(trouble.state(at(0)), "accepted");
        let rows = [
            (1_000, "refused"),
            (1_000 + REMEMBERED_MS - 1, "refused"),
            (1_000 + REMEMBERED_MS, "accepted"),
            // A clock that went back says nothing of its age.
            (999, "accepted"),
        ];
        for (now, expected) in rows {
            assert_eq!(trouble.state(at(now)), expected, "{now}");
        }
        assert_eq!(trouble.count(), 1);
    }
}
