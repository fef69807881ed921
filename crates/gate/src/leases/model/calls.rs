//! The isolates' side of the model: calls, what they make due, and the promise that is held to.

use postern_domain::id::{Id, TokenId};

use super::events::{Event, Kind};
use super::world::{END, Held, ORGANIZATION, TOKENS, World, wanted};
use crate::leases::Due;
use crate::upstream::Upstream;

impl World {
    /// A call begins; its body may be slow.
    pub fn begins(&mut self, isolate: usize) -> Held {
        let of = &self.isolates[isolate];
        let (run, gap) = (of.run, of.gap);
        let next = self.now + 1 + self.span(2 * gap);
        if next < END {
            self.queue(next, Event::Begins(isolate));
        }
        let token = Id::from_u128(self.dice.pick(&TOKENS).unwrap_or(TOKENS[0]));
        let body = if self.dice.one_in(3) {
            self.span(2_000_000)
        } else {
            0
        };
        self.queue(
            self.now + body,
            Event::Checks(isolate, run, token, self.now),
        );
        Ok(())
    }

    /// The body is here.
    pub fn checks(&mut self, isolate: usize, run: u32, token: TokenId, began: i64) -> Held {
        let now = self.now;
        let of = &mut self.isolates[isolate];
        if of.run != run {
            return Ok(());
        }
        let clock = of.clock(now);
        // A call that asks about its token alone is sent on with what is known here too.
        let sent = of.leases.upstream(ORGANIZATION, &wanted(), clock).flatten();
        if self.dice.one_in(30) {
            of.forgets();
        }
        let known = of.revision(token);
        let by_lease = known.filter(|revision| {
            let token = (token, *revision);
            of.leases.is_active(ORGANIZATION, token, clock)
        });
        if let Some(revision) = by_lease {
            self.counts.by_lease += 1;
            self.accepts(isolate, (token, revision), began, "by its lease")?;
        } else {
            let asked = of.leases.ask(ORGANIZATION, clock);
            self.counts.asked += 1;
            self.send(isolate, Kind::Admit(asked, token, began, known));
        }
        self.sends(isolate, sent.as_deref(), began, "by its lease")?;
        self.keep(isolate);
        Ok(())
    }

    /// A call is accepted: it must have begun before a revoke or a pause answered, and before an edit
    /// answered that its facts do not have.
    pub fn accepts(
        &mut self,
        isolate: usize,
        (token, revision): (TokenId, u32),
        began: i64,
        how: &str,
    ) -> Held {
        if let Some(at) = self.paused
            && began > at
        {
            let late = (self.now - at) / 1_000;
            let token = token.as_u128();
            let broken = format!("{isolate} accepts {token} {how}, {late} ms after the pause");
            self.tell(|| broken.clone());
            return Err(broken);
        }
        let mut edited = self.edited.iter();
        let missed = edited
            .find(|(edited, number, at)| *edited == token && *number > revision && began > *at);
        if let Some((_, number, _)) = missed {
            let token = token.as_u128();
            let broken = format!(
                "{isolate} accepts {token} {how} by its facts {revision}, after edit {number}"
            );
            self.tell(|| broken.clone());
            return Err(broken);
        }
        self.counts.edited += u64::from(revision > 0);
        match self.answered.get(&token) {
            Some(at) if began > *at => {
                let late = (self.now - at) / 1_000;
                let token = token.as_u128();
                let broken = format!("{isolate} accepts {token} {how}, {late} ms after its revoke");
                self.tell(|| broken.clone());
                Err(broken)
            }
            _ => Ok(()),
        }
    }

    /// A call is sent on with a credential: no change of it had answered when the call began.
    pub fn sends(
        &mut self,
        isolate: usize,
        sent: Option<&Upstream>,
        began: i64,
        how: &str,
    ) -> Held {
        let Some(sent) = sent.map(|sent| sent.id.as_u128()) else {
            return Ok(());
        };
        self.counts.sent += 1;
        let mut changed = self.changed.iter();
        match changed.find(|(number, at)| *number > sent && began > *at) {
            Some((number, _)) => {
                let broken = format!("{isolate} sends {sent} {how}, after change {number}");
                self.tell(|| broken.clone());
                Err(broken)
            }
            None => Ok(()),
        }
    }

    /// Does what the copies of an isolate have made due.
    pub fn keep(&mut self, isolate: usize) {
        while let Some(due) = self.isolates[isolate].leases.due() {
            let now = self.now;
            let of = &mut self.isolates[isolate];
            let (run, clock) = (of.run, of.clock(now));
            match due {
                Due::Renewal { organization } => {
                    if let Some(renewal) = of.leases.renewal(organization, false, clock) {
                        self.send(isolate, Kind::Renew(renewal));
                    }
                }
                Due::Watch { organization } => {
                    if let Some(watch) = of.leases.watch(organization, clock) {
                        self.send(isolate, Kind::Watch(watch));
                    }
                }
                Due::Expiry {
                    question, after_ms, ..
                } => {
                    let at = now + i64::from(after_ms) * 1_000;
                    self.queue(at, Event::Expires(isolate, run, question));
                }
                Due::Report { .. } => {}
            }
        }
    }

    pub fn watch_on(&mut self, isolate: usize, goes_on: bool) {
        let now = self.now;
        let of = &mut self.isolates[isolate];
        let clock = of.clock(now);
        if goes_on && let Some(watch) = of.leases.watch(ORGANIZATION, clock) {
            self.send(isolate, Kind::Watch(watch));
        }
    }

    /// Whether a call that began now would be accepted anywhere of a token whose revoke has
    /// answered, or by facts from before an edit that has, or of any token in a pause.
    pub fn probe(&mut self) -> Held {
        let now = self.now;
        let revoked = self.answered.iter().map(|(token, at)| (*token, *at));
        let edited = self.edited.iter().map(|(token, _, at)| (*token, *at));
        let mut over: Vec<TokenId> = revoked
            .chain(edited)
            .filter(|(_, at)| *at <= now)
            .map(|(token, _)| token)
            .collect();
        over.dedup();
        for token in over {
            for isolate in 0..self.isolates.len() {
                if let Some(revision) = self.isolates[isolate].would_accept(token, now) {
                    self.accepts(isolate, (token, revision), now + 1, "if it were asked")?;
                }
            }
        }
        if self.paused.is_some_and(|at| at <= now) {
            for token in TOKENS.map(Id::from_u128) {
                for isolate in 0..self.isolates.len() {
                    if let Some(revision) = self.isolates[isolate].would_accept(token, now) {
                        self.accepts(isolate, (token, revision), now + 1, "if it were asked")?;
                    }
                }
            }
        }
        for isolate in 0..self.isolates.len() {
            let sent = self.isolates[isolate].would_send(now);
            self.sends(isolate, sent.as_deref(), now + 1, "if it were asked")?;
        }
        Ok(())
    }
}
