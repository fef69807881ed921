//! Runs that Ledgers are told of behind answers (R32): what a lost report costs, and that it is never
//! a yes to another workflow (R30).

mod waiting;
mod world;

use postern_domain::decide::{Denial, RunFacts};
use postern_domain::id::{Id, OrganizationId, RunId, TokenId};
use postern_domain::name::TokenName;
use postern_domain::rpc::RUN_LOOKUP;
use postern_domain::scope::{Named, Scope};
use postern_ledger::Liveness;
use postern_wire::{jwt, message};

use self::world::{Counts, World as History};
use super::calls::{init_answer, names, view_answer};
use crate::error::Error;
use crate::testing::drive::{Answer, Sent, drive};
use crate::testing::{self, World, facts, project};

const RUN: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
const ORGANIZATION: OrganizationId = Id::from_u128(1);
/// The tokens for `release` and `deploy`, and one of the organization.
const RELEASE: u128 = 7;
const DEPLOY: u128 = 8;
const WIDE: u128 = 9;

fn run() -> RunId {
    RunId::parse_any(RUN).expect("a run")
}

fn scope(id: u128) -> Scope {
    let name = match id {
        RELEASE => "release",
        DEPLOY => "deploy",
        _ => return Scope::Organization,
    };
    Scope::Workflow {
        project: project(),
        workflow: Named {
            id: Id::from_u128(30 + id),
            name: name.to_owned(),
        },
    }
}

/// A world with all three tokens.
fn world() -> World {
    let world = World::new();
    for id in [RELEASE, DEPLOY, WIDE] {
        world.keep(facts(id, scope(id)));
    }
    world
}

/// The refusal of a call with this token; none where it is answered.
fn call(world: &World, token: u128, method: &str, message: &[u8]) -> Result<(), Error> {
    let row = facts(token, scope(token));
    let token = jwt::issue(&row, &testing::config().token_keys).expect("issues");
    let credential = format!("Bearer {}", token.token.expose());
    let path = format!("/controlplane.v1.AttestationService/{method}");
    let sent = Sent::grpc_web(&path, Some(&credential), message);
    drive(world, &sent).expect("a call").got.map(drop)
}

fn init(world: &World, token: u128, workflow: &str) -> Result<(), Error> {
    let answer = Answer::message(&init_answer(RUN, workflow, "shop"));
    *world.origin.borrow_mut() = Ok(answer);
    call(world, token, "Init", &names("shop", workflow))
}

fn store(world: &World, token: u128) -> Result<(), Error> {
    call(world, token, "Store", &message::text(2, RUN))
}

/// It, as the Ledger knows it.
fn begun() -> RunFacts {
    RunFacts {
        project: "shop".to_owned(),
        workflow: "release".to_owned(),
        workflow_id: Some(Id::from_u128(0xaa)),
        upstream: None,
    }
}

fn refused(found: Result<(), Error>, why: Denial) {
    assert_eq!(found, Err(why.into()));
}

fn looked_up(world: &World) -> bool {
    let asked = world.take_asked();
    asked.contains(&format!("look up {}", RUN_LOOKUP.path()))
}

#[test]
fn r32_a_report_is_due_behind_the_answer_for_the_caller_alone() {
    let world = world();
    world.loses_reports.set(true);
    init(&world, WIDE, "release").expect("answered");
    let asked = world.take_asked();
    assert_eq!(
        asked,
        ["body", "admit", "forward", &format!("report {RUN}")],
        "nobody is asked between the origin's answer and the client's"
    );
    // It is known here all the same.
    store(&world, WIDE).expect("known");
    assert!(!looked_up(&world));
    refused(store(&world, DEPLOY), Denial::OtherWorkflow);
}

