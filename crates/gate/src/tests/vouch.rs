//! Long and short messages: when the Ledger is asked, and how often.

use std::rc::Rc;

use crate::testing::drive::{Outcome, Sent, drive};
use crate::testing::{self, World, facts};
use crate::vouch::WALKED_FREELY;
use postern_domain::decide::RunFacts;
use postern_domain::id::{Id, RunId};
use postern_domain::scope::Scope;
use postern_ledger::Liveness;
use postern_wire::{jwt, message};

const RUN: u128 = 9;
const RECALLED: u128 = 10;

/// A `Store` of a token of the whole organization, with a bundle of so many bytes.
fn store(world: &World, run: u128, bundle: usize) -> Outcome {
    let facts = facts(7, Scope::Organization);
    let issued = jwt::issue(&facts, &testing::config().token_keys).expect("issues");
    if world.tokens.borrow().is_empty() {
        world.keep(facts);
    }
    let mut sent = message::text(2, &RunId::from_u128(run).to_string());
    sent.extend(message::text(1, &"x".repeat(bundle)));
    let path = "/controlplane.v1.AttestationService/Store";
    let credential = format!("Bearer {}", issued.token.expose());
    drive(world, &Sent::grpc_web(path, Some(&credential), &sent)).expect("a call")
}

fn questions(world: &World) -> usize {
    let asked = world.take_asked();
    asked.iter().filter(|what| *what == "admit").count()
}

#[test]
fn who_may_nothing_is_refused_before_a_long_message_is_walked() {
    let world = World::new();
    world.keep(facts(7, Scope::Organization));
    world.revoke(Liveness::Revoked);
    // The run is none, which a walk would tell.
    let path = "/controlplane.v1.AttestationService/Store";
    let issued = jwt::issue(
        &facts(7, Scope::Organization),
        &testing::config().token_keys,
    );
    let credential = format!("Bearer {}", issued.expect("issues").token.expose());
    for (length, code, questions_asked) in [
        (WALKED_FREELY + 1, "credential_refused", 1),
        (10, "run_id_invalid", 0),
    ] {
        let sent = [
            message::text(2, "no run"),
            message::text(1, &"x".repeat(length)),
        ]
        .concat();
        let outcome = drive(&world, &Sent::grpc_web(path, Some(&credential), &sent));
        assert_eq!(outcome.expect("a call").verdict(), code, "{length}");
        assert_eq!(questions(&world), questions_asked, "{length}");
    }
}

#[test]
fn a_long_message_is_one_use_and_a_second_question_only_for_a_run_that_is_not_known() {
    let run = || RunFacts {
        project: "shop".to_owned(),
        workflow: "release".to_owned(),
        workflow_id: None,
        upstream: None,
    };
    for (length, id, expected) in [
        (10, RUN, 1),
        (10, RECALLED, 1),
        (WALKED_FREELY, RUN, 2),
        (WALKED_FREELY, RECALLED, 1),
    ] {
        // The Ledger knows both, and the isolate one of them.
        let world = World::new();
        let organization = Id::from_u128(1);
        for id in [RUN, RECALLED] {
            world
                .runs
                .borrow_mut()
                .insert((organization, Id::from_u128(id)), run());
        }
        let recalled = Id::from_u128(RECALLED);
        let mut gate = world.gate.borrow_mut();
        gate.memory
            .remember_run(organization, recalled, &Rc::new(run()));
        drop(gate);
        let outcome = store(&world, id, length);
        assert_eq!(outcome.verdict(), "allowed", "{length} {id}");
        assert_eq!(questions(&world), expected, "{length} {id}");
        let ended = world.ended(organization);
        assert_eq!(ended.len(), 1, "{length} {id}");
        assert_eq!(ended[0].allowed, 1, "{length} {id}");
    }
}
