//! The key sets of issuers of job tokens (R47), as an isolate keeps them: when one is fetched, and for how
//! long one counts that cannot be fetched again. Whoever asks fetches; nothing here does.

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

/// The key sets that an isolate has, one for each issuer.
#[derive(Debug, Default)]
pub struct IssuerKeys(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    issuer: Issuer,
    /// With the time at which they were fetched.
    keys: Option<(Rc<KeySet>, Timestamp)>,
    /// When a fetch was last begun.
    tried_at: Option<Timestamp>,
}

/// What to do about the keys of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeysNow {
    /// These are used. They may lack the key that was asked for: then there is none.
    Use(Rc<KeySet>),
    /// They are fetched first, now, and given to [`IssuerKeys::fetched`]. If that fails, or they still lack
    /// the key, what [`IssuerKeys::look`] answers next counts: it does not say this again within a minute.
    Fetch,
    /// There are none that count, and it is too early to fetch them again: the call ends with 503.
    Unavailable,
}

impl IssuerKeys {
    /// What to do for a token of an issuer that the deployment knows, and that names this key.
    pub fn look(&mut self, issuer: &Issuer, kid: &str, now: Timestamp) -> KeysNow {
        let Some(entry) = self.entry(issuer) else {
            return KeysNow::Unavailable;
        };
        let keys = entry.keys.clone().map(|(keys, at)| (keys, now.since(at)));
        let wanted = match &keys {
            Some((keys, age)) => !within(*age, FRESH_MS) || keys.find(kid).is_none(),
            None => true,
        };
        let tried = entry.tried_at.map(|at| now.since(at));
        if wanted && tried.is_none_or(|ago| !within(ago, BETWEEN_FETCHES_MS)) {
            entry.tried_at = Some(now);
            return KeysNow::Fetch;
        }
        match keys {
            Some((keys, age)) if within(age, LONGEST_MS) => KeysNow::Use(keys),
            Some(_) | None => KeysNow::Unavailable,
        }
    }

    /// Keeps a key set that was fetched at `now`, in place of the one before.
    pub fn fetched(&mut self, keys: KeySet, now: Timestamp) {
        let issuer = keys.issuer().clone();
        if let Some(entry) = self.entry(&issuer) {
            entry.keys = Some((Rc::new(keys), now));
        }
    }

