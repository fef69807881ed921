//! The rules once more, as a person would write them down: a table of tokens, and no database, no
//! outbox, no memory of what was read.

use std::collections::{BTreeMap, BTreeSet};

use postern_domain::decide::RunFacts;
use postern_domain::organization::Pause;
use postern_domain::standing::{Actor, Inactive};
use postern_domain::time::Timestamp;
use postern_domain::usage::{MAX_DAYS, day};

use super::LEEWAY_MS;
use crate::tallies::IN_USE_MS;
use crate::{Liveness, MintCommand, RevokeManyCommand, Stop};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelState {
    Pending,
    Live,
    Revoked,
}

#[derive(Debug, Clone)]
pub struct Token {
    pub state: ModelState,
    pub place: Option<u128>,
    pub name: String,
    /// How many calls a minute it may make, and how often it was edited.
    pub calls: Option<u32>,
    pub revision: u32,
    pub system: bool,
    pub jwt: bool,
    pub adopted: bool,
    pub minted_by: Option<u128>,
    pub replaces: Option<u128>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub end: Option<Timestamp>,
    pub quarantined: bool,
    pub uses: i64,
    pub used_at: Option<Timestamp>,
    /// Until when somebody of this process may come back for it while it is pending.
    pub awaited_until: Option<Timestamp>,
    /// Which of several creations of one id this is.
    pub birth: usize,
}

impl Token {
    fn expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    fn ended(&self, now: Timestamp) -> bool {
        self.end.is_some_and(|end| end <= now)
    }

    /// What a revoke has anything to do with.
    pub fn revocable(&self, now: Timestamp) -> bool {
        self.state != ModelState::Revoked && !self.ended(now)
    }

    /// Whether it has its name, and counts under the ceiling.
    fn holds(&self, now: Timestamp) -> bool {
        self.state != ModelState::Revoked && self.end.is_none() && !self.expired(now)
    }

    /// Whether it is active without an end ahead, its expiry aside.
    pub fn settled(&self) -> bool {
        self.state == ModelState::Live && self.end.is_none() && !self.quarantined
    }

    fn retiring(&self, now: Timestamp) -> bool {
        self.state != ModelState::Revoked
            && !self.system
            && self.end.is_some_and(|end| end > now)
            && !self.expired(now)
    }
}

#[derive(Debug, Default)]
pub struct Model {
    pub tokens: BTreeMap<u128, Token>,
    /// Whether anything was written yet.
    pub exists: bool,
    /// Whether this process has looked for what an earlier one left behind.
    pub recovered: bool,
    /// Tokens of which a revoke has answered.
    pub finals: BTreeSet<u128>,
    /// Uses that were not written yet.
    pub counted: BTreeMap<u128, (i64, Timestamp)>,
    /// Calls by day and token that were not written yet, and those that were: allowed, not answered by
    /// the origin, refused.
    pub calls: BTreeMap<(i64, u128), [u64; 3]>,
    pub kept: BTreeMap<(i64, u128), [u64; 3]>,
    /// When a token was last asked about for a call that is yet to be told.
    pub in_use: BTreeMap<u128, Timestamp>,
    /// The last batch of each reporter.
    pub batches: BTreeMap<u128, u64>,
    pub refused: i64,
    pub limits: Option<u32>,
    pub pause: Option<Pause>,
    pub runs: BTreeMap<u128, RunFacts>,
}

impl Model {
    pub fn liveness(&self, id: u128, now: Timestamp) -> Liveness {
        match self.tokens.get(&id) {
            None => Liveness::Unknown,
            Some(token) if token.state == ModelState::Pending => Liveness::Unknown,
            Some(token)
                if token.state == ModelState::Revoked || token.quarantined || token.ended(now) =>
            {
                Liveness::Revoked
            }
            Some(_) => Liveness::Live,
        }
    }

