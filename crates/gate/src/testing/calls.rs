//! What the Ledger of the tests' world answers of calls that have a limit, and of upstream credentials.

use std::cell::Cell;

use postern_domain::name::Label;
use postern_domain::token::TokenFacts;
use postern_domain::upstream::Reach;
use postern_ledger::{AdmitQuery, GivenCalls, GivenUpstream};

use super::World;

/// How many calls there are yet, and how many an answer gives.
#[derive(Debug)]
pub struct Calls {
    pub left: Cell<u32>,
    pub part: Cell<u32>,
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            left: Cell::new(u32::MAX),
            part: Cell::new(1),
        }
    }
}

impl Calls {
    /// The answer to a question for calls.
    pub fn given(&self, query: &AdmitQuery, token: Option<&TokenFacts>) -> Option<GivenCalls> {
        let conditions = token?.conditions.as_deref()?;
        conditions.calls_per_minute().filter(|_| query.calls)?;
        let granted = self.left.get().min(self.part.get());
        self.left.set(self.left.get() - granted);
        Some(GivenCalls {
            granted,
            wait_seconds: if granted == 0 { 7 } else { 0 },
        })
    }
}

impl World {
    pub(super) fn upstream_of(
        &self,
        query: &AdmitQuery,
        token: Option<&TokenFacts>,
    ) -> Option<GivenUpstream> {
        let (asked, token) = (query.upstream.as_ref()?, token?);
        let runs = self.runs.borrow();
        let run = query
            .run
            .and_then(|run| runs.get(&(token.organization.id, run)));
        let name = |label: &Option<Label>| label.as_ref().map(|label| label.as_str().to_owned());
        let (project, workflow) = (name(&asked.project), name(&asked.workflow));
        let (project, workflow) = (project.as_deref(), workflow.as_deref());
        let reach = match run {
            None if asked.is_exact => Reach::of(project, workflow),
            run => Reach::of_call(project, workflow, &token.scope, run),
        };
        let began = run.map_or(asked.began, |run| run.upstream);
        let upstreams = self.upstreams.borrow();
        let begun = upstreams.iter().find(|known| Some(known.id) == began);
        let current = |reach: Reach| {
            let mut all = upstreams.iter();
            all.find(|known| known.reach == reach && known.until.is_none())
        };
        let narrowest = || reach.widening().into_iter().find_map(current);
        begun.or_else(narrowest).cloned()
    }
}
