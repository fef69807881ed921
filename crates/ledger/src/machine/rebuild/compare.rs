//! Whether a Ledger is to be rebuilt at all: its log against the end of D1's.

use postern_domain::audit::{hex, links};
use postern_domain::id::OrganizationId;

use super::Ledger;
use crate::KeptQuery;
use crate::rebuild::{Numbered, RebuildCause, RebuildRefusal};
use crate::sql::{Result, Sql};

impl<S: Sql> Ledger<S> {
    /// Compares the Ledger's log with D1's end of it: why it is to be rebuilt, or why not.
    pub(super) fn compare(
        &mut self,
        organization: OrganizationId,
        (last, at_head): (Option<&Numbered>, Option<&Numbered>),
    ) -> Result<core::result::Result<RebuildCause, RebuildRefusal>> {
        let Some(last) = last else {
            let own = match self.store.exists()? {
                true => self.store.head()?.sequence,
                false => 0,
            };
            return Ok(Err(match u64::try_from(own).unwrap_or_default() {
                0 => RebuildRefusal::NothingRecorded,
                // Its first events are on their way.
                ledger => RebuildRefusal::Ahead { ledger, record: 0 },
            }));
        };
        for told in at_head.into_iter().chain([last]) {
            if let Err(refusal) = self.genuine(organization, core::slice::from_ref(told)) {
                return Ok(Err(refusal));
            }
        }
        if !self.store.exists()? {
            return Ok(Ok(RebuildCause::Lost));
        }
        let head = self.store.head()?;
        let (ledger, record) = (
            u64::try_from(head.sequence).unwrap_or_default(),
            last.sequence,
        );
        if ledger == 0 {
            return Ok(Ok(RebuildCause::Lost));
        }
        if record < ledger {
            return Ok(match self.differs(last)? {
                true => Ok(RebuildCause::OtherHistory),
                false => Err(RebuildRefusal::Ahead { ledger, record }),
            });
        }
        let own = hex(&head.link);
        let theirs = match record == ledger {
            true => Some(last),
            false => at_head.filter(|told| told.sequence == ledger),
        };
        let Some(theirs) = theirs else {
            return Ok(Err(RebuildRefusal::NotGenuine {
                sequence: ledger,
                problem: format!("row {ledger} is missing"),
            }));
        };
        Ok(match (theirs.row.link == own, record == ledger) {
            (true, true) => Err(RebuildRefusal::Agrees { sequence: ledger }),
            (true, false) => Ok(RebuildCause::Older),
            (false, _) => Ok(RebuildCause::OtherHistory),
        })
    }

    /// Whether D1's last event is another than the Ledger has had under its number, as far as the
    /// Ledger can tell: by its copy, or else by the oldest events that D1 has not shown.
    fn differs(&self, last: &Numbered) -> Result<bool> {
        let query = KeptQuery {
            after: last.sequence.saturating_sub(1),
            up_to: last.sequence,
        };
        if let Some((_, row)) = self.store.kept_events(query)?.first() {
            return Ok(row.link != last.row.link);
        }
        let waiting = self.store.oldest_events()?;
        let Some(oldest) = waiting.first().map(|row| row.event.sequence) else {
            return Ok(false);
        };
        let next = last.sequence.saturating_add(1);
        let own = waiting.iter().find_map(|row| match row.event.sequence {
            // D1 has it, and the Ledger has not heard of that yet.
            sequence if sequence == last.sequence => Some(&row.link.mac),
            sequence if sequence == next => Some(&row.previous),
            _ => None,
        });
        Ok(match own {
            Some(own) => *own != last.row.link,
            // D1 has an event under each of their numbers, and is never more than a batch ahead of
            // what the Ledger has heard.
            None => oldest <= last.sequence,
        })
    }

    /// Whether events of D1 are this organization's own, each under its number and behind the one
    /// before it.
    pub(in crate::machine) fn genuine(
        &self,
        organization: OrganizationId,
        rows: &[Numbered],
    ) -> core::result::Result<(), RebuildRefusal> {
        let numbered = rows.iter().map(|told| (told.sequence, &told.row));
        let mut faults = links::check(numbered, organization, &self.settings.audit, true);
        match faults.pop() {
            None => Ok(()),
            Some(fault) => Err(RebuildRefusal::NotGenuine {
                sequence: fault.sequence,
                problem: fault.problem.to_string(),
            }),
        }
    }
}
