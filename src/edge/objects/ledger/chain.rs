//! The Ledger's audit chain: each event bound to the one before (R35). Refuses gaps: an event and
//! the head that counts it are stored in the step that they record.

use worker::Result;

use super::Ledger;
use super::journal::Head;
use crate::app::ledger::{AuditRow, Effect};
use crate::domain::audit::{Action, Event, Link, Origin, hex, link};
use crate::domain::id::TokenId;
use crate::domain::time::Timestamp;
use crate::domain::token::TokenFacts;
use crate::edge::platform::config;

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
        let config = config(&self.env).map_err(|problems| problems.join("; "))?;
        let key = config.root_keys.audit.signing();
        head.sequence += 1;
        let event = Event {
            organization_id: facts.organization.id,
            sequence: u64::try_from(head.sequence).unwrap_or_default(),
            at,
            action,
            token_id: facts.id,
            token_prefix: facts.display_prefix(),
            origin: origin.clone(),
            replaces,
        };
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
}
