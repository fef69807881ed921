//! The workflow that a call names, against the one that the token was first used for: which answers
//! of the origin let the call on, how often it is asked, and of which calls and tokens.

use crate::Outage;
use crate::error::{CredentialError, Error};
use crate::pins::KEPT_MS;
use crate::testing::drive::{Answer, Sent, drive};
use crate::testing::{self, World, facts, project, workflow};
use postern_domain::decide::Denial;
use postern_domain::id::{Id, WorkflowId};
use postern_domain::policy::Policy;
use postern_domain::rpc::{self, Access, ProjectAt, rpcs};
use postern_domain::scope::Scope;
use postern_wire::{jwt, message};

const OWN: u128 = 0xaa;
const NEW: u128 = 0xbb;

fn narrow() -> Scope {
    Scope::Workflow {
        project: project(),
        workflow: workflow(),
    }
}

/// A token of this scope that holds every policy there is, in the world.
fn credential(world: &World, scope: Scope) -> String {
    let mut row = facts(7, scope);
    let every = rpcs().flat_map(|row| {
        row.policies
            .iter()
            .chain(row.when.iter().flat_map(|when| when.policies))
    });
    row.policies = every
        .map(|text| Policy::parse(text).expect("a policy"))
        .collect();
    let token = jwt::issue(&row, &testing::config().token_keys)
        .expect("issues")
        .token;
    world.keep(row);
    format!("Bearer {}", token.expose())
}

/// The refusal of the call; none where it goes to the origin.
fn call(world: &World, credential: &str, method: &str) -> Result<(), Error> {
    let row = rpc::rpc(&format!("/controlplane.v1.{method}")).expect("a known call");
    let mut sent = Vec::new();
    if let ProjectAt::Name([number]) = row.identity.project {
        sent.extend(message::text(*number, "shop"));
    }
    if let Some([number]) = row.identity.workflow {
        sent.extend(message::text(*number, "release"));
    }
    if let Some([number]) = row.identity.run {
        sent.extend(message::text(
            *number,
            &Id::<postern_domain::id::Run>::from_u128(9).to_string(),
        ));
    }
    let sent = Sent::grpc_web(&row.path(), Some(credential), &sent);
    let outcome = drive(world, &sent).expect("a call");
    match outcome.forwarded {
        Some(_) => Ok(()),
        None => Err(outcome.got.expect_err("it went nowhere")),
    }
}

/// An `AttestationServiceGetContractResponse`.
fn contract(id: u128, project: &str, workflow: &str) -> Vec<u8> {
    let id = WorkflowId::from_u128(id).to_string();
    let item = [
        message::text(1, &id),
        message::text(2, workflow),
        message::text(3, project),
    ]
    .concat();
    let inside = |bytes: &[u8]| message::text(1, core::str::from_utf8(bytes).expect("ASCII"));
    inside(&inside(&item))
}

const INIT: &str = "AttestationService/Init";
const ASKED: &str = "look up /controlplane.v1.AttestationService/GetContract";

fn asked(world: &World) -> usize {
    world
        .take_asked()
        .iter()
        .filter(|what| *what == ASKED)
        .count()
}

#[test]
fn r30_the_origins_word_decides_before_the_call_goes_there() {
    let replaced = Error::from(Denial::WorkflowReplaced).code();
    let down = "origin_unavailable";
    let refused = Error::from(CredentialError::Refused("")).code();
    let said = |answer: &[u8]| Ok(Answer::message(answer));
    let rows: [(Result<Answer, Outage>, Option<&str>); 12] = [
        (said(&contract(OWN, "shop", "release")), None),
        (said(&contract(OWN, "", "")), None),
        (said(&contract(NEW, "shop", "release")), Some(replaced)),
        (Ok(Answer::ended(5)), Some(replaced)),
        (Ok(Answer::ended(7)), Some(replaced)),
        (said(&contract(OWN, "shop", "other")), Some(down)),
        (said(&contract(OWN, "elsewhere", "release")), Some(down)),
        (said(b""), Some(down)),
        (said(b"\x0a\xff"), Some(down)),
        (Err(Outage::Failed("down".to_owned())), Some(down)),
        (Ok(Answer::ended(13)), Some(down)),
        (Ok(Answer::ended(16)), Some(refused)),
    ];
    for (answer, expected) in rows {
        let world = World::new();
        let credential = credential(&world, narrow());
        world.learned_pin.set(Some(Id::from_u128(OWN)));
        *world.workflow_view.borrow_mut() = answer.clone();
        for again in 0..2 {
            let decided = call(&world, &credential, INIT);
            assert_eq!(
                decided.as_ref().err().map(Error::code),
                expected,
                "{answer:x?}"
            );
            // A yes is kept; whatever else is asked for anew.
            let times = usize::from(again == 0 || expected.is_some());
            assert_eq!(asked(&world), times, "{answer:x?}");
        }
    }
}