    /// The entry of an issuer; `None` beyond as many issuers as a deployment can have.
    fn entry(&mut self, issuer: &Issuer) -> Option<&mut Entry> {
        let at = self.0.iter().position(|entry| entry.issuer == *issuer);
        if at.is_none() && self.0.len() < MAX_ISSUERS {
            self.0.push(Entry {
                issuer: issuer.clone(),
                keys: None,
                tried_at: None,
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
mod tests {
    use super::*;
    use postern_domain::trust::Loopback;

    fn issuer(text: &str) -> Issuer {
        Issuer::parse(text, Loopback::Refused).expect("an issuer")
    }

    /// The keys of an issuer: Ed25519, each with a name.
    fn keys(issuer: &Issuer, kids: &[&str]) -> KeySet {
        let key = |kid: &&str| {
            let x = "A".repeat(43);
            format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"{x}"}}"#)
        };
        let keys: Vec<String> = kids.iter().map(key).collect();
        let text = format!(r#"{{"keys":[{}]}}"#, keys.join(","));
        KeySet::parse(issuer, text.as_bytes()).expect("a key set")
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(10_000_000 + ms)
    }

    /// Whether keys are used, and if so, whether this one is among them.
    fn used(now: &KeysNow, kid: &str) -> Option<bool> {
        match now {
            KeysNow::Use(keys) => Some(keys.find(kid).is_some()),
            KeysNow::Fetch | KeysNow::Unavailable => None,
        }
    }

    #[test]
    fn keys_are_fetched_once_and_then_used() {
        let (mut kept, github) = (IssuerKeys::default(), issuer("github"));
        assert_eq!(kept.look(&github, "a", at(0)), KeysNow::Fetch);
        // Another call, while the first one fetches.
        assert_eq!(kept.look(&github, "a", at(1)), KeysNow::Unavailable);
        kept.fetched(keys(&github, &["a"]), at(2));
        for ms in [2, 1_000, 2 + FRESH_MS - 1] {
            assert_eq!(
                used(&kept.look(&github, "a", at(ms)), "a"),
                Some(true),
                "{ms}"
            );
        }
        assert_eq!(kept.look(&github, "a", at(2 + FRESH_MS)), KeysNow::Fetch);
        // An issuer that takes a key out is followed.
        kept.fetched(keys(&github, &["b"]), at(3 + FRESH_MS));
        let after = kept.look(&github, "a", at(4 + FRESH_MS));
        assert_eq!(used(&after, "a"), Some(false));
    }

    #[test]
    fn unknown_keys_cause_one_fetch_a_minute() {
        let (mut kept, github) = (IssuerKeys::default(), issuer("github"));
        assert_eq!(kept.look(&github, "a", at(0)), KeysNow::Fetch);
        kept.fetched(keys(&github, &["a"]), at(0));
        let mut fetches = 0;
        for ms in (1..=5 * BETWEEN_FETCHES_MS).step_by(500) {
            match kept.look(&github, &format!("forged-{ms}"), at(ms)) {
                KeysNow::Fetch => {
                    fetches += 1;
                    kept.fetched(keys(&github, &["a"]), at(ms));
                }
                KeysNow::Use(keys) => assert!(keys.find("a").is_some()),
                KeysNow::Unavailable => panic!("the keys are there"),
            }
        }
        assert_eq!(fetches, 4);
        // Real tokens are not disturbed.
        let real = kept.look(&github, "a", at(5 * BETWEEN_FETCHES_MS));
        assert_eq!(used(&real, "a"), Some(true));
    }

    #[test]
    fn an_issuer_that_is_down_is_believed_for_an_hour() {
        let (mut kept, github) = (IssuerKeys::default(), issuer("github"));
        assert_eq!(kept.look(&github, "a", at(0)), KeysNow::Fetch);
        kept.fetched(keys(&github, &["a"]), at(0));
        // Each fetch fails.
        assert_eq!(kept.look(&github, "a", at(FRESH_MS)), KeysNow::Fetch);
        assert_eq!(
            used(&kept.look(&github, "a", at(FRESH_MS + 1)), "a"),
            Some(true)
        );
        let late = LONGEST_MS - 1;
        assert_eq!(kept.look(&github, "a", at(late)), KeysNow::Fetch);
        assert_eq!(used(&kept.look(&github, "a", at(late)), "a"), Some(true));
        assert_eq!(
            kept.look(&github, "a", at(LONGEST_MS)),
            KeysNow::Unavailable
        );
        let again = late + BETWEEN_FETCHES_MS;
        assert_eq!(kept.look(&github, "a", at(again)), KeysNow::Fetch);
        assert_eq!(kept.look(&github, "a", at(again)), KeysNow::Unavailable);
    }

    #[test]
    fn a_clock_that_went_back_makes_keys_no_younger() {
        let (mut kept, github) = (IssuerKeys::default(), issuer("github"));
        assert_eq!(kept.look(&github, "a", at(0)), KeysNow::Fetch);
        kept.fetched(keys(&github, &["a"]), at(0));
        // A call that began before the keys were there, and still sees that time.
        let before = kept.look(&github, "a", at(-BETWEEN_FETCHES_MS));
        assert_eq!(used(&before, "a"), Some(true));
        let back = at(-BETWEEN_FETCHES_MS - 1);
        assert_eq!(kept.look(&github, "a", back), KeysNow::Fetch);
        assert_eq!(kept.look(&github, "a", back), KeysNow::Unavailable);
    }

    #[test]
    fn each_issuer_has_its_own_keys() {
        let mut kept = IssuerKeys::default();
        let all: Vec<Issuer> = (0..=MAX_ISSUERS)
            .map(|n| issuer(&format!("https://ci{n}.example")))
            .collect();
        for (n, one) in all.iter().enumerate() {
            let expected = match n {
                MAX_ISSUERS => KeysNow::Unavailable,
                _ => KeysNow::Fetch,
            };
            assert_eq!(kept.look(one, "a", at(0)), expected, "{one}");
            kept.fetched(keys(one, &[&format!("k{n}")]), at(0));
        }
        for (n, one) in all.iter().take(MAX_ISSUERS).enumerate() {
            let kid = format!("k{n}");
            assert_eq!(used(&kept.look(one, &kid, at(1)), &kid), Some(true));
            let KeysNow::Use(keys) = kept.look(one, "other", at(1)) else {
                panic!("used")
            };
            assert_eq!(keys.issuer(), one);
        }
    }
}
