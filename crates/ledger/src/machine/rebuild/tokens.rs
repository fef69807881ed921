//! D1's tokens as a rebuild takes them in: each gets the narrowest standing that D1's log, D1's row
//! and what is left of the Ledger allow.

use postern_domain::edit::narrower;
use postern_domain::id::TokenId;
use postern_domain::standing::State;
use postern_domain::time::Timestamp;

use super::Ledger;
use super::lacks::lack;
use crate::RecordChange;
use crate::rebuild::{
    Logged, REBUILD_TOKENS, RebuildCommand, RebuildPhase, RebuildProgress, RebuildStep,
    RecordedToken, Verdict, verdict,
};
use crate::sql::{Result, Sql, SqlError};
use crate::store::Normalize;
use crate::store::journal::Step;

impl<S: Sql> Ledger<S> {
    /// Takes in tokens of D1. What the Ledger has, and D1 has not, is ended or quarantined after the
    /// last, so many in a step.
    pub(super) fn take_tokens(
        &mut self,
        command: &RebuildCommand,
        mut progress: RebuildProgress,
        now: Timestamp,
    ) -> Result<RebuildProgress> {
        let RebuildStep::Tokens {
            after,
            tokens: recorded,
            is_last,
        } = &command.step
        else {
            return Ok(progress);
        };
        let (organization, after, is_last) = (command.organization, *after, *is_last);
        if progress.phase != RebuildPhase::Tokens(after) {
            return Ok(progress);
        }
        let last = recorded.last().map(RecordedToken::place);
        if last.is_none() && !is_last {
            return Ok(progress);
        }
        let sequence = i64::try_from(progress.verified).unwrap_or(i64::MAX);
        let normalize = self.settings.normalize;
        let keeps = progress.keeps_active;
        let mut counts = progress.counts;
        let mut is_over = false;
        self.step(now, |step| {
            let mut quarantined = Vec::new();
            for token in recorded {
                let logged = step.store.logged(token.facts.id)?;
                step.store.log_recorded(token.facts.id)?;
                step.store.insert_recorded(token, &logged, normalize)?;
                edited(step, token, sequence, normalize)?;
                let found = settle(step, token, &logged, keeps, now)?;
                if let Some(lack) = lack(found, &logged, Some(token), keeps) {
                    step.store.log_lacks(token.facts.id, lack)?;
                }
                match found {
                    Verdict::Revoked(_) => counts.revoked += 1,
                    Verdict::Expired => counts.expired += 1,
                    Verdict::Active => counts.active += 1,
                    Verdict::Quarantined(_) => {
                        counts.quarantined += 1;
                        if token.quarantined_at.is_none() {
                            quarantined.push(token.facts.id);
                        }
                    }
                }
            }
            if is_last {
                let unrecorded = step.store.unrecorded(REBUILD_TOKENS)?;
                for id in &unrecorded {
                    settle_unrecorded(step, *id, keeps, now)?;
                }
                is_over = unrecorded.len() < REBUILD_TOKENS as usize;
            }
            if !quarantined.is_empty() {
                step.change(RecordChange::QuarantineTokens {
                    organization,
                    tokens: quarantined,
                    at: now,
                    sequence,
                });
            }
            Ok(())
        })?;
        progress.counts = counts;
        progress.phase = match is_over {
            true => RebuildPhase::Ready,
            // Where D1 has no more, the next page is empty, and the rest of the others comes.
            false => RebuildPhase::Tokens(last.or(after)),
        };
        self.store.set_rebuild(&progress)?;
        Ok(progress)
    }
}

