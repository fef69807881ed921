//! Random commands and questions, each answered as the model says.

use postern_domain::id::Id;
use postern_domain::leak::OnLeak;
use postern_domain::revocation::Delta;
use postern_domain::scope::Scope;
use postern_domain::standing::Actor;
use postern_domain::time::Timestamp;
use postern_domain::token::Verifier;

use super::model::{State, Token};
use super::world::{Flight, Kind, World};
use crate::testing::{mint, origin, revoke_many, rotate, shop};
use crate::{
    Addressed, Admission, AdmitQuery, Carried, CheckpointCommand, Done, LeakAnswer, LeakCommand,
    LimitsCommand, Liveness, MintAnswer, MintCommand, NoteCommand, RefusalCommand, ReleaseAnswer,
    ReleaseCommand, RevokeAnswer, RevokeCommand, RevokeManyAnswer, RotateAnswer, Selector, Stop,
    SweepCommand, SyncCommand,
};

const NAMES: [&str; 5] = ["ci", "deploy", "caf\u{e9}", "audit", "x"];
/// How long somebody may come back for a pending token.
const COMES_BACK_MS: i64 = 60_000;

impl World {
    /// A token of the organization, or one that is none.
    fn any_token(&mut self) -> u128 {
        let ids: Vec<u128> = self.model.tokens.keys().copied().collect();
        // Mostly of the newest: old ones are revoked.
        let newest = ids.get(ids.len().saturating_sub(12)..).unwrap_or_default();
        match self.dice.one_in(8) {
            true => self.dice.pick(&ids).unwrap_or(7),
            false => self.dice.pick(newest).unwrap_or(7),
        }
    }

    fn any_actor(&mut self) -> Actor {
        match self.dice.one_in(3) {
            true => Actor::Token(Id::from_u128(self.any_token())),
            false => Actor::NotAToken,
        }
    }

