//! The Ledger's part in artifact credentials, and an artifact store, for tests.

use postern_domain::id::TokenId;
use postern_domain::standing::Actor;
use postern_ledger::Liveness;

use super::World;
use super::drive::Got;
use crate::admission::active;
use crate::artifacts::Checking;
use crate::artifacts::download::Fetched;
use crate::question::{Download, Record};
use crate::{Made, Outage, Pass};

/// The artifact store.
#[derive(Debug, Default)]
pub struct Store {
    /// What it answers, and the pieces of its content.
    pub answer: Fetched,
    pub pieces: Vec<Vec<u8>>,
    /// What it was asked for.
    pub asked: Vec<String>,
    /// Whether the last content was broken off.
    pub broken_off: bool,
}

impl World {
    fn liveness(&self, token: TokenId) -> Liveness {
        let tokens = self.tokens.borrow();
        tokens
            .get(&token)
            .map_or(Liveness::Unknown, |kept| kept.liveness)
    }

    /// The Ledger writes down that an artifact credential is handed out.
    ///
    /// # Errors
    /// When it is down, or the token is not active.
    pub fn record(&self, asked: &Record) -> Result<(), Outage> {
        self.note("record");
        self.ledger(|| match asked.grant.actor() {
            Actor::Token(token) => active(self.liveness(token)),
            Actor::NotAToken => active(Liveness::Unknown),
        })??;
        self.recorded.borrow_mut().push(asked.command.clone());
        Ok(())
    }

    /// The store's answer.
    ///
    /// # Errors
    /// None.
    pub fn fetch(&self, asked: &Download) -> Result<Fetched, Outage> {
        self.note("download");
        let mut store = self.store.borrow_mut();
        store.asked.push(asked.0.expose_url().to_owned());
        Ok(store.answer.clone())
    }

    /// What the client gets of an artifact.
    pub fn artifact(&self, pass: &Pass) -> Got {
        let mut store = self.store.borrow_mut();
        let mut body = Vec::new();
        if let Made::Artifact(digest) = pass.made {
            let mut checking = Checking::new(digest);
            for piece in &store.pieces {
                body.extend(checking.take(piece.clone()).unwrap_or_default());
            }
            let ended = checking.end();
            store.broken_off = ended.is_err();
            body.extend(ended.ok().flatten().unwrap_or_default());
        }
        Got {
            status: 200,
            headers: pass.headers.applied(&[]),
            body,
        }
    }
}
