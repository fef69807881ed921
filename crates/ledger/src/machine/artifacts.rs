//! The event of an artifact credential (R46). It is written in the turn that sees its token active,
//! so that none is handed out after a revoke, or without a trace.

use postern_domain::audit::{Action, Changes, Event, NotedChanges, Text};
use postern_domain::standing::Inactive;
use postern_domain::time::Timestamp;

use super::events::about_token;
use super::{Acting, Ledger};
use crate::ArtifactCommand;
use crate::done::{Carried, Done, Never, Outcome};
use crate::sql::Sql;

impl Carried for ArtifactCommand {
    type Suspended = Never;

    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        // Only a token's call has a credential handed out, and it is the token that was looked at.
        if acting.actor().token() != Some(self.token) {
            return Err(Inactive::Unknown.into());
        }
        ledger.prepare_write(acting, now)?;
        let Some(stored) = ledger.store.token(self.token)? else {
            return Err(Inactive::Unknown.into());
        };
        let mut changes = Changes::new();
        changes.insert("call".to_owned(), self.call.into());
        if let Some(role) = self.role {
            changes.insert("role".to_owned(), role.into());
        }
        let action = Action::ArtifactCredentialIssue;
        let event = Event {
            target: self.target.as_deref().map(Text::new),
            changes: Some(NotedChanges::new(&changes)),
            ..about_token(&(&stored.facts).into(), now, action, None, &self.requester)
        };
        // It is in the Ledger when this answers; D1 follows by the alarm.
        ledger.step(now, |step| step.event(event))?;
        Ok(Done::Answer(()))
    }
}
