//! Projects, workflows and runs: names, ids that stay, and what a refused call changes.

use super::*;
use crate::caller::Caller;
use crate::proto::RunnerType;

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn new_run(id: u128) -> NewRun {
    NewRun {
        id: Uuid::from_u128(id),
        job_url: String::new(),
        runner: RunnerType::Unspecified,
        version: String::new(),
        contract_revision: 0,
    }
}

fn caller() -> Caller {
    Caller::from_authorization(Some(b"Bearer x")).unwrap()
}

fn named<'a>(project: &'a str, name: &'a str, contract_name: &'a str) -> NewWorkflow<'a> {
    NewWorkflow {
        project,
        name,
        contract_name,
        ..NewWorkflow::default()
    }
}

#[test]
fn names_are_dns_labels() {
    let check =
        |name: &str, good: bool| assert_eq!(check_name("n", name).is_ok(), good, "{name:?}");
    check("a", true);
    check("release-2", true);
    check("0", true);
    check(&"a".repeat(63), true);
    check(&"a".repeat(64), false);
    check("", false);
    check("-a", false);
    check("a-", false);
    check("A", false);
    check("a.b", false);
    check("a b", false);
    check("é", false);
}

#[test]
fn ids_do_not_change() {
    // A gateway keeps these ids across restarts of the origin.
    let workflow = State::default()
        .find_or_create(&named("demo", "release", ""), NOW)
        .unwrap();
    let again = State::default()
        .find_or_create(&named("demo", "release", ""), NOW)
        .unwrap();
    assert_eq!(
        (workflow.id, workflow.project_id),
        (again.id, again.project_id)
    );
    let elsewhere = State::default()
        .find_or_create(&named("other", "release", ""), NOW)
        .unwrap();
    assert_ne!(workflow.id, elsewhere.id);
}

#[test]
fn a_refused_call_creates_nothing() {
    let mut state = State::default();
    assert!(
        state
            .find_or_create(&named("demo", "Bad", ""), NOW)
            .is_err()
    );
    assert_eq!(
        state
            .init("demo", "Bad", new_run(1), &caller(), NOW)
            .unwrap_err(),
        Refusal::UnknownProject
    );
    assert_eq!(state.runs().count(), 0);
}

#[test]
fn another_contract_is_refused() {
    let mut state = State::default();
    state
        .find_or_create(&named("demo", "release", "mine"), NOW)
        .unwrap();
    assert!(
        state
            .find_or_create(&named("demo", "release", "mine"), NOW)
            .is_ok()
    );
    let refused = state.find_or_create(&named("demo", "release", "other"), NOW);
    assert_eq!(refused.unwrap_err(), Refusal::OtherContract);
}

#[test]
fn the_oldest_run_is_forgotten() {
    let mut state = State::default();
    state
        .find_or_create(&named("demo", "release", ""), NOW)
        .unwrap();
    for id in 0..=MAX_RUNS as u128 {
        state
            .init("demo", "release", new_run(id), &caller(), NOW)
            .unwrap();
    }
    assert_eq!(state.runs().count(), MAX_RUNS);
    assert!(state.run(Uuid::from_u128(0)).is_none());
    assert!(state.run(Uuid::from_u128(1)).is_some());
}

#[test]
fn a_recreated_workflow_is_another_one() {
    let mut state = State::default();
    let mut make = || {
        let made = state.create(&named("demo", "release", ""), NOW).unwrap();
        let run = state
            .init(
                "demo",
                "release",
                new_run(made.id.as_u128()),
                &caller(),
                NOW,
            )
            .unwrap();
        state.delete("demo", "release").unwrap();
        assert!(state.run(run.id).is_some(), "runs stay");
        made.id
    };
    let ids = [make(), make(), make()];
    assert_ne!(ids[0], ids[1]);
    assert_ne!(ids[1], ids[2]);
    assert_eq!(
        State::default()
            .create(&named("demo", "release", ""), NOW)
            .unwrap()
            .id,
        ids[0]
    );
    assert_eq!(
        state.delete("demo", "release"),
        Err(Refusal::UnknownWorkflow)
    );
    assert_eq!(
        state.delete("other", "release"),
        Err(Refusal::UnknownProjectNamed("other".to_owned()))
    );
}

#[test]
fn a_contract_has_so_many_revisions() {
    let mut state = State::default();
    state.create(&named("demo", "release", ""), NOW).unwrap();
    for revision in 1..MAX_REVISIONS {
        let contract = revision.to_string();
        state
            .update_contract("demo", "release", contract.as_bytes())
            .unwrap();
    }
    assert_eq!(
        state.update_contract("demo", "release", b"one more"),
        Err(Refusal::TooManyRevisions)
    );
    let latest = (MAX_REVISIONS - 1).to_string();
    state
        .update_contract("demo", "release", latest.as_bytes())
        .unwrap();
}