/// Sets a token's standing to the narrower of what the Ledger has of it and the verdict, and tells
/// which that is. D1 hears of an end that it does not have.
fn settle<S: Sql>(
    step: &mut Step<'_, S>,
    token: &RecordedToken,
    logged: &Logged,
    keeps_active: bool,
    now: Timestamp,
) -> Result<Verdict> {
    let id = token.facts.id;
    let Some(standing) = step.store.standing(id)? else {
        return Err(SqlError(format!("`{id}` was stored, and is not there")));
    };
    let verdict = verdict(token, logged, &standing, keeps_active, now);
    let own = standing.revoked_at;
    let ended = match (standing.state, verdict) {
        (State::Revoked, _) => Some(own.unwrap_or(now)),
        // Whoever made it has never had it from this Ledger.
        (State::Pending, _) => Some(now),
        (State::Live, Verdict::Revoked(at)) => Some(own.map_or(at, |own| own.min(at))),
        (State::Live, _) => own.filter(|own| *own <= now),
    };
    let (found, end) = match ended {
        Some(at) => {
            if standing.state != State::Revoked {
                let version = step.version()?;
                step.store.revoke(id, at, version)?;
            }
            (Verdict::Revoked(at), Some(at))
        }
        None => {
            // Being rotated out, by either: the earlier end stands.
            let end = match (own, token.revoked_at) {
                (Some(own), Some(recorded)) => Some(own.min(recorded)),
                (own, recorded) => own.or(recorded),
            };
            if let Some(at) = end.filter(|_| end != own) {
                let version = step.version()?;
                step.store.retire(id, at, version)?;
            }
            let found = hold(step, id, standing.quarantined, verdict, now)?;
            (found, end)
        }
    };
    if let Some(at) = end
        && token.revoked_at.is_none_or(|recorded| recorded > at)
    {
        step.change(RecordChange::RevokeToken {
            organization: token.facts.organization.id,
            token: id,
            at,
            by: "ledger".to_owned(),
        });
    }
    Ok(found)
}

/// What the edits of both have left of a token that has not ended: of each limit the narrower (R53). D1
/// hears of it where its row is another. The description is D1's.
fn edited<S: Sql>(
    step: &mut Step<'_, S>,
    token: &RecordedToken,
    sequence: i64,
    normalize: Normalize,
) -> Result<()> {
    let id = token.facts.id;
    let standing = step.store.standing(id)?;
    let Some(own) = step.store.editable(id)? else {
        return Ok(());
    };
    if standing.is_none_or(|standing| standing.state == State::Revoked) {
        return Ok(());
    }
    if own.description != token.description {
        step.store.describe(id, token.description.as_deref())?;
    }
    let facts = narrower(&own.facts, &token.facts);
    if facts != own.facts {
        let version = step.version()?;
        step.store.edit(&facts, version, normalize)?;
    }
    if facts.revision != token.facts.revision {
        step.change(RecordChange::EditToken {
            facts: Box::new(facts),
            description: token.description.clone(),
            sequence,
        });
    }
    Ok(())
}

/// Ends a token of which D1 has no row, where its log says so, and quarantines any other.
fn settle_unrecorded<S: Sql>(
    step: &mut Step<'_, S>,
    id: TokenId,
    keeps_active: bool,
    now: Timestamp,
) -> Result<()> {
    let logged = step.store.logged(id)?;
    if logged.ended {
        let version = step.version()?;
        return step.store.revoke(id, now, version);
    }
    step.store.log_unrecorded(id)?;
    let is_held = step.store.quarantined_at(id)?.is_some();
    let found = hold(step, id, is_held, Verdict::Quarantined(now), now)?;
    match lack(found, &logged, None, keeps_active) {
        Some(lack) => step.store.log_lacks(id, lack),
        None => Ok(()),
    }
}

/// Quarantines a token where the verdict says so; one that the Ledger has quarantined stays so.
fn hold<S: Sql>(
    step: &mut Step<'_, S>,
    id: TokenId,
    is_held: bool,
    verdict: Verdict,
    now: Timestamp,
) -> Result<Verdict> {
    match (is_held, verdict) {
        (true, _) => {
            let since = step.store.quarantined_at(id)?;
            Ok(Verdict::Quarantined(since.unwrap_or(now)))
        }
        (false, Verdict::Quarantined(since)) => {
            let version = step.version()?;
            step.store.quarantine(id, Some(since), version)?;
            Ok(verdict)
        }
        (false, _) => Ok(verdict),
    }
}
