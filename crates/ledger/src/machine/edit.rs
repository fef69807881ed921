//! Edit: a token is renamed, described anew, or made narrower, in one step (R53). Whatever limits it is
//! compared with what is stored in that step. As a revoke, it is final when it answers: it takes a version,
//! and no isolate goes by the facts from before once it has answered.

use postern_domain::audit::{Action, Changes, Event, NotedChanges};
use postern_domain::edit::TokenEdit;
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use serde_json::Value;

use super::events::about_token;
use super::told::{self, put};
use super::{Acting, Ledger};
use crate::done::{Carried, Done, Never, Outcome};
use crate::sql::Sql;
use crate::{EditAnswer, EditCommand, RecordChange};

impl Carried for EditCommand {
    type Suspended = Never;

    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        if !ledger.store.exists()? {
            return Ok(Done::Answer(EditAnswer::Unknown));
        }
        ledger.prepare_write(acting, now)?;
        let standing = ledger.store.standing(self.token)?;
        let stored = ledger.store.editable(self.token)?;
        let (Some(standing), Some(stored)) = (standing, stored) else {
            return Ok(Done::Answer(EditAnswer::Unknown));
        };
        // One in quarantine may be released; one that is pending is on its way to D1 as it is.
        if !standing.editable(now) {
            return Ok(Done::Answer(EditAnswer::NotLive));
        }
        let own = stored.facts;
        let edited = match self.edit.of(&own) {
            Ok(edited) => edited,
            Err(what) => return Ok(Done::Answer(EditAnswer::Widens { what })),
        };
        let given = self.description.as_deref();
        let description = match given {
            Some(given) => Some(given.to_owned()).filter(|text| !text.is_empty()),
            None => stored.description.clone(),
        };
        let is_described = description != stored.description;
        let facts = edited.clone().unwrap_or_else(|| own.clone());
        let normalize = ledger.settings.normalize;
        if facts.name != own.name
            && ledger
                .store
                .name_taken(&facts, Some(facts.id), now, normalize)?
        {
            return Ok(Done::Answer(EditAnswer::NameTaken));
        }
        let answer = EditAnswer::Edited {
            facts: Box::new(facts.clone()),
            description: description.clone(),
        };
        if edited.is_some() || is_described {
            let described = Described {
                is_named: given.is_some(),
                now: description.as_deref().unwrap_or_default(),
                before: stored.description.as_deref().unwrap_or_default(),
            };
            let changes = changes(&self.edit, (&own, &facts), described);
            let event = Event {
                changes: Some(NotedChanges::new(&changes)),
                ..about_token(
                    &(&facts).into(),
                    now,
                    Action::TokenEdit,
                    None,
                    &self.requester,
                )
            };
            ledger.step(now, |step| {
                if edited.is_some() {
                    let version = step.version()?;
                    step.store.edit(&facts, version, normalize)?;
                }
                if is_described {
                    step.store.describe(facts.id, description.as_deref())?;
                }
                let change = RecordChange::EditToken {
                    facts: Box::new(facts.clone()),
                    description,
                    sequence: step.next_sequence(),
                };
                step.change_with_event(change, event)
            })?;
        }
        // An edit that changes nothing says of the token what an earlier one has made of it.
        let version = ledger.store.head()?.version;
        ledger.when_final(version, answer)
    }
}

/// What was asked for, for the event, and as `….before` what stood there where that was something else. Readers
/// of the log do not learn how a system token is named and described (R10).
fn changes(
    edit: &TokenEdit,
    (own, facts): (&TokenFacts, &TokenFacts),
    described: Described,
) -> Changes {
    let mut changes = Changes::new();
    let mut note = |name: &str, is_named: bool, now: Value, before: Value| {
        if !is_named {
            return;
        }
        if now != before {
            put(&mut changes, &format!("{name}.before"), &before);
        }
        put(&mut changes, name, &now);
    };
    note(
        "name",
        edit.name.is_some() && !own.is_system,
        facts.name.as_str().into(),
        own.name.as_str().into(),
    );
    note(
        "description",
        described.is_named && !own.is_system,
        described.now.into(),
        described.before.into(),
    );
    note(
        "expires_at",
        edit.expires_at.is_some(),
        told::end(facts.expires_at),
        told::end(own.expires_at),
    );
    note(
        "policies",
        edit.policies.is_some(),
        told::policies(&facts.policies),
        told::policies(&own.policies),
    );
    let (now, before) = (facts.conditions.as_deref(), own.conditions.as_deref());
    note(
        "address_ranges",
        edit.address_ranges.is_some(),
        told::ranges(now),
        told::ranges(before),
    );
    note(
        "calls_per_minute",
        edit.calls_per_minute.is_some(),
        told::calls(now),
        told::calls(before),
    );
    changes
}

/// A description, as an edit changes it.
struct Described<'a> {
    is_named: bool,
    now: &'a str,
    before: &'a str,
}
