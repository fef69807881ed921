//! People with user tokens of the control plane (R44): who passes, where, and why others do not.

mod plain_http;
mod tokens;

use std::rc::Rc;

use serde_json::{Value, json};

use crate::config::Config;
use crate::config::origin_auth::OriginAuth;
use crate::credential::present;
use crate::error::CredentialError::{self, *};
use crate::origin_tokens::{changed, sign};
use crate::request_log::RequestLog;
use crate::testing::drive::{Answer, Outcome, Sent, drive, header};
use crate::testing::{self, World};
use crate::{Notes, question};
use postern_domain::caller::Caller;
use postern_domain::id::Id;
use postern_domain::keys::KeyRing;
use postern_domain::rpc::{Access, Rpc, rpcs};

/// Who it is.
const USER: &str = "5b1ec0de-0000-4000-8000-000000000001";
/// A call that only people make, and one that tokens make as well.
const PEOPLES: &str = "/controlplane.v1.UserService/ListMemberships";
const CURRENT: &str = "/controlplane.v1.ContextService/Current";
/// After the tokens of these tests end, in seconds: the world's clock begins at 0.
const END: i64 = 4_000_000_000;

/// The configuration of a gateway that lets people pass.
fn config() -> Config {
    Config {
        people: true,
        ..testing::config()
    }
}

fn world(config: Config) -> World {
    let world = World::new();
    world.configure(&Rc::new(config));
    *world.origin.borrow_mut() = Ok(Answer::ended(0));
    world
}

/// The claims of a user token as the control plane makes it, with members replaced; `null` takes one
/// away.
fn claims(changes: &Value) -> Value {
    let claims = json!({
        "user_id": USER,
        "iss": "cp.chainloop",
        "aud": ["user-auth.chainloop"],
        "exp": END,
    });
    changed(claims, changes)
}

fn origins() -> KeyRing {
    testing::config().adopt_keys.expect("the origin's")
}

/// A user token with these changes.
pub(super) fn token(changes: &Value) -> String {
    let head = json!({ "alg": "HS256", "typ": "JWT" });
    sign(&head, &claims(changes), &origins())
}

pub(super) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn call(world: &World, path: &str, token: &str) -> Outcome {
    let sent = Sent::grpc_web(path, Some(&bearer(token)), b"\x0a\x04acme");
    drive(world, &sent).expect("a call")
}

fn refusal(outcome: Outcome) -> CredentialError {
    assert_eq!(outcome.forwarded, None, "nothing reached the origin");
    match outcome.got {
        Err(crate::error::Error::Credential(why)) => why,
        other => panic!("no refused credential: {other:?}"),
    }
}

#[test]
fn r44_a_person_passes_with_the_own_credential_and_nobody_is_asked() {
    let token = token(&json!({}));
    for path in [PEOPLES, CURRENT] {
        let world = world(config());
        let outcome = call(&world, path, &token);
        assert_eq!(outcome.verdict(), "allowed", "{path}");
        let seen = outcome.forwarded.expect("forwarded");
        assert!(
            seen.headers
                .contains(&header("authorization", &bearer(&token)))
        );
        assert_eq!(seen.target, path);
        assert_eq!(world.take_asked(), ["body", "forward"], "{path}");
    }
}

#[test]
fn r44_every_call_of_the_table_for_a_person() {
    let token = token(&json!({}));
    let expected = |row: &Rpc| match row.access {
        Access::Open | Access::Token | Access::Person => "allowed",
        Access::Closed => "origin_tokens",
    };
    for row in rpcs() {
        let outcome = call(&world(config()), &row.path(), &token);
        assert_eq!(outcome.verdict(), expected(row), "{}", row.method);
        let outcome = call(&world(testing::config()), &row.path(), &token);
        let denied = match row.access {
            Access::Open => "allowed",
            _ => "people_denied",
        };
        assert_eq!(outcome.verdict(), denied, "{}", row.method);
    }
}