    /// Begins a command. `None` = it has no answer, or one that was expected: its actor is not
    /// active, its name is another organization's, or the process ended.
    fn begin<C: Carried>(&mut self, actor: Actor, command: C) -> Option<Done<C>> {
        let elsewhere = self.model.exists && self.dice.one_in(50);
        let by = if elsewhere { "other" } else { "acme" };
        let (active, before) = (self.model.active(actor, self.now()), self.written());
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
                assert_eq!(active, Ok(()), "carried out for {actor:?}");
                return Some(done);
            }
            Err(refused) => refused,
        };
        match (elsewhere, active) {
            (true, _) => assert_eq!(refused, Stop::Misdirected),
            (false, Err(why)) => assert_eq!(refused, Stop::Inactive(why), "{actor:?}"),
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

    fn newborn(&self, command: &MintCommand, replaces: Option<u128>) -> Token {
        let facts = &command.facts;
        Token {
            state: State::Pending,
            place: facts.scope.project().map(|shop| shop.id.as_u128()),
            name: facts.name.as_str().to_owned(),
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
                self.model.tokens.insert(id, self.newborn(&command, None));
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
        let command = rotate(old, order.clone(), retire_at.as_millis());
        let actor = self.any_actor();
        let Some(done) = self.begin(actor, command) else {
            return;
        };
        self.model.prepare(now);
        let ceiling = order.ceiling;
        let counts = ceiling > 0 && !order.facts.is_system && retire_at > now;
        let refusal = if !self.model.rotatable(old) || self.model.has_pending_successor(old) {
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
                let successor = self.newborn(&order, Some(old));
                self.model.tokens.insert(id, successor);
                let kind = Kind::Rotate {
                    waiting,
                    id,
                    birth,
                    old,
                    retire_at,
                };
                self.flights.push(Flight { actor, kind });
            }
            (_, refusal) => panic!("not answered as expected: {refusal:?}"),
        }
    }

    pub fn revoke(&mut self) {
        let id = self.any_token();
        let (actor, now, existed) = (self.any_actor(), self.now(), self.model.exists);
        let command = RevokeCommand {
            token: Id::from_u128(id),
            origin: origin(),
        };
        let Some(done) = self.begin(actor, command) else {
            return;
        };
        let (Done::Answer(answer) | Done::BestAfterDelivery(answer)) = done;
        if existed {
            self.model.prepare(now);
        }
        let expected = match self.model.tokens.get(&id) {
            None => RevokeAnswer::Unknown,
            Some(token) if !token.revocable(now) => RevokeAnswer::Revoked {
                at: token.end.expect("an end"),
            },
            Some(_) => {
                self.model.revoke(id, now);
                RevokeAnswer::Revoked { at: now }
            }
        };
        assert_eq!(answer, expected, "token {id}");
        if self
            .model
            .tokens
            .get(&id)
            .is_some_and(|token| token.state == State::Revoked)
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
                selector.created_before = Some(crate::testing::at(before));
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
        let (Done::Answer(answer) | Done::BestAfterDelivery(answer)) = done;
        if existed {
            self.model.prepare(now);
            self.model.settle_uses();
        }
        let expected = self.model.select(&command, now);
        let RevokeManyAnswer::Done { tokens, .. } = answer else {
            panic!("so many were never minted");
        };
        let tokens: std::collections::BTreeSet<u128> =
            tokens.iter().map(|id| id.as_u128()).collect();
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
            origin: origin(),
        };
        let (now, existed) = (self.now(), self.model.exists);
        let since = command.idle_since(now);
        let Some(done) = self.begin(Actor::NotAToken, command) else {
            return;
        };
        let (Done::Answer(answer) | Done::BestAfterDelivery(answer)) = done;
        if existed {
            self.model.prepare(now);
            self.model.settle_uses();
        }
        let expected = self.model.idle(since, now);
        let tokens: std::collections::BTreeSet<u128> =
            answer.tokens.iter().map(|id| id.as_u128()).collect();
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
            origin: origin(),
        };
        let (now, existed) = (self.now(), self.model.exists);
        let Some(done) = self.begin(Actor::NotAToken, command) else {
            return;
        };
        let (Done::Answer(answer) | Done::BestAfterDelivery(answer)) = done;
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
            origin: origin(),
        };
        let (actor, now, existed) = (self.any_actor(), self.now(), self.model.exists);
        let Some(done) = self.begin(actor, command) else {
            return;
        };
        let (Done::Answer(answer) | Done::BestAfterDelivery(answer)) = done;
        if existed {
            self.model.prepare(now);
        }
        let held = self
            .model
            .tokens
            .get_mut(&id)
            .filter(|token| token.quarantined && token.state != State::Revoked);
        let expected = match held {
            Some(token) => {
                token.quarantined = false;
                ReleaseAnswer::Released
            }
            None => ReleaseAnswer::NotHeld,
        };
        assert_eq!(answer, expected, "token {id}");
    }

    pub fn note(&mut self) {
        let command = NoteCommand {
            organization: Id::from_u128(1),
            action: postern_domain::audit::Action::ProjectCreate,
            target: Some("project:shop".to_owned()),
            origin: origin(),
        };
        let (actor, now) = (self.any_actor(), self.now());
        if self.begin(actor, command).is_some() {
            self.model.prepare(now);
        }
    }

    pub fn refuse(&mut self) {
        let outcome = self.dice.pick(&["name_taken", "ceiling"]).expect("one");
        let command = RefusalCommand {
            organization: Id::from_u128(1),
            outcome: outcome.to_owned(),
            target: None,
            origin: origin(),
        };
        let (actor, now) = (self.any_actor(), self.now());
        if self.begin(actor, command).is_some() {
            self.model.prepare(now);
            self.model.refused += 1;
        }
    }

    pub fn change_limits(&mut self) {
        let ceiling = Some(u32::try_from(self.dice.roll(50)).expect("small"));
        let command = LimitsCommand {
            organization: Id::from_u128(1),
            mint_ceiling: ceiling,
            max_idle_days: 0,
            on_leak: OnLeak::Revoke,
            changes: serde_json::Map::new(),
            origin: origin(),
        };
        let (actor, now) = (self.any_actor(), self.now());
        let Some(done) = self.begin(actor, command) else {
            return;
        };
        self.model.prepare(now);
        self.model.limits = ceiling;
        let Done::AfterDelivery(waiting) = done else {
            panic!("a change of limits waits for D1");
        };
        let kind = Kind::Limits(waiting);
        self.flights.push(Flight { actor, kind });
    }

    pub fn checkpoint(&mut self) {
        let command = CheckpointCommand {
            organization: Id::from_u128(1),
            keep: self.dice.one_in(2),
        };
        let (actor, now, existed) = (self.any_actor(), self.now(), self.model.exists);
        let Some(done) = self.begin(actor, command) else {
            return;
        };
        if existed {
            self.model.prepare(now);
        }
        match done {
            Done::Answer(signed) => {
                assert!(!existed, "signed before D1 was offered the events");
                self.signed
                    .push(serde_json::to_string(&signed).expect("serializes"));
            }
            Done::AfterDelivery(waiting) => {
                let kind = Kind::Checkpoint(waiting);
                self.flights.push(Flight { actor, kind });
            }
            Done::BestAfterDelivery(_) => panic!("signed before D1 was offered the events"),
        }
    }

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
