//! Events of the audit log before they have their place in the chain (R35), and the command that
//! notes rows of the registry.

use postern_domain::audit::{Action, Event, Requester, Text};
use postern_domain::id::{Id, OrganizationId, Token, TokenId};
use postern_domain::time::Timestamp;

use super::{Acting, Ledger};
use crate::NoteCommand;
use crate::done::{Carried, Done, Never, Outcome};
use crate::sql::Sql;
use crate::store::Subject;

/// The requester of what the Ledger does unasked (R21).
pub fn ledger_itself(tier: &str) -> Requester {
    Requester {
        actor: "ledger".to_owned(),
        tier: tier.to_owned(),
        address: None,
        user_agent: None,
        request_id: Id::<Token>::from_u128(0).to_string(),
    }
}

/// An event about a token.
pub fn about_token(
    token: &Subject,
    at: Timestamp,
    action: Action,
    replaces: Option<TokenId>,
    requester: &Requester,
) -> Event {
    Event {
        token_id: Some(token.id),
        token_prefix: Some(Text::new(&token.display_prefix())),
        replaces,
        ..about_none(token.organization(), at, action, requester)
    }
}

/// An event about no token in particular.
pub fn about_none(
    organization: OrganizationId,
    at: Timestamp,
    action: Action,
    requester: &Requester,
) -> Event {
    Event {
        organization_id: organization,
        // The step of the journal counts.
        sequence: 0,
        at,
        action,
        token_id: None,
        token_prefix: None,
        requester: requester.noted(),
        replaces: None,
        target: None,
        outcome: None,
        count: None,
        changes: None,
    }
}

impl Carried for NoteCommand {
    type Suspended = Never;

    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        ledger.prepare_write(acting, now)?;
        let event = Event {
            target: self.target.as_deref().map(Text::new),
            ..about_none(self.organization, now, self.action, &self.requester)
        };
        // No answer waits for the row: the alarm carries it, or the next command that waits for D1.
        ledger.step(now, |step| step.event(event))?;
        Ok(Done::Answer(()))
    }
}
