//! How long the origin may take for a call: the configured limit, or as long as the caller still
//! waits, whichever is less. A call whose caller has given up is not begun.

use super::ask::Outage;
use super::error::{Error, Result};
use postern_domain::time::Timestamp;

/// Until when a caller waits.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    begun: Timestamp,
    /// Milliseconds from `begun`; `None`: it did not say.
    within: Option<u64>,
}

/// How long the gateway waits for one answer of the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How long, in milliseconds.
    pub ms: u32,
    /// Whether it ends because the caller's does.
    pub callers: bool,
}

impl Patience {
    /// What it means that the origin did not answer.
    pub fn closed(self, outage: Outage) -> Error {
        match outage {
            Outage::Late if self.callers => Error::Deadline,
            Outage::Late => Error::Origin {
                cause: "the origin did not answer in time".to_owned(),
            },
            Outage::Failed(cause) => Error::Origin { cause },
            Outage::Refused(error) => error,
        }
    }
}

impl Deadline {
    /// When the call began.
    pub fn begun(self) -> Timestamp {
        self.begun
    }

    /// The deadline of a call that arrived at `begun`, with what it says of itself.
    pub fn new(begun: Timestamp, within: Option<u64>) -> Self {
        Self { begun, within }
    }

    /// What is left of it, and no more than the configured time.
    ///
    /// # Errors
    /// `Deadline` when nothing is.
    pub fn patience(self, now: Timestamp, configured_ms: u32) -> Result<Patience> {
        let spent = u64::try_from(now.since(self.begun)).unwrap_or(0);
        let left = match self.within {
            Some(within) if within <= spent => return Err(Error::Deadline),
            Some(within) => u32::try_from(within - spent).ok(),
            None => None,
        };
        Ok(match left {
            Some(ms) if ms < configured_ms => Patience { ms, callers: true },
            _ => Patience {
                ms: configured_ms,
                callers: false,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_of_the_two_holds() {
        let callers = |ms| Ok(Patience { ms, callers: true });
        let configured = Ok(Patience {
            ms: 30_000,
            callers: false,
        });
        let rows = [
            (None, 0, configured.clone()),
            (None, 90_000, configured.clone()),
            (Some(5000), 0, callers(5000)),
            (Some(5000), 4999, callers(1)),
            (Some(5000), 5000, Err(Error::Deadline)),
            (Some(5000), 5001, Err(Error::Deadline)),
            (Some(0), 0, Err(Error::Deadline)),
            (Some(30_000), 0, configured.clone()),
            (Some(u64::MAX), 10, configured.clone()),
            // The clock went back.
            (Some(5000), -50, callers(5000)),
        ];
        for (within, spent, expected) in rows {
            let begun = Timestamp::from_millis(1_000_000);
            let now = Timestamp::from_millis(1_000_000 + spent);
            let found = Deadline::new(begun, within).patience(now, 30_000);
            assert_eq!(found, expected, "{within:?} {spent}");
        }
    }
}
