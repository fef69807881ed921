//! Credentials that are made at the origin: what goes there, what an answer must be, and what is undone.

use serde_json::json;

use super::*;
use postern_gate::testing::drive::{Answer, frame, header};
use postern_wire::{message, own_token};

const WITH: &str = "a-token-of-somebody";
const JWT: &str = "eyJ.a.b";
const ID: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

fn create(more: &serde_json::Value) -> String {
    let mut body = json!({ "create": true, "with": WITH });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body.to_string()
}

/// An answer to Create with this token, of an organization.
fn made(jwts: &[&str], organization: &str) -> Answer {
    let item = [message::text(1, ID), message::text(8, organization)].concat();
    let jwts = jwts.iter().map(|jwt| message::text(2, jwt));
    let parts: Vec<Vec<u8>> = [message::embedded(1, &item)]
        .into_iter()
        .chain(jwts)
        .collect();
    Answer::message(&message::embedded(1, &parts.concat()))
}

fn world(answers: Vec<Answer>) -> World {
    let world = World::new();
    *world.origin_answers.borrow_mut() = answers;
    world
}

fn set_in(named: ReachNamed<'_>, body: &str, world: &World) -> Result<UpstreamView> {
    set_by(&Caller::Administrator(None), named, body, world)
}

fn origin_calls(world: &World) -> Vec<String> {
    let mut asked = world.take_asked();
    asked.retain(|what| what.starts_with("origin") || what.starts_with("set upstream"));
    asked
}

#[test]
fn r42_one_is_made_at_the_origin_and_sealed() {
    let rows = [
        (reach(None, None), None, "organization"),
        (reach(Some("shop"), None), Some("shop"), "project:shop"),
        (
            reach(Some("shop"), Some("release")),
            Some("shop"),
            "workflow:shop/release",
        ),
    ];
    for (named, project, target) in rows {
        for (more, lives) in [
            (json!({}), None),
            (json!({ "expires_in": "30d" }), Some(2_592_000)),
        ] {
            let world = world(vec![made(&[JWT], "acme")]);
            let view = set_in(named, &create(&more), &world).expect("set");
            let document = serde_json::to_value(&view).expect("serializes").to_string();
            for secret in [JWT, WITH] {
                assert!(!document.contains(secret), "{document}");
            }
            let steps = [
                format!("origin Create of acme as {WITH}"),
                format!("set upstream {target} 7200000"),
            ];
            assert_eq!(origin_calls(&world), steps);
            let sent = world.set_upstreams.take().pop().expect("a command");
            let digits = sent.id.to_string().replace('-', "");
            let digits: String = digits.chars().take(16).collect();
            let name = format!("postern-{digits}");
            let expected = own_token::create(&name, project, lives);
            assert_eq!(world.origin_asked.take(), [expected]);
            assert!(postern_domain::name::Label::parse(&name).is_ok(), "{name}");
            let sealed = Sealed {
                organization: organization().id,
                reach: &sent.reach,
                id: sent.id,
            };
            let keys = testing::config().root_keys.upstream;
            assert_eq!(
                open(&sent.sealed, sealed, &keys).expect("opens").expose(),
                JWT
            );
        }
    }
}

#[test]
fn r42_a_body_that_asks_wrongly_reaches_nobody() {
    let long = "x".repeat(MAX_CREDENTIAL + 1);
    let rows = [
        (
            json!({ "create": false }),
            "create_invalid",
            "can only be `true`",
        ),
        (
            json!({ "create": false, "with": WITH }),
            "create_invalid",
            "can only be `true`",
        ),
        (
            json!({ "create": false, "credential": "a" }),
            "create_invalid",
            "can only be `true`",
        ),
        (
            json!({ "create": true }),
            "create_invalid",
            "`create` needs `with`",
        ),
        (
            json!({ "with": WITH }),
            "create_invalid",
            "`with` needs `create`",
        ),
        (
            json!({ "with": WITH, "credential": "a" }),
            "create_invalid",
            "not both",
        ),
        (
            json!({ "create": true, "credential": "a" }),
            "create_invalid",
            "not both",
        ),
        (
            json!({ "create": true, "with": WITH, "credential": "a" }),
            "create_invalid",
            "not both",
        ),
        (
            json!({ "credential": "a", "expires_in": "1d" }),
            "create_invalid",
            "`expires_in` needs",
        ),
        (
            json!({ "create": true, "with": "" }),
            "with_invalid",
            "must not be empty",
        ),
        (
            json!({ "create": true, "with": "a\r\nx: y" }),
            "with_invalid",
            "line ends",
        ),
        (
            json!({ "create": true, "with": "Bearer a" }),
            "with_invalid",
            "without `Bearer`",
        ),
        (
            json!({ "create": true, "with": long }),
            "with_invalid",
            "at most 8192",
        ),
        (
            json!({ "create": true, "with": WITH, "expires_in": "0d" }),
            "expires_in_invalid",
            "span",
        ),
        (
            json!({ "create": true, "with": WITH, "expires_in": "x" }),
            "expires_in_invalid",
            "span",
        ),
        (json!({ "create": "yes", "with": WITH }), "body_invalid", ""),
        (
            json!({ "create": true, "with": WITH, "keep_replaced_seconds": 86_401 }),
            "keep_replaced_seconds_invalid",
            "0 to 86400",
        ),
    ];
    for (body, code, words) in rows {
        let world = world(Vec::new());
        let error = set_in(reach(None, None), &body.to_string(), &world).expect_err(code);
        assert_eq!(error.code(), code, "{body:.80}");
        let told = error.public();
        assert!(told.contains(words) && !told.contains(WITH), "{told}");
        assert_eq!(origin_calls(&world), Vec::<String>::new(), "{body:.80}");
    }
    // Who may set none sends nobody's token anywhere.
    let world = world(Vec::new());
    let mut row = facts(9, Scope::Organization);
    row.policies = defaults(&Scope::Organization);
    let caller = Caller::Token(Rc::new(row));
    let error = set_by(&caller, reach(None, None), &create(&json!({})), &world);
    assert_eq!(error.expect_err("denied").code(), "operation_not_allowed");
    assert_eq!(origin_calls(&world), Vec::<String>::new());
}

