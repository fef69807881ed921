//! The origin's own tokens in the test world: what was reserved, settled and asked of the origin, each
//! answered as a test wants it.

use std::cell::RefCell;

use super::drive::{Answer, Seen};
use crate::Outage;
use crate::error::{Error, Result};
use crate::own_tokens::{Reserve, Reserved, Settle, Settlement};

/// The registry's and the origin's part.
#[derive(Default)]
pub struct OwnTokens {
    /// Everything that was asked, in order.
    pub asked: RefCell<Vec<String>>,
    /// Why a reservation is refused.
    pub reserve_refused: RefCell<Option<Error>>,
    /// Why a settlement that begins so is refused.
    pub settle_refused: RefCell<Vec<(&'static str, Error)>>,
    /// The origin's answers, the next one first. Where there is none, it does not answer in time.
    pub answers: RefCell<Vec<core::result::Result<Answer, Outage>>>,
    /// What the origin saw.
    pub seen: RefCell<Vec<Seen>>,
}

impl OwnTokens {
    fn note(&self, what: impl Into<String>) {
        self.asked.borrow_mut().push(what.into());
    }

    /// # Errors
    /// What a test told it to.
    pub fn reserve(&self, asked: &Reserve) -> core::result::Result<Reserved, Outage> {
        self.note(format!("reserve {}", asked.request.len()));
        match self.reserve_refused.borrow().clone() {
            Some(error) => Err(Outage::Refused(error)),
            None => Ok(Reserved::default()),
        }
    }

    /// # Errors
    /// What a test told it to.
    pub fn settle(&self, asked: &Settle) -> Result<()> {
        let what = match &asked.what {
            Settlement::GiveBack(_) => "give back".to_owned(),
            Settlement::Register { jwt, .. } => format!("register {}", jwt.expose()),
            Settlement::Revoke(token) => format!("revoke {token}"),
            Settlement::NotRevoked { token, .. } => format!("not revoked {token}"),
        };
        self.note(what.clone());
        let refused = self.settle_refused.borrow();
        match refused.iter().find(|(begins, _)| what.starts_with(begins)) {
            Some((_, error)) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// # Errors
    /// What a test told it to.
    pub fn attempt(&self, seen: Seen) -> core::result::Result<Answer, Outage> {
        let call = seen.target.rsplit('/').next().unwrap_or_default();
        self.note(format!("origin {call}"));
        self.seen.borrow_mut().push(seen);
        let mut answers = self.answers.borrow_mut();
        match answers.is_empty() {
            true => Err(Outage::Late),
            false => answers.remove(0),
        }
    }
}
