//! What Ledgers are told behind answers: the runs that this isolate has learned (R32), so that no
//! client waits for it. Of each token one report is on its way at a time; the runs that are learned
//! meanwhile go together in the next.
//!
//! A report may be lost, by a Ledger that is down or an isolate that ends. An isolate that does not
//! know the run asks the origin for it then, with the caller's own credential, and reports it anew.
//! The Ledger looks at the reporting token in the step of the write, and its first word on a run
//! stands: an isolate that has heard otherwise takes the Ledger's.

use std::collections::HashMap;
use std::rc::Rc;

use postern_domain::decide::Grant;
use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::time::Timestamp;
use postern_ledger::{BegunRun, MAX_RUNS, RunsAnswer, RunsCommand};

use crate::memory::Memory;

/// Most runs that wait, of all tokens and of one. They are sent behind the answers that made them due,
/// so that more than a few wait only where nothing is sent, or one Ledger is slow; then further ones
/// are not reported.
pub(crate) const REPORTS: usize = 1_024;
/// As [`REPORTS`], of one token.
pub(crate) const REPORTS_OF_TOKEN: usize = 256;

/// How long a report counts as on its way, in milliseconds. One that has no answer by then was lost
/// with the request behind which it was sent.
pub(crate) const REPORT_LOST_MS: i64 = 10_000;

/// Runs that a Ledger is to be told of.
#[derive(Debug)]
pub struct RunReport {
    /// Where, and for whom: the token whose calls brought them.
    pub grant: Rc<Grant>,
    /// What is told.
    pub command: RunsCommand,
}

impl RunReport {
    fn key(&self) -> Key {
        (self.grant.organization().id, self.command.token)
    }
}

/// Runs of one token.
type Key = (OrganizationId, TokenId);

/// Reports that are due or on their way.
#[derive(Debug, Default)]
pub struct Reports {
    tokens: HashMap<Key, Waiting>,
    /// Runs that wait, of all tokens.
    count: usize,
}

#[derive(Debug)]
struct Waiting {
    grant: Rc<Grant>,
    runs: Vec<BegunRun>,
    /// When the report was sent that is on its way.
    sent_at: Option<Timestamp>,
}

impl Waiting {
    fn is_on_its_way(&self, now: Timestamp) -> bool {
        self.sent_at
            .is_some_and(|sent_at| now.since(sent_at) < REPORT_LOST_MS)
    }

    fn is_due(&self, now: Timestamp) -> bool {
        !self.runs.is_empty() && !self.is_on_its_way(now)
    }
}

impl Reports {
    /// Whether a report is due.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.tokens.values().any(|waiting| waiting.is_due(now))
    }

    /// Whether nothing waits or is on its way.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// A report that is due. It is sent once, by the caller, who then tells [`Memory::reported`] or
    /// [`Reports::failed`].
    pub fn due(&mut self, now: Timestamp) -> Option<RunReport> {
        // Of a report that was lost with its request, nobody tells the end.
        self.tokens
            .retain(|_, waiting| !waiting.runs.is_empty() || waiting.is_on_its_way(now));
        let mut tokens = self.tokens.iter_mut();
        let (&(_, token), waiting) = tokens.find(|(_, waiting)| waiting.is_due(now))?;
        let many = waiting.runs.len().min(MAX_RUNS);
        let runs: Vec<_> = waiting.runs.drain(..many).collect();
        waiting.sent_at = Some(now);
        self.count = self.count.saturating_sub(many);
        Some(RunReport {
            grant: Rc::clone(&waiting.grant),
            command: RunsCommand { token, runs },
        })
    }

    /// A report did not arrive. It is not sent again: the origin is asked for its runs then.
    pub fn failed(&mut self, report: &RunReport) {
        self.ended(report);
    }

    /// Makes a report of this run due, for the token whose call brought it.
    pub(crate) fn add(&mut self, grant: Grant, token: TokenId, run: BegunRun) {
        if self.count >= REPORTS {
            return;
        }
        let grant = Rc::new(grant);
        let waiting = self.tokens.entry((grant.organization().id, token));
        let waiting = waiting.or_insert_with(|| Waiting {
            grant: Rc::clone(&grant),
            runs: Vec::new(),
            sent_at: None,
        });
        if waiting.runs.len() >= REPORTS_OF_TOKEN {
            return;
        }
        self.count += 1;
        waiting.grant = grant;
        waiting.runs.push(run);
    }

    fn ended(&mut self, report: &RunReport) {
        let key = report.key();
        let Some(waiting) = self.tokens.get_mut(&key) else {
            return;
        };
        waiting.sent_at = None;
        if waiting.runs.is_empty() {
            self.tokens.remove(&key);
        }
    }
}

impl Memory {
    /// Takes in what a Ledger has answered to a report. Returns the runs that it knew as another
    /// workflow's: then the origin has named one run twice.
    pub fn reported(&mut self, report: &RunReport, answer: RunsAnswer) -> Vec<BegunRun> {
        self.reports.ended(report);
        let RunsAnswer { pin, others } = answer;
        if let Some(pin) = pin {
            self.remember_pin(report.command.token, pin);
        }
        let organization = report.grant.organization().id;
        for BegunRun { run, facts } in &others {
            self.believe_run(organization, *run, &Rc::new(facts.clone()));
        }
        others
    }
}
