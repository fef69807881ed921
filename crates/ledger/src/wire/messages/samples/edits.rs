//! Edits, and tokens with conditions (R53).

use postern_domain::conditions::{AddressRange, Conditions};
use postern_domain::edit::{TokenEdit, Widens};
use postern_domain::id::Id;
use postern_domain::name::TokenName;
use postern_domain::token::TokenFacts;

use super::super::{Message, answer, command, message};
use super::{jwt, opaque};
use crate::testing::{at, mint, requester, rotate};
use crate::{
    Admission, EditAnswer, EditCommand, GivenCalls, MintCommand, RecordChange, RotateCommand,
};

fn ranges() -> Vec<AddressRange> {
    vec![AddressRange::parse("10.0.0.0/8").expect("a range")]
}

/// A token with conditions, after an edit.
fn edited() -> TokenFacts {
    let conditions = Conditions::new(ranges(), Some(60)).expect("good conditions");
    TokenFacts {
        conditions: conditions.map(Box::new),
        revision: 2,
        ..jwt()
    }
}

pub fn all() -> Vec<Message> {
    let all = EditCommand {
        token: Id::from_u128(7),
        edit: TokenEdit {
            name: Some(TokenName::parse("ci").expect("a name")),
            expires_at: Some(at(9_000)),
            policies: Some(opaque().policies),
            address_ranges: Some(ranges()),
            calls_per_minute: Some(60),
        },
        description: Some("of the release".to_owned()),
        requester: requester(),
    };
    let nothing = EditCommand {
        edit: TokenEdit::default(),
        description: None,
        ..all.clone()
    };
    let done = EditAnswer::Edited {
        facts: Box::new(edited()),
        description: Some("of the release".to_owned()),
    };
    let admission = Admission {
        facts: Some(edited()),
        calls: Some(GivenCalls {
            granted: 0,
            wait_seconds: 7,
        }),
        ..Admission::LIVE
    };
    let change = RecordChange::EditToken {
        facts: Box::new(edited()),
        description: None,
        sequence: 9,
    };
    let narrow = MintCommand {
        facts: edited(),
        ..mint(7, "ci", 1_000)
    };
    let succeeds = RotateCommand {
        old_revision: 2,
        ..rotate(6, mint(7, "ci", 1_000), 2_000)
    };
    vec![
        command(&narrow),
        command(&succeeds),
        command(&all),
        command(&nothing),
        answer::<EditCommand>(&done),
        answer::<EditCommand>(&EditAnswer::Widens {
            what: Widens::AddressRanges,
        }),
        answer::<EditCommand>(&EditAnswer::NameTaken),
        answer::<EditCommand>(&EditAnswer::NotLive),
        answer::<EditCommand>(&EditAnswer::Unknown),
        message("admit =", &admission),
        message("outbox", &change),
    ]
}
