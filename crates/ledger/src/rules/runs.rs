//! Runs, and the workflows that tokens are for (R30, R32): whatever is reported, and in whichever order,
//! the first word stands.

use postern_domain::decide::RunFacts;
use postern_domain::id::{Id, WorkflowId};
use postern_domain::scope::{Named, Scope};
use postern_domain::standing::{Actor, Inactive};

use super::leases::revoke;
use crate::testing::*;
use crate::{
    AdmitQuery, BegunRun, Ledger, Liveness, MintCommand, RunAnswer, RunCommand, RunsAnswer,
    RunsCommand, Stop,
};

/// A token for a workflow of `shop`.
fn narrow(id: u128, workflow: &str) -> MintCommand {
    let mut command = mint(id, &format!("for {workflow}"), 0);
    command.facts.scope = Scope::Workflow {
        project: Named {
            id: Id::from_u128(100),
            name: "shop".to_owned(),
        },
        workflow: Named {
            id: Id::from_u128(200 + id),
            name: workflow.to_owned(),
        },
    };
    command
}

fn facts_of(workflow: &str, workflow_id: u128) -> RunFacts {
    RunFacts {
        project: "shop".to_owned(),
        workflow: workflow.to_owned(),
        workflow_id: Some(Id::from_u128(workflow_id)),
        upstream: None,
    }
}

/// What a token reports of a run.
fn report(token: u128, run: u128, facts: RunFacts) -> RunCommand {
    RunCommand {
        run: Id::from_u128(run),
        facts,
        token: Id::from_u128(token),
        at: at(1),
    }
}

/// What the Ledger says of a run to a token.
fn told(
    ledger: &mut Ledger<Sqlite>,
    token: u128,
    run: u128,
) -> (Option<RunFacts>, Option<WorkflowId>) {
    let query = AdmitQuery {
        run: Some(Id::from_u128(run)),
        ..plain(token)
    };
    let found = ledger.admit(at(2), query).expect("an answer");
    (found.run, found.pin)
}

/// Which workflow a token is told to be for, where one of its runs has shown this one.
fn shown(ledger: &mut Ledger<Sqlite>, token: u128, workflow: Option<u128>) -> Option<u128> {
    let query = AdmitQuery {
        pin: true,
        shown: workflow.map(Id::from_u128),
        ..plain(token)
    };
    let found = ledger.admit(at(2), query).expect("an answer");
    found.pin.map(|id| id.as_u128())
}

#[test]
fn r32_the_first_word_on_a_run_and_on_a_pin_stands() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, narrow(1, "release"));
    let pin = Some(Id::from_u128(7));
    let first = facts_of("release", 7);
    let rows = [
        (50, 7, None),
        // Reported twice, it is the same.
        (50, 7, None),
        (50, 8, Some(first.clone())),
        (51, 9, None),
    ];
    for (run, workflow, other) in rows {
        let command = report(1, run, facts_of("release", workflow));
        let found = answer(tell(&mut ledger, 1, command));
        assert_eq!(found, RunAnswer { pin, other }, "{run} {workflow}");
    }
    assert_eq!(told(&mut open(&sql), 1, 50), (Some(first), pin));
    assert_eq!(shown(&mut ledger, 1, None), Some(7));
}

#[test]
fn r32_of_many_runs_in_one_report_each_has_its_first_word() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, narrow(1, "release"));
    let begun = |run: u128, workflow: &str, id: u128| BegunRun {
        run: Id::from_u128(run),
        facts: facts_of(workflow, id),
    };
    let command = |runs: &[BegunRun]| RunsCommand {
        token: Id::from_u128(1),
        runs: runs.to_vec(),
    };
    // The first run is another workflow's, and tells nothing of the token's own.
    let first = [begun(50, "deploy", 8), begun(51, "release", 7)];
    let found = answer(tell(&mut ledger, 1, command(&first)));
    let pin = Some(Id::from_u128(7));
    let others = Vec::new();
    assert_eq!(found, RunsAnswer { pin, others });
    let second = [begun(51, "release", 9), begun(52, "release", 9)];
    let found = answer(tell(&mut ledger, 2, command(&second)));
    let others = vec![begun(51, "release", 7)];
    assert_eq!(found, RunsAnswer { pin, others });
    assert_eq!(sql.number("select count(*) from runs"), 3);
    // Of a single run, 0.1.0 understands the command too.
    let one = command(&[begun(52, "release", 7)]);
    let single = one.single(at(2)).expect("it is one");
    let other = RunAnswer {
        pin,
        other: Some(facts_of("release", 9)),
    };
    let found = answer(tell(&mut ledger, 2, single));
    assert_eq!(found, other);
    assert_eq!(
        found.about(Id::from_u128(52)),
        answer(tell(&mut ledger, 2, one))
    );
    assert!(command(&second).single(at(2)).is_none());
    // One that is revoked meanwhile has none of them stored.
    answer(tell(&mut ledger, 3, revoke(1)));
    let actor = Actor::Token(Id::from_u128(1));
    let late = command(&[begun(53, "release", 7), begun(54, "release", 7)]);
    let refused = tell_for(&mut ledger, 4, actor, late).err();
    assert_eq!(refused, Some(Stop::Inactive(Inactive::Revoked)));
    assert_eq!(sql.number("select count(*) from runs"), 3);
}

