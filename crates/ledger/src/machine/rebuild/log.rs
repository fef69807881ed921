//! D1's log as a rebuild reads it: checked under the keys from its first event on, and asked what
//! became of each token.

use postern_domain::audit::verify::Row;
use postern_domain::audit::{Action, Changes, Text};
use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::organization::Pause;
use postern_domain::time::Timestamp;
use serde::Deserialize;

use super::{KEEPS, Ledger, anew};
use crate::rebuild::{Numbered, RebuildAnswer, RebuildPhase, RebuildProgress, RebuildRefusal};
use crate::sql::{Result, Sql};
use crate::store::rebuild::End;

/// What a rebuild reads of an event; actions of later releases are words too.
#[derive(Deserialize)]
struct Written {
    action: String,
    at: Timestamp,
    token_id: Option<TokenId>,
    replaces: Option<TokenId>,
    target: Option<String>,
    origin: From,
    changes: Option<Changes>,
}

/// Who asked for it, as far as it matters here.
#[derive(Deserialize)]
struct From {
    actor: String,
    address: Option<String>,
}

impl<S: Sql> Ledger<S> {
    /// Takes in events of D1, once they are found to follow on what was read before.
    pub(super) fn take_events(
        &mut self,
        organization: OrganizationId,
        mut progress: RebuildProgress,
        after: u64,
        rows: &[Numbered],
    ) -> Result<RebuildAnswer> {
        if progress.phase != RebuildPhase::Events || progress.verified != after {
            return Ok(RebuildAnswer::Progress(progress));
        }
        let next = after.saturating_add(1);
        let follows = rows
            .first()
            .is_some_and(|first| first.sequence == next && first.row.previous == progress.link);
        let found = match follows {
            true => self.genuine(organization, rows),
            false => Err(RebuildRefusal::NotGenuine {
                sequence: next,
                problem: format!("row {next} is missing, or does not follow on the row before it"),
            }),
        };
        let found = match found {
            Ok(()) => self.of_this_name(rows)?,
            refused => refused,
        };
        if let Err(refusal) = found {
            // Once D1 is mended, all of it is read again.
            let target = progress.target;
            let progress = anew(progress, target);
            self.store.set_rebuild(&progress)?;
            return Ok(RebuildAnswer::Refused(refusal));
        }
        for told in rows {
            self.note_event(&told.row, &mut progress.pause)?;
            progress.verified = told.sequence;
            progress.link.clone_from(&told.row.link);
        }
        if progress.verified >= progress.target {
            progress.phase = RebuildPhase::Tokens(None);
        }
        self.store.set_rebuild(&progress)?;
        Ok(RebuildAnswer::Progress(progress))
    }

    /// Whether the log is that of the organization by whose name the rebuild came: the event of its
    /// creation says which that is. A Ledger that was lost took its name from D1, in the rebuild or
    /// before it, and gives it up.
    fn of_this_name(
        &mut self,
        rows: &[Numbered],
    ) -> Result<core::result::Result<(), RebuildRefusal>> {
        let Some(own) = self.name()?.map(str::to_owned) else {
            return Ok(Ok(()));
        };
        let expected = Text::new(&format!("organization:{own}"));
        for told in rows {
            let event: Written = serde_json::from_str(&told.row.content)?;
            let is_creation = Action::parse(&event.action) == Some(Action::OrganizationCreate);
            let Some(target) = event.target.filter(|_| is_creation) else {
                continue;
            };
            if target != expected.as_str() {
                self.forget_name()?;
                return Ok(Err(RebuildRefusal::NotGenuine {
                    sequence: told.sequence,
                    problem: format!(
                        "the log is that of `{}`, and the call came by the name `{own}`",
                        target.escape_debug()
                    ),
                }));
            }
        }
        Ok(Ok(()))
    }

    /// Takes down what an event says of a token, or of a pause.
    fn note_event(&self, row: &Row, pause: &mut Option<Pause>) -> Result<()> {
        let event: Written = serde_json::from_str(&row.content)?;
        let store = &self.store;
        match (Action::parse(&event.action), event.token_id) {
            (Some(Action::LedgerRebuild), _) => {
                let keeps = event
                    .changes
                    .and_then(|changes| changes.get(KEEPS)?.as_bool());
                match keeps {
                    Some(true) => Ok(()),
                    _ => store.log_all_quarantined(),
                }
            }
            (Some(Action::OrganizationPause), _) => {
                let reason = event
                    .changes
                    .and_then(|changes| Some(changes.get("reason")?.as_str()?.to_owned()));
                *pause = Some(Pause {
                    at: event.at,
                    by: event.origin.actor,
                    reason,
                });
                Ok(())
            }
            (Some(Action::OrganizationResume), _) => {
                *pause = None;
                Ok(())
            }
            (Some(Action::TokenMint | Action::TokenRotate | Action::TokenAdopt), Some(token)) => {
                store.log_created(token, event.replaces, event.origin.address.as_deref())
            }
            (Some(Action::TokenMintAbandoned), Some(token)) => {
                store.log_ended(token, End::Abandoned)
            }
            (
                Some(Action::TokenRevoke | Action::TokenRevokeIdle | Action::TokenRevokeLeaked),
                Some(token),
            ) => store.log_ended(token, End::Revoked),
            (Some(Action::TokenQuarantine), Some(token)) => store.log_quarantined(token, true),
            (Some(Action::TokenRelease), Some(token)) => store.log_quarantined(token, false),
            _ => Ok(()),
        }
    }
}
