//! What Ledgers are told behind answers: the runs that this isolate has learned (R32), so that no
//! client waits for it.
//!
//! A report may be lost, by a Ledger that is down or an isolate that ends. An isolate that does not
//! know the run asks the origin for it then, with the caller's own credential, and reports it anew.
//! The Ledger looks at the reporting token in the step of the write, and its first word on a run
//! stands: an isolate that has heard otherwise takes the Ledger's.

use std::collections::VecDeque;
use std::rc::Rc;

use postern_domain::decide::Grant;
use postern_ledger::{RunAnswer, RunCommand};

use crate::memory::Memory;

/// Most reports that wait. They are sent behind the answers that made them due, so that more than a
/// few wait only where nothing is sent; then the oldest makes room.
pub(crate) const REPORTS: usize = 1_024;

/// A run that a Ledger is to be told of.
#[derive(Debug)]
pub struct RunReport {
    /// Where, and for whom: the token whose call brought it.
    pub grant: Grant,
    /// What is told.
    pub command: RunCommand,
}

/// Reports that are due, in their order.
#[derive(Debug, Default)]
pub struct Reports(VecDeque<RunReport>);

impl Reports {
    /// Whether a report is due.
    pub fn is_due(&self) -> bool {
        !self.0.is_empty()
    }

    /// The next report that is due. It is sent once, by the caller.
    pub fn due(&mut self) -> Option<RunReport> {
        self.0.pop_front()
    }

    /// Makes a report due.
    pub(crate) fn add(&mut self, report: RunReport) {
        if self.0.len() >= REPORTS {
            self.0.pop_front();
        }
        self.0.push_back(report);
    }
}

impl Memory {
    /// Takes in what a Ledger has answered to a report. Tells whether it knew the run as another
    /// workflow's: then the origin has named one run twice.
    pub fn reported(&mut self, report: &RunReport, answer: RunAnswer) -> bool {
        let RunReport { grant, command } = report;
        let RunAnswer { pin, other } = answer;
        if let Some(pin) = pin {
            self.remember_pin(command.token, pin);
        }
        let other = other.map(Rc::new);
        if let Some(other) = &other {
            self.believe_run(grant.organization().id, command.run, other);
        }
        other.is_some()
    }
}
