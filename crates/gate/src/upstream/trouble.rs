//! Whether the origin has refused upstream credentials of late, as this isolate has met it.

use postern_domain::time::Timestamp;

/// For how long a refusal is told, in milliseconds.
const REMEMBERED_MS: i64 = 600_000;

/// The last refusal, and how many there were.
#[derive(Debug, Clone, Copy, Default)]
pub struct UpstreamTrouble {
    last: Option<Timestamp>,
    count: u64,
}

impl UpstreamTrouble {
    /// Takes note of one.
    pub(crate) fn refused(&mut self, now: Timestamp) {
        self.last = Some(now);
        self.count = self.count.saturating_add(1);
    }

    /// How many this isolate has met.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// As `/readyz` has it: `refused` where there was one in the last ten minutes.
    pub fn state(&self, now: Timestamp) -> &'static str {
        let is_recent = |last: Timestamp| (0..REMEMBERED_MS).contains(&now.since(last));
        match self.last.is_some_and(is_recent) {
            true => "refused",
            false => "accepted",
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
        assert_eq!(trouble.state(at(0)), "accepted");
        trouble.refused(at(1_000));
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
