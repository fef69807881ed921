//! The check of a page of the audit log, as a list shows it (R35). A page proves nothing of what is
//! not on it: that takes an export and its checkpoint. But a row that was changed, planted or taken
//! out shows here at once.

use serde::Deserialize;

use super::checkpoint::{SignatureError, Signed};
use super::verify::{Problem, Row};
use super::{GENESIS, link, unhex};
use crate::id::OrganizationId;
use crate::keys::KeyRing;
use crate::secret::equal;

/// Something on a page that does not fit, and the number that D1 has it under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageFault {
    /// Of the row, or of the row behind a gap.
    pub sequence: u64,
    /// What is wrong with it.
    pub problem: Problem,
}

/// A row that is genuine, and where it says that it stands.
struct Genuine {
    sequence: u64,
    previous: [u8; 32],
    link: [u8; 32],
}

#[derive(Deserialize)]
struct Place {
    organization_id: OrganizationId,
    sequence: u64,
}

/// Checks rows, each with the number that D1 has it under, in any order. `whole`: the page leaves
/// nothing out by a filter, so that a number that is not there is missing.
pub fn check<'r>(
    rows: impl IntoIterator<Item = (u64, &'r Row)>,
    organization: OrganizationId,
    audit: &KeyRing,
    whole: bool,
) -> Vec<PageFault> {
    let mut faults = Vec::new();
    let mut genuine = Vec::new();
    for (sequence, row) in rows {
        match examine(sequence, row, organization, audit) {
            Ok(row) => genuine.push(row),
            Err(problem) => faults.push(PageFault { sequence, problem }),
        }
    }
    genuine.sort_by_key(|row| row.sequence);
    let mut before: Option<&Genuine> = None;
    for row in &genuine {
        let sequence = row.sequence;
        if let Some(problem) = before.and_then(|before| step(before, row, &faults, whole)) {
            faults.push(PageFault { sequence, problem });
        }
        before = Some(row);
    }
    faults.sort_by_key(|fault| core::cmp::Reverse(fault.sequence));
    faults
}

/// What is wrong between two genuine rows that stand next to each other on a page.
fn step(before: &Genuine, row: &Genuine, faults: &[PageFault], whole: bool) -> Option<Problem> {
    let (from, to) = (
        before.sequence.saturating_add(1),
        row.sequence.saturating_sub(1),
    );
    if from == row.sequence {
        let sequence = row.sequence;
        return (before.link != row.previous).then_some(Problem::Unlinked { sequence });
    }
    // Rows that are there, but not genuine, are told already.
    let known = faults
        .iter()
        .filter(|fault| (from..=to).contains(&fault.sequence));
    let missing = to.saturating_sub(from).saturating_add(1) > known.count() as u64;
    (whole && from <= to && missing).then_some(Problem::Missing { from, to })
}

fn examine(
    stored: u64,
    row: &Row,
    organization: OrganizationId,
    audit: &KeyRing,
) -> Result<Genuine, Problem> {
    let places = (
        serde_json::from_str::<Place>(&row.content),
        unhex(&row.previous),
        unhex(&row.link),
    );
    let (Ok(place), Some(previous), Some(claimed)) = places else {
        return Err(Problem::Unreadable);
    };
    let key = audit.find(&row.kid).ok_or_else(|| Problem::UnknownKey {
        kid: row.kid.clone(),
    })?;
    if !equal(&link(key, &previous, &row.content), &claimed) {
        return Err(Problem::Changed { sequence: stored });
    }
    let Place {
        organization_id,
        sequence,
    } = place;
    if organization_id != organization {
        return Err(Problem::Foreign {
            organization: organization_id,
        });
    }
    if sequence != stored {
        return Err(Problem::Renumbered { sequence, stored });
    }
    if sequence == 1 && previous != GENESIS {
        return Err(Problem::Genesis);
    }
    Ok(Genuine {
        sequence,
        previous,
        link: claimed,
    })
}

/// Checks a checkpoint that D1 has under a number.
pub fn check_signed(
    stored: u64,
    signed: &Signed,
    organization: OrganizationId,
    audit: &KeyRing,
) -> Option<PageFault> {
    let problem = match signed.open(audit) {
        Ok(opened) if opened.organization_id != organization => Problem::Foreign {
            organization: opened.organization_id,
        },
        Ok(opened) if opened.sequence != stored => Problem::Renumbered {
            sequence: opened.sequence,
            stored,
        },
        Ok(_) => return None,
        Err(SignatureError::UnknownKey) => Problem::UnknownKey {
            kid: signed.kid.clone(),
        },
        Err(SignatureError::Forged) => Problem::ForgedCheckpoint,
        Err(SignatureError::Malformed) => Problem::Unreadable,
    };
    Some(PageFault {
        sequence: stored,
        problem,
    })
}

