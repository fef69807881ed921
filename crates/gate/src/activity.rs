//! What calls of tokens have come to, as this isolate has seen it (R49): counted when a call ends, and
//! reported to the token's Ledger behind answers, within eight seconds and in one batch. Only what is
//! allowed counts as a use (R13).
//!
//! A batch that finds no answer is sent again under its number, so a Ledger counts it once. What an
//! isolate keeps is bounded, and lost with it.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::rc::Rc;

use postern_domain::id::{Id, OrganizationId, ReporterId, TokenId};
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_ledger::{
    ActivityCommand, CallerActivity, MAX_CALLERS, MAX_REPORTED_REFUSALS, MAX_REPORTED_TOKENS,
    RefusedCall, TokenActivity,
};

use crate::error::Error;
pub use crate::leases::REPORT_MS;

/// How long a plan or a batch counts as under way, in milliseconds, beyond what it takes. One of which
/// nothing was heard by then was lost with the request behind which it was to go.
const LOST_MS: i64 = 10_000;

/// Most tokens of which something waits. Calls of further ones are not counted until these are told.
const TOKENS: usize = 65_536;

/// A token whose call has ended: one that the Ledger knows, active or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownToken {
    /// Whose it is.
    pub organization: OrganizationId,
    /// Which.
    pub token: TokenId,
}

impl KnownToken {
    /// The token of these facts.
    pub fn of(facts: &TokenFacts) -> Self {
        Self {
            organization: facts.organization.id,
            token: facts.id,
        }
    }
}

/// What a call has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The origin has answered, or what was asked of the gateway was done.
    Allowed,
    /// The origin has not answered, or not the gateway.
    OriginTrouble,
    /// It was refused, under this code.
    Refused(&'static str),
}

impl Ended {
    /// What an error makes of a call.
    pub fn by(error: &Error) -> Self {
        match error {
            Error::Origin { .. } | Error::Deadline | Error::UpstreamRefused { .. } => {
                Self::OriginTrouble
            }
            error => Self::Refused(error.code()),
        }
    }
}

/// Where a call came from, and what it was.
#[derive(Debug, Clone, Copy)]
pub struct CallFrom<'a> {
    /// The client's address.
    pub address: Option<IpAddr>,
    /// Its `User-Agent`.
    pub user_agent: Option<&'a str>,
    /// Which call or route.
    pub operation: Option<&'static str>,
    /// The id that the gateway gave the request.
    pub request_id: &'a str,
}

/// Who is told: an organization's Ledger, or, of credentials that were refused before any organization
/// was known, the object that belongs to none.
pub type Told = Option<OrganizationId>;

/// A batch on its way.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Who is told.
    pub to: Told,
    /// What is told.
    pub command: Rc<ActivityCommand>,
}

/// What has been counted and not yet been told.
#[derive(Debug)]
pub struct Activity {
    reporter: ReporterId,
    /// The number of the last batch.
    batches: u64,
    waiting: HashMap<Told, Waiting>,
    /// Tokens of which something waits.
    tokens: usize,
    due: VecDeque<Told>,
}

#[derive(Debug, Default)]
struct Waiting {
    tokens: HashMap<TokenId, Counts>,
    refused: VecDeque<RefusedCall>,
    offline: u64,
    /// Until when a report is planned.
    planned_until: Option<Timestamp>,
    /// The batch that has no answer yet, and when it was sent; `None` = it failed.
    sent: Option<(Rc<ActivityCommand>, Option<Timestamp>)>,
}

#[derive(Debug, Default)]
struct Counts {
    allowed: u64,
    used_at: Option<Timestamp>,
    origin_trouble: u64,
    refused: Vec<(&'static str, u64)>,
    callers: Vec<Caller>,
}

#[derive(Debug)]
struct Caller {
    address: Option<IpAddr>,
    user_agent: Option<String>,
    last_at: Timestamp,
    calls: u64,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.refused.is_empty() && self.offline == 0
    }

    fn is_planned(&self, now: Timestamp) -> bool {
        self.planned_until.is_some_and(|until| now < until)
    }

    fn is_on_its_way(&self, now: Timestamp) -> bool {
        let sent_at = self.sent.as_ref().and_then(|(_, sent_at)| *sent_at);
        sent_at.is_some_and(|at| (0..LOST_MS).contains(&now.since(at)))
    }

    fn note(&mut self, token: TokenId, refused: &'static str, from: &CallFrom<'_>, now: Timestamp) {
        if self.refused.len() >= MAX_REPORTED_REFUSALS {
            self.refused.pop_front();
        }
        self.refused.push_back(RefusedCall {
            at: now,
            operation: from.operation.map(str::to_owned),
            reason: refused.to_owned(),
            token,
            address: from.address.map(|address| address.to_string()),
            request_id: from.request_id.to_owned(),
            user_agent: from.user_agent.map(str::to_owned),
        });
    }
}

impl Counts {
    fn count(&mut self, ended: Ended, from: &CallFrom<'_>, now: Timestamp) {
        match ended {
            Ended::Allowed => {
                self.allowed += 1;
                self.used_at = self.used_at.max(Some(now));
                self.called(from, now);
            }
            Ended::OriginTrouble => {
                self.origin_trouble += 1;
                self.called(from, now);
            }
            Ended::Refused(code) => {
                match self.refused.iter_mut().find(|(known, _)| *known == code) {
                    Some((_, calls)) => *calls += 1,
                    None => self.refused.push((code, 1)),
                }
            }
        }
    }

