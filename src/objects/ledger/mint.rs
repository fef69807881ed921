//! The Ledger's new tokens: mint, adopt and rotate. None opens anything before its record is in D1:
//! it is pending until then. When D1 has it, all that could have changed meanwhile is looked at
//! again, in the step that makes it live: whoever asked for it, and the token itself.

use worker::Result;

use super::acting::{Acting, Done};
use super::chain::by_itself;
use super::outbox::NEEDED;
use super::{ALARM_MS, Ledger, ceiling, journal, storage};
use crate::platform::now;
use crate::store::records;
use postern_domain::audit::{Action, Origin};
use postern_domain::id::TokenId;
use postern_domain::standing::{Actor, Created, State};
use postern_domain::token::TokenFacts;
use postern_ledger::{Effect, MintAnswer, MintCommand, RotateAnswer, RotateCommand, TokenRow};

impl Ledger {
    pub(super) async fn mint(&self, acting: Acting, command: MintCommand) -> Done<MintAnswer> {
        let actor = acting.actor();
        self.prepare_write(acting)?;
        let now = now();
        let facts = &command.facts;
        // Fresh ids never meet one; an adopted token brings the one that the origin gave it.
        if let Some(standing) = self.db.standing(facts.id)? {
            return Ok(MintAnswer::IdTaken {
                revoked: !standing.revocable(now),
            });
        }
        if storage::name_taken(&self.db, facts, None, now)? {
            return Ok(MintAnswer::NameTaken);
        }
        let ceiling = command.ceiling;
        if ceiling > 0 && !facts.is_system && ceiling::counted(&self.db, now)? >= i64::from(ceiling)
        {
            return Ok(MintAnswer::CeilingReached { ceiling });
        }
        let action = match facts.adopted() {
            true => Action::TokenAdopt,
            false => Action::TokenMint,
        };
        if let Err(cause) = self.bear(&command, action, None).await? {
            return Ok(MintAnswer::RecordUnavailable { cause });
        }
        if facts.adopted()
            && let Some(refusal) = self.recorded_elsewhere(facts).await
        {
            self.abandon(facts, &command.origin)?;
            self.set_alarm(ALARM_MS).await?;
            return Ok(refusal);
        }
        let acting = self.still_acting(actor, facts, &command.origin).await?;
        Ok(match self.go_live(facts.id, acting)? {
            Created::Active => MintAnswer::Minted,
            Created::Revoked => MintAnswer::RevokedMeanwhile,
            Created::Quarantined => MintAnswer::QuarantinedMeanwhile,
        })
    }

    /// Looks at the actor of a new token again, once D1 has its row. If it is not active any more,
    /// the new token is abandoned, with an audit event.
    async fn still_acting(
        &self,
        actor: Actor,
        facts: &TokenFacts,
        origin: &Origin,
    ) -> Done<Acting> {
        match self.acting(actor) {
            Ok(acting) => Ok(acting),
            Err(stop) => {
                self.abandon(facts, origin)?;
                self.set_alarm(ALARM_MS).await?;
                Err(stop)
            }
        }
    }

    /// Makes a pending token live, and tells what it has become.
    fn go_live(&self, token: TokenId, acting: Acting) -> Result<Created> {
        let Some(standing) = self.db.standing(token)? else {
            // An adoption that was taken back: as good as revoked.
            return Ok(Created::Revoked);
        };
        storage::make_live(&self.db, token, acting)?;
        Ok(standing.created())
    }

    /// Whether the record has the token for another organization, whose row ours did not replace:
    /// a token that names no organization can be adopted by one only.
    async fn recorded_elsewhere(&self, facts: &TokenFacts) -> Option<MintAnswer> {
        match records::token_organization(&self.env, facts.id).await {
            Ok(Some(organization)) if organization == facts.organization.id => None,
            Ok(_) => Some(MintAnswer::IdTaken { revoked: false }),
            Err(error) => Some(MintAnswer::RecordUnavailable {
                cause: error.private(),
            }),
        }
    }

