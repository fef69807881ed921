//! The ports of the test world that only look things up.

use super::{World, organization};
use crate::audit::{EventFilter, Listed, Span};
use crate::error::{Error, Result};
use crate::page::EventCursor;
use crate::ports::{AuditLog, Directory, Facts, Isolate};
use postern_domain::audit::checkpoint::Signed;
use postern_domain::audit::verify::Row;
use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::token::TokenFacts;
use postern_gate::Gate;

impl Isolate for World {
    fn gate<T>(&self, run: impl FnOnce(&mut Gate) -> T) -> Result<T> {
        Ok(run(&mut self.gate.borrow_mut()))
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
    async fn events(&self, _: OrganizationId, _: &EventFilter, span: &Span) -> Result<Vec<Listed>> {
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
        match self.rows_left.get() {
            Some(0) => return Err(Error::unavailable("D1 is down")),
            left => self.rows_left.set(left.map(|left| left - 1)),
        }
        let mut rows = self.rows.borrow().clone();
        rows.retain(|(sequence, _)| after < *sequence && *sequence <= up_to);
        rows.truncate(limit as usize);
        Ok(rows)
    }

    async fn checkpoints(&self, _: OrganizationId, _: &Span) -> Result<Vec<(EventCursor, Signed)>> {
        Ok(self.signed.borrow().clone())
    }
}