#[test]
fn r32_a_run_that_two_tokens_claim_is_the_firsts() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, narrow(1, "release"));
    minted(&mut ledger, 0, narrow(2, "deploy"));
    let (own, claimed) = (facts_of("release", 7), facts_of("deploy", 8));
    answer(tell(&mut ledger, 1, report(1, 50, own.clone())));
    let found = answer(tell(&mut ledger, 1, report(2, 50, claimed)));
    assert_eq!(found.other, Some(own.clone()));
    // Nor does the claim say which workflow the second token is for.
    assert_eq!(told(&mut ledger, 2, 50), (Some(own), None));
    assert_eq!(sql.number("select count(*) from pins"), 1);
}

#[test]
fn a_report_is_kept_here_and_goes_nowhere_else() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, narrow(1, "release"));
    ledger.delivered(i64::MAX).expect("delivered");
    let alarm = ledger.wakes_at();
    let command = report(1, 50, facts_of("release", 7));
    answer(tell(&mut ledger, 1_000, command));
    assert_eq!(sql.number("select count(*) from runs"), 1);
    assert_eq!(sql.number("select count(*) from outbox"), 0);
    assert_eq!(ledger.wakes_at(), alarm);
}

#[test]
fn r40_a_report_for_a_token_that_is_not_active_stores_nothing() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, narrow(1, "release"));
    answer(tell(&mut ledger, 1, revoke(1)));
    for (token, why) in [(1, Inactive::Revoked), (9, Inactive::Unknown)] {
        let command = report(token, 50, facts_of("release", 7));
        let actor = Actor::Token(Id::from_u128(token));
        let refused = tell_for(&mut ledger, 2, actor, command);
        assert_eq!(refused.err(), Some(Stop::Inactive(why)), "{token}");
    }
    assert_eq!(sql.number("select count(*) from runs"), 0);
    assert_eq!(sql.number("select count(*) from pins"), 0);
}

#[test]
fn r30_a_token_is_bound_to_the_first_workflow_that_it_is_shown() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, narrow(1, "release"));
    minted(&mut ledger, 0, mint(2, "wide", 0));
    let rows = [
        (1, None, None),
        (1, Some(7), Some(7)),
        (1, Some(8), Some(7)),
        (1, None, Some(7)),
        // Only a token for one workflow is for one.
        (2, Some(7), None),
        (2, None, None),
        (9, Some(7), None),
    ];
    for (token, workflow, expected) in rows {
        let found = shown(&mut ledger, token, workflow);
        assert_eq!(found, expected, "{token} {workflow:?}");
    }
    // A report that was on its way for longer does not change it.
    let late = answer(tell(&mut ledger, 3, report(1, 50, facts_of("release", 9))));
    assert_eq!(late.pin, Some(Id::from_u128(7)));
    assert_eq!(sql.number("select count(*) from pins"), 1);
}

#[test]
fn r30_a_token_that_is_not_active_is_bound_to_nothing() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, narrow(1, "release"));
    answer(tell(&mut ledger, 1, revoke(1)));
    let query = AdmitQuery {
        pin: true,
        shown: Some(Id::from_u128(7)),
        ..plain(1)
    };
    let found = ledger.admit(at(2), query).expect("an answer");
    assert_eq!((found.liveness, found.pin), (Liveness::Revoked, None));
    assert_eq!(sql.number("select count(*) from pins"), 0);
}
