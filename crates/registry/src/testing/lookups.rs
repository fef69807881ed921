//! The ports of the test world that only look things up.

use std::rc::Rc;

use super::{World, organization};
use crate::audit::{Filter, Listed, Span};
use crate::error::Result;
use crate::page::Place;
use crate::ports::{AuditLog, Clock, Directory, Facts, Memory, Revocations};
use postern_domain::audit::checkpoint::Signed;
use postern_domain::audit::verify::Row;
use postern_domain::decide::RunFacts;
use postern_domain::id::{OrganizationId, RunId, TokenId, WorkflowId};
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;

impl Memory for World {
    fn facts(&self, token: TokenId) -> Option<Rc<TokenFacts>> {
        self.memory.borrow().get(&token).cloned()
    }

    fn remember_facts(&self, facts: &Rc<TokenFacts>) {
        self.memory.borrow_mut().insert(facts.id, Rc::clone(facts));
    }

    fn run(&self, _: OrganizationId, run: RunId) -> Option<Rc<RunFacts>> {
        self.recalled.borrow().get(&run).cloned()
    }

    fn remember_run(&self, _: OrganizationId, run: RunId, _: &Rc<RunFacts>) {
        self.note(format!("remember {run}"));
    }

    fn pin(&self, token: TokenId) -> Option<WorkflowId> {
        self.pins.borrow().get(&token).copied()
    }

    fn remember_pin(&self, token: TokenId, workflow: WorkflowId) {
        self.pins.borrow_mut().entry(token).or_insert(workflow);
    }

    fn pin_seen(&self, token: TokenId) -> Option<Timestamp> {
        self.pins_seen.borrow().get(&token).copied()
    }

    fn remember_pin_seen(&self, token: TokenId, at: Timestamp) {
        self.pins_seen.borrow_mut().insert(token, at);
    }
}

impl Revocations for World {
    fn lived(&self, _: OrganizationId, token: TokenId, bound_ms: i64) -> bool {
        self.copy.borrow().lives(token, self.now(), bound_ms)
    }

    fn heard(&self, _: OrganizationId, token: TokenId, version: i64, asked: Timestamp, _: i64) {
        self.copy.borrow_mut().join(token, version, asked);
    }
}

impl Facts for World {
    async fn facts(&self, token: TokenId) -> Result<Option<TokenFacts>> {
        self.note("facts");
        let tokens = self.tokens.borrow();
        Ok(tokens.get(&token).map(|kept| kept.facts.clone()))
    }

    fn publish(&self, facts: &TokenFacts) {
        self.note(format!("publish {}", facts.name.as_str()));
    }
}

impl Directory for World {
    async fn organization_id(&self, name: &str) -> Result<Option<OrganizationId>> {
        Ok((name == "acme").then(|| organization().id))
    }
}

impl AuditLog for World {
    async fn events(&self, _: OrganizationId, _: &Filter, span: &Span) -> Result<Vec<Listed>> {
        self.note(format!("events {}", span.limit));
        Ok(self.events.borrow().clone())
    }

    async fn rows(
        &self,
        _: OrganizationId,
        after: u64,
        up_to: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Row)>> {
        self.note(format!("rows {after} to {up_to}"));
        let mut rows = self.rows.borrow().clone();
        rows.retain(|(sequence, _)| after < *sequence && *sequence <= up_to);
        rows.truncate(limit as usize);
        Ok(rows)
    }

    async fn checkpoints(&self, _: OrganizationId, _: &Span) -> Result<Vec<(Place, Signed)>> {
        Ok(self.signed.borrow().clone())
    }
}
