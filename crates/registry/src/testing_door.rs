//! Ways in, in the test world: remembered sessions, the answers of their endpoint, and whether
//! there is a token.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::error::{Error, Result};
use super::ports::{Clock, FirstToken, SessionAnswer, Sessions};
use super::testing::World;
use postern_domain::session::Person;
use postern_domain::time::Timestamp;

type Remembered = HashMap<[u8; 32], (Rc<Person>, Timestamp)>;

/// What stands behind the door.
pub struct Door {
    /// `None`: the endpoint is down.
    pub answer: RefCell<Option<SessionAnswer>>,
    pub remembered: RefCell<Remembered>,
    /// `None`: the record is down.
    pub live_token: Cell<Option<bool>>,
    /// Every cookie that the endpoint was shown.
    pub shown: RefCell<Vec<String>>,
}

impl Default for Door {
    fn default() -> Self {
        Self {
            answer: RefCell::default(),
            remembered: RefCell::default(),
            live_token: Cell::new(Some(true)),
            shown: RefCell::default(),
        }
    }
}

impl FirstToken for World {
    async fn any_live_token(&self, _: Timestamp) -> Result<bool> {
        let known = self.door.live_token.get();
        known.ok_or_else(|| Error::unavailable("the record is down"))
    }
}

impl Sessions for World {
    fn remembered(&self, cookie: &[u8; 32]) -> Option<Rc<Person>> {
        let map = self.door.remembered.borrow();
        let (person, until) = map.get(cookie)?;
        (self.now() < *until).then(|| Rc::clone(person))
    }

    fn remember(&self, cookie: [u8; 32], person: &Rc<Person>, until: Timestamp) {
        let mut map = self.door.remembered.borrow_mut();
        map.insert(cookie, (Rc::clone(person), until));
    }

    async fn ask(&self, url: &str, cookie: &str) -> Result<SessionAnswer> {
        assert_eq!(url, "https://control.example/session");
        self.door.shown.borrow_mut().push(cookie.to_owned());
        let answer = self.door.answer.borrow().clone();
        answer.ok_or_else(|| Error::unavailable("the endpoint is down"))
    }
}
