//! Upstream credentials of calls that name a run: what is asked of one that is known by a name that no
//! credential is set for, and of one that nobody knows yet.

use postern_domain::decide::RunFacts;
use postern_domain::id::{OrganizationId, RunId};

use super::*;

fn key() -> (OrganizationId, RunId) {
    (Id::from_u128(1), RunId::parse_any(RUN).expect("a UUID"))
}

fn run(workflow: &str) -> RunFacts {
    RunFacts {
        project: "shop".to_owned(),
        workflow: workflow.to_owned(),
        workflow_id: None,
        upstream: None,
    }
}

/// A run of a workflow that no label names is a matter of its project, whatever the scope of the
/// token is that asks about it first: others' calls about the project take the same answer.
#[test]
fn r42_an_answer_about_a_run_is_not_one_about_the_tokens_scope() {
    let (world, credential) = world(1_000, narrow());
    let other = active(&world, 8, Scope::Project { project: project() });
    for (id, workflow) in [(1, ""), (2, "release")] {
        world
            .upstreams
            .borrow_mut()
            .push(given(id, "shop", workflow));
    }
    let current = |credential: &str| {
        let outcome = call(&world, credential, CURRENT, b"");
        sent(outcome.forwarded.as_ref())
    };
    assert_eq!(current(&credential), Some(2));
    // The other token is known, and what is sent for its project is not.
    let release = names("shop", "release");
    attestation(&world, &other, "FindOrCreateWorkflow", &release);
    let ((organization, id), run) = (key(), Rc::new(run("Nightly_1")));
    let gate = &world.gate;
    gate.borrow_mut()
        .memory
        .remember_run(organization, id, &run);
    let outcome = attestation(&world, &credential, "Store", &message::text(2, RUN));
    assert_eq!(outcome.got, Err(Denial::OtherWorkflow.into()));
    assert_eq!(current(&other), Some(1));
}

/// The report of a run that began elsewhere a moment ago may still be on its way. Where there is no
/// credential to ask the origin with, the client is told to try again, and then it is there.
#[test]
fn r42_a_run_whose_report_is_on_its_way_is_not_refused_for_good() {
    for lease_ms in [0, 1_000] {
        let (world, credential) = world(lease_ms, Scope::Project { project: project() });
        let own = given(1, "shop", "release");
        world.upstreams.borrow_mut().push(own);
        let store = || attestation(&world, &credential, "Store", &message::text(2, RUN));
        for _ in 0..2 {
            let outcome = store();
            assert!(outcome.forwarded.is_none() && outcome.lookups.is_empty());
            let error = outcome.got.expect_err("it is not known yet");
            assert_eq!(error.code(), "unavailable");
            let cause = error.private();
            assert!(cause.contains("project:shop"), "{cause}");
        }
        world.runs.borrow_mut().insert(key(), run("release"));
        let outcome = store();
        assert_eq!(sent(outcome.forwarded.as_ref()), Some(1), "{lease_ms}");
    }
}
