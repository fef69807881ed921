//! Tokens that are being created: pending, and so not usable, until D1 has their row. Those whose
//! mint has ended without it are taken back: revoked, or, if adopted, removed.

use postern_domain::audit::{Action, Event, NotedChanges, Requester};
use postern_domain::id::TokenId;
use postern_domain::standing::{Actor, Created, State};
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;

use super::events::{about_token, ledger_itself};
use super::told::granted;
use super::{Acting, Ledger};
use crate::done::Stop;
use crate::sql::{Result, Sql};
use crate::store::Subject;
use crate::{MintCommand, RecordChange, TokenRow};

/// How long somebody may still come back for a pending token. Longer than any wait for D1; after it
/// the wait has broken off.
const COMES_BACK_MS: i64 = 60_000;

/// A pending token that somebody waits for.
#[derive(Debug, Clone, Copy)]
pub struct PendingWait {
    /// The entry of the outbox that brings its row to D1: which of several creations of one id.
    pub(super) entry: i64,
    until: Timestamp,
}

impl<S: Sql> Ledger<S> {
    /// Stores a token as pending with its event, and puts both on their way to D1. Tells the entry
    /// of the outbox that carries them.
    pub(super) fn insert_pending(
        &mut self,
        command: &MintCommand,
        action: Action,
        replaces: Option<TokenId>,
        now: Timestamp,
    ) -> Result<i64> {
        let facts = &command.facts;
        let job = facts.ci_job.as_ref();
        let mut changes = job.map(|job| job.changes()).unwrap_or_default();
        granted(&mut changes, facts);
        let event = Event {
            changes: Some(NotedChanges::new(&changes)),
            ..about_token(&facts.into(), now, action, replaces, &command.requester)
        };
        let normalize = self.settings.normalize;
        let ((), entry) = self.step(now, |step| {
            step.store.insert_pending(command, replaces, normalize)?;
            let insert = RecordChange::InsertToken(Box::new(TokenRow {
                facts: facts.clone(),
                description: command.description.clone(),
                created_at: command.created_at,
                created_by: command.created_by.clone(),
                minted_by: command.minted_by,
                sequence: step.next_sequence(),
            }));
            step.change_with_event(insert, event)
        })?;
        let until = now.plus_millis(COMES_BACK_MS);
        self.awaited.insert(facts.id, PendingWait { entry, until });
        Ok(entry)
    }

    /// Ends the wait for a pending token, and tells whether it is still the one that the wait was
    /// for: after too long a wait it has been taken back.
    pub(super) fn end_wait(&mut self, token: TokenId, entry: i64) -> bool {
        let ours = self
            .awaited
            .get(&token)
            .is_some_and(|awaited| awaited.entry == entry);
        if ours {
            self.awaited.remove(&token);
        }
        ours
    }

    /// Looks at the actor of a new token again, once D1 has its row. If it is not active any more,
    /// the new token is abandoned, with an audit event.
    pub(super) fn still_acting(
        &mut self,
        actor: Actor,
        facts: &TokenFacts,
        requester: &Requester,
        now: Timestamp,
    ) -> core::result::Result<Acting, Stop> {
        match self.acting(actor, now) {
            Err(stop @ (Stop::Inactive(_) | Stop::Paused)) => {
                self.abandon(&facts.into(), requester, now)?;
                Err(stop)
            }
            looked => looked,
        }
    }

    /// Makes a pending token active, and tells what it has become.
    pub(super) fn make_live(&mut self, token: TokenId, acting: Acting) -> Result<Created> {
        let Some(standing) = self.store.standing(token)? else {
            // An adoption that was taken back: as good as revoked.
            return Ok(Created::Revoked);
        };
        self.store.make_live(token, acting)?;
        Ok(standing.created())
    }

    /// Takes back a pending token that could not be completed. One that was revoked meanwhile is
    /// final already.
    pub(super) fn abandon(
        &mut self,
        token: &Subject,
        requester: &Requester,
        now: Timestamp,
    ) -> Result<()> {
        let standing = self.store.standing(token.id)?;
        if standing.is_none_or(|standing| standing.state != State::Pending) {
            return Ok(());
        }
        let action = Action::TokenMintAbandoned;
        if !token.comes_again() {
            return self.revoke_all([token], now, action, requester);
        }
        // It has never been active here, so nothing of it is left that would refuse it when it is tried
        // again.
        let event = about_token(token, now, action, None, requester);
        self.step(now, |step| {
            let Some(created_at) = step.store.forget_pending(token.id)? else {
                return Ok(());
            };
            let forget = RecordChange::ForgetToken {
                organization: token.organization(),
                token: token.id,
                created_at,
                sequence: step.next_sequence(),
            };
            step.change_with_event(forget, event)
        })?;
        Ok(())
    }

    /// Takes back pending tokens that nobody waits for: those of an earlier process, and those whose
    /// wait has broken off. Tells when the first of the other waits ends, so that the alarm can see
    /// to it that none is left behind.
    pub(super) fn recover(&mut self, now: Timestamp) -> Result<Option<Timestamp>> {
        self.recovered = true;
        let requester = ledger_itself("recovery");
        let mut next: Option<Timestamp> = None;
        for token in self.store.pending()? {
            match self.awaited.get(&token.id).map(|awaited| awaited.until) {
                Some(until) if until > now => {
                    next = Some(next.map_or(until, |next| next.min(until)));
                }
                _ => {
                    self.awaited.remove(&token.id);
                    self.abandon(&token, &requester, now)?;
                }
            }
        }
        Ok(next)
    }
}
