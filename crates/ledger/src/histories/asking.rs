//! Random questions, each answered as the model says.

use postern_domain::id::Id;
use postern_domain::revocation::Delta;
use postern_domain::scope::Scope;

use super::world::World;
use crate::{Admission, AdmitQuery, Liveness, SyncCommand};

impl World {
    /// Asks about one token, as an isolate does.
    pub fn admit(&mut self) {
        let id = self.any_token();
        self.ask(id);
    }

    pub fn ask(&mut self, id: u128) {
        let query = AdmitQuery {
            token: Id::from_u128(id),
            facts: self.dice.one_in(3),
            run: None,
            pin: false,
            counts: self.dice.one_in(2),
            version: self.dice.one_in(2),
        };
        let now = self.now();
        let answer = self.turn(|ledger, now| Ok(ledger.admit(now, query)?));
        let Some(Ok(answer)) = answer else {
            return;
        };
        let Admission {
            liveness,
            facts,
            version,
            ..
        } = answer;
        assert_eq!(liveness, self.model.liveness(id, now), "token {id}");
        if liveness != Liveness::Live {
            self.copy.live.remove(&id);
            return;
        }
        assert!(!self.model.finals.contains(&id), "{id} was revoked");
        assert_eq!(facts.is_some(), query.facts);
        let token = &self.model.tokens[&id];
        let expired = token.expires_at.is_some_and(|end| end <= now);
        if query.counts && !expired {
            let counted = self.model.counted.entry(id).or_insert((0, now));
            *counted = (counted.0 + 1, counted.1.max(now));
        }
        assert_eq!(version.is_some(), query.version && token.settled());
        if let Some(version) = version
            && version >= self.copy.version
        {
            self.copy.live.insert(id);
        }
    }

    /// Brings an isolate's copy up to date: it holds nothing then whose standing has changed.
    pub fn sync(&mut self) {
        let command = SyncCommand {
            since: self.copy.version,
            uses: Vec::new(),
        };
        let answer = self.turn(|ledger, now| Ok(ledger.sync(now, &command)?));
        let Some(Ok(Delta { version, changed })) = answer else {
            return;
        };
        assert!(version >= self.copy.version, "the log has become shorter");
        self.copy.version = version;
        match changed {
            None => self.copy.live.clear(),
            Some(changed) => {
                for id in changed {
                    self.copy.live.remove(&id.as_u128());
                }
            }
        }
        for id in &self.copy.live {
            assert!(self.model.tokens[id].settled(), "{id} is in the copy");
        }
    }

    /// Somebody describes a token, in whatever state.
    pub fn describe(&mut self) {
        let id = self.any_token();
        let token = Id::from_u128(id);
        let answer = self.turn(|ledger, _| ledger.describe(Some("acme"), token));
        if let Some(Ok(facts)) = answer {
            assert_eq!(facts.is_some(), self.model.tokens.contains_key(&id));
            let organization = facts.is_none_or(|facts| facts.scope == Scope::Organization);
            let place = self.model.tokens.get(&id).and_then(|token| token.place);
            assert_eq!(organization, place.is_none());
        }
    }
}
