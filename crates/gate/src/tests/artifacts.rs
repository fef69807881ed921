//! Artifact credentials in the whole machine (R46): none reaches a caller before the Ledger knows of
//! it, or for a token that is not active at that moment.

mod downloads;
mod links;

use std::rc::Rc;

use postern_domain::policy::defaults;
use postern_domain::scope::Scope;
use postern_ledger::{ArtifactCommand, Liveness};
use postern_wire::{jwt, message};

use crate::config::Config;
use crate::testing::drive::{Answer, Outcome, Sent, drive, frame, header};
use crate::testing::{self, World, facts, project, workflow};

const RUN: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
/// What the origin hands out.
const SECRET: &str = "artifact.credential.made-by-the-origin";

/// SHA-256 of `hello`.
const DIGEST: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

/// A world with leases of this length in which a token of this scope is active, and what its caller
/// sends.
fn world(lease_ms: u32, scope: Scope) -> (World, String) {
    let world = World::new();
    world.configure(&Rc::new(Config {
        revocation_lease_ms: lease_ms,
        ..testing::config()
    }));
    let mut row = facts(7, scope);
    row.policies = defaults(&row.scope);
    let issued = jwt::issue(&row, &testing::config().token_keys).expect("issues");
    row.verifier = issued.verifier;
    world.keep(row);
    let run = postern_domain::decide::RunFacts {
        project: "shop".to_owned(),
        workflow: "release".to_owned(),
        workflow_id: None,
        upstream: None,
    };
    let id = postern_domain::id::RunId::parse_any(RUN).expect("an id");
    let organization = postern_domain::id::Id::from_u128(1);
    world.runs.borrow_mut().insert((organization, id), run);
    *world.origin.borrow_mut() = Ok(handed_out(SECRET));
    (world, format!("Bearer {}", issued.token.expose()))
}

fn narrow() -> Scope {
    Scope::Workflow {
        project: project(),
        workflow: workflow(),
    }
}

/// An answer with this text where credentials and links stand.
fn handed_out(text: &str) -> Answer {
    Answer::message(&message::embedded(1, &message::text(2, text)))
}

fn call(world: &World, credential: &str, method: &str, message: &[u8]) -> Outcome {
    let path = format!("/controlplane.v1.{method}");
    drive(world, &Sent::grpc_web(&path, Some(credential), message)).expect("a call")
}

/// The calls that hand out artifact credentials, each with a message, and the target and role of its
/// event.
fn calls() -> [(&'static str, Vec<u8>, String, Option<&'static str>); 5] {
    let get = |role: &[u8]| [role, &message::text(2, DIGEST)].concat();
    let artifact = || format!("artifact:{DIGEST}");
    [
        (
            "AttestationService/GetUploadCreds",
            message::text(1, RUN),
            format!("run:{RUN}"),
            Some("uploader"),
        ),
        (
            "CASCredentialsService/Get",
            get(&[0x08, 1]),
            artifact(),
            Some("downloader"),
        ),
        (
            "CASCredentialsService/Get",
            get(&[0x08, 2]),
            artifact(),
            Some("uploader"),
        ),
        // A role that a later release may know.
        (
            "CASCredentialsService/Get",
            get(&[0x08, 3]),
            artifact(),
            None,
        ),
        (
            "CASRedirectService/GetDownloadURL",
            message::text(1, DIGEST),
            artifact(),
            Some("downloader"),
        ),
    ]
}

/// Whether anything of an outcome has the origin's credential.
fn has_secret(outcome: &Outcome) -> bool {
    match &outcome.got {
        Ok(got) => {
            let body = String::from_utf8_lossy(&got.body).into_owned();
            body.contains(SECRET) || format!("{:?}", got.headers).contains(SECRET)
        }
        Err(error) => format!("{error:?} {} {}", error.public(), error.private()).contains(SECRET),
    }
}