    fn called(&mut self, from: &CallFrom<'_>, now: Timestamp) {
        let same = |caller: &&mut Caller| {
            caller.address == from.address && caller.user_agent.as_deref() == from.user_agent
        };
        if let Some(caller) = self.callers.iter_mut().find(same) {
            caller.calls += 1;
            caller.last_at = caller.last_at.max(now);
            return;
        }
        if self.callers.len() >= MAX_CALLERS {
            let callers = self.callers.iter().enumerate();
            let oldest = callers.min_by_key(|(_, caller)| caller.last_at);
            if let Some((oldest, _)) = oldest {
                self.callers.swap_remove(oldest);
            }
        }
        self.callers.push(Caller {
            address: from.address,
            user_agent: from.user_agent.map(str::to_owned),
            last_at: now,
            calls: 1,
        });
    }

    fn of(self, token: TokenId) -> TokenActivity {
        let refused = self.refused.into_iter();
        let callers = self.callers.into_iter().map(|caller| CallerActivity {
            address: caller.address.map(|address| address.to_string()),
            user_agent: caller.user_agent,
            last_at: caller.last_at,
            calls: caller.calls,
        });
        TokenActivity {
            token,
            allowed: self.allowed,
            used_at: self.used_at,
            origin_trouble: self.origin_trouble,
            refused: refused
                .map(|(code, calls)| (code.to_owned(), calls))
                .collect(),
            callers: callers.collect(),
        }
    }
}

impl Activity {
    /// Nothing counted yet. The bits are random, and this isolate's alone.
    pub fn new(isolate: u128) -> Self {
        Self {
            reporter: Id::from_u128(isolate),
            batches: 0,
            waiting: HashMap::new(),
            tokens: 0,
            due: VecDeque::new(),
        }
    }

    /// Counts a call that has ended.
    pub fn ended(&mut self, of: KnownToken, ended: Ended, from: &CallFrom<'_>, now: Timestamp) {
        let to = Some(of.organization);
        let is_full = self.tokens >= TOKENS;
        if is_full
            && !self
                .waiting
                .get(&to)
                .is_some_and(|waiting| waiting.tokens.contains_key(&of.token))
        {
            return;
        }
        let waiting = self.waiting.entry(to).or_default();
        let counts = waiting.tokens.entry(of.token).or_insert_with(|| {
            self.tokens += 1;
            Counts::default()
        });
        counts.count(ended, from, now);
        if let Ended::Refused(code) = ended {
            waiting.note(of.token, code, from, now);
        }
        self.plan(to, now);
    }

    /// Counts a credential that was refused before any organization was known.
    pub fn failed_offline(&mut self, now: Timestamp) {
        self.waiting.entry(None).or_default().offline += 1;
        self.plan(None, now);
    }

    fn plan(&mut self, to: Told, now: Timestamp) {
        if let Some(waiting) = self.waiting.get_mut(&to)
            && !waiting.is_planned(now)
        {
            waiting.planned_until = Some(now.plus_millis(i64::from(REPORT_MS) + LOST_MS));
            self.due.push_back(to);
        }
    }

    /// Whether a report is to be planned behind an answer.
    pub fn is_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// A report that is to be sent [`REPORT_MS`] from now: to begin then, see [`Activity::batch`].
    pub fn due(&mut self) -> Option<Told> {
        self.due.pop_front()
    }

    /// The next batch for somebody; `None` where there is nothing to tell, or one is on its way. It is
    /// sent once, by the caller, who then tells [`Activity::told`] or [`Activity::failed`].
    pub fn batch(&mut self, to: Told, now: Timestamp) -> Option<Batch> {
        let waiting = self.waiting.get_mut(&to)?;
        waiting.planned_until = None;
        if waiting.is_on_its_way(now) {
            return None;
        }
        // What has no answer is told again under its number, and counts once.
        if let Some((command, sent_at)) = &mut waiting.sent {
            *sent_at = Some(now);
            let command = Rc::clone(command);
            return Some(Batch { to, command });
        }
        if waiting.is_empty() {
            self.waiting.remove(&to);
            return None;
        }
        let some: Vec<TokenId> = waiting
            .tokens
            .keys()
            .take(MAX_REPORTED_TOKENS)
            .copied()
            .collect();
        let counts = some.into_iter().filter_map(|token| {
            let counts = waiting.tokens.remove(&token)?;
            Some(counts.of(token))
        });
        let tokens: Vec<TokenActivity> = counts.collect();
        self.tokens = self.tokens.saturating_sub(tokens.len());
        self.batches += 1;
        let command = Rc::new(ActivityCommand {
            reporter: self.reporter,
            batch: self.batches,
            tokens,
            refused: waiting.refused.drain(..).collect(),
            offline: core::mem::take(&mut waiting.offline),
        });
        waiting.sent = Some((Rc::clone(&command), Some(now)));
        Some(Batch { to, command })
    }

    /// A batch was taken.
    pub fn told(&mut self, batch: &Batch) {
        if let Some(waiting) = self.of(batch) {
            waiting.sent = None;
            if waiting.is_empty() && waiting.planned_until.is_none() {
                self.waiting.remove(&batch.to);
            }
        }
    }

    /// A batch found no answer: it is told again with the next report.
    pub fn failed(&mut self, batch: &Batch) {
        if let Some(waiting) = self.of(batch)
            && let Some((_, sent_at)) = &mut waiting.sent
        {
            *sent_at = None;
        }
    }

    /// What waits for somebody, while it is this batch that has no answer.
    fn of(&mut self, batch: &Batch) -> Option<&mut Waiting> {
        let waiting = self.waiting.get_mut(&batch.to)?;
        let (sent, _) = waiting.sent.as_ref()?;
        (sent.batch == batch.command.batch).then_some(waiting)
    }
}

#[cfg(test)]
mod tests;
