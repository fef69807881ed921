//! The origin's own tokens through the gateway (R43): in which order limits, origin and register are
//! asked, what the caller gets, and what is undone.

mod ending;

use std::rc::Rc;

use postern_domain::id::Id;
use postern_domain::policy::Policy;
use postern_domain::scope::Scope;
use postern_wire::{jwt, message, own_token};

use crate::Outage;
use crate::config::Config;
use crate::error::Error;
use crate::testing::drive::{Answer, Outcome, Sent, drive, frame, header};
use crate::testing::{self, World, facts, project};

const MADE: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
const ALL: [&str; 3] = ["api_token:create", "api_token:list", "api_token:delete"];

fn governing() -> Config {
    Config {
        governs_origin_tokens: true,
        ..testing::config()
    }
}

/// A world in which a token of the organization holds these policies, and what its caller sends.
fn world(config: Config, scope: Scope, policies: &[&str]) -> (World, String) {
    let world = World::new();
    world.configure(&Rc::new(config));
    let mut row = facts(7, scope);
    row.policies = policies
        .iter()
        .map(|text| Policy::parse(text).expect("a policy"))
        .collect();
    let issued = jwt::issue(&row, &testing::config().token_keys).expect("issues");
    row.verifier = issued.verifier;
    world.keep(row);
    (world, format!("Bearer {}", issued.token.expose()))
}

fn manager() -> (World, String) {
    world(governing(), Scope::Organization, &ALL)
}

fn call(world: &World, credential: &str, method: &str, message: &[u8]) -> Outcome {
    let path = format!("/controlplane.v1.APITokenService/{method}");
    drive(world, &Sent::grpc_web(&path, Some(credential), message)).expect("a call")
}

fn create(world: &World, credential: &str) -> Outcome {
    call(
        world,
        credential,
        "Create",
        &own_token::create("ci", Some("shop"), None),
    )
}

/// An answer to Create with this id and these tokens.
fn made(id: &str, jwts: &[&str]) -> Vec<u8> {
    let item = message::embedded(1, &message::text(1, id));
    let jwts = jwts.iter().map(|jwt| message::text(2, jwt));
    let parts: Vec<Vec<u8>> = [item].into_iter().chain(jwts).collect();
    message::embedded(1, &parts.concat())
}

fn answers(world: &World, answers: Vec<Answer>) {
    *world.own.answers.borrow_mut() = answers.into_iter().map(Ok).collect();
}

fn asked(world: &World) -> Vec<String> {
    world.own.asked.take()
}

fn refusal(outcome: &Outcome) -> String {
    match &outcome.got {
        Ok(got) => panic!("it was answered: {got:?}"),
        Err(error) => error.public(),
    }
}

#[test]
fn r43_the_calls_are_closed_unless_they_are_governed_and_take_their_policy() {
    let project = || Scope::Project { project: project() };
    let rows = [
        (
            testing::config(),
            Scope::Organization,
            &ALL[..],
            "origin_tokens",
        ),
        (
            governing(),
            Scope::Organization,
            &ALL[..0],
            "operation_not_allowed",
        ),
        (governing(), project(), &ALL[..], "operation_not_allowed"),
        (governing(), Scope::Organization, &ALL[..], "allowed"),
    ];
    for (config, scope, policies, expected) in rows {
        let (world, credential) = world(config, scope, policies);
        for method in ["Create", "List", "Revoke"] {
            answers(&world, vec![Answer::message(&made(MADE, &["a.b.c"]))]);
            let message = match method {
                "Create" => own_token::create("ci", Some("shop"), None),
                "List" => Vec::new(),
                _ => own_token::revoke(MADE),
            };
            let outcome = call(&world, &credential, method, &message);
            assert_eq!(outcome.verdict(), expected, "{method} {policies:?}");
            assert_eq!(
                asked(&world).is_empty(),
                expected != "allowed" || method == "List"
            );
        }
    }
    // Each of the three has its own.
    for (method, policy) in ["Create", "List", "Revoke"].into_iter().zip(ALL) {
        for held in ALL {
            let (world, credential) = world(governing(), Scope::Organization, &[held]);
            answers(&world, vec![Answer::message(&made(MADE, &["a.b.c"]))]);
            let message = match method {
                "Revoke" => own_token::revoke(MADE),
                _ => Vec::new(),
            };
            let allowed = call(&world, &credential, method, &message).got.is_ok();
            assert_eq!(allowed, held == policy, "{method} {held}");
        }
    }
}

