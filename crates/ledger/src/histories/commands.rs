//! Random commands, each answered as the model says: how one begins, and those that create tokens.

use postern_domain::id::Id;
use postern_domain::standing::Actor;
use postern_domain::time::Timestamp;
use postern_domain::token::Verifier;

use super::model::{ModelState, Token};
use super::world::{Flight, Kind, World};
use crate::testing::{mint, rotate, shop};
use crate::{Addressed, Carried, Done, MintAnswer, MintCommand, RotateAnswer, Stop};

const NAMES: [&str; 5] = ["ci", "deploy", "caf\u{e9}", "audit", "x"];
/// How long somebody may come back for a pending token.
const COMES_BACK_MS: i64 = 60_000;

impl World {
    /// A token of the organization, or an id that it has not.
    pub fn any_token(&mut self) -> u128 {
        let ids: Vec<u128> = self.model.tokens.keys().copied().collect();
        // Mostly of the newest: old ones are revoked.
        let newest = ids.get(ids.len().saturating_sub(12)..).unwrap_or_default();
        match self.dice.one_in(8) {
            true => self.dice.pick(&ids).unwrap_or(7),
            false => self.dice.pick(newest).unwrap_or(7),
        }
    }

    pub fn any_actor(&mut self) -> Actor {
        match self.dice.one_in(3) {
            true => Actor::Token(Id::from_u128(self.any_token())),
            false => Actor::NotAToken,
        }
    }

    /// Begins a command. `None` = it has no answer, or one that was expected: its actor is not
    /// active or stopped, its name is another organization's, or the process ended.
    pub fn begin<C: Carried>(&mut self, actor: Actor, command: C) -> Option<Done<C>> {
        let elsewhere = self.model.exists && self.dice.one_in(50);
        let by = if elsewhere { "other" } else { "acme" };
        let now = self.now();
        let ends = actor.token().is_some_and(|token| command.ends(token));
        let expected = match ends {
            true => self.model.active(actor, now).map_err(Stop::Inactive),
            false => self.model.acting(actor, now),
        };
        let expected = match self.model.pause.is_some() && C::CREATES {
            true => expected.and(Err(Stop::Paused)),
            false => expected,
        };
        let before = self.written();
        let outcome = self.turn(|ledger, now| {
            let addressed = Addressed {
                by: Some(by),
                actor,
            };
            ledger.handle(now, addressed, command)
        })?;
        let refused = match outcome {
            Ok(done) => {
                assert!(!elsewhere, "carried out by another organization's name");
                assert_eq!(expected, Ok(()), "carried out for {actor:?}");
                return Some(done);
            }
            Err(refused) => refused,
        };
        match (elsewhere, expected) {
            (true, _) => assert_eq!(refused, Stop::Misdirected),
            (false, Err(stop)) => assert_eq!(refused, stop, "{actor:?}"),
            (false, Ok(())) => panic!("refused {actor:?}: {refused:?}"),
        }
        assert_eq!(self.written(), before, "written for {actor:?}");
        None
    }

    /// How many rows were written so far.
    fn written(&self) -> i64 {
        self.sql.number("select total_changes()")
    }

    fn order(&mut self, id: u128) -> MintCommand {
        let name = self.dice.pick(&NAMES).expect("a name");
        let mut command = mint(id, name, self.now);
        if self.dice.one_in(2) {
            command.facts.scope = shop();
        }
        if self.dice.one_in(3) {
            command.facts.verifier = Verifier::Opaque {
                pepper: "r1".to_owned(),
                hash: "00".to_owned(),
            };
        }
        command.facts.is_system = self.dice.one_in(12);
        if self.dice.one_in(3) {
            let end = self.now().plus_millis(self.dice.span(86_400_000));
            command.facts.expires_at = Some(end.floor_to_second());
        }
        command.ceiling = match self.dice.roll(3) {
            0 => 0,
            _ => 1 + u32::try_from(self.dice.roll(8)).expect("small"),
        };
        command
    }

