//! Who gets an assertion, and what it says, as rows.

use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::*;
use crate::testing::{World, facts, project, workflow};
use postern_domain::scope::Scope;

fn config(mode: &str, keys: bool) -> Config {
    let ring = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    Config::read(|name| match name {
        "ORIGIN_URL" => Some("https://origin.example/base".to_owned()),
        "TOKEN_KEYS" => Some(ring.to_owned()),
        "ASSERTION_KEYS" => keys.then(|| ring.to_owned()),
        "ORIGIN_AUTH" => Some(mode.to_owned()),
        _ => None,
    })
    .expect("a good configuration")
}

fn token(scope: Scope) -> Caller {
    Caller::Token(Rc::new(facts(7, scope)))
}

const CALL: Forwarded<'static> = Forwarded {
    method: "POST",
    operation: "/controlplane.v1.AttestationService/Store",
    body: Some(b"abc"),
    request_id: "r",
};

fn claims(caller: &Caller, call: Forwarded<'_>, world: &World) -> Option<Value> {
    claims_with(caller, call, world, [3; 16])
}

fn claims_with(
    caller: &Caller,
    call: Forwarded<'_>,
    world: &World,
    entropy: [u8; 16],
) -> Option<Value> {
    let made = assertion(
        caller,
        call,
        &config("assertion", true),
        world.now(),
        entropy,
    )
    .expect("entropy")?;
    let payload = made.expose().split('.').nth(1).expect("a payload");
    let payload = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    Some(serde_json::from_slice(&payload).expect("JSON"))
}

#[test]
fn only_tokens_get_one_and_only_in_that_mode() {
    let world = World::new();
    let organization = token(Scope::Organization);
    let rows = [
        (&organization, config("assertion", true), true),
        (&organization, config("passthrough", true), false),
        (&organization, config("passthrough", false), false),
        (
            &Caller::Administrator(None),
            config("assertion", true),
            false,
        ),
    ];
    for (caller, config, expected) in rows {
        let made = assertion(caller, CALL, &config, world.now(), [3; 16]).expect("entropy");
        assert_eq!(made.is_some(), expected, "{}", caller.tier());
    }
}

#[test]
fn claims_are_the_token_the_call_and_the_clock() {
    let world = World::new();
    let scope = Scope::Workflow {
        project: project(),
        workflow: workflow(),
    };
    let made = claims(&token(scope), CALL, &world).expect("an assertion");
    let texts = [
        ("iss", "postern"),
        ("aud", "https://origin.example"),
        ("sub", "00000000-0000-0000-0000-000000000007"),
        ("scope", "workflow/shop/release"),
        ("method", "POST"),
        ("operation", "/controlplane.v1.AttestationService/Store"),
        (
            "body_sha256",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        ("request_id", "r"),
    ];
    for (name, expected) in texts {
        assert_eq!(made[name], expected, "{name}");
    }
    assert_eq!(made["org"]["name"], "acme");
    assert_eq!(made["project"]["id"], project().id.to_string());
    assert_eq!(made["workflow"]["id"], workflow().id.to_string());
    assert_eq!(made["iat"], 1_800_000_000);
    assert_eq!(made["exp"], 1_800_000_030);

    let caller = token(Scope::Project { project: project() });
    let made = claims(&caller, CALL, &world).expect("an assertion");
    assert_eq!(made["scope"], "project/shop");
    assert_eq!(made.get("workflow"), None);
}

#[test]
fn each_call_has_an_id_of_its_own_and_unread_bodies_no_hash() {
    let (world, caller) = (World::new(), token(Scope::Organization));
    let unread = Forwarded { body: None, ..CALL };
    let first = claims(&caller, unread, &world).expect("an assertion");
    let second = claims_with(&caller, CALL, &world, [4; 16]).expect("an assertion");
    assert_ne!(first["jti"], second["jti"]);
    assert_eq!(first.get("body_sha256"), None);
    assert!(second["body_sha256"].is_string());
}
