//! JWTs that this isolate has verified: its own, whose keys never change, so that a signature that was
//! good once is good for as long as the isolate lives; and job tokens that a Ledger knows. Times are
//! looked at each time.
//!
//! What is kept is the text, compared whole: nothing shorter says that it is the same token. It is
//! worth less than the keys beside it in the same memory, which sign any token.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use postern_domain::secret::Secret;

/// Most JWTs that are kept; then all make room.
pub(crate) const VERIFIED: usize = 1_024;

/// The JWTs, each with what it says.
#[derive(Debug)]
pub(crate) struct VerifiedTokens<V>(HashMap<Text, Rc<V>>);

impl<V> Default for VerifiedTokens<V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

/// A JWT. Wiped when it goes.
#[derive(Debug)]
struct Text(Secret);

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self.0.expose()
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.expose().hash(state);
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose() == other.0.expose()
    }
}

impl Eq for Text {}

impl<V> VerifiedTokens<V> {
    /// What a JWT says that was verified here.
    pub fn find(&self, token: &Secret) -> Option<Rc<V>> {
        self.0.get(token.expose()).cloned()
    }

    /// Keeps a JWT that has just been verified.
    pub fn remember(&mut self, token: Secret, verified: &Rc<V>) {
        if self.0.len() >= VERIFIED {
            self.0.clear();
        }
        self.0.insert(Text(token), Rc::clone(verified));
    }

    /// How many there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}
