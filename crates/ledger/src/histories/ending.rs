//! Random revokes, bulk revokes, sweeps, reports and releases, each answered as the model says.

use std::collections::BTreeSet;

use postern_domain::id::Id;
use postern_domain::leak::OnLeak;
use postern_domain::standing::Actor;

use super::model::ModelState;
use super::world::World;
use crate::testing::{at, given, requester, revoke_many};
use crate::{
    LeakAnswer, LeakCommand, ReleaseAnswer, ReleaseCommand, RevokeAnswer, RevokeCommand,
    RevokeManyAnswer, Selector, SweepCommand,
};

impl World {
    pub fn revoke(&mut self) {
        let id = self.any_token();
        let (actor, now, existed) = (self.any_actor(), self.now(), self.model.exists);
        let command = RevokeCommand {
            token: Id::from_u128(id),
            requester: requester(),
            respond_async: false,
        };
        let Some(done) = self.begin(actor, command) else {
            return;
        };
        let answer = given(done);
        if existed {
            self.model.prepare(now);
        }
        let expected = match self.model.tokens.get_mut(&id) {
            None => RevokeAnswer::Unknown,
            Some(token) if !token.revocable(now) => {
                // One that a rotation has ended has its tombstone from then on.
                token.state = ModelState::Revoked;
                RevokeAnswer::Revoked {
                    at: token.end.expect("an end"),
                    final_in_ms: 0,
                }
            }
            Some(_) => {
                self.model.revoke(id, now);
                RevokeAnswer::Revoked {
                    at: now,
                    final_in_ms: 0,
                }
            }
        };
        assert_eq!(answer, expected, "token {id}");
        if self
            .model
            .tokens
            .get(&id)
            .is_some_and(|token| token.state == ModelState::Revoked)
        {
            self.model.finals.insert(id);
        }
    }

    pub fn revoke_many(&mut self) {
        let mut selector = Selector::default();
        match self.dice.roll(5) {
            0 => {
                let ids = (0..3).map(|_| Id::from_u128(self.any_token()));
                selector.ids = Some(ids.collect());
            }
            1 | 2 => selector.minted_by = Some(Id::from_u128(self.any_token())),
            3 => selector.never_used = true,
            _ => {
                let before = self.now - self.dice.span(86_400_000);
                selector.created_before = Some(at(before));
            }
        }
        let mut command = revoke_many(selector);
        command.system_tokens = self.dice.one_in(2);
        command.organization_tokens = !self.dice.one_in(4);
        command.project_tokens = !self.dice.one_in(4);
        command.dry_run = self.dice.one_in(4);
        let (actor, now, existed) = (self.any_actor(), self.now(), self.model.exists);
        let Some(done) = self.begin(actor, command.clone()) else {
            return;
        };
        let answer = given(done);
        if existed {
            self.model.prepare(now);
            self.model.settle_uses(now);
        }
        let expected = self.model.select(&command, now);
        let RevokeManyAnswer::Done { tokens, .. } = answer else {
            panic!("so many were never minted");
        };
        let tokens: BTreeSet<u128> = tokens.iter().map(|id| id.as_u128()).collect();
        assert_eq!(tokens, expected, "{command:?}");
        if !command.dry_run {
            for id in expected {
                self.model.revoke(id, now);
                self.model.finals.insert(id);
            }
        }
    }

    pub fn sweep(&mut self) {
        let command = SweepCommand {
            max_idle_days: 1 + u32::try_from(self.dice.roll(3)).expect("small"),
            requester: requester(),
        };
        let (now, existed) = (self.now(), self.model.exists);
        let since = command.idle_since(now);
        let Some(done) = self.begin(Actor::NotAToken, command) else {
            return;
        };
        let answer = given(done);
        if existed {
            self.model.prepare(now);
            self.model.settle_uses(now);
        }
        let expected = self.model.idle(since, now);
        let tokens: BTreeSet<u128> = answer.tokens.iter().map(|id| id.as_u128()).collect();
        assert_eq!(tokens, expected);
        for id in expected {
            self.model.revoke(id, now);
            self.model.finals.insert(id);
        }
    }

    pub fn leak(&mut self) {
        let id = self.any_token();
        let on_leak = match self.dice.one_in(2) {
            true => OnLeak::Revoke,
            false => OnLeak::Quarantine,
        };
        let command = LeakCommand {
            token: Id::from_u128(id),
            on_leak,
            requester: requester(),
        };
        let (now, existed) = (self.now(), self.model.exists);
        let Some(done) = self.begin(Actor::NotAToken, command) else {
            return;
        };
        let answer = given(done);
        if existed {
            self.model.prepare(now);
        }
        let expected = match self.model.tokens.get_mut(&id) {
            Some(token) if token.revocable(now) => {
                let expired = token.expires_at.is_some_and(|end| end <= now);
                match on_leak {
                    OnLeak::Revoke if !token.system => {
                        self.model.revoke(id, now);
                        self.model.finals.insert(id);
                        LeakAnswer::Revoked
                    }
                    _ if token.quarantined || expired => LeakAnswer::Unchanged,
                    _ => {
                        token.quarantined = true;
                        LeakAnswer::Quarantined
                    }
                }
            }
            _ => LeakAnswer::Unchanged,
        };
        assert_eq!(answer, expected, "token {id}");
    }

    pub fn release(&mut self) {
        let id = self.any_token();
        let command = ReleaseCommand {
            token: Id::from_u128(id),
            requester: requester(),
        };
        let (actor, now, existed) = (self.any_actor(), self.now(), self.model.exists);
        let Some(done) = self.begin(actor, command) else {
            return;
        };
        let answer = given(done);
        if existed {
            self.model.prepare(now);
        }
        let held = self
            .model
            .tokens
            .get_mut(&id)
            .filter(|token| token.quarantined && token.state != ModelState::Revoked);
        let expected = match held {
            Some(token) => {
                token.quarantined = false;
                ReleaseAnswer::Released
            }
            None => ReleaseAnswer::NotHeld,
        };
        assert_eq!(answer, expected, "token {id}");
    }
}
