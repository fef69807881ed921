//! Calls as rows, from the message to the decision, and what Init's answer teaches.

use super::*;
use crate::body::READ;
use crate::testing::{self, World, now_or_never, project, workflow};
use postern_domain::decide::Denial;
use postern_domain::id::Id;
use postern_domain::name::TokenName;
use postern_domain::rpc::{self, RUN_LOOKUP};
use postern_domain::scope::{Named, Scope};
use postern_domain::secret::Secret;
use postern_domain::token::{TokenFacts, Verifier};
use postern_wire::jwt;

const RUN: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

/// A length-delimited field.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let len = u8::try_from(content.len()).expect("short");
    [&[number << 3 | 2, len][..], content].concat()
}

fn names(project: &str, workflow: &str) -> Vec<u8> {
    [field(4, workflow.as_bytes()), field(5, project.as_bytes())].concat()
}

fn init_answer(run: &str, workflow: &str, project: &str) -> Vec<u8> {
    let about = [
        field(1, b"00000000-0000-0000-0000-0000000000aa"),
        field(2, workflow.as_bytes()),
        field(3, project.as_bytes()),
    ]
    .concat();
    let item = [field(1, run.as_bytes()), field(6, &about)].concat();
    field(1, &field(2, &item))
}

fn presented(world: &World) -> Presented {
    let facts = TokenFacts {
        id: Id::from_u128(7),
        name: TokenName::parse("ci").expect("a good name"),
        organization: Named {
            id: Id::from_u128(1),
            name: "acme".to_owned(),
        },
        scope: Scope::Workflow {
            project: project(),
            workflow: workflow(),
        },
        verifier: Verifier::Jwt { signed: None },
        policies: Vec::new(),
        is_system: false,
        expires_at: None,
    };
    let config = testing::config();
    let token: Secret = jwt::issue(&facts, &config.token_keys)
        .expect("issues")
        .token;
    world.keep(facts);
    let verified = jwt::verify(&token, config.jwt_keys(), world.now(), 0).expect("ours");
    Presented::Jwt(Box::new(verified))
}

fn call(world: &World, method: &str, message: &[u8]) -> Result<Authorized> {
    let path = format!("/controlplane.v1.AttestationService/{method}");
    let rpc = rpc::rpc(&path).expect("a known call");
    let config = testing::config();
    let recognizing = recognize(presented(world), rpc, Some(message), READ, &config, world);
    let recognized = now_or_never(recognizing)?;
    now_or_never(recognized.decide(rpc, world, world))
}

#[test]
fn r31_the_message_decides() {
    let world = World::new();
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
        assert_eq!(world.take_asked(), Vec::<String>::new());
    }
}

#[test]
fn r32_a_run_is_known_once_init_has_answered() {
    let world = World::new();
    let store = field(2, RUN.as_bytes());
    let error = call(&world, "Store", &store).expect_err("not known yet");
    assert_eq!(error, Denial::UnknownRun.into());
    world.take_asked();

    let authorized = call(&world, "Init", &names("shop", "release")).expect("own workflow");
    let answer = init_answer(RUN, "release", "shop");
    now_or_never(learn_run(&authorized, &answer, &world)).expect("learned");
    assert!(call(&world, "Store", &store).is_ok());
    let upper = field(1, RUN.to_uppercase().as_bytes());
    assert!(call(&world, "Cancel", &upper).is_ok());
}

/// A `WorkflowRunServiceViewResponse`.
fn view_answer(run: &str, workflow: &str, project: &str, organization: &str) -> Vec<u8> {
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
    for (answer, expected) in rows {
        let world = World::new();
        *world.view.borrow_mut() = Ok(answer.clone());
        let result = call(&world, "Store", &store).map(|_| ());
        assert_eq!(result, expected.clone().map_err(Error::from), "{answer:x?}");
        let asked = world.take_asked();
        assert!(asked.contains(&format!("view {RUN}")), "{asked:?}");
        // What was learned is not asked again; what was refused without an answer is.
        let result = call(&world, "Store", &store).map(|_| ());
        assert_eq!(result, expected.map_err(Error::from), "{answer:x?}");
        let again = world.take_asked().contains(&format!("view {RUN}"));
        assert_eq!(again, world.runs.borrow().is_empty(), "{answer:x?}");
    }
}

#[test]
fn r32_without_the_origins_word_a_run_stays_closed() {
    let store = field(2, RUN.as_bytes());
    let answers = [
        Err(Error::Origin {
            cause: "down".to_owned(),
        }),
        Ok(Some(b"\x0a\xff".to_vec())),
        Ok(Some(Vec::new())),
        Ok(Some(view_answer(RUN, "", "shop", "acme"))),
        Ok(Some(view_answer(
            "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4e",
            "release",
            "shop",
            "acme",
        ))),
    ];
    for answer in answers {
        let world = World::new();
        *world.view.borrow_mut() = answer.clone();
        let error = call(&world, "Store", &store).expect_err("closed");
        assert_eq!(error.code(), "origin_unavailable", "{answer:x?}");
        assert!(world.runs.borrow().is_empty());
    }
    // A run that is learned but cannot be kept is refused too.
    let world = World::new();
    *world.view.borrow_mut() = Ok(Some(view_answer(RUN, "release", "shop", "acme")));
    world.fails_to_record.set(true);
    let error = call(&world, "Store", &store).expect_err("closed");
    assert_eq!(error.code(), "unavailable");
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
    let authorized = call(&world, "Init", &names("shop", "release")).expect("own workflow");
    let first = init_answer(RUN, "release", "shop");
    now_or_never(learn_run(&authorized, &first, &world)).expect("learned");
    let pin = Id::from_u128(0xaa);
    assert_eq!(world.pins.borrow().values().next(), Some(&pin));
    let pinned = Id::from_u128(0xbb);
    world.pins.borrow_mut().insert(Id::from_u128(7), pinned);
    let again = init_answer("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4e", "release", "shop");
    let error = now_or_never(learn_run(&authorized, &again, &world)).expect_err("replaced");
    assert_eq!(error, Denial::WorkflowReplaced.into());
}

#[test]
fn init_answers_that_cannot_be_trusted_teach_nothing() {
    let world = World::new();
    let authorized = call(&world, "Init", &names("shop", "release")).expect("own workflow");
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
        let error = now_or_never(learn_run(&authorized, &answer, &world)).expect_err("refused");
        assert_eq!(error.code(), "origin_unavailable", "{answer:x?}");
    }
    assert!(world.runs.borrow().is_empty());
}

#[test]
fn a_run_that_cannot_be_recorded_is_not_answered() {
    let world = World::new();
    let authorized = call(&world, "Init", &names("shop", "release")).expect("own workflow");
    world.ledger_down.set(true);
    let answer = init_answer(RUN, "release", "shop");
    let error = now_or_never(learn_run(&authorized, &answer, &world)).expect_err("no Ledger");
    assert_eq!(error.code(), "unavailable");
}
