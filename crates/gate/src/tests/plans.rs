//! Bytes as rows: what came, what the origin sees of it, and what the client gets of the answer.

use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::config::Config;
use crate::testing::drive::{Answer, Got, Outcome, Sent, drive, frame, header};
use crate::testing::{World, facts};
use postern_domain::id::RunId;
use postern_domain::scope::Scope;
use postern_wire::{jwt, message};

/// A call that names nothing, and one that names a run.
const SIGN: &str = "/controlplane.v1.SigningService/GenerateSigningCert";
const STORE: &str = "/controlplane.v1.AttestationService/Store";

fn credential(world: &World) -> String {
    let facts = facts(7, Scope::Organization);
    let issued = jwt::issue(&facts, &world.gate.borrow().config().token_keys).expect("issues");
    world.keep(facts);
    format!("Bearer {}", issued.token.expose())
}

fn sent(world: &World, path: &str, media: &str, body: Vec<u8>) -> Sent {
    Sent {
        method: "POST",
        path: path.to_owned(),
        query: String::new(),
        headers: vec![
            header("content-type", media),
            header("authorization", &credential(world)),
        ],
        body,
    }
}

fn value<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    let found = headers.iter().find(|(own, _)| own == name);
    found.map(|(_, value)| value.as_str())
}

fn run(world: &World, sent: &Sent) -> Outcome {
    drive(world, sent).expect("a call")
}

#[test]
fn the_origin_gets_frames_under_their_bare_media_type_however_they_came() {
    let message = b"m".to_vec();
    let frames = frame(0, &message);
    let text = STANDARD.encode(&frames).into_bytes();
    let rows: [(&str, Vec<u8>, &str, Vec<u8>); 4] = [
        (
            "application/grpc-web+proto",
            frames.clone(),
            "application/grpc-web+proto",
            frames.clone(),
        ),
        (
            "application/grpc-web; x=1",
            frames.clone(),
            "application/grpc-web",
            frames.clone(),
        ),
        (
            "application/grpc-web-text",
            text.clone(),
            "application/grpc-web-text",
            text,
        ),
        (
            "application/proto",
            message,
            "application/grpc-web+proto",
            frames,
        ),
    ];
    for (media, body, told, expected) in rows {
        let world = World::new();
        let outcome = run(&world, &sent(&world, SIGN, media, body));
        let seen = outcome.forwarded.expect(media);
        assert_eq!((seen.method, seen.target.as_str()), ("POST", SIGN));
        assert_eq!(value(&seen.headers, "content-type"), Some(told), "{media}");
        assert_eq!(seen.body, Some(expected), "{media}");
        assert_eq!(value(&seen.headers, "x-request-id"), Some("r1"));
    }
}

#[test]
fn what_cannot_be_read_goes_nowhere_and_asks_nobody() {
    let run = message::text(2, &RunId::from_u128(5).to_string());
    let two = [frame(0, &run), frame(0, b"")].concat();
    let rows: [(&str, &str, Vec<u8>, &str); 9] = [
        (STORE, "application/grpc-web+proto", two, "body_unreadable"),
        (
            STORE,
            "application/grpc-web+proto",
            frame(1, &run),
            "body_compressed",
        ),
        (
            STORE,
            "application/grpc-web+proto",
            run.clone(),
            "body_unreadable",
        ),
        (
            STORE,
            "application/grpc-web-text",
            b"!".to_vec(),
            "body_unreadable",
        ),
        (
            STORE,
            "application/proto",
            b"\x12\xff".to_vec(),
            "message_unreadable",
        ),
        (STORE, "application/grpc", run.clone(), "native_grpc"),
        (STORE, "application/json", run.clone(), "connect_json"),
        (STORE, "text/plain", run.clone(), "unsupported_media_type"),
        (
            "/controlplane.v1.No/Such",
            "application/proto",
            run,
            "operation_not_allowed",
        ),
    ];
    for (path, media, body, code) in rows {
        let world = World::new();
        let outcome = super::plans::run(&world, &sent(&world, path, media, body));
        assert_eq!(outcome.verdict(), code, "{path} {media}");
        assert_eq!(outcome.forwarded, None);
        let asked = world.take_asked();
        assert!(asked.iter().all(|what| what == "body"), "{code}: {asked:?}");
    }
}

