//! Calls as rows, from the message to the decision, and what Init's answer teaches.

use crate::Outage;
use crate::error::Error;
use crate::testing::drive::{Answer, Outcome, Sent, drive};
use crate::testing::{self, World, facts, project, workflow};
use postern_domain::decide::Denial;
use postern_domain::id::{Id, WorkflowId};
use postern_domain::rpc::{self, RUN_LOOKUP};
use postern_domain::scope::Scope;
use postern_wire::jwt;

const RUN: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

/// A length-delimited field.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let len = u8::try_from(content.len()).expect("short");
    [&[number << 3 | 2, len][..], content].concat()
}

pub(super) fn names(project: &str, workflow: &str) -> Vec<u8> {
    [field(4, workflow.as_bytes()), field(5, project.as_bytes())].concat()
}

pub(super) fn init_answer(run: &str, workflow: &str, project: &str) -> Vec<u8> {
    let about = [
        field(1, b"00000000-0000-0000-0000-0000000000aa"),
        field(2, workflow.as_bytes()),
        field(3, project.as_bytes()),
    ]
    .concat();
    let item = [field(1, run.as_bytes()), field(6, &about)].concat();
    field(1, &field(2, &item))
}

/// A credential for the workflow of the world.
fn credential(world: &World) -> String {
    let facts = facts(
        7,
        Scope::Workflow {
            project: project(),
            workflow: workflow(),
        },
    );
    let issued = jwt::issue(&facts, &testing::config().token_keys).expect("issues");
    world.keep(facts);
    format!("Bearer {}", issued.token.expose())
}

fn outcome(world: &World, method: &str, message: &[u8]) -> Outcome {
    let path = format!("/controlplane.v1.AttestationService/{method}");
    let sent = Sent::grpc_web(&path, Some(&credential(world)), message);
    drive(world, &sent).expect("a call")
}

/// The call, where an Init is answered with the run of the world.
fn call(world: &World, method: &str, message: &[u8]) -> Result<(), Error> {
    outcome(world, method, message).got.map(drop)
}

/// What an Init is answered with from now on.
fn begins(world: &World, answer: &[u8]) {
    *world.origin.borrow_mut() = Ok(Answer::message(answer));
}

/// The questions to stores and origin.
fn asked(world: &World) -> Vec<String> {
    let mut asked = world.take_asked();
    asked.retain(|what| what != "body");
    asked
}

fn learned_pin(world: &World) -> Option<WorkflowId> {
    world.gate.borrow().memory.pin(Id::from_u128(7))
}

#[test]
fn r31_the_message_decides() {
    let world = World::new();
    begins(&world, &init_answer(RUN, "release", "shop"));
    assert!(call(&world, "Init", &names("shop", "release")).is_ok());
    let error = call(&world, "Init", &names("shop", "other")).expect_err("another workflow");
    assert_eq!(error, Denial::OtherWorkflowName.into());
    // The last of a repeated field is what the origin reads.
    let smuggled = [names("shop", "release"), field(4, b"other")].concat();
    let error = call(&world, "Init", &smuggled).expect_err("another workflow");
    assert_eq!(error, Denial::OtherWorkflowName.into());
}

#[test]
fn unreadable_messages_ask_nobody() {
    let world = World::new();
    let rows: [(&str, &[u8], &str); 4] = [
        ("Init", b"\x22\xff", "message_unreadable"),
        ("Init", b"\x20\x01", "message_unreadable"),
        ("Store", b"\x12\x01x", "run_id_invalid"),
        ("Store", b"", "run_id_invalid"),
    ];
    for (method, message, code) in rows {
        let error = call(&world, method, message).expect_err(method);
        assert_eq!(error.code(), code, "{method} {message:x?}");
        assert_eq!(asked(&world), Vec::<String>::new());
    }
}

#[test]
fn r32_a_run_is_known_once_init_has_answered() {
    let world = World::new();
    let store = field(2, RUN.as_bytes());
    let error = call(&world, "Store", &store).expect_err("not known yet");
    assert_eq!(error, Denial::UnknownRun.into());
    world.take_asked();

    begins(&world, &init_answer(RUN, "release", "shop"));
    call(&world, "Init", &names("shop", "release")).expect("own workflow");
    assert!(call(&world, "Store", &store).is_ok());
    let upper = field(1, RUN.to_uppercase().as_bytes());
    assert!(call(&world, "Cancel", &upper).is_ok());
}

/// A `WorkflowRunServiceViewResponse`.
pub(super) fn view_answer(run: &str, workflow: &str, project: &str, organization: &str) -> Vec<u8> {
    let about = [
        field(1, b"00000000-0000-0000-0000-0000000000aa"),
        field(2, workflow.as_bytes()),
        field(3, project.as_bytes()),
    ]
    .concat();
    let item = [field(1, run.as_bytes()), field(6, &about)].concat();
    field(
        1,
        &[field(1, &item), field(5, organization.as_bytes())].concat(),
    )
}