    pub fn active(&self, actor: Actor, now: Timestamp) -> Result<(), Inactive> {
        let Some(id) = actor.token().map(|id| id.as_u128()) else {
            return Ok(());
        };
        match self.liveness(id, now) {
            Liveness::Unknown => Err(Inactive::Unknown),
            Liveness::Revoked => Err(Inactive::Revoked),
            Liveness::Live => {
                let token = &self.tokens[&id];
                let leeway = if token.jwt { LEEWAY_MS } else { 0 };
                let end = token.expires_at.map(|end| end.plus_millis(leeway));
                match end.is_some_and(|end| end <= now) {
                    true => Err(Inactive::Expired),
                    false => Ok(()),
                }
            }
        }
    }

    /// Whether an actor can have something written: a pause stops tokens.
    pub fn acting(&self, actor: Actor, now: Timestamp) -> Result<(), Stop> {
        self.active(actor, now).map_err(Stop::Inactive)?;
        match (actor, &self.pause) {
            (Actor::Token(_), Some(_)) => Err(Stop::Paused),
            _ => Ok(()),
        }
    }

    /// What every write begins with.
    pub fn prepare(&mut self, now: Timestamp) {
        self.exists = true;
        if !self.recovered {
            self.recover(now);
        }
    }

    /// What the first write of a process does, and every alarm: nobody comes back for these.
    pub fn recover(&mut self, now: Timestamp) {
        self.recovered = true;
        let pending: Vec<u128> = self
            .tokens
            .iter()
            .filter(|(_, token)| token.state == ModelState::Pending)
            .filter(|(_, token)| token.awaited_until.is_none_or(|until| until <= now))
            .map(|(id, _)| *id)
            .collect();
        for id in pending {
            self.abandon(id, now);
        }
    }

    /// Takes back a pending token.
    pub fn abandon(&mut self, id: u128, now: Timestamp) {
        let Some(token) = self.tokens.get_mut(&id) else {
            return;
        };
        match token.state {
            ModelState::Pending if token.adopted => {
                self.tokens.remove(&id);
            }
            ModelState::Pending => {
                token.awaited_until = None;
                self.revoke(id, now);
            }
            ModelState::Live | ModelState::Revoked => {}
        }
    }

    pub fn revoke(&mut self, id: u128, now: Timestamp) {
        let token = self.tokens.get_mut(&id).expect("a token");
        token.state = ModelState::Revoked;
        token.end = Some(now);
    }

    /// A process has ended: nobody waits any more, and uses in memory are lost.
    pub fn crash(&mut self) {
        self.counted.clear();
        self.calls.clear();
        self.batches.clear();
        self.in_use.clear();
        self.recovered = false;
        for token in self.tokens.values_mut() {
            token.awaited_until = None;
        }
    }

    /// Uses are counted.
    pub fn used(&mut self, id: u128, uses: i64, at: Timestamp) {
        let counted = self.counted.entry(id).or_insert((0, at));
        *counted = (counted.0 + uses, counted.1.max(at));
    }

    /// What calls of a token have come to on the day of a moment.
    pub fn called(&mut self, id: u128, now: Timestamp) -> &mut [u64; 3] {
        self.calls.entry((day(now), id)).or_default()
    }

    /// What was counted is written. Days that are over for long go, where anything is.
    pub fn settle_uses(&mut self, now: Timestamp) {
        if self.calls.is_empty() {
            return;
        }
        for ((day, id), calls) in core::mem::take(&mut self.calls) {
            if self.tokens.contains_key(&id) {
                let kept = self.kept.entry((day, id)).or_default();
                for (kept, more) in kept.iter_mut().zip(calls) {
                    *kept += more;
                }
            }
        }
        self.kept
            .retain(|(of, _), _| *of > day(now) - i64::from(MAX_DAYS));
        for (id, (uses, at)) in core::mem::take(&mut self.counted) {
            if let Some(token) = self.tokens.get_mut(&id) {
                token.uses += uses;
                token.used_at = Some(token.used_at.map_or(at, |used| used.max(at)));
            }
        }
    }

    pub fn name_taken(&self, command: &MintCommand, except: Option<u128>, now: Timestamp) -> bool {
        let place = command.facts.scope.project().map(|shop| shop.id.as_u128());
        let name = command.facts.name.as_str();
        self.tokens.iter().any(|(id, token)| {
            Some(*id) != except && token.place == place && token.name == name && token.holds(now)
        })
    }