#[test]
fn a_compressed_or_overlong_body_is_refused_by_its_head() {
    let world = World::new();
    let body = frame(0, b"");
    let mut coded = sent(&world, STORE, "application/grpc-web+proto", body.clone());
    coded.headers.push(header("content-encoding", "gzip"));
    assert_eq!(run(&world, &coded).verdict(), "body_compressed");
    let mut long = sent(&world, SIGN, "application/grpc-web+proto", body);
    long.headers
        .push(header("content-length", &u64::MAX.to_string()));
    world.take_asked();
    assert_eq!(run(&world, &long).verdict(), "body_too_large");
    assert_eq!(world.take_asked(), Vec::<String>::new(), "not even read");
}

/// What a client of this protocol gets of an answer.
fn got(media: &str, answer: Answer) -> Result<Got, &'static str> {
    let world = World::new();
    *world.origin.borrow_mut() = Ok(answer);
    let body = match media {
        "application/proto" => b"m".to_vec(),
        _ => frame(0, b"m"),
    };
    let outcome = run(&world, &sent(&world, SIGN, media, body));
    outcome.got.map_err(|error| error.code())
}

#[test]
fn connect_reads_the_bare_message_or_the_error_as_json() {
    let ok = got("application/proto", Answer::message(b"answer")).expect("passes");
    assert_eq!((ok.status, ok.body.as_slice()), (200, &b"answer"[..]));
    assert_eq!(
        value(&ok.headers, "content-type"),
        Some("application/proto")
    );
    assert_eq!(
        value(&ok.headers, "server-timing"),
        Some("gate;dur=0, origin;dur=0")
    );
    let failed = got("application/proto", Answer::ended(5)).expect("passes");
    assert_eq!(
        (failed.status, failed.body.as_slice()),
        (404, &br#"{"code":"not_found"}"#[..])
    );
    assert_eq!(
        value(&failed.headers, "x-content-type-options"),
        Some("nosniff")
    );
    for headers in [&ok.headers, &failed.headers] {
        assert_eq!(value(headers, "grpc-status"), None);
    }
    let empty = Answer {
        body: frame(0x80, b"grpc-status:0\r\n"),
        ..Answer::message(b"")
    };
    assert_eq!(got("application/proto", empty), Err("origin_unavailable"));
}

#[test]
fn grpc_web_gets_the_answer_as_it_came_and_nothing_that_is_none() {
    let media = "application/grpc-web+proto";
    let mut answer = Answer::message(b"answer");
    answer.headers.push(header("set-cookie", "a=b"));
    let passed = got(media, answer.clone()).expect("passes");
    assert_eq!((passed.status, &passed.body), (200, &answer.body));
    assert_eq!(value(&passed.headers, "set-cookie"), None);
    for (status, media_type) in [
        (502, "application/grpc-web+proto"),
        (200, "text/html"),
        (302, ""),
    ] {
        let none = Answer {
            status,
            headers: vec![header("content-type", media_type)],
            body: Vec::new(),
        };
        assert_eq!(
            got(media, none),
            Err("origin_unavailable"),
            "{status} {media_type}"
        );
    }
}

#[test]
fn the_call_and_a_question_of_the_gateways_own_have_assertions_of_their_own() {
    let world = World::new();
    let variable = |name: &str| match name {
        "ORIGIN_URL" => Some("http://127.0.0.1:1".to_owned()),
        "TOKEN_KEYS" | "ASSERTION_KEYS" => Some(format!("k1:{}", "A".repeat(43))),
        "ORIGIN_AUTH" => Some("assertion".to_owned()),
        _ => None,
    };
    world.configure(&Rc::new(Config::read(variable).expect("good")));
    let id = RunId::from_u128(5).to_string();
    let (inner, about) = (
        |number, bytes: &[u8]| message::text(number, core::str::from_utf8(bytes).expect("ASCII")),
        [message::text(2, "release"), message::text(3, "shop")].concat(),
    );
    let item = [message::text(1, &id), inner(6, &about)].concat();
    let view = Answer::message(&inner(1, &inner(1, &item)));
    *world.run_view.borrow_mut() = Ok(view);
    let body = frame(0, &message::text(2, &id));
    let outcome = run(
        &world,
        &sent(&world, STORE, "application/grpc-web+proto", body),
    );
    assert_eq!(outcome.verdict(), "allowed");
    let assertion =
        |headers: &[(String, String)]| value(headers, "postern-assertion").map(str::to_owned);
    let call = assertion(&outcome.forwarded.expect("forwarded").headers);
    let own = assertion(&outcome.lookups.first().expect("a lookup").headers);
    assert!(call.is_some() && own.is_some());
    assert_ne!(call, own);
}