#[test]
fn r32_an_unknown_run_is_asked_of_the_origin_once() {
    let store = field(2, RUN.as_bytes());
    let rows = [
        (Some(view_answer(RUN, "release", "shop", "acme")), Ok(())),
        (Some(view_answer(RUN, "release", "shop", "")), Ok(())),
        (
            Some(view_answer(RUN, "other", "shop", "acme")),
            Err(Denial::OtherWorkflow),
        ),
        (
            Some(view_answer(RUN, "release", "shop", "other")),
            Err(Denial::UnknownRun),
        ),
        (None, Err(Denial::UnknownRun)),
    ];
    let viewing = format!("look up {}", RUN_LOOKUP.path());
    for (answer, expected) in rows {
        let world = World::new();
        *world.run_view.borrow_mut() = Ok(answer
            .as_ref()
            .map_or_else(|| Answer::ended(5), |answer| Answer::message(answer)));
        let result = call(&world, "Store", &store);
        assert_eq!(result, expected.clone().map_err(Error::from), "{answer:x?}");
        let asked = world.take_asked();
        assert!(asked.contains(&viewing), "{asked:?}");
        // What was learned is not asked again; what was refused without an answer is.
        let result = call(&world, "Store", &store);
        assert_eq!(result, expected.map_err(Error::from), "{answer:x?}");
        let again = world.take_asked().contains(&viewing);
        assert_eq!(again, world.runs.borrow().is_empty(), "{answer:x?}");
    }
}

#[test]
fn r32_without_the_origins_word_a_run_stays_closed() {
    let store = field(2, RUN.as_bytes());
    let said = |answer: &[u8]| Ok(Answer::message(answer));
    let another = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4e";
    let rows: [Result<Answer, Outage>; 8] = [
        Err(Outage::Failed("down".to_owned())),
        Err(Outage::Late),
        Ok(Answer::ended(14)),
        Ok(Answer {
            status: 502,
            ..Answer::ended(0)
        }),
        said(b"\x0a\xff"),
        said(b""),
        said(&view_answer(RUN, "", "shop", "acme")),
        said(&view_answer(another, "release", "shop", "acme")),
    ];
    for answer in rows {
        let world = World::new();
        *world.run_view.borrow_mut() = answer.clone();
        let error = call(&world, "Store", &store).expect_err("closed");
        assert_eq!(error.code(), "origin_unavailable", "{answer:x?}");
        assert!(world.runs.borrow().is_empty());
    }
}

#[test]
fn the_gate_asks_about_runs_by_the_tables_own_row() {
    assert_eq!(
        rpc::rpc("/controlplane.v1.WorkflowRunService/View"),
        Some(&RUN_LOOKUP)
    );
}

#[test]
fn r30_init_of_a_workflow_made_anew_is_not_answered() {
    let world = World::new();
    begins(&world, &init_answer(RUN, "release", "shop"));
    call(&world, "Init", &names("shop", "release")).expect("own workflow");
    assert_eq!(learned_pin(&world), Some(Id::from_u128(0xaa)));
    // The Ledger has learned another one before; this isolate has not heard of it yet.
    world.forget();
    let mut gate = world.gate.borrow_mut();
    gate.memory
        .remember_pin(Id::from_u128(7), Id::from_u128(0xbb));
    gate.memory.remember_pin_seen(Id::from_u128(7), world.now());
    drop(gate);
    begins(
        &world,
        &init_answer("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4e", "release", "shop"),
    );
    let error = call(&world, "Init", &names("shop", "release")).expect_err("replaced");
    assert_eq!(error, Denial::WorkflowReplaced.into());
}

#[test]
fn init_answers_that_cannot_be_trusted_teach_nothing() {
    let world = World::new();
    let rows = [
        b"\x0a\xff".to_vec(),
        Vec::new(),
        field(1, b""),
        init_answer("", "release", "shop"),
        init_answer("x", "release", "shop"),
        init_answer(RUN, "other", "shop"),
        init_answer(RUN, "release", "other"),
    ];
    for answer in rows {
        begins(&world, &answer);
        let refused = call(&world, "Init", &names("shop", "release")).expect_err("refused");
        assert_eq!(refused.code(), "origin_unavailable", "{answer:x?}");
    }
    assert!(world.runs.borrow().is_empty());
}

#[test]
fn an_init_that_the_origin_refuses_teaches_nothing_and_is_answered_as_it_came() {
    let world = World::new();
    *world.origin.borrow_mut() = Ok(Answer::ended(9));
    let outcome = outcome(&world, "Init", &names("shop", "release"));
    assert_eq!(outcome.got.expect("passes").headers.len(), 4);
    assert_eq!(asked(&world), ["admit", "forward"]);
}
