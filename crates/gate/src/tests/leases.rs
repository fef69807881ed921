//! Leases in the whole machine (R41): by which reading of the clock a call is judged.

use std::rc::Rc;

use postern_domain::rpc;
use postern_domain::scope::Scope;
use postern_domain::time::Timestamp;
use postern_ledger::Liveness;
use postern_wire::jwt;

use crate::Step;
use crate::error::{CredentialError, Error};
use crate::question::Arrived;
use crate::testing::drive::{ENTROPY, Sent, drive, frame};
use crate::testing::{self, World, facts, project, workflow};

const LEASE_MS: i64 = 1_000;
/// A write and a read, which name nothing.
const CALLS: [&str; 2] = [
    "SigningService/GenerateSigningCert",
    "ContextService/Current",
];

/// A world with leases, and a credential that its gateway knows to be active.
fn known(path: &str) -> (World, String) {
    let world = World::new();
    let mut config = testing::config();
    config.revocation_lease_ms = 1_000;
    world.configure(&Rc::new(config));
    let mut facts = facts(
        7,
        Scope::Workflow {
            project: project(),
            workflow: workflow(),
        },
    );
    facts.policies = postern_domain::policy::defaults(&facts.scope);
    let issued = jwt::issue(&facts, &testing::config().token_keys).expect("issues");
    facts.verifier = issued.verifier;
    world.keep(facts);
    let credential = format!("Bearer {}", issued.token.expose());
    let sent = Sent::grpc_web(path, Some(&credential), b"");
    for asks in [true, false] {
        let outcome = drive(&world, &sent).expect("a call");
        assert_eq!(outcome.verdict(), "allowed");
        let asked = world.take_asked().contains(&"admit".to_owned());
        assert_eq!(asked, asks, "{path}");
    }
    (world, credential)
}

#[test]
fn lease_rule_2_a_call_is_judged_by_a_reading_after_its_body_is_in() {
    for method in CALLS {
        let path = format!("{}{method}", rpc::ORIGIN_PREFIX);
        let (world, credential) = known(&path);
        world.revoke(Liveness::Revoked);
        let sent = Sent::grpc_web(&path, Some(&credential), b"");
        let begun = world.now();
        let gate = &mut *world.gate.borrow_mut();
        let Step::Body(ask) = gate.open(&sent.head(), begun, &ENTROPY) else {
            panic!("its body comes first");
        };
        // Nothing else happens in this isolate: no other call reads the clock.
        let later: Timestamp = begun.plus_millis(LEASE_MS);
        let Step::Admit(ask) = ask.answer(gate, later, Ok(Arrived::whole(frame(0, b"")))) else {
            panic!("{method}: the lease ended while the body came");
        };
        let told = world.admit(&ask.question);
        let Step::Count(ask) = ask.answer(gate, later, told) else {
            panic!("a refused credential is counted");
        };
        let Step::Refuse(refusal) = ask.answer(gate, later, Ok(())) else {
            panic!("it is refused");
        };
        let revoked = Error::Credential(CredentialError::Refused("revoked token"));
        assert_eq!(refusal.error, revoked);
    }
}