    pub(super) async fn rotate(
        &self,
        acting: Acting,
        mut command: RotateCommand,
    ) -> Done<RotateAnswer> {
        let actor = acting.actor();
        self.prepare_write(acting)?;
        if !self.rotatable(command.old)? || storage::succession(&self.db, command.old)? {
            return Ok(RotateAnswer::NotLive);
        }
        let ceiling = command.mint.ceiling;
        if ceiling > 0
            && !command.mint.facts.is_system
            && command.retire_at > now()
            && ceiling::rotation_exceeds(&self.db, command.old, now(), ceiling)?
        {
            return Ok(RotateAnswer::CeilingReached { ceiling });
        }
        command.mint.description = storage::description(&self.db, command.old)?;
        let (facts, origin) = (&command.mint.facts, &command.mint.origin);
        if storage::name_taken(&self.db, facts, Some(command.old), now())? {
            return Ok(RotateAnswer::NameTaken);
        }
        let recorded = self
            .bear(&command.mint, Action::TokenRotate, Some(command.old))
            .await?;
        if let Err(cause) = recorded {
            return Ok(RotateAnswer::RecordUnavailable { cause });
        }
        // A token that rotates itself is active until the step below, which ends it.
        let acting = self.still_acting(actor, facts, origin).await?;
        // Somebody may have ended the old token meanwhile: then the new one must not live on.
        if !self.rotatable(command.old)? {
            self.abandon(facts, origin)?;
            self.set_alarm(ALARM_MS).await?;
            return Ok(RotateAnswer::NotLive);
        }
        // Nobody holds the successor yet, so a report cannot have been about it.
        if self.go_live(facts.id, acting)? == Created::Revoked {
            return Ok(RotateAnswer::RevokedMeanwhile);
        }
        let mut head = journal::head(&self.db)?;
        head.version += 1;
        storage::retire(&self.db, command.old, command.retire_at, head.version)?;
        journal::set_head(&self.db, &head)?;
        journal::push(
            &self.db,
            &[Effect::RevokeToken {
                organization: facts.organization.id,
                token: command.old,
                at: command.retire_at,
                by: origin.actor.clone(),
            }],
        )?;
        self.set_alarm(ALARM_MS).await?;
        self.deliver_soon("ledger.rotate").await;
        Ok(RotateAnswer::Rotated {
            description: command.mint.description,
        })
    }

    /// Whether a successor may take a token's place.
    fn rotatable(&self, token: TokenId) -> Result<bool> {
        let standing = self.db.standing(token)?;
        Ok(standing.is_some_and(|standing| standing.rotatable()))
    }

    /// Stores a token as pending with its event, and brings both to D1. The inner error says why
    /// D1 did not take them; the token is then dead.
    async fn bear(
        &self,
        command: &MintCommand,
        action: Action,
        replaces: Option<TokenId>,
    ) -> Result<core::result::Result<(), String>> {
        let facts = &command.facts;
        let mut head = journal::head(&self.db)?;
        let audit = self.event(&mut head, now(), action, facts, replaces, &command.origin)?;
        let insert = Effect::InsertToken(Box::new(TokenRow {
            facts: facts.clone(),
            description: command.description.clone(),
            created_at: command.created_at,
            created_by: command.created_by.clone(),
            minted_by: command.minted_by,
        }));
        storage::insert_pending(&self.db, command, replaces)?;
        journal::set_head(&self.db, &head)?;
        let entry = journal::push(&self.db, &[insert, audit])?;
        self.set_alarm(ALARM_MS).await?;
        let delivered = self
            .memory
            .outbox
            .deliver(&self.env, &self.db, entry, NEEDED)
            .await;
        if delivered.is_err() {
            self.abandon(facts, &command.origin)?;
            self.set_alarm(ALARM_MS).await?;
        }
        Ok(delivered)
    }

    /// Takes back a pending token that could not be completed. One that was revoked meanwhile is
    /// final already.
    fn abandon(&self, facts: &TokenFacts, origin: &Origin) -> Result<()> {
        let standing = self.db.standing(facts.id)?;
        if standing.is_none_or(|standing| standing.state != State::Pending) {
            return Ok(());
        }
        if !facts.adopted() {
            return self.bury([facts], now(), Action::TokenMintAbandoned, origin);
        }
        // Its id is the origin's and will come again when the adoption is tried again: it has
        // never lived here, so nothing of it is left that would refuse it then.
        let Some(created_at) = storage::forget_pending(&self.db, facts.id)? else {
            return Ok(());
        };
        let mut head = journal::head(&self.db)?;
        let action = Action::TokenMintAbandoned;
        let audit = self.event(&mut head, now(), action, facts, None, origin)?;
        journal::set_head(&self.db, &head)?;
        let forget = Effect::ForgetToken {
            organization: facts.organization.id,
            token: facts.id,
            created_at,
        };
        journal::push(&self.db, &[forget, audit]).map(|_| ())
    }

    /// Tokens that were pending when an earlier process ended: nobody has them, nobody gets them.
    pub(super) fn recover(&self) -> Result<()> {
        if self.memory.recovered.replace(true) {
            return Ok(());
        }
        let origin = by_itself("recovery");
        for facts in storage::pending(&self.db)? {
            self.abandon(&facts, &origin)?;
        }
        Ok(())
    }
}
