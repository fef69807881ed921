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
            let query = KeptQuery {
                after: record.saturating_sub(1),
                up_to: record,
            };
            let kept = self.store.kept_events(query)?;
            let differs = kept.iter().any(|(_, row)| row.link != last.row.link);
            return Ok(match differs {
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

    /// Whether events of D1 are this organization's own, each under its number and behind the one
    /// before it.
    pub(super) fn genuine(
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