#[test]
fn r42_what_the_origin_refuses_is_told_without_the_token() {
    let mut echo = Answer::ended(7);
    let words = format!("no%20right:%20{WITH}%0d%0ax");
    echo.headers.push(header("grpc-message", &words));
    let world = world(vec![echo]);
    let error = set_in(reach(None, None), &create(&json!({})), &world).expect_err("refused");
    assert_eq!(error.code(), "origin_refused");
    let told = error.public();
    assert!(
        told.contains("status 7, \"no right: [credential]  x\""),
        "{told}"
    );
    assert!(!error.private().contains(WITH), "{}", error.private());
    assert_eq!(
        origin_calls(&world),
        [format!("origin Create of acme as {WITH}")]
    );
}

#[test]
fn r42_an_answer_that_nobody_can_read_sets_nothing() {
    let page = Answer {
        status: 502,
        headers: vec![header("content-type", "text/html")],
        body: b"<html>".to_vec(),
    };
    let mut twice = made(&[JWT], "acme");
    twice.body = [frame(0, b"x"), twice.body].concat();
    for answers in [vec![page], vec![twice], Vec::new()] {
        let world = world(answers);
        let error = set_in(reach(None, None), &create(&json!({})), &world).expect_err("refused");
        assert_eq!(error.code(), "origin_token_uncertain");
        assert!(
            error.public().contains("is called `postern-"),
            "{}",
            error.public()
        );
        assert_eq!(
            origin_calls(&world),
            [format!("origin Create of acme as {WITH}")]
        );
    }
}

#[test]
fn r42_a_token_that_cannot_be_set_is_revoked_there() {
    let revoked = || Answer::message(b"");
    let rows = [
        (made(&[], "acme"), "there is none, or more than one", true),
        (
            made(&[JWT, JWT], "acme"),
            "there is none, or more than one",
            true,
        ),
        (
            made(&["a b"], "acme"),
            "it cannot be sent as a credential",
            true,
        ),
        (made(&[JWT], "other"), "it is of another organization", true),
        (
            made(&[WITH], "acme"),
            "it is the one that was given as `with`",
            false,
        ),
        (Answer::message(b"garbage"), "it cannot be read", false),
        (
            Answer::message(b""),
            "there is none, or more than one",
            false,
        ),
    ];
    for (answer, why, revokes) in rows {
        let world = world(vec![answer, revoked()]);
        let error = set_in(reach(None, None), &create(&json!({})), &world).expect_err(why);
        assert_eq!(error.code(), "origin_token_unusable");
        let told = error.public();
        assert!(
            told.contains(why) && !told.contains(WITH) && !told.contains(JWT),
            "{told}"
        );
        let undone = match revokes {
            true => "it was revoked there",
            false => "it could not be revoked there: revoke the token `postern-",
        };
        assert!(told.contains(undone), "{told}");
        let mut steps = vec![format!("origin Create of acme as {WITH}")];
        steps.extend(revokes.then(|| format!("origin Revoke of acme as {WITH}")));
        assert_eq!(origin_calls(&world), steps);
    }
}

/// It may be what calls are sent on with by now.
#[test]
fn r42_what_may_be_stored_is_not_revoked_there() {
    let world = world(vec![made(&[JWT], "acme")]);
    world.upstreams_lost.set(true);
    let error = set_in(reach(None, None), &create(&json!({})), &world).expect_err("lost");
    assert_eq!(error.code(), "upstream_not_stored");
    let told = error.public();
    assert!(
        told.contains("it is not known whether it was stored here"),
        "{told}"
    );
    assert!(told.contains("revoke `postern-"), "{told}");
    assert_eq!(
        origin_calls(&world),
        [format!("origin Create of acme as {WITH}")]
    );
}

#[test]
fn r42_what_cannot_be_stored_is_revoked_there() {
    for (answer, undone) in [
        (Some(Answer::message(b"")), "it was revoked there"),
        (
            Some(Answer::ended(7)),
            "it could not be revoked there: revoke the token `postern-",
        ),
        (
            None,
            "it could not be revoked there: revoke the token `postern-",
        ),
    ] {
        let world = world([made(&[JWT], "acme")].into_iter().chain(answer).collect());
        world.upstreams_full.set(true);
        let error = set_in(reach(None, None), &create(&json!({})), &world).expect_err("full");
        assert_eq!(error.code(), "upstream_not_stored");
        let told = error.public();
        assert!(
            told.contains("1000 upstream credentials") && told.contains(undone),
            "{told}"
        );
        assert!(!told.contains(JWT) && !error.private().contains(JWT));
        let steps = ["Create", "Revoke"].map(|call| format!("origin {call} of acme as {WITH}"));
        assert_eq!(origin_calls(&world), steps);
        assert_eq!(world.origin_asked.take()[1], own_token::revoke(ID));
    }
}
