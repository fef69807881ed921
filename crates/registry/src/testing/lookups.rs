//! The ports of the test world that only look things up.

use super::{World, organization};
use crate::audit::{EventFilter, Listed, Span};
use crate::error::{Error, Result};
use crate::page::EventCursor;
use crate::ports::{AuditLog, Directory, Facts, Isolate, NamedToken};
use crate::tokens::{IdRange, TotalsQuery};
use postern_domain::audit::checkpoint::Signed;
use postern_domain::audit::verify::Row;
use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::time::Timestamp;
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

impl World {
    /// The tokens that the record shows to who asks.
    fn shown<'a>(
        &self,
        all: &'a [NamedToken],
        with_system: bool,
    ) -> impl Iterator<Item = &'a NamedToken> {
        let system = self.named_system.borrow().clone();
        all.iter()
            .filter(move |token| with_system || !system.contains(&token.id))
    }
}

impl AuditLog for World {
    async fn events(
        &self,
        _: OrganizationId,
        filter: &EventFilter,
        span: &Span,
    ) -> Result<Vec<Listed>> {
        self.note(format!("events {}", span.limit));
        self.searched.replace(Some(filter.clone()));
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

    async fn mints_by_hour(
        &self,
        _: OrganizationId,
        _: &TotalsQuery,
        since: Timestamp,
    ) -> Result<Vec<(i64, u32)>> {
        self.note(format!("mints since {}", since.as_millis()));
        Ok(self.mints.borrow().clone())
    }

    async fn acted(&self, _: OrganizationId, actors: &[String]) -> Result<Vec<String>> {
        let known = self.actors.borrow();
        let acted = actors.iter().filter(|actor| known.contains(actor));
        Ok(acted.cloned().collect())
    }

    async fn tokens_called(
        &self,
        _: OrganizationId,
        name: &str,
        with_system: bool,
        limit: u32,
    ) -> Result<Vec<NamedToken>> {
        let all = self.named.borrow();
        let former = self.former.borrow();
        let had = |id| {
            let mut former = former.iter();
            former.any(|(of, former)| *of == id && former == name)
        };
        let found = self
            .shown(&all, with_system)
            .filter(|token| token.name == name || had(token.id));
        Ok(found.take(limit as usize).cloned().collect())
    }

    async fn tokens_within(
        &self,
        _: OrganizationId,
        ranges: &[IdRange],
        with_system: bool,
        limit: u32,
    ) -> Result<Vec<(usize, NamedToken)>> {
        let all = self.named.borrow();
        let mut found = Vec::new();
        for (place, range) in ranges.iter().enumerate() {
            let bits = range.first.as_u128()..=range.last.as_u128();
            let shown = self.shown(&all, with_system);
            let within = shown.filter(|token| bits.contains(&token.id.as_u128()));
            found.extend(within.map(|token| (place, token.clone())));
        }
        found.truncate(limit as usize);
        Ok(found)
    }
}
