//! A Ledger rebuilt from D1, step by step. From the first step to the last nobody is admitted, no
//! lease is granted and no other command is carried out, whatever process is asked.
//!
//! INVARIANT (a rebuild only narrows): a Ledger that agrees with D1, or knows more, is left alone;
//! what is left of another is kept, tombstones above all.

mod compare;
mod lacks;
mod log;
mod tokens;

use postern_domain::audit::{Action, Changes, Event, GENESIS, NotedChanges, hex, unhex};
use postern_domain::id::OrganizationId;
use postern_domain::time::Timestamp;

use super::events::about_none;
use super::reservations::Reservations;
use super::{Acting, Ledger};
use crate::RecordChange;
use crate::done::{Carried, Done, Never, Outcome};
use crate::lease::LONGEST_LEASE_MS;
use crate::rebuild::{
    Numbered, RebuildAnswer, RebuildCause, RebuildCommand, RebuildCounts, RebuildPhase,
    RebuildProgress, RebuildRefusal, RebuildStep,
};
use crate::sql::{Result, Sql};

/// The member of the event's changes that says what became of active tokens.
const KEEPS: &str = "keeps_active";

impl Carried for RebuildCommand {
    type Suspended = Never;

    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        let organization = self.organization;
        let exists = ledger.store.exists()?;
        let running = match exists {
            true => ledger.store.rebuild()?,
            false => None,
        };
        if let RebuildStep::Look = self.step {
            let sequence = match exists {
                true => ledger.store.head()?.sequence,
                false => 0,
            };
            let sequence = u64::try_from(sequence).unwrap_or_default();
            return Ok(Done::Answer(RebuildAnswer::Reach { sequence }));
        }
        if let Some(keeps_active) = running.as_ref().map(|running| running.keeps_active)
            && keeps_active != self.keeps_active
        {
            let refusal = RebuildRefusal::OtherChoice { keeps_active };
            return Ok(Done::Answer(RebuildAnswer::Refused(refusal)));
        }
        let answer = match (&self.step, running) {
            (RebuildStep::Begin { .. }, running) => {
                return ledger.open_rebuild(&self, running, acting, now);
            }
            (RebuildStep::Events { after, rows }, Some(progress)) => {
                // The one before may have been given up.
                ledger.take_name(acting.name())?;
                ledger.take_events(organization, progress, *after, rows)?
            }
            (RebuildStep::Tokens { .. }, Some(progress)) => {
                let progress = ledger.take_tokens(&self, progress, now)?;
                RebuildAnswer::Progress(progress)
            }
            (RebuildStep::Finish { last }, Some(progress)) => {
                if progress.phase != RebuildPhase::Ready || progress.verified != *last {
                    return Ok(Done::Answer(RebuildAnswer::Progress(progress)));
                }
                let event = Event {
                    changes: Some(changes(&progress)),
                    ..about_none(organization, now, Action::LedgerRebuild, &self.requester)
                };
                ledger.end_rebuild(&progress, event, now)?;
                let version = ledger.store.head()?.version;
                return ledger.when_final(version, RebuildAnswer::Finished(progress));
            }
            (RebuildStep::Look, _) | (_, None) => RebuildAnswer::None,
        };
        Ok(Done::Answer(answer))
    }
}

/// What the event of a rebuild says.
fn changes(progress: &RebuildProgress) -> NotedChanges {
    let counts = &progress.counts;
    let mut changes = Changes::new();
    let mut add = |name: &str, value: serde_json::Value| changes.insert(name.to_owned(), value);
    add("cause", progress.cause.word().into());
    add(KEEPS, progress.keeps_active.into());
    add("last_sequence", progress.verified.into());
    add("ledger_sequence", progress.ledger_sequence.into());
    add("undelivered", progress.undelivered.into());
    add("active", counts.active.into());
    add("quarantined", counts.quarantined.into());
    add("revoked", counts.revoked.into());
    add("expired", counts.expired.into());
    NotedChanges::new(&changes)
}

impl<S: Sql> Ledger<S> {
    /// Whether a rebuild is under way.
    pub(super) fn is_rebuilding(&mut self) -> Result<bool> {
        if let Some(is_rebuilding) = self.rebuilding {
            return Ok(is_rebuilding);
        }
        if !self.store.exists()? {
            return Ok(false);
        }
        let is_rebuilding = self.store.rebuild()?.is_some();
        self.rebuilding = Some(is_rebuilding);
        Ok(is_rebuilding)
    }

