//! Messages about runs of the origin.

use postern_domain::decide::RunFacts;
use postern_domain::id::Id;

use super::super::{Message, answer, command};
use super::run_facts;
use crate::testing::at;
use crate::{BegunRun, RunAnswer, RunCommand, RunsAnswer, RunsCommand};

pub(super) fn all() -> Vec<Message> {
    let run = |facts| RunCommand {
        run: Id::from_u128(9),
        facts,
        token: Id::from_u128(7),
        at: at(1_000),
    };
    let first = RunFacts {
        upstream: None,
        workflow_id: None,
        ..run_facts()
    };
    let begun = |run: u128, facts| BegunRun {
        run: Id::from_u128(run),
        facts,
    };
    vec![
        command(&RunsCommand {
            token: Id::from_u128(7),
            runs: vec![begun(9, run_facts()), begun(10, first.clone())],
        }),
        answer::<RunsCommand>(&RunsAnswer {
            pin: Some(Id::from_u128(3)),
            others: vec![begun(9, run_facts())],
        }),
        answer::<RunsCommand>(&RunsAnswer::default()),
        command(&run(run_facts())),
        command(&run(first)),
        answer::<RunCommand>(&RunAnswer {
            pin: Some(Id::from_u128(3)),
            other: Some(run_facts()),
        }),
        answer::<RunCommand>(&RunAnswer {
            pin: None,
            other: None,
        }),
    ]
}