    /// A token and all that came after it in its line.
    fn line(&self, of: u128) -> BTreeSet<u128> {
        let mut line = BTreeSet::from([of]);
        loop {
            let next: Vec<u128> = self
                .tokens
                .iter()
                .filter(|(id, token)| {
                    !line.contains(id) && token.replaces.is_some_and(|old| line.contains(&old))
                })
                .map(|(id, _)| *id)
                .collect();
            if next.is_empty() {
                return line;
            }
            line.extend(next);
        }
    }

    fn retiring(&self, now: Timestamp) -> Vec<u128> {
        let retiring = self.tokens.iter().filter(|(_, token)| token.retiring(now));
        retiring.map(|(id, _)| *id).collect()
    }

    /// What the ceiling counts.
    pub fn counted(&self, now: Timestamp) -> usize {
        let active = self
            .tokens
            .values()
            .filter(|token| !token.system && token.holds(now));
        let retiring = self.retiring(now);
        let lines: BTreeSet<u128> = retiring.iter().flat_map(|id| self.line(*id)).collect();
        let covering = lines
            .iter()
            .map(|id| &self.tokens[id])
            .filter(|token| token.state == ModelState::Live && token.holds(now));
        active.count() + retiring.len() - covering.count()
    }

    /// How many that are being rotated out this one came after.
    pub fn before(&self, id: u128, now: Timestamp) -> usize {
        let retiring = self.retiring(now);
        let before = retiring.iter().filter(|old| self.line(**old).contains(&id));
        before.count()
    }

    pub fn rotatable(&self, id: u128) -> bool {
        self.tokens.get(&id).is_some_and(Token::settled)
    }

    pub fn has_pending_successor(&self, id: u128) -> bool {
        self.tokens
            .values()
            .any(|token| token.state == ModelState::Pending && token.replaces == Some(id))
    }

    /// All that a token minted, with what they minted, and the successors of each.
    fn below(&self, minter: u128) -> BTreeSet<u128> {
        let mut below = BTreeSet::new();
        loop {
            let next: Vec<u128> = self
                .tokens
                .iter()
                .filter(|(id, token)| {
                    let by = token
                        .minted_by
                        .is_some_and(|by| by == minter || below.contains(&by));
                    let after = token.replaces.is_some_and(|old| below.contains(&old));
                    (by || after) && !below.contains(*id)
                })
                .map(|(id, _)| *id)
                .collect();
            if next.is_empty() {
                return below;
            }
            below.extend(next);
        }
    }

    pub fn select(&self, command: &RevokeManyCommand, now: Timestamp) -> BTreeSet<u128> {
        let selector = &command.selector;
        let below = selector
            .minted_by
            .map(|minter| self.below(minter.as_u128()));
        let fits = |id: u128, token: &Token| {
            token.revocable(now)
                && !token.expired(now)
                && (command.system_tokens || !token.system)
                && (command.organization_tokens || token.place.is_some())
                && (command.project_tokens || token.place.is_none())
                && below.as_ref().is_none_or(|below| below.contains(&id))
                && (!selector.never_used
                    || (token.used_at.is_none() && !self.may_be_in_use(id, now)))
                && selector
                    .ids
                    .as_ref()
                    .is_none_or(|ids| ids.iter().any(|one| one.as_u128() == id))
                && selector
                    .created_before
                    .is_none_or(|before| token.created_at < before)
        };
        let tokens = self.tokens.iter().filter(|(id, token)| fits(**id, token));
        tokens.map(|(id, _)| *id).collect()
    }

    fn may_be_in_use(&self, id: u128, now: Timestamp) -> bool {
        let asked = self.in_use.get(&id);
        asked.is_some_and(|at| now.since(*at) < IN_USE_MS)
    }

    pub fn idle(&self, since: Timestamp, now: Timestamp) -> BTreeSet<u128> {
        let idle = |id: u128, token: &Token| {
            !self.may_be_in_use(id, now)
                && token.revocable(now)
                && !token.expired(now)
                && !token.system
                && token.used_at.unwrap_or(token.created_at) < since
        };
        let tokens = self.tokens.iter().filter(|(id, token)| idle(**id, token));
        tokens.map(|(id, _)| *id).collect()
    }
}
