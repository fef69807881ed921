//! Reports that wait: which go together, when, and how many there may be.

use std::rc::Rc;

use postern_domain::caller::Caller;
use postern_domain::decide::look_up_run;
use postern_domain::id::Id;
use postern_domain::token::TokenFacts;
use postern_ledger::{BegunRun, MAX_RUNS, RunsAnswer};

use super::{RELEASE, WIDE, begun, scope, world};
use crate::RunReport;
use crate::reports::{REPORT_LOST_MS, REPORTS, REPORTS_OF_TOKEN};
use crate::testing::{World, facts};

/// A report of this run becomes due, for this token.
fn add(world: &World, token: &TokenFacts, number: u128) {
    let caller = Caller::Token(Rc::new(token.clone()));
    let grant = look_up_run(&caller)
        .and_then(|permit| permit.over(&token.organization))
        .expect("its own");
    let run = BegunRun {
        run: Id::from_u128(number),
        facts: begun(),
    };
    let memory = &mut world.gate.borrow_mut().memory;
    memory.reports.add(grant, token.id, run);
}

/// The numbers of the runs that the next report tells of.
fn numbers(report: &RunReport) -> Vec<u128> {
    let runs = report.command.runs.iter();
    runs.map(|begun| begun.run.as_u128()).collect()
}

#[test]
fn of_each_token_one_report_is_on_its_way_and_the_next_tells_of_all_that_wait() {
    let world = world();
    let (wide, narrow) = (facts(WIDE, scope(WIDE)), facts(RELEASE, scope(RELEASE)));
    let now = world.now();
    let due = |now| world.gate.borrow_mut().memory.reports.due(now);
    let is_due = |now| world.gate.borrow().memory.is_due(now);
    assert!(!is_due(now));
    add(&world, &wide, 1);
    assert!(is_due(now));
    let first = due(now).expect("due");
    assert_eq!(numbers(&first), [1]);
    for run in [2, 3] {
        add(&world, &wide, run);
        assert!(!is_due(now) && due(now).is_none(), "one is on its way");
    }
    add(&world, &narrow, 4);
    let other = due(now).expect("of another token");
    assert_eq!((numbers(&other), other.command.token), (vec![4], narrow.id));

    let memory = &world.gate;
    let others = memory
        .borrow_mut()
        .memory
        .reported(&first, RunsAnswer::default());
    assert!(others.is_empty());
    let second = due(now).expect("due");
    assert_eq!(numbers(&second), [2, 3]);
    add(&world, &wide, 5);
    assert!(due(now).is_none());
    memory.borrow_mut().memory.reports.failed(&second);
    let third = due(now).expect("one that failed is over");
    assert_eq!(numbers(&third), [5], "and is not sent again");

    // One of which nothing is heard was lost with the request behind which it was sent.
    add(&world, &wide, 6);
    let lost = now.plus_millis(REPORT_LOST_MS);
    assert!(!is_due(lost.plus_millis(-1)));
    assert!(is_due(lost));
    assert_eq!(numbers(&due(lost).expect("due")), [6]);
    let (forgotten, memory) = (lost.plus_millis(REPORT_LOST_MS), &world.gate);
    assert!(due(forgotten).is_none());
    assert!(
        memory.borrow().memory.reports.is_empty(),
        "and is forgotten"
    );
}

#[test]
fn no_more_reports_wait_than_there_is_room_for() {
    let world = world();
    let (one, other) = (facts(WIDE, scope(WIDE)), facts(RELEASE, scope(RELEASE)));
    let all = |token: &TokenFacts| {
        let mut told = Vec::new();
        loop {
            let memory = &mut world.gate.borrow_mut().memory;
            let Some(report) = memory.reports.due(world.now()) else {
                return told;
            };
            assert!(report.command.runs.len() <= MAX_RUNS);
            assert_eq!(report.command.token, token.id);
            told.extend(numbers(&report));
            memory.reports.failed(&report);
        }
    };
    let full = REPORTS_OF_TOKEN as u128;
    for number in 0..full + 10 {
        add(&world, &one, number);
    }
    let expected: Vec<_> = (0..full).collect();
    assert_eq!(all(&one), expected, "there was no room for the last ones");
    add(&world, &other, 9_999);
    assert_eq!(all(&other), [9_999], "of another token there is");
    let tokens = (0..).map(|id| facts(1_000 + id, scope(WIDE)));
    for (number, token) in (0..REPORTS as u128 + 10).zip(tokens) {
        add(&world, &token, number);
    }
    let memory = &mut world.gate.borrow_mut().memory;
    let waiting = core::iter::from_fn(|| memory.reports.due(world.now())).count();
    assert_eq!(waiting, REPORTS, "of all tokens together");
}
