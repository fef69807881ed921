//! What calls have come to, from bytes to what Ledgers are told (R49).

use postern_domain::id::Id;
use postern_domain::scope::Scope;
use postern_domain::time::Timestamp;
use postern_ledger::{Liveness, TokenActivity};
use postern_wire::jwt;

use super::calls::names;
use crate::Outage;
use crate::testing::drive::{Answer, Sent, drive, header};
use crate::testing::{self, World, facts, project, workflow};

const INIT: &str = "/controlplane.v1.AttestationService/FindOrCreateWorkflow";

/// A credential for the workflow of the world, which ends then.
fn credential(world: &World, expires_at: Option<Timestamp>) -> String {
    let mut facts = facts(
        7,
        Scope::Workflow {
            project: project(),
            workflow: workflow(),
        },
    );
    facts.policies = postern_domain::policy::defaults(&facts.scope);
    facts.expires_at = expires_at;
    let issued = jwt::issue(&facts, &testing::config().token_keys).expect("issues");
    facts.verifier = issued.verifier;
    world.keep(facts);
    format!("Bearer {}", issued.token.expose())
}

/// What the organization's Ledger is told, and how many credentials are counted for the gateway.
fn told(world: &World) -> (Vec<TokenActivity>, u64) {
    let told = world.ended(Id::from_u128(1));
    let activity = &mut world.gate.borrow_mut().memory.activity;
    let batch = activity.batch(None, world.now());
    if let Some(batch) = &batch {
        activity.told(batch);
    }
    (told, batch.map_or(0, |batch| batch.command.offline))
}

fn send(world: &World, credential: Option<&str>, message: &[u8]) -> &'static str {
    let mut sent = Sent::grpc_web(INIT, credential, message);
    sent.headers.push(header("user-agent", "curl/8"));
    drive(world, &sent).expect("a call").verdict()
}

#[test]
fn r49_only_what_the_origin_has_answered_is_a_use() {
    let world = World::new();
    let good = credential(&world, None);
    let fine = names("shop", "release");
    // What the origin answers, and what the call comes to: allowed, trouble, refused.
    type Row<'a> = (Result<Answer, Outage>, &'a [u8], &'a str, [u64; 3]);
    let other = names("other", "release");
    let rows: [Row<'_>; 6] = [
        (Ok(Answer::message(b"")), &fine, "allowed", [1, 0, 0]),
        (Ok(Answer::ended(7)), &fine, "allowed", [1, 0, 0]),
        (Err(Outage::Late), &fine, "origin_unavailable", [0, 1, 0]),
        (
            Err(Outage::Failed("gone".to_owned())),
            &fine,
            "origin_unavailable",
            [0, 1, 0],
        ),
        (Ok(Answer::message(b"")), &other, "other_project", [0, 0, 1]),
        // Refused before the Ledger is asked; but the isolate has met the token.
        (
            Ok(Answer::message(b"")),
            b"\x22\xff",
            "message_unreadable",
            [0, 0, 1],
        ),
    ];
    for (answer, message, verdict, expected) in rows {
        *world.origin.borrow_mut() = answer;
        assert_eq!(send(&world, Some(&good), message), verdict);
        let (ended, offline) = told(&world);
        let [ended] = ended.as_slice() else {
            panic!("{verdict}: {ended:?}")
        };
        let refused = ended.refused.iter().map(|(_, calls)| *calls).sum();
        assert_eq!(
            [ended.allowed, ended.origin_trouble, refused],
            expected,
            "{verdict}"
        );
        assert_eq!(ended.used_at.is_some(), expected[0] == 1, "{verdict}");
        assert_eq!(
            ended.callers.len(),
            usize::from(expected[2] == 0),
            "{verdict}"
        );
        if let [(code, _)] = ended.refused.as_slice() {
            assert_eq!(code, verdict);
        }
        assert_eq!(offline, 0, "{verdict}");
    }
}

#[test]
fn r49_refusals_of_tokens_that_have_ended_count_for_them() {
    let fine = names("shop", "release");
    for liveness in [Liveness::Revoked, Liveness::Unknown] {
        let world = World::new();
        let credential = credential(&world, None);
        world.revoke(liveness);
        assert_eq!(send(&world, Some(&credential), &fine), "credential_refused");
        let (ended, offline) = told(&world);
        match liveness {
            Liveness::Revoked => {
                assert_eq!(ended[0].refused, [("credential_refused".to_owned(), 1)]);
                assert_eq!((ended[0].allowed, offline), (0, 0));
            }
            _ => assert_eq!((ended, offline), (Vec::new(), 1), "it is no token"),
        }
    }
    // It names its organization, and a key of ours has signed that.
    let world = World::new();
    let end = world.now().plus_millis(60_000);
    let credential = credential(&world, Some(end));
    world.now.set(end.as_millis() + 100_000);
    assert_eq!(send(&world, Some(&credential), &fine), "token_expired");
    let (ended, offline) = told(&world);
    assert_eq!(ended[0].refused, [("token_expired".to_owned(), 1)]);
    assert_eq!(offline, 0);
}

#[test]
fn r49_what_is_no_token_counts_for_the_gateway_and_nothing_for_nobody() {
    let world = World::new();
    let fine = names("shop", "release");
    let rows = [
        (None, "credential_missing", 0),
        (Some("Bearer garbage"), "credential_refused", 1),
        (Some("Bearer pst_garbage"), "credential_malformed", 1),
    ];
    for (credential, verdict, failures) in rows {
        assert_eq!(send(&world, credential, &fine), verdict);
        assert_eq!(told(&world), (Vec::new(), failures), "{credential:?}");
    }
    let open = Sent::grpc_web("/controlplane.v1.StatusService/Statusz", None, b"");
    assert_eq!(drive(&world, &open).expect("a call").verdict(), "allowed");
    assert_eq!(told(&world), (Vec::new(), 0), "open calls are nobody's");
}
