//! Messages about the tree over the audit log.

use postern_domain::audit::verify::Row;
use postern_domain::id::Id;

use super::super::{Message, answer, command};
use crate::rebuild::Numbered;
use crate::{TreeAnswer, TreeCommand, TreeStep};

pub(super) fn all() -> Vec<Message> {
    let row = Numbered {
        sequence: 4,
        row: Row {
            content: "{}".to_owned(),
            previous: "00".to_owned(),
            link: "01".to_owned(),
            kid: "r1".to_owned(),
            mended: None,
        },
    };
    let steps = [
        TreeStep::Grow { rows: vec![row] },
        TreeStep::Sign,
        TreeStep::Consistency { from: 3, to: 12 },
        TreeStep::Inclusion { index: 3, size: 12 },
    ];
    let answers = [
        TreeAnswer::Level { size: 12 },
        TreeAnswer::Behind { size: 3, log: 12 },
        TreeAnswer::NotGenuine {
            sequence: 4,
            problem: "its link".to_owned(),
        },
        TreeAnswer::Signed {
            size: 12,
            note: "gateway.example/audit/o\n12\nAA==\n\n".to_owned(),
        },
        TreeAnswer::NoKeys,
        TreeAnswer::Forked { size: 3 },
        TreeAnswer::Proof {
            hashes: vec!["AA==".to_owned()],
        },
        TreeAnswer::OutOfRange { size: 12 },
    ];
    let steps = steps.map(|step| {
        command(&TreeCommand {
            organization: Id::from_u128(1),
            step,
        })
    });
    let answers = answers.iter().map(answer::<TreeCommand>);
    steps.into_iter().chain(answers).collect()
}
