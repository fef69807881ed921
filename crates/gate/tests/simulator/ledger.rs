//! What the simulator needs of a Ledger, and a small one that answers from memory.

use std::collections::HashMap;

use postern_domain::decide::RunFacts;
use postern_domain::id::{RunId, TokenId};
use postern_domain::revocation::Delta;
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_ledger::{Admission, AdmitQuery, Liveness, RunAnswer, RunCommand, SyncCommand};

/// One organization's Ledger.
pub trait Ledger {
    /// Answers whether a token lives.
    fn admit(&mut self, query: AdmitQuery, now: Timestamp) -> Admission;
    /// Keeps a run.
    fn record(&mut self, command: &RunCommand) -> RunAnswer;
    /// Tells what has changed.
    fn sync(&mut self, command: &SyncCommand) -> Delta;
    /// Revokes a token. When this returns, the revoke has answered.
    fn revoke(&mut self, token: TokenId);
}

/// A Ledger in memory.
#[derive(Default)]
pub struct Small {
    tokens: HashMap<TokenId, TokenFacts>,
    runs: HashMap<RunId, RunFacts>,
    /// Each revocation, at the version that it has by its place.
    log: Vec<TokenId>,
}

impl Small {
    /// Has a live token from now on.
    pub fn keep(&mut self, facts: TokenFacts) {
        self.tokens.insert(facts.id, facts);
    }

    fn version(&self) -> i64 {
        i64::try_from(self.log.len()).expect("a short log")
    }
}

impl Ledger for Small {
    fn admit(&mut self, query: AdmitQuery, _: Timestamp) -> Admission {
        let facts = self.tokens.get(&query.token);
        let liveness = match facts {
            None => Liveness::Unknown,
            Some(_) if self.log.contains(&query.token) => Liveness::Revoked,
            Some(_) => Liveness::Live,
        };
        let is_live = liveness == Liveness::Live;
        Admission {
            liveness,
            facts: facts.filter(|_| query.facts && is_live).cloned(),
            run: query.run.and_then(|run| self.runs.get(&run).cloned()),
            pin: None,
            version: (query.version && is_live).then(|| self.version()),
        }
    }

    fn record(&mut self, command: &RunCommand) -> RunAnswer {
        self.runs.insert(command.run, command.facts.clone());
        RunAnswer { pin: None }
    }

    fn sync(&mut self, command: &SyncCommand) -> Delta {
        let since = usize::try_from(command.since).expect("no version is negative");
        Delta {
            version: self.version(),
            changed: self.log.get(since..).map(<[TokenId]>::to_vec),
        }
    }

    fn revoke(&mut self, token: TokenId) {
        if !self.log.contains(&token) {
            self.log.push(token);
        }
    }
}
