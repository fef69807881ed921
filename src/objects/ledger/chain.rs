//! The Ledger's audit chain: each event bound to the one before (R35). Refuses gaps: an event and
//! the head that counts it are stored in the step that they record.

use worker::Result;

use super::acting::{Acting, Done};
use super::journal::Head;
use super::outbox::NEEDED;
use super::{ALARM_MS, Ledger, journal};
use crate::log;
use crate::platform::{config, now};
use postern_domain::audit::checkpoint::{Checkpoint, Signed};
use postern_domain::audit::{Action, Changes, Event, Link, NotedChanges, Origin, Text, hex, link};
use postern_domain::id::{Id, OrganizationId, Token, TokenId};
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_ledger::{
    AuditRow, CheckpointCommand, Effect, LimitsAnswer, LimitsCommand, NoteCommand,
};

/// What the Ledger does of itself, under a name of its own (R21).
pub fn by_itself(tier: &str) -> Origin {
    Origin {
        actor: "ledger".to_owned(),
        tier: tier.to_owned(),
        address: None,
        user_agent: None,
        request_id: Id::<Token>::from_u128(0).to_string(),
    }
}

/// An event that is about no token, before it has its place in the chain.
pub struct Happening<'a> {
    pub organization: OrganizationId,
    pub action: Action,
    pub target: Option<&'a str>,
    pub outcome: Option<&'a str>,
    pub count: Option<u64>,
    pub changes: Option<&'a Changes>,
    pub origin: &'a Origin,
}

impl Ledger {
    /// The next event of the organization's chain; moves the head past it.
    pub(super) fn event(
        &self,
        head: &mut Head,
        at: Timestamp,
        action: Action,
        facts: &TokenFacts,
        replaces: Option<TokenId>,
        origin: &Origin,
    ) -> Result<Effect> {
        let event = Event {
            organization_id: facts.organization.id,
            sequence: 0,
            at,
            action,
            token_id: Some(facts.id),
            token_prefix: Some(Text::new(&facts.display_prefix())),
            origin: origin.noted(),
            replaces,
            target: None,
            outcome: None,
            count: None,
            changes: None,
        };
        self.append(head, event)
    }

    /// The same for an event that is about no token.
    pub(super) fn happening(&self, head: &mut Head, happening: &Happening<'_>) -> Result<Effect> {
        let event = Event {
            organization_id: happening.organization,
            sequence: 0,
            at: now(),
            action: happening.action,
            token_id: None,
            token_prefix: None,
            origin: happening.origin.noted(),
            replaces: None,
            target: happening.target.map(Text::new),
            outcome: happening.outcome.map(Text::new),
            count: happening.count,
            changes: happening.changes.map(NotedChanges::new),
        };
        self.append(head, event)
    }

    fn append(&self, head: &mut Head, mut event: Event) -> Result<Effect> {
        let config = config(&self.env).map_err(|problems| problems.join("; "))?;
        let key = config.root_keys.audit.signing();
        head.sequence += 1;
        event.sequence = u64::try_from(head.sequence).unwrap_or_default();
        let content = serde_json::to_string(&event)?;
        let previous = hex(&head.link);
        head.link = link(key, &head.link, &content);
        Ok(Effect::AppendAudit(Box::new(AuditRow {
            event,
            content,
            previous,
            link: Link {
                kid: key.kid().to_owned(),
                mac: hex(&head.link),
            },
        })))
    }

    /// Writes down what the gate has done in the record.
    pub(super) async fn note(&self, acting: Acting, command: NoteCommand) -> Done<()> {
        self.prepare_write(acting)?;
        let mut head = journal::head(&self.db)?;
        let audit = self.happening(
            &mut head,
            &Happening {
                organization: command.organization,
                action: command.action,
                target: command.target.as_deref(),
                outcome: None,
                count: None,
                changes: None,
                origin: &command.origin,
            },
        )?;
        journal::set_head(&self.db, &head)?;
        journal::push(&self.db, &[audit])?;
        // Nobody waits for the row: the alarm carries it, or whoever comes first.
        self.set_alarm(ALARM_MS).await?;
        Ok(())
    }

    /// Changes what an organization allows: the event and the change go to D1 in one batch.
    pub(super) async fn change_limits(
        &self,
        acting: Acting,
        command: LimitsCommand,
    ) -> Done<LimitsAnswer> {
        self.prepare_write(acting)?;
        let mut head = journal::head(&self.db)?;
        let audit = self.happening(
            &mut head,
            &Happening {
                organization: command.organization,
                action: Action::OrganizationUpdate,
                target: None,
                outcome: None,
                count: None,
                changes: Some(&command.changes),
                origin: &command.origin,
            },
        )?;
        let change = Effect::SetLimits {
            organization: command.organization,
            sequence: head.sequence,
            mint_ceiling: command.mint_ceiling,
            max_idle_days: command.max_idle_days,
            on_leak: command.on_leak,
        };
        journal::set_head(&self.db, &head)?;
        let entry = journal::push(&self.db, &[change, audit])?;
        self.set_alarm(ALARM_MS).await?;
        let delivered = self
            .memory
            .outbox
            .deliver(&self.env, &self.db, entry, NEEDED)
            .await;
        Ok(match delivered {
            Ok(()) => LimitsAnswer::Changed,
            Err(cause) => LimitsAnswer::RecordUnavailable { cause },
        })
    }

    /// Signs how far the chain reaches, once D1 has been offered all of it. Should D1 not take it,
    /// the checkpoint knows more than D1 has, which is what it is for.
    pub(super) async fn checkpoint(
        &self,
        acting: Acting,
        command: CheckpointCommand,
    ) -> Done<Signed> {
        let mut head = Head::GENESIS;
        let actor = acting.actor();
        if self.exists()? {
            self.prepare_write(acting)?;
            // Before the wait: what happens meanwhile belongs to the next one.
            head = journal::head(&self.db)?;
            let delivered = self
                .memory
                .outbox
                .deliver(&self.env, &self.db, i64::MAX, NEEDED)
                .await;
            if let Err(cause) = delivered {
                log::failure("ledger.checkpoint", &cause);
            }
        }
        let signed = self.sign(command.organization, &head)?;
        if command.keep && head.sequence > 0 {
            // D1 was waited for since: nothing is kept for an actor that was revoked meanwhile.
            self.acting(actor)?;
            journal::push(
                &self.db,
                &[Effect::KeepCheckpoint {
                    organization: command.organization,
                    sequence: head.sequence,
                    at: now(),
                    signed: signed.clone(),
                }],
            )?;
            self.set_alarm(ALARM_MS).await?;
            self.deliver_soon("ledger.checkpoint").await;
        }
        Ok(signed)
    }

    fn sign(&self, organization: OrganizationId, head: &Head) -> Result<Signed> {
        let config = config(&self.env).map_err(|problems| problems.join("; "))?;
        let checkpoint = Checkpoint {
            organization_id: organization,
            sequence: u64::try_from(head.sequence).unwrap_or_default(),
            link: hex(&head.link),
            at: now(),
        };
        Ok(checkpoint.sign(&config.root_keys.audit)?)
    }
}