#[test]
fn r32_a_run_whose_report_was_lost_is_found_at_the_origin() {
    let world = world();
    world.loses_reports.set(true);
    init(&world, RELEASE, "release").expect("answered");
    world.forget();
    refused(store(&world, RELEASE), Denial::UnknownRun);
    let view = view_answer(RUN, "release", "shop", "acme");
    *world.run_view.borrow_mut() = Ok(Answer::message(&view));
    for (token, expected) in [
        (RELEASE, Ok(())),
        (DEPLOY, Err(Denial::OtherWorkflow.into())),
        (WIDE, Ok(())),
    ] {
        world.forget();
        world.take_asked();
        assert_eq!(store(&world, token), expected, "{token}");
        assert!(looked_up(&world), "{token}");
    }
    assert!(world.runs.borrow().is_empty(), "every report was lost");
    // One that arrives ends it, and a second one changes nothing.
    world.loses_reports.set(false);
    for _ in 0..2 {
        world.forget();
        store(&world, WIDE).expect("allowed");
    }
    assert!(looked_up(&world));
    world.forget();
    store(&world, WIDE).expect("allowed");
    assert!(!looked_up(&world));
    assert_eq!(world.runs.borrow().len(), 1);
}

#[test]
fn r32_a_run_whose_report_was_on_its_way_needs_no_word_of_the_origin() {
    for (token, pin, expected) in [
        (WIDE, None, Ok(())),
        (RELEASE, None, Ok(())),
        (RELEASE, Some(0xaa), Ok(())),
        (RELEASE, Some(0xbb), Err(Denial::WorkflowReplaced.into())),
        (DEPLOY, None, Err(Denial::OtherWorkflow.into())),
    ] {
        let world = world();
        let key = (ORGANIZATION, run());
        world.runs_to_come.borrow_mut().insert(key, begun());
        let known = Id::from_u128(token);
        if let Some(pin) = pin {
            let memory = &mut world.gate.borrow_mut().memory;
            memory.remember_pin(known, Id::from_u128(pin));
        }
        assert_eq!(store(&world, token), expected, "{token} {pin:?}");
        assert!(looked_up(&world), "and said that there is none");
    }
    // A token that is revoked meanwhile learns nothing.
    let world = world();
    world.stops_after.set(Some(1));
    world.stops_with.set(Some(Liveness::Revoked));
    let error = store(&world, WIDE).expect_err("revoked");
    assert_eq!(error.code(), "credential_refused");
}

#[test]
fn r32_a_run_that_two_workflows_claim_is_the_firsts() {
    // In an isolate that knows it, in one that does not, and where the first report came late.
    for (forgets, is_late) in [(false, false), (true, false), (true, true)] {
        let world = world();
        world.loses_reports.set(is_late);
        init(&world, RELEASE, "release").expect("answered");
        if is_late {
            let key = (ORGANIZATION, run());
            world.runs.borrow_mut().insert(key, begun());
            world.loses_reports.set(false);
        }
        if forgets {
            world.forget();
        }
        // The tokens' workflows differ, and this world has one id for all tokens.
        world.learned_pin.set(None);
        init(&world, DEPLOY, "deploy").expect("answered");
        refused(store(&world, DEPLOY), Denial::OtherWorkflow);
        world.forget();
        refused(store(&world, DEPLOY), Denial::OtherWorkflow);
        store(&world, RELEASE).expect("its own");
    }
}

#[test]
fn the_ledgers_word_on_a_run_stands_above_the_isolates() {
    let world = world();
    world.loses_reports.set(true);
    init(&world, DEPLOY, "deploy").expect("answered");
    let facts = begun();
    world
        .runs
        .borrow_mut()
        .insert((ORGANIZATION, run()), facts.clone());
    // The token for `release` is not bound yet, so that the Ledger is asked about the run.
    let known = || world.gate.borrow().memory.run(ORGANIZATION, run());
    assert_ne!(known().as_deref(), Some(&facts));
    let path = "/controlplane.v1.AttestationService/Store";
    let mut row = testing::facts(WIDE + 1, scope(RELEASE));
    row.name = TokenName::parse("new").expect("a name");
    let issued = jwt::issue(&row, &testing::config().token_keys).expect("issues");
    world.keep(row);
    let credential = format!("Bearer {}", issued.token.expose());
    let sent = Sent::grpc_web(path, Some(&credential), &message::text(2, RUN));
    assert_eq!(drive(&world, &sent).expect("a call").verdict(), "allowed");
    assert_eq!(known().as_deref(), Some(&facts));
    refused(store(&world, DEPLOY), Denial::OtherWorkflow);
}