#[test]
fn r44_where_people_do_not_pass_the_refusal_says_so() {
    let good = token(&json!({}));
    let world_ = world(testing::config());
    assert_eq!(refusal(call(&world_, PEOPLES, &good)), PeopleDenied);
    assert_eq!(world_.take_asked(), ["count unknown"]);
    // Without the origin's key it is told by what the token says of itself.
    let without = || Config {
        adopt_keys: None,
        ..testing::config()
    };
    assert_eq!(
        refusal(call(&world(without()), PEOPLES, &good)),
        PeopleDenied
    );
    let api = token(&json!({ "aud": "api-token-auth.chainloop" }));
    assert_eq!(refusal(call(&world(without()), PEOPLES, &api)), Stale);
}

#[test]
fn r44_no_person_is_a_caller_of_management() {
    for (people, expected) in [(true, PersonManages), (false, PeopleDenied)] {
        let config = Config {
            people,
            ..testing::config()
        };
        let authorization = bearer(&token(&json!({})));
        let now = World::new().now();
        let refused = present(Some(&authorization), &config, now).expect_err("a person");
        assert_eq!(refused, expected);
    }
}

#[test]
fn r44_in_other_modes_people_pass_with_their_own_credential_too() {
    let good = token(&json!({}));
    let upstream = Config {
        origin_auth: OriginAuth::Upstream,
        ..config()
    };
    let asserted = Config::read(|name| match name {
        "ORIGIN_URL" => Some("http://127.0.0.1:1".to_owned()),
        "ORIGIN_AUTH" => Some("assertion".to_owned()),
        "ASSERTION_KEYS" | "TOKEN_KEYS" => Some(format!("k1:{}", "A".repeat(43))),
        "ADOPT_KEYS" => Some("cp:Y3BjcGNwY3BjcGNwY3BjcGNwY3BjcGNwY3BjcGNwY3A".to_owned()),
        "PEOPLE" => Some("pass".to_owned()),
        _ => None,
    })
    .expect("a good configuration");
    for config in [upstream, asserted] {
        let world = world(config);
        let outcome = call(&world, PEOPLES, &good);
        assert_eq!(outcome.verdict(), "allowed");
        let seen = outcome.forwarded.expect("forwarded");
        assert!(
            seen.headers
                .contains(&header("authorization", &bearer(&good)))
        );
        let is_asserted = seen
            .headers
            .iter()
            .any(|(name, _)| name == "postern-assertion");
        assert!(!is_asserted, "there is no token to vouch for");
    }
}

#[test]
fn r44_people_speak_every_protocol_and_their_bodies_have_limits() {
    let good = token(&json!({}));
    let message = b"\x0a\x04acme";
    let sent = |media: &str, body: &[u8]| Sent {
        headers: vec![
            header("content-type", media),
            header("authorization", &bearer(&good)),
        ],
        body: body.to_vec(),
        ..Sent::grpc_web(PEOPLES, None, b"")
    };
    for (media, body) in [
        (
            "application/grpc-web+proto",
            &b"\0\0\0\0\x06\x0a\x04acme"[..],
        ),
        ("application/grpc-web-text+proto", &b"AAAAAAYKBGFjbWU="[..]),
        ("application/proto", &message[..]),
    ] {
        let world = world(config());
        *world.origin.borrow_mut() = Ok(Answer::message(b"\x0a\x01x"));
        let outcome = drive(&world, &sent(media, body)).expect("a call");
        assert_eq!(outcome.verdict(), "allowed", "{media}");
        let seen = outcome.forwarded.expect("forwarded");
        let expected = match media {
            "application/proto" => b"\0\0\0\0\x06\x0a\x04acme".to_vec(),
            _ => body.to_vec(),
        };
        assert_eq!(seen.body, Some(expected), "{media}");
    }
    let long = vec![0; 64 * 1024 + 1];
    let outcome = drive(&world(config()), &sent("application/grpc-web+proto", &long));
    assert_eq!(outcome.expect("a call").verdict(), "body_too_large");
    let compressed = Sent {
        headers: [
            sent("application/proto", b"").headers,
            vec![header("content-encoding", "gzip")],
        ]
        .concat(),
        ..sent("application/proto", b"\x1f\x8b\x08")
    };
    let outcome = drive(&world(config()), &compressed).expect("a call");
    assert_eq!(outcome.verdict(), "body_compressed");
}

