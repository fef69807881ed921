//! Messages about a rebuild from D1.

use postern_domain::audit::verify::Row;
use postern_domain::id::Id;

use super::super::{Message, answer, command};
use super::opaque;
use crate::rebuild::{
    Numbered, RebuildAnswer, RebuildCause, RebuildCommand, RebuildCounts, RebuildPhase,
    RebuildProgress, RebuildRefusal, RebuildStep, RecordedToken, TokenPlace,
};
use crate::testing::{at, requester};

pub(super) fn all() -> Vec<Message> {
    let numbered = |sequence| Numbered {
        sequence,
        row: Row {
            content: "{}".to_owned(),
            previous: "00".to_owned(),
            link: "01".to_owned(),
            kid: "r1".to_owned(),
            mended: None,
        },
    };
    let place = TokenPlace {
        created_at: at(1_000),
        id: Id::from_u128(7),
    };
    let token = RecordedToken {
        facts: opaque(),
        description: Some("of the release".to_owned()),
        created_at: at(1_000),
        minted_by: Some(Id::from_u128(6)),
        revoked_at: Some(at(8_000)),
        quarantined_at: Some(at(7_000)),
        uses: 3,
        used_at: Some(at(2_000)),
    };
    let steps = [
        RebuildStep::Look,
        RebuildStep::Begin {
            last: Some(numbered(12)),
            at_head: Some(numbered(3)),
            dry_run: true,
            unknown_keys: Vec::new(),
        },
        RebuildStep::Begin {
            last: None,
            at_head: None,
            dry_run: true,
            unknown_keys: vec!["r0".to_owned()],
        },
        RebuildStep::Events {
            after: 3,
            rows: vec![numbered(4)],
        },
        RebuildStep::Tokens {
            after: Some(place),
            tokens: vec![token],
            is_last: false,
        },
        RebuildStep::Finish { last: 12 },
    ];
    let progress = |phase| RebuildProgress {
        cause: RebuildCause::Older,
        keeps_active: false,
        ledger_sequence: 3,
        undelivered: 1,
        target: 12,
        verified: 4,
        link: "01".to_owned(),
        phase,
        counts: RebuildCounts {
            active: 1,
            quarantined: 2,
            revoked: 3,
            expired: 4,
        },
        pause: None,
    };
    let refused = [
        RebuildRefusal::Agrees { sequence: 12 },
        RebuildRefusal::Ahead {
            ledger: 13,
            record: 12,
        },
        RebuildRefusal::NotGenuine {
            sequence: 4,
            problem: "its link".to_owned(),
        },
        RebuildRefusal::OtherChoice { keeps_active: true },
        RebuildRefusal::KeyMissing {
            kid: "r0".to_owned(),
        },
    ];
    let answers = [
        RebuildAnswer::Reach { sequence: 3 },
        RebuildAnswer::Progress(progress(RebuildPhase::Events)),
        RebuildAnswer::Progress(progress(RebuildPhase::Tokens(Some(place)))),
        RebuildAnswer::Finished(progress(RebuildPhase::Ready)),
        RebuildAnswer::None,
    ];
    let steps = steps.into_iter().map(|step| {
        command(&RebuildCommand {
            organization: Id::from_u128(1),
            keeps_active: false,
            step,
            requester: requester(),
        })
    });
    let refused = refused.into_iter().map(RebuildAnswer::Refused);
    steps
        .chain(
            answers
                .into_iter()
                .chain(refused)
                .map(|told| answer::<RebuildCommand>(&told)),
        )
        .collect()
}