/// The row that a Ledger makes of an event's content: behind the one with this link, which becomes
/// its own.
pub fn next_row(ring: &KeyRing, previous: &mut [u8; 32], content: String) -> Row {
    let key = ring.signing();
    let own = super::link(key, previous, &content);
    let before = core::mem::replace(previous, own);
    Row {
        content,
        previous: super::hex(&before),
        link: super::hex(&own),
        kid: key.kid().to_owned(),
        mended: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::checkpoint::Checkpoint;
    use crate::audit::hex;
    use crate::id::Id;
    use crate::keys::RootKeys;
    use crate::time::Timestamp;

    fn audit() -> KeyRing {
        let ring = KeyRing::parse("r1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").expect("a key");
        RootKeys::from_root(&ring).audit
    }

    fn organization() -> OrganizationId {
        Id::from_u128(1)
    }

    fn content(organization: OrganizationId, sequence: u64) -> String {
        format!(r#"{{"organization_id":"{organization}","sequence":{sequence}}}"#)
    }

    /// A genuine log of so many rows.
    fn log(organization: OrganizationId, count: u64) -> Vec<(u64, Row)> {
        let (ring, mut previous) = (audit(), GENESIS);
        let row = |sequence| {
            let content = content(organization, sequence);
            (sequence, next_row(&ring, &mut previous, content))
        };
        (1..=count).map(row).collect()
    }

    fn found(rows: &[(u64, Row)], whole: bool) -> Vec<(u64, Problem)> {
        let newest_first = rows.iter().rev().map(|(sequence, row)| (*sequence, row));
        check(newest_first, organization(), &audit(), whole)
            .into_iter()
            .map(|fault| (fault.sequence, fault.problem))
            .collect()
    }

    type Change = fn(&mut Vec<(u64, Row)>);

    #[test]
    fn r35_what_does_not_fit_on_a_page_is_told() {
        let rows: [(Change, &[(u64, Problem)]); 11] = [
            (|_| {}, &[]),
            (
                |rows| rows[2].1.content = rows[2].1.content.replace('}', " }"),
                &[(3, Problem::Changed { sequence: 3 })],
            ),
            (
                |rows| rows[2].1.content = "{}".to_owned(),
                &[(3, Problem::Unreadable)],
            ),
            (
                |rows| rows[2].1.link = "g".repeat(64),
                &[(3, Problem::Unreadable)],
            ),
            (
                |rows| drop(rows.remove(2)),
                &[(4, Problem::Missing { from: 3, to: 3 })],
            ),
            (
                |rows| rows[2].1.kid = "x".to_owned(),
                &[(
                    3,
                    Problem::UnknownKey {
                        kid: "x".to_owned(),
                    },
                )],
            ),
            // A genuine row of another organization, and one of its own under another number.
            (
                |rows| rows[2] = log(Id::from_u128(2), 3).remove(2),
                &[(
                    3,
                    Problem::Foreign {
                        organization: Id::from_u128(2),
                    },
                )],
            ),
            (
                |rows| rows[2].1 = rows[1].1.clone(),
                &[(
                    3,
                    Problem::Renumbered {
                        sequence: 2,
                        stored: 3,
                    },
                )],
            ),
            // One that was planted far ahead is no gap of a thousand rows.
            (
                |rows| {
                    let row = rows[4].1.clone();
                    rows.push((
                        1_000,
                        Row {
                            content: content(organization(), 1_000),
                            ..row
                        },
                    ));
                },
                &[(1_000, Problem::Changed { sequence: 1_000 })],
            ),
            // Somebody who has the key writes a row anew.
            (
                |rows| {
                    let ring = audit();
                    let row = &mut rows[2].1;
                    row.content = row.content.replace('}', ",\"x\":1}");
                    let previous = unhex(&row.previous).expect("hex");
                    row.link = hex(&link(ring.signing(), &previous, &row.content));
                },
                &[(4, Problem::Unlinked { sequence: 4 })],
            ),
            (
                |rows| {
                    let ring = audit();
                    let row = &mut rows[0].1;
                    row.previous = "11".repeat(32);
                    row.link = hex(&link(ring.signing(), &[0x11; 32], &row.content));
                },
                &[(1, Problem::Genesis)],
            ),
        ];
        for (change, expected) in rows {
            let mut page = log(organization(), 5);
            change(&mut page);
            assert_eq!(found(&page, true), expected);
        }
    }

    #[test]
    fn r35_a_filter_leaves_rows_out() {
        let mut page = log(organization(), 9);
        page.retain(|(sequence, _)| sequence % 3 == 0);
        assert_eq!(found(&page, false), []);
        let missing = |from, to| Problem::Missing { from, to };
        assert_eq!(found(&page, true), [(9, missing(7, 8)), (6, missing(4, 5))]);
    }

    #[test]
    fn r35_a_kept_checkpoint_is_checked() {
        let made = |organization, sequence| {
            let checkpoint = Checkpoint {
                organization_id: organization,
                sequence,
                link: hex(&GENESIS),
                at: Timestamp::from_millis(1),
            };
            checkpoint.sign(&audit()).expect("signs")
        };
        let found = |stored, signed: &Signed| {
            let fault = check_signed(stored, signed, organization(), &audit());
            fault.map(|fault| fault.problem)
        };
        assert_eq!(found(4, &made(organization(), 4)), None);
        let renumbered = Problem::Renumbered {
            sequence: 4,
            stored: 9,
        };
        assert_eq!(found(9, &made(organization(), 4)), Some(renumbered));
        let other = Id::from_u128(2);
        let foreign = Problem::Foreign {
            organization: other,
        };
        assert_eq!(found(4, &made(other, 4)), Some(foreign));
        let planted = Signed {
            mac: "00".repeat(32),
            ..made(organization(), 4)
        };
        assert_eq!(found(4, &planted), Some(Problem::ForgedCheckpoint));
    }
}