    /// Begins a rebuild, or goes on with one. The answer waits until no isolate believes in anything
    /// that was before.
    fn open_rebuild(
        &mut self,
        command: &RebuildCommand,
        running: Option<RebuildProgress>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<RebuildCommand> {
        let RebuildStep::Begin {
            last,
            at_head,
            dry_run,
            unknown_keys,
        } = &command.step
        else {
            return Ok(Done::Answer(RebuildAnswer::None));
        };
        let is_open = running.is_none();
        let found = match running {
            Some(progress) => self.go_on(command.organization, progress, last.as_ref())?,
            None => {
                let told = (last.as_ref(), at_head.as_ref());
                match self.compare(command.organization, told)? {
                    Err(refusal) => Err(refusal),
                    Ok(cause) => {
                        let target = last.as_ref().map_or(0, |last| last.sequence);
                        Ok(self.plan(cause, command.keeps_active, target)?)
                    }
                }
            }
        };
        // Before it closes: it would read as far as the first of those events, and stay closed.
        let is_missing = |kid: &&String| self.settings.audit.find(kid).is_none();
        let found = match (found, unknown_keys.iter().find(is_missing)) {
            (Ok(_), Some(kid)) => Err(RebuildRefusal::KeyMissing { kid: kid.clone() }),
            (found, _) => found,
        };
        match found {
            Err(refusal) => Ok(Done::Answer(RebuildAnswer::Refused(refusal))),
            Ok(progress) if *dry_run => Ok(Done::Answer(RebuildAnswer::Progress(progress))),
            Ok(progress) => {
                if is_open {
                    self.close(acting, &progress, now)?;
                }
                if progress.phase == RebuildPhase::Events {
                    self.store.forget_recorded()?;
                }
                self.store.set_rebuild(&progress)?;
                let version = self.store.head()?.version;
                self.when_final(version, RebuildAnswer::Progress(progress))
            }
        }
    }

    /// A rebuild before its first step.
    fn plan(
        &mut self,
        cause: RebuildCause,
        keeps_active: bool,
        target: u64,
    ) -> Result<RebuildProgress> {
        let (ledger_sequence, undelivered) = match self.store.exists()? {
            true => (self.store.head()?.sequence, self.store.waiting()?),
            false => (0, 0),
        };
        Ok(RebuildProgress {
            cause,
            keeps_active,
            ledger_sequence: u64::try_from(ledger_sequence).unwrap_or_default(),
            undelivered,
            target,
            verified: 0,
            link: hex(&GENESIS),
            phase: RebuildPhase::Events,
            counts: RebuildCounts::default(),
            pause: None,
        })
    }

    /// Closes the Ledger: from here on it is being rebuilt.
    fn close(&mut self, acting: Acting, progress: &RebuildProgress, now: Timestamp) -> Result<()> {
        // Whoever waits for a token that is being created finds it taken back.
        self.awaited.clear();
        self.recovered = false;
        self.prepare_write(acting, now)?;
        self.store.set_rebuild(progress)?;
        self.rebuilding = Some(true);
        drop(self.tallies.take());
        self.reservations = Reservations::default();
        self.store.forget_history()?;
        self.store.forget_log()?;
        // What is sent to the origin may have been replaced since, or cleared.
        self.step(now, |step| {
            let version = step.version()?;
            step.store.forget_trust_rules()?;
            step.store.forget_upstreams(version)
        })?;
        // Leases of the Ledger that was lost may be out, and nobody has counted them.
        self.store.set_longest_lease(LONGEST_LEASE_MS)?;
        self.leases.lose();
        Ok(())
    }

    /// Where a rebuild goes on, with D1 as it is now.
    fn go_on(
        &mut self,
        organization: OrganizationId,
        progress: RebuildProgress,
        last: Option<&Numbered>,
    ) -> Result<core::result::Result<RebuildProgress, RebuildRefusal>> {
        let Some(last) = last else {
            return Ok(Err(RebuildRefusal::NothingRecorded));
        };
        if let Err(refusal) = self.genuine(organization, core::slice::from_ref(last)) {
            return Ok(Err(refusal));
        }
        let target = last.sequence;
        if target == progress.verified && last.row.link == progress.link {
            return Ok(Ok(progress));
        }
        Ok(Ok(match target > progress.verified {
            // More has come: an event that was on its way, or what was not read yet.
            true => RebuildProgress {
                target,
                phase: RebuildPhase::Events,
                counts: RebuildCounts::default(),
                ..progress
            },
            // D1 was put back meanwhile.
            false => anew(progress, target),
        }))
    }

    /// The Ledger is usable again. Its log goes on where D1's ends.
    fn end_rebuild(
        &mut self,
        progress: &RebuildProgress,
        event: Event,
        now: Timestamp,
    ) -> Result<()> {
        let sequence = i64::try_from(progress.verified).unwrap_or(i64::MAX);
        self.store
            .adopt_chain(sequence, unhex(&progress.link).unwrap_or(GENESIS))?;
        // What is left of this Ledger may be paused where D1's log has resumed it: then it stays so, and
        // whoever may resume does it again.
        let pause = self.store.pause()?.0.or_else(|| progress.pause.clone());
        self.is_paused = None;
        self.step(now, |step| {
            let version = step.version()?;
            let Some(pause) = pause else {
                return step.event(event);
            };
            step.store.set_pause(&pause, version)?;
            let change = RecordChange::SetPause {
                organization: event.organization_id,
                sequence: step.next_sequence(),
                pause: Some(pause),
            };
            step.change_with_event(change, event)
        })?;
        self.write_lacking(now)?;
        // After all else: what fails before this leaves the Ledger closed.
        self.store.end_rebuild()?;
        self.rebuilding = Some(false);
        Ok(())
    }
}

/// The same rebuild from its beginning. What it has revoked and quarantined stays so, and what the
/// log has said of tokens is said again.
fn anew(progress: RebuildProgress, target: u64) -> RebuildProgress {
    RebuildProgress {
        target,
        verified: 0,
        link: hex(&GENESIS),
        phase: RebuildPhase::Events,
        counts: RebuildCounts::default(),
        pause: None,
        ..progress
    }
}