#[test]
fn r30_the_first_run_of_a_token_for_one_workflow_waits_until_it_is_bound() {
    let world = world();
    world.loses_reports.set(true);
    // A token that is bound already, or for no single workflow, waits for nothing.
    init(&world, RELEASE, "release").expect("answered");
    let asked = world.take_asked();
    let report = format!("report {RUN}");
    assert_eq!(asked, ["body", "admit", "forward", &report, "admit"]);
    let known: TokenId = Id::from_u128(RELEASE);
    let pin = world.gate.borrow().memory.pin(known);
    assert_eq!(pin, Some(Id::from_u128(0xaa)));
    world
        .gate
        .borrow_mut()
        .memory
        .remember_pin_seen(known, world.now());
    init(&world, RELEASE, "release").expect("answered");
    assert_eq!(world.take_asked(), ["body", "admit", "forward", &report]);
    // Bound meanwhile to another one of the name: the client does not get the answer.
    let world = self::world();
    world.learned_pin.set(Some(Id::from_u128(0xbb)));
    let view = view_answer(RUN, "release", "shop", "acme");
    *world.run_view.borrow_mut() = Ok(Answer::message(&view));
    refused(store(&world, RELEASE), Denial::WorkflowReplaced);
    store(&world, WIDE).expect("the whole organization's");
}

#[test]
fn r30_a_run_that_only_the_isolate_knows_is_held_against_the_tokens_workflow() {
    for (pin, expected) in [
        (Some(0xaa), Ok(())),
        (None, Ok(())),
        (Some(0xbb), Err(Denial::WorkflowReplaced.into())),
    ] {
        let world = world();
        world.loses_reports.set(true);
        init(&world, WIDE, "release").expect("answered");
        world.learned_pin.set(pin.map(Id::from_u128));
        assert_eq!(store(&world, RELEASE), expected, "{pin:?}");
        let bound = pin.or(Some(0xaa)).map(Id::from_u128);
        assert_eq!(world.learned_pin.get(), bound);
        assert!(!looked_up(&world));
    }
}

#[test]
fn r30_without_the_ledgers_word_no_token_is_let_through_unbound() {
    // Between the admission and the answer of the origin something ends: the Ledger, or the token.
    for (liveness, code) in [
        (None, "unavailable"),
        (Some(Liveness::Revoked), "credential_refused"),
    ] {
        let world = world();
        world.stops_after.set(Some(1));
        world.stops_with.set(liveness);
        let found = init(&world, RELEASE, "release");
        assert_eq!(found.expect_err("refused").code(), code);
        // One that is bound, or wide, has its answer.
        let world = self::world();
        world.stops_after.set(Some(1));
        world.stops_with.set(liveness);
        init(&world, WIDE, "release").expect("answered");
    }
}

#[test]
fn r30_r32_whatever_reports_get_lost_tokens_act_on_their_own_workflow_and_no_run_is_lost() {
    let mut all = Counts::default();
    for seed in 1..=200 {
        let mut history = History::new(seed);
        for step in 0..400 {
            let _told = Told(seed, step);
            history.act();
        }
        all.stored += history.counts.stored;
        all.refused += history.counts.refused;
        all.looked_up += history.counts.looked_up;
        all.lost += history.counts.lost;
        all.replaced += history.counts.replaced;
    }
    println!("{all:?}");
    assert!(
        all.stored > 1_000 && all.looked_up > 200 && all.lost > 500,
        "{all:?}"
    );
    assert!(all.refused > 1_000 && all.replaced > 200, "{all:?}");
}

/// Tells which history failed.
struct Told(u64, usize);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("history: seed {}, step {}", self.0, self.1);
        }
    }
}