#[test]
fn r43_a_token_is_registered_before_the_caller_has_it() {
    let (world, credential) = manager();
    let answer = Answer::message(&made(MADE, &["a.b.c"]));
    answers(&world, vec![answer.clone()]);
    let outcome = create(&world, &credential);
    let expected = ["reserve 12", "origin Create", "register a.b.c"];
    assert_eq!(asked(&world), expected);
    assert_eq!(outcome.got.expect("answered").body, answer.body);
    let seen = world.own.seen.take();
    let request = own_token::create("ci", Some("shop"), None);
    assert_eq!(seen[0].body.as_deref(), Some(frame(0, &request).as_slice()));
    assert!(
        seen[0]
            .headers
            .contains(&header("authorization", &credential))
    );

    // In Connect: the bare message in, the bare message out.
    answers(&world, vec![answer]);
    let mut sent = Sent::grpc_web(
        "/controlplane.v1.APITokenService/Create",
        Some(&credential),
        &[],
    );
    sent.headers[0] = header("content-type", "application/proto");
    sent.headers.push(header("connect-protocol-version", "1"));
    sent.body = request;
    let got = drive(&world, &sent).expect("a call").got.expect("answered");
    assert_eq!(got.body, made(MADE, &["a.b.c"]));
    assert_eq!(asked(&world), expected);
}

#[test]
fn r43_what_is_refused_by_a_limit_never_reaches_the_origin() {
    let (world, credential) = manager();
    let full = Error::MintCeiling { ceiling: 3 };
    *world.own.reserve_refused.borrow_mut() = Some(full.clone());
    let outcome = create(&world, &credential);
    assert_eq!(outcome.got, Err(full));
    assert_eq!(asked(&world), ["reserve 12"]);
}

#[test]
fn r43_what_the_origin_refuses_gives_back_what_was_taken() {
    let given = ["reserve 12", "origin Create", "give back"];
    let kept = ["reserve 12", "origin Create"];
    for status in 1..=16 {
        let (world, credential) = manager();
        answers(&world, vec![Answer::ended(status)]);
        let outcome = create(&world, &credential);
        let got = outcome.got.expect("the origin's own refusal passes");
        assert!(
            got.headers
                .contains(&header("grpc-status", &status.to_string()))
        );
        let nothing_done = [3, 5, 6, 7, 8, 9, 12, 16].contains(&status);
        let expected: &[&str] = if nothing_done { &given } else { &kept };
        assert_eq!(asked(&world), expected, "{status}");
    }
    // Nobody knows what has become of these.
    let page = Answer {
        status: 502,
        headers: vec![header("content-type", "text/html")],
        body: b"<html>".to_vec(),
    };
    for answer in [
        Ok(page),
        Err(Outage::Late),
        Err(Outage::Failed("down".to_owned())),
    ] {
        let (world, credential) = manager();
        *world.own.answers.borrow_mut() = vec![answer];
        let outcome = create(&world, &credential);
        assert_eq!(outcome.verdict(), "origin_unavailable");
        assert_eq!(asked(&world), kept);
    }
}

#[test]
fn r43_an_answer_that_is_no_token_is_undone_and_never_passed_on() {
    let undone = "it was revoked there";
    let unnamed = "the answer does not name it: look for it at the origin";
    let own = Id::<postern_domain::id::Token>::from_u128(7).to_string();
    let rows = [
        (Answer::message(&made(MADE, &[])), Some(undone)),
        (
            Answer::message(&made(MADE, &["a.b.c", "d.e.f"])),
            Some(undone),
        ),
        (Answer::message(&made(MADE, &[""])), Some(undone)),
        (Answer::message(&made("no id", &[])), Some(unnamed)),
        (Answer::message(&made(&own, &[])), Some(unnamed)),
        (Answer::message(b"garbage"), Some(unnamed)),
        (Answer::message(b""), Some(unnamed)),
    ];
    for (answer, expected) in rows {
        let (world, credential) = manager();
        answers(&world, vec![answer.clone(), Answer::message(b"")]);
        let outcome = create(&world, &credential);
        assert_eq!(
            outcome.verdict(),
            "origin_token_not_registered",
            "{answer:?}"
        );
        let told = refusal(&outcome);
        assert!(told.ends_with(expected.expect("words")), "{told}");
        assert!(!told.contains("a.b.c"), "{told}");
        let asked = asked(&world);
        let revokes = asked.iter().any(|what| what == "origin Revoke");
        assert_eq!(revokes, expected == Some(undone), "{asked:?}");
        assert!(
            !asked.iter().any(|what| what.starts_with("register")),
            "{asked:?}"
        );
    }
    // Two messages in one answer are no answer of this protocol.
    let (world, credential) = manager();
    let mut twice = Answer::message(&made(MADE, &["a.b.c"]));
    twice.body = [frame(0, &made(MADE, &["a.b.c"])), twice.body].concat();
    answers(&world, vec![twice]);
    assert_eq!(create(&world, &credential).verdict(), "origin_unavailable");
    assert_eq!(asked(&world), ["reserve 12", "origin Create"]);
    // Nor is a token beside a refusal, or behind the end.
    let message = frame(0, &made(MADE, &["a.b.c"]));
    let refused = [message.clone(), frame(0x80, b"grpc-status: 7\r\n")].concat();
    let behind = [frame(0x80, b"grpc-status: 7\r\n"), message].concat();
    for body in [refused, behind] {
        let (world, credential) = manager();
        let answer = Answer {
            body,
            ..Answer::message(b"")
        };
        answers(&world, vec![answer]);
        assert_eq!(create(&world, &credential).verdict(), "origin_unavailable");
        assert_eq!(asked(&world), ["reserve 12", "origin Create"]);
    }
}

