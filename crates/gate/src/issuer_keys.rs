//! The key sets of issuers of job tokens (R47), as an isolate keeps them: when one is fetched, and for how
//! long one counts that cannot be fetched again. The caller fetches; nothing here does.

use std::cell::Cell;
use std::rc::Rc;

use postern_domain::time::Timestamp;
use postern_domain::trust::{Issuer, MAX_ISSUERS};
use postern_wire::job::KeySet;

/// For how long a key set is used before it is fetched again, in milliseconds: an issuer that takes a key
/// out is followed within this time.
pub const FRESH_MS: i64 = 600_000;
/// For how long it is used while it cannot be fetched, in milliseconds. Then no token of its issuer counts:
/// a failed dependency closes.
pub const LONGEST_MS: i64 = 3_600_000;
/// The time between two fetches of an issuer's keys, whether they succeed or not, in milliseconds. So tokens
/// with keys that nobody knows, which anybody can make, cause one fetch a minute in each isolate.
pub const BETWEEN_FETCHES_MS: i64 = 60_000;

/// The same after a fetch that ended without a result, in milliseconds: the call that fetched was given up,
/// which says nothing about the issuer.
pub const AFTER_DROPPED_MS: i64 = 2_000;
/// For how long a fetch is waited for, in milliseconds. After that it counts as one that was given up: the
/// platform may have ended its call without a word.
pub const LONGEST_FETCH_MS: i64 = 20_000;

/// The key sets that an isolate has, one for each issuer.
#[derive(Debug, Default)]
pub struct IssuerKeys(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    issuer: Issuer,
    /// With the fetch that brought them.
    keys: Option<(Rc<KeySet>, Rc<Fetching>)>,
    /// The fetch that was begun last.
    last: Option<Rc<Fetching>>,
}

/// A fetch of an issuer's keys.
#[derive(Debug)]
struct Fetching {
    /// Its place among those of the issuer. Clocks can go back, and this does not.
    number: u64,
    /// When it was begun. What it brings is as old.
    began: Timestamp,
    state: Cell<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is under way.
    Running,
    /// It has brought keys, or failed.
    Ended,
    /// It was given up without a result.
    Dropped,
}

impl Fetching {
    fn state(&self, now: Timestamp) -> State {
        match self.state.get() {
            State::Running if !within(now.since(self.began), LONGEST_FETCH_MS) => State::Dropped,
            state => state,
        }
    }

    /// Whether it is too early for the next one.
    fn holds_up(&self, now: Timestamp) -> bool {
        let wait = match self.state(now) {
            State::Dropped => AFTER_DROPPED_MS,
            State::Running | State::Ended => BETWEEN_FETCHES_MS,
        };
        within(now.since(self.began), wait)
    }
}

/// A fetch to be made. It is given back with what came of it; where it is dropped instead, the next one may
/// begin after [`AFTER_DROPPED_MS`].
#[derive(Debug)]
pub struct Ticket {
    issuer: Issuer,
    fetching: Rc<Fetching>,
}

impl Ticket {
    /// Whose keys are fetched.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The issuer did not answer, or with something else than a key set: the next fetch begins after
    /// [`BETWEEN_FETCHES_MS`].
    pub fn failed(self) {
        self.fetching.state.set(State::Ended);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.fetching.state.get() == State::Running {
            self.fetching.state.set(State::Dropped);
        }
    }
}

/// What to do about the keys of an issuer.
#[derive(Debug)]
pub enum KeysNow {
    /// These are used. They may lack the key that was asked for: then there is none.
    Use(Rc<KeySet>),
    /// They are fetched first, now, and given to [`IssuerKeys::fetched`] with the ticket. If that fails, or
    /// they still lack the key, what [`IssuerKeys::look`] answers next counts: it does not say this again
    /// within a minute.
    Fetch(Ticket),
    /// Another call is fetching them: what this answers a little later counts. No call waits for longer than
    /// [`LONGEST_FETCH_MS`].
    Wait,
    /// There are none that count, and it is too early to fetch them again: the call ends with 503.
    Unavailable,
}

impl IssuerKeys {
    /// What to do for a token of an issuer that the deployment knows, and that names this key.
    pub fn look(&mut self, issuer: &Issuer, kid: &str, now: Timestamp) -> KeysNow {
        let Some(entry) = self.entry(issuer) else {
            return KeysNow::Unavailable;
        };
        let keys = entry.keys.as_ref();
        let keys = keys.map(|(keys, by)| (Rc::clone(keys), now.since(by.began)));
        let fresh = keys.as_ref().is_some_and(|(_, age)| within(*age, FRESH_MS));
        let counting = keys.filter(|(_, age)| within(*age, LONGEST_MS));
        let known = counting
            .as_ref()
            .is_some_and(|(keys, _)| keys.find(kid).is_some());
        let last = entry.last.as_ref();
        let waits = last.is_some_and(|last| last.holds_up(now));
        if !(fresh && known || waits) {
            let before = entry.last.as_ref().map_or(0, |last| last.number);
            let fetching = Rc::new(Fetching {
                number: before.saturating_add(1),
                began: now,
                state: Cell::new(State::Running),
            });
            entry.last = Some(Rc::clone(&fetching));
            return KeysNow::Fetch(Ticket {
                issuer: issuer.clone(),
                fetching,
            });
        }
        let running = last.is_some_and(|last| last.state(now) == State::Running);
        match counting {
            // An old key is as good while new ones are on their way.
            Some((keys, _)) if known || !running => KeysNow::Use(keys),
            Some(_) | None if running => KeysNow::Wait,
            Some(_) | None => KeysNow::Unavailable,
        }
    }

    /// Keeps the key set that a fetch has brought, in place of the one before. It counts from when the fetch
    /// was begun. A set without any key that can be used, or of another issuer, counts as a failed fetch: a
    /// good one is not given up for it. So does one that a later fetch has overtaken.
    pub fn fetched(&mut self, ticket: Ticket, keys: KeySet) {
        ticket.fetching.state.set(State::Ended);
        if keys.keys().is_empty() || keys.issuer() != &ticket.issuer {
            return;
        }
        let fetching = Rc::clone(&ticket.fetching);
        let Some(entry) = self.entry(&ticket.issuer) else {
            return;
        };
        let kept = entry.keys.as_ref().map_or(0, |(_, by)| by.number);
        if kept < fetching.number {
            entry.keys = Some((Rc::new(keys), fetching));
        }
    }

    /// The entry of an issuer; `None` beyond as many issuers as a deployment can have.
    fn entry(&mut self, issuer: &Issuer) -> Option<&mut Entry> {
        let at = self.0.iter().position(|entry| entry.issuer == *issuer);
        if at.is_none() && self.0.len() < MAX_ISSUERS {
            self.0.push(Entry {
                issuer: issuer.clone(),
                keys: None,
                last: None,
            });
        }
        let at = at.unwrap_or(self.0.len().saturating_sub(1));
        self.0.get_mut(at).filter(|entry| entry.issuer == *issuer)
    }
}

/// Whether an age is below a limit. Calls that run at once see clocks that stand at their last answer, so
/// one may be a little before the other. A clock that really went back makes nothing young.
fn within(age: i64, limit: i64) -> bool {
    (-BETWEEN_FETCHES_MS..limit).contains(&age)
}

#[cfg(test)]
mod tests;
