//! Issuers and forges of the test world: what stands at their URLs, and the platform's cryptography.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use super::{World, issuer};
use crate::ports::{JobKeys, NotFetched};
use postern_wire::job::Question;

/// Something else that happens in the world.
pub type Event = Box<dyn FnOnce(&World)>;

/// What others publish, and what comes of asking the platform.
pub struct Published {
    /// What stands at a URL; nothing answers at any other.
    pub documents: RefCell<HashMap<String, Result<Vec<u8>, NotFetched>>>,
    /// Whether a signature holds.
    pub holds: Cell<fn(&Question) -> bool>,
    /// What else happens during a pause, the next first.
    pub meanwhile: RefCell<Vec<Event>>,
}

impl Default for Published {
    fn default() -> Self {
        Self {
            documents: RefCell::default(),
            holds: Cell::new(issuer::holds),
            meanwhile: RefCell::default(),
        }
    }
}

impl JobKeys for World {
    async fn fetch_public(&self, url: &str, limit: usize) -> Result<Vec<u8>, NotFetched> {
        self.note(format!("fetch {url}"));
        let documents = self.published.documents.borrow();
        let found = documents.get(url).cloned();
        let found = found.unwrap_or_else(|| Err(NotFetched::Failed("nobody is there".to_owned())));
        found.and_then(|bytes| match bytes.len() > limit {
            true => Err(NotFetched::Failed(format!("more than {limit} bytes"))),
            false => Ok(bytes),
        })
    }

    async fn holds(&self, question: &Question) -> bool {
        self.note("verify");
        (self.published.holds.get())(question)
    }

    async fn pause(&self, ms: u32) {
        self.now.set(self.now.get() + i64::from(ms));
        let mut waiting = self.published.meanwhile.borrow_mut();
        let next = (!waiting.is_empty()).then(|| waiting.remove(0));
        drop(waiting);
        if let Some(next) = next {
            next(self);
        }
    }

    fn keys_failed(&self, cause: &str) {
        self.note(format!("failed {cause}"));
    }
}