#[test]
fn r46_each_credential_is_written_down_before_its_caller_has_it() {
    for (method, message, target, role) in calls() {
        let (world, credential) = world(0, Scope::Organization);
        let outcome = call(&world, &credential, method, &message);
        assert!(has_secret(&outcome), "{method}: {:?}", outcome.got);
        let asked = world.take_asked();
        assert_eq!(
            asked.last().map(String::as_str),
            Some("record"),
            "{asked:?}"
        );
        let recorded = world.recorded.take();
        let [event] = recorded.as_slice() else {
            panic!("{method}: {} events", recorded.len());
        };
        let ArtifactCommand {
            call,
            role: found,
            requester,
            ..
        } = event;
        assert_eq!((call.as_str(), found.as_deref()), (method, role));
        assert_eq!(event.target.as_deref(), Some(target.as_str()));
        assert_eq!(event.token.as_u128(), 7);
        assert!(requester.actor.starts_with("org-token:"), "{requester:?}");
        assert_eq!(requester.request_id, "r1");
        assert!(!format!("{event:?}").contains(SECRET));
    }
}

/// A lease lets the call pass; the write does not.
#[test]
fn r46_a_token_that_is_revoked_meanwhile_gets_no_credential() {
    for (method, message, ..) in calls() {
        let (world, credential) = world(1_000, Scope::Organization);
        assert!(has_secret(&call(&world, &credential, method, &message)));
        world.recorded.take();
        world.take_asked();
        world.revoke(Liveness::Revoked);
        let outcome = call(&world, &credential, method, &message);
        assert!(outcome.forwarded.is_some(), "{method}");
        assert_eq!(outcome.verdict(), "credential_refused", "{method}");
        assert!(!has_secret(&outcome), "{method}");
        assert_eq!(
            world.take_asked(),
            ["body", "forward", "record", "count unknown"],
            "{method}"
        );
        assert_eq!(world.recorded.borrow().len(), 0);
    }
}

#[test]
fn r46_without_the_ledger_no_credential_is_handed_out() {
    for (method, message, ..) in calls() {
        let (world, credential) = world(1_000, Scope::Organization);
        assert!(has_secret(&call(&world, &credential, method, &message)));
        world.ledger_down.set(true);
        let outcome = call(&world, &credential, method, &message);
        assert!(outcome.forwarded.is_some(), "{method}");
        assert_eq!(outcome.verdict(), "unavailable", "{method}");
        assert!(!has_secret(&outcome), "{method}");
    }
}

#[test]
fn r46_what_hands_out_nothing_is_not_written_down() {
    let [(upload, of_run, ..), ..] = calls();
    let rows = [
        // A store within the origin has no credential.
        (handed_out(""), "allowed"),
        (Answer::message(b""), "allowed"),
        (Answer::ended(7), "allowed"),
    ];
    for (answer, verdict) in rows {
        let (world, credential) = world(0, narrow());
        *world.origin.borrow_mut() = Ok(answer);
        let outcome = call(&world, &credential, upload, &of_run);
        assert_eq!(outcome.verdict(), verdict);
        assert_eq!(world.recorded.borrow().len(), 0);
    }
    // Other calls are passed on as before, and asked nothing more.
    let (world, credential) = world(0, narrow());
    let outcome = call(&world, &credential, "ContextService/Current", b"");
    assert_eq!(outcome.verdict(), "allowed");
    assert_eq!(world.take_asked(), ["body", "admit", "forward"]);
}

/// In each of these a credential could be where nobody looks for it.
#[test]
fn r46_an_answer_that_cannot_be_read_is_handed_to_nobody() {
    let [(upload, of_run, ..), ..] = calls();
    let typed = || header("content-type", "application/grpc-web+proto");
    let answer = |headers, body| Answer {
        status: 200,
        headers,
        body,
    };
    let good = handed_out(SECRET);
    let in_head = answer(vec![typed(), header("grpc-status", "0")], good.body.clone());
    let compressed = answer(vec![typed()], frame(1, SECRET.as_bytes()));
    let twice = answer(vec![typed()], [good.body.clone(), good.body].concat());
    let unread = answer(
        vec![typed()],
        [
            frame(0, &[0x0a, 0xff, 0xff]),
            frame(0x80, b"grpc-status:0\r\n"),
        ]
        .concat(),
    );
    for (what, answer) in [
        ("its status is in its head", in_head),
        ("it is compressed", compressed),
        ("its message is cut", unread),
        ("something follows its end", twice),
    ] {
        let (world, credential) = world(0, narrow());
        *world.origin.borrow_mut() = Ok(answer);
        let outcome = call(&world, &credential, upload, &of_run);
        assert_eq!(outcome.verdict(), "origin_unavailable", "{what}");
        assert!(!has_secret(&outcome), "{what}");
        assert_eq!(world.recorded.borrow().len(), 0, "{what}");
    }
}
