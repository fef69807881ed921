//! Random questions, each answered as the model says.

use postern_domain::id::Id;
use postern_domain::scope::Scope;

use super::world::{Copy, World};
use crate::{Admission, AdmitQuery, Claim, Delta, Liveness, RenewCommand};

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
            run: self.dice.one_in(4).then(|| self.any_run()),
            pin: false,
            shown: None,
            counts: self.dice.one_in(2),
            claim: self.dice.one_in(2).then(|| self.claim()),
            upstream: None,
            // What the asker knows is the token's, or of before an edit.
            revision: match self.model.tokens.get(&id) {
                Some(token) if !self.dice.one_in(4) => token.revision,
                _ => 0,
            },
            calls: self.dice.one_in(2),
        };
        let now = self.now();
        let answer = self.turn(|ledger, now| ledger.admit(now, query.clone()));
        let Some(Ok(answer)) = answer else {
            return;
        };
        let Admission {
            liveness,
            facts,
            run,
            delta,
            paused,
            calls,
            ..
        } = answer;
        assert_eq!(liveness, self.model.liveness(id, now), "token {id}");
        if liveness != Liveness::Live {
            self.copy.live.remove(&id);
            return;
        }
        assert!(!self.model.finals.contains(&id), "{id} was revoked");
        assert_eq!(paused, self.model.pause.is_some(), "token {id}");
        let token = &self.model.tokens[&id];
        let is_other = query.revision != token.revision;
        assert_eq!(facts.is_some(), query.facts || is_other, "{query:?}");
        if let Some(facts) = facts {
            let calls = facts.conditions.and_then(|set| set.calls_per_minute());
            assert_eq!((facts.revision, calls), (token.revision, token.calls));
            assert_eq!(facts.name.as_str(), token.name);
        }
        let kept = query
            .run
            .and_then(|run| self.model.runs.get(&run.as_u128()));
        assert_eq!(run.as_ref(), kept.filter(|_| !paused), "{:?}", query.run);
        let expired = token.expires_at.is_some_and(|end| end <= now);
        let settled = token.settled();
        // How many there are, the rows of `calls.rs` say.
        let is_counted = query.calls && token.calls.is_some() && !expired && !paused;
        assert_eq!(calls.is_some(), is_counted, "{query:?} of {token:?}");
        if query.counts && !expired {
            self.model.used(id, 1, now);
            self.model.called(id, now)[0] += 1;
        } else if query.claim.is_some() && !expired {
            self.model.in_use.insert(id, now);
        }
        let is_told = query.claim.is_some() && settled && !paused;
        assert_eq!(delta.is_some(), is_told);
        if let Some(delta) = delta
            && self.take(delta)
        {
            self.copy.live.insert(id);
        }
    }

    fn claim(&self) -> Claim {
        Claim {
            holder: Id::from_u128(self.copy.holder),
            applied: self.copy.version,
            lease: true,
        }
    }

    /// Brings an isolate's copy up to date: it holds nothing then whose standing has changed.
    pub fn renew(&mut self) {
        let command = RenewCommand {
            claim: self.claim(),
            uses: Vec::new(),
        };
        let answer = self.turn(|ledger, now| Ok(ledger.renew(now, &command)?));
        if let Some(Ok(delta)) = answer {
            self.take(delta);
        }
    }

    /// Takes in what has changed; no = it was told by another instance, and nothing is kept.
    fn take(&mut self, delta: Delta) -> bool {
        let Delta {
            version, changed, ..
        } = delta;
        let applied = self.copy.version;
        if applied.is_some_and(|applied| applied.instance != version.instance) {
            assert_eq!(changed, None, "counted by another instance");
            let holder = self.copy.holder + 1;
            self.copy = Copy {
                holder,
                ..Copy::default()
            };
            return false;
        }
        let before = applied.map_or(0, |applied| applied.number);
        assert!(version.number >= before, "the log has become shorter");
        self.copy.version = Some(version);
        match changed {
            None => self.copy.live.clear(),
            Some(changed) => {
                for id in changed {
                    self.copy.live.remove(&id.as_u128());
                }
            }
        }
        // What is brought up to date in a pause believes in nothing.
        assert!(self.model.pause.is_none() || self.copy.live.is_empty());
        for id in &self.copy.live {
            assert!(self.model.tokens[id].settled(), "{id} is in the copy");
        }
        true
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
