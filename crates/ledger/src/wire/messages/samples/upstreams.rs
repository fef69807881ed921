//! Messages about upstream credentials.

use postern_domain::id::Id;
use postern_domain::name::Label;
use postern_domain::upstream::{Digest, Reach};

use super::super::{Message, answer, command};
use crate::testing::{at, requester};
use crate::{
    ClearUpstreamAnswer, ClearUpstreamCommand, ListUpstreamsCommand, ReadUpstreamCommand,
    ReplacedUpstream, SetUpstreamAnswer, SetUpstreamCommand, UpstreamState,
};

pub(super) fn digest() -> Digest {
    Digest::stored("0123456789abcdef".to_owned())
}

fn label(text: &str) -> Label {
    Label::parse(text).expect("a label")
}

pub(super) fn all() -> Vec<Message> {
    let organization = Id::from_u128(1);
    let reach = || Reach::Workflow {
        project: label("shop"),
        workflow: label("release"),
    };
    let state = |replaced| UpstreamState {
        reach: reach(),
        digest: digest(),
        set_at: at(1_000),
        set_by: "admin-token".to_owned(),
        replaced,
    };
    let replaced = ReplacedUpstream {
        digest: digest(),
        until: at(9_000),
    };
    vec![
        command(&SetUpstreamCommand {
            organization,
            reach: reach(),
            id: Id::from_u128(5),
            sealed: "1:r1:a:b".to_owned(),
            digest: digest(),
            keep_ms: 60_000,
            set_by: "admin-token".to_owned(),
            requester: requester(),
        }),
        answer::<SetUpstreamCommand>(&SetUpstreamAnswer::Set(state(Some(replaced)))),
        answer::<SetUpstreamCommand>(&SetUpstreamAnswer::TooMany { limit: 1_000 }),
        command(&ClearUpstreamCommand {
            organization,
            reach: Reach::Project {
                project: label("shop"),
            },
            requester: requester(),
        }),
        answer::<ClearUpstreamCommand>(&ClearUpstreamAnswer::Cleared),
        answer::<ClearUpstreamCommand>(&ClearUpstreamAnswer::Unset),
        command(&ReadUpstreamCommand {
            reach: Reach::Organization,
        }),
        answer::<ReadUpstreamCommand>(&Some(state(None))),
        answer::<ReadUpstreamCommand>(&None),
        command(&ListUpstreamsCommand {}),
        answer::<ListUpstreamsCommand>(&vec![state(None)]),
    ]
}