#[test]
fn what_nobody_looks_into_goes_on_as_it_came() {
    let headers = vec![
        header("content-type", "application/grpc-web+proto"),
        header("content-encoding", "gzip"),
        header("authorization", &bearer(&token(&json!({})))),
    ];
    for path in [PEOPLES, "/controlplane.v1.AttestationService/Init"] {
        let sent = Sent {
            headers: headers.clone(),
            body: b"\x1f\x8b\x08".to_vec(),
            ..Sent::grpc_web(path, None, b"")
        };
        let outcome = drive(&world(config()), &sent).expect("a call");
        let seen = outcome.forwarded.expect("forwarded");
        assert!(
            seen.headers.contains(&header("content-encoding", "gzip")),
            "{path}"
        );
        assert_eq!(seen.body.as_deref(), Some(&b"\x1f\x8b\x08"[..]), "{path}");
    }
}

#[test]
fn r44_the_log_has_the_persons_id_and_no_token() {
    let caller = Caller::Person(Id::parse(USER).expect("an id"));
    let mut log = RequestLog::begin("r1", "POST", PEOPLES, World::new().now(), |_| false);
    log.noted(&Notes {
        caller: Some((caller, World::new().now())),
        ..Notes::default()
    });
    assert_eq!(log.user_id.as_deref(), Some(USER));
    assert_eq!(
        (log.token_id.as_deref(), log.organization.as_deref()),
        (None, None)
    );
    assert_eq!(log.counted_by(), ("-", ["ok", "-", "person"]));
    let line = log.line(false).expect("a line");
    assert!(line.contains(&format!(r#""user_id":"{USER}""#)), "{line}");
}

#[test]
fn r44_people_need_the_key_that_signs_their_tokens() {
    let read = |people: &str, keys: Option<&str>| {
        let keys = keys.map(str::to_owned);
        Config::read(move |name| match name {
            "ORIGIN_URL" => Some("http://127.0.0.1:1".to_owned()),
            "TOKEN_KEYS" => Some(format!("k1:{}", "A".repeat(43))),
            "ADOPT_KEYS" => keys.clone(),
            "PEOPLE" => Some(people.to_owned()),
            _ => None,
        })
    };
    let key = Some("cp:Y3BjcGNwY3BjcGNwY3BjcGNwY3BjcGNwY3BjcGNwY3A");
    assert!(read("pass", key).expect("good").people);
    assert!(!read("deny", None).expect("good").people);
    assert!(!read("", key).expect("good").people);
    let problems = read("pass", None).expect_err("no key");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].starts_with("ADOPT_KEYS is not set"),
        "{problems:?}"
    );
    let problems = read("open", key).expect_err("no such word");
    assert_eq!(problems, ["PEOPLE must be `deny` or `pass`"]);
}

#[test]
fn a_person_is_asked_for_no_more_than_a_body() {
    // What most calls of people need: a body whose bytes nobody looks at.
    let world = world(config());
    let sent = Sent::grpc_web(PEOPLES, Some(&bearer(&token(&json!({})))), b"");
    let mut gate = world.gate.borrow_mut();
    let step = gate.open(&sent.head(), world.now(), &testing::drive::ENTROPY);
    let crate::Step::Body(ask) = step else {
        panic!("a body is next: {step:?}");
    };
    let question::Body { window, limit, .. } = ask.question;
    assert_eq!((window, limit), (Some(0), 64 * 1024));
}