    fn fresh_token(&self, command: &MintCommand, replaces: Option<u128>) -> Token {
        let facts = &command.facts;
        Token {
            state: ModelState::Pending,
            place: facts.scope.project().map(|shop| shop.id.as_u128()),
            name: facts.name.as_str().to_owned(),
            calls: None,
            revision: 0,
            system: facts.is_system,
            jwt: !matches!(facts.verifier, Verifier::Opaque { .. }),
            adopted: facts.adopted(),
            minted_by: command.minted_by.map(|id| id.as_u128()),
            replaces,
            created_at: command.created_at,
            expires_at: facts.expires_at,
            end: None,
            quarantined: false,
            uses: 0,
            used_at: None,
            awaited_until: Some(self.now().plus_millis(COMES_BACK_MS)),
            birth: self.step,
        }
    }

    pub fn mint(&mut self) {
        let adopted = self.dice.one_in(6);
        self.next_id += 1;
        let id = match adopted {
            true => 500 + self.dice.roll(4) as u128,
            false => self.next_id,
        };
        let mut command = self.order(id);
        if adopted {
            command.facts.verifier = Verifier::Adopted {
                claims: Box::default(),
            };
        }
        let actor = self.any_actor();
        command.minted_by = actor.token();
        let (now, birth) = (self.now(), self.step);
        let Some(done) = self.begin(actor, command.clone()) else {
            return;
        };
        self.model.prepare(now);
        let refusal = if let Some(token) = self.model.tokens.get(&id) {
            let revoked = !token.revocable(now);
            Some(MintAnswer::IdTaken { revoked })
        } else if self.model.name_taken(&command, None, now) {
            Some(MintAnswer::NameTaken)
        } else if self.at_ceiling(&command, now) {
            let ceiling = command.ceiling;
            Some(MintAnswer::CeilingReached { ceiling })
        } else {
            None
        };
        match (done, refusal) {
            (Done::Answer(answer), Some(refusal)) => assert_eq!(answer, refusal),
            (Done::AfterDelivery(waiting), None) => {
                self.model
                    .tokens
                    .insert(id, self.fresh_token(&command, None));
                let kind = Kind::Mint { waiting, id, birth };
                self.flights.push(Flight { actor, kind });
            }
            (_, refusal) => panic!("not answered as expected: {refusal:?}"),
        }
    }

    fn at_ceiling(&self, command: &MintCommand, now: Timestamp) -> bool {
        let ceiling = command.ceiling as usize;
        ceiling > 0 && !command.facts.is_system && self.model.counted(now) >= ceiling
    }

    pub fn rotate(&mut self) {
        let old = self.any_token();
        self.next_id += 1;
        let (id, now, birth) = (self.next_id, self.now(), self.step);
        let order = self.order(id);
        let overlap = match self.dice.one_in(2) {
            true => 0,
            false => self.dice.span(86_400_000),
        };
        let retire_at = now.plus_millis(overlap);
        let mut command = rotate(old, order.clone(), retire_at.as_millis());
        let revision = self.model.tokens.get(&old).map_or(0, |old| old.revision);
        // Sometimes somebody has edited it since it was looked at.
        let is_stale = revision > 0 && self.dice.one_in(4);
        command.old_revision = revision - u32::from(is_stale);
        let actor = self.any_actor();
        let Some(done) = self.begin(actor, command) else {
            return;
        };
        self.model.prepare(now);
        let ceiling = order.ceiling;
        let counts = ceiling > 0 && !order.facts.is_system && retire_at > now;
        let refusal =
            if !self.model.rotatable(old) || is_stale || self.model.has_pending_successor(old) {
                Some(RotateAnswer::NotLive)
            } else if counts
                && self.model.before(old, now) > 0
                && self.model.counted(now) >= ceiling as usize
            {
                Some(RotateAnswer::CeilingReached { ceiling })
            } else if self.model.name_taken(&order, Some(old), now) {
                Some(RotateAnswer::NameTaken)
            } else {
                None
            };
        match (done, refusal) {
            (Done::Answer(answer), Some(refusal)) => assert_eq!(answer, refusal),
            (Done::AfterDelivery(waiting), None) => {
                let successor = self.fresh_token(&order, Some(old));
                self.model.tokens.insert(id, successor);
                let kind = Kind::Rotate {
                    waiting,
                    id,
                    birth,
                    old: (old, revision),
                    retire_at,
                };
                self.flights.push(Flight { actor, kind });
            }
            (_, refusal) => panic!("not answered as expected: {refusal:?}"),
        }
    }
}