#[test]
fn a_yes_is_kept_for_its_time_and_by_its_isolate() {
    let world = World::new();
    let credential = credential(&world, narrow());
    world.learned_pin.set(Some(Id::from_u128(OWN)));
    *world.workflow_view.borrow_mut() = Ok(Answer::message(&contract(OWN, "shop", "release")));
    assert!(call(&world, &credential, INIT).is_ok());
    // Made anew behind the gate.
    *world.workflow_view.borrow_mut() = Ok(Answer::message(&contract(NEW, "shop", "release")));
    world.now.set(world.now.get() + KEPT_MS - 1);
    assert!(call(&world, &credential, INIT).is_ok());
    assert_eq!(asked(&world), 1);
    world.now.set(world.now.get() + 1);
    let error = call(&world, &credential, INIT).expect_err("its time is over");
    assert_eq!(error, Denial::WorkflowReplaced.into());
    // A clock that goes back does not make it younger.
    world.now.set(world.now.get() - 2 * KEPT_MS);
    assert!(call(&world, &credential, INIT).is_err());
}

#[test]
fn only_tokens_of_one_workflow_that_was_learned_are_held_to_it() {
    let rows = [
        (narrow(), Some(OWN), true),
        (narrow(), None, false),
        (Scope::Project { project: project() }, Some(OWN), false),
        (Scope::Organization, Some(OWN), false),
    ];
    for (scope, pin, expected) in rows {
        let world = World::new();
        let credential = credential(&world, scope.clone());
        world.learned_pin.set(pin.map(Id::from_u128));
        let decided = call(&world, &credential, INIT);
        assert_eq!(decided.is_err(), expected, "{scope:?} {pin:?}");
        assert_eq!(asked(&world), usize::from(expected), "{scope:?} {pin:?}");
    }
}

#[test]
fn r30_every_call_that_names_a_workflow_is_held_back_and_no_other() {
    let mut named = 0;
    for row in rpcs().filter(|row| row.access == Access::Token) {
        let world = World::new();
        let credential = credential(&world, narrow());
        world.learned_pin.set(Some(Id::from_u128(OWN)));
        let decided = call(&world, &credential, row.method);
        let names = row.identity.workflow.is_some();
        assert_eq!(asked(&world), usize::from(names), "{}", row.method);
        if names {
            named += 1;
            assert_eq!(
                decided,
                Err(Denial::WorkflowReplaced.into()),
                "{}",
                row.method
            );
        }
    }
    assert!(named >= 10, "{named}");
}

#[test]
fn what_is_refused_anyway_is_not_asked_about() {
    let world = World::new();
    let mut row = facts(7, narrow());
    row.policies = Vec::new();
    let token = jwt::issue(&row, &testing::config().token_keys)
        .expect("issues")
        .token;
    world.keep(row);
    world.learned_pin.set(Some(Id::from_u128(OWN)));
    let credential = format!("Bearer {}", token.expose());
    let error = call(&world, &credential, "WorkflowService/View").expect_err("no policy");
    assert_eq!(error, Denial::Operation.into());
    assert_eq!(asked(&world), 0);
}

#[test]
fn the_gate_asks_about_workflows_by_the_tables_own_row() {
    let row = rpc::rpc("/controlplane.v1.AttestationService/GetContract").expect("a row");
    assert_eq!(row, &rpc::WORKFLOW_LOOKUP);
    // What a token that may begin a run can read, and what changes nothing.
    assert!(row.policies.is_empty() && row.when.is_empty());
    assert_eq!(row.effect, rpc::Effect::Read);
}