/// Else a token could stand at the origin that nobody here knows of.
#[test]
fn r43_what_makes_or_ends_a_token_is_not_given_up_with_its_caller() {
    for (within, expected) in [
        (
            "1m",
            &[
                "reserve 12",
                "origin Create",
                "register a.b.c",
                "origin Revoke",
            ][..],
        ),
        ("0m", &["reserve 12", "give back"]),
    ] {
        let (world, credential) = manager();
        let full = Error::MintCeiling { ceiling: 1 };
        world
            .own
            .settle_refused
            .borrow_mut()
            .push(("register", full));
        let made = Answer::message(&made(MADE, &["a.b.c"]));
        answers(&world, vec![made, Answer::message(b"")]);
        let path = "/controlplane.v1.APITokenService/Create";
        let message = own_token::create("ci", Some("shop"), None);
        let mut sent = Sent::grpc_web(path, Some(&credential), &message);
        sent.headers.push(header("grpc-timeout", within));
        drive(&world, &sent).expect("a call");
        assert_eq!(asked(&world), expected, "{within}");
        for seen in world.own.seen.borrow().iter() {
            assert!(!seen.patience.callers, "{}", seen.target);
        }
    }
}

#[test]
fn r43_what_cannot_be_registered_is_revoked_at_the_origin() {
    let refused = || Error::invalid("organization_conflict", "of another organization");
    let rows = [
        (vec![Answer::message(b"")], "it was revoked there", None),
        (
            vec![Answer::ended(7)],
            "it could not be revoked there",
            Some(format!("not revoked {MADE}")),
        ),
        (
            Vec::new(),
            "it could not be revoked there",
            Some(format!("not revoked {MADE}")),
        ),
    ];
    for (then, expected, noted) in rows {
        let (world, credential) = manager();
        *world.own.settle_refused.borrow_mut() = vec![("register", refused())];
        let first = Answer::message(&made(MADE, &["a.b.c"]));
        answers(&world, [vec![first], then].concat());
        let outcome = create(&world, &credential);
        let told = refusal(&outcome);
        assert!(told.contains("of another organization"), "{told}");
        assert!(told.contains(expected), "{told}");
        let register = "register a.b.c".to_owned();
        let mut steps = vec![
            "reserve 12".to_owned(),
            "origin Create".to_owned(),
            register,
        ];
        steps.push("origin Revoke".to_owned());
        steps.extend(noted);
        assert_eq!(asked(&world), steps);
        let seen = world.own.seen.take();
        let sent = frame(0, &own_token::revoke(MADE));
        assert_eq!(seen[1].body.as_deref(), Some(sent.as_slice()));
        assert!(
            seen[1]
                .headers
                .contains(&header("authorization", &credential))
        );
    }
    // One that was registered before is somebody's: it stays.
    let (world, credential) = manager();
    let known = Error::invalid("already_adopted", "this token is registered already");
    *world.own.settle_refused.borrow_mut() = vec![("register", known)];
    answers(&world, vec![Answer::message(&made(MADE, &["a.b.c"]))]);
    let told = refusal(&create(&world, &credential));
    assert!(told.ends_with("it was registered before"), "{told}");
    assert_eq!(
        asked(&world),
        ["reserve 12", "origin Create", "register a.b.c"]
    );
}

#[test]
fn r43_a_failure_that_could_not_be_written_down_is_in_the_log() {
    let (world, credential) = manager();
    let down = || Error::unavailable("the Ledger is down");
    *world.own.settle_refused.borrow_mut() = vec![("register", down()), ("not revoked", down())];
    answers(
        &world,
        vec![Answer::message(&made(MADE, &["a.b.c"])), Answer::ended(2)],
    );
    let Err(error) = create(&world, &credential).got else {
        panic!("it is refused");
    };
    let log = error.private();
    for part in [MADE, "status 2", "not in the audit log: the Ledger is down"] {
        assert!(log.contains(part), "{log}");
    }
}
