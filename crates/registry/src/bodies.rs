//! Every body of the gateway's own API, written as tools write them: with a byte order mark, with
//! `null` for what they leave out, with `5000.0` for 5000. The members come from the document, so a
//! new one is tried without a line here.

use serde_json::{Map, Value, json};

use super::error::Error;
use super::openapi::DOCUMENT;
use super::testing::{self, ADMIN, World, config, facts, now_or_never, requester};
use super::{adopt, explain, leaks, mint, organization, rebuild, registry, tokens, trust_rules};
use crate::authenticate::present;
use postern_domain::caller::Caller;
use postern_domain::scope::Scope;
use postern_gate::origin_tokens;

fn from() -> mint::Client {
    mint::Client {
        bucket: "unknown".to_owned(),
        requester: requester(),
    }
}

/// What the call of that body makes of it: nothing but the refusal matters here.
fn call(name: &str, body: &[u8]) -> Result<(), Error> {
    let (world, config) = (World::new(), config());
    let taking = testing::trust::config();
    let (admin, acme) = (Caller::Administrator(None), Some("acme"));
    let old = facts(7, Scope::Organization);
    let id = old.id.to_string();
    world.keep(old);
    match name {
        "CreateOrganization" => {
            let created = organization::create(&admin, body, requester(), &config, &world);
            now_or_never(created).map(drop)
        }
        "UpdateOrganization" => {
            let updated = organization::update(&admin, "acme", body, requester(), &config, &world);
            now_or_never(updated).map(drop)
        }
        "PauseRequest" => {
            let meant = (requester(), false);
            now_or_never(organization::pause(&admin, acme, body, meant, &world)).map(drop)
        }
        "RebuildRequest" => {
            let meant = ("acme", body, requester());
            match now_or_never(rebuild::rebuild(&admin, meant, &config, &world)) {
                // Of a body that was read: the world has nothing to rebuild from.
                Err(Error::Conflict { .. }) => Ok(()),
                told => told.map(drop),
            }
        }
        "CreateEntry" => {
            let created = registry::create_project(&admin, acme, body, requester(), &world);
            now_or_never(created).map(drop)
        }
        "MintRequest" => {
            now_or_never(mint::mint(&admin, acme, body, from(), &config, &world)).map(drop)
        }
        "AdoptRequest" => {
            now_or_never(adopt::adopt(&admin, acme, body, from(), &config, &world)).map(drop)
        }
        "RotateRequest" => {
            let rotated = tokens::rotate(&admin, acme, &id, body, from(), &config, &world);
            now_or_never(rotated).map(drop)
        }
        "EditRequest" => {
            let edited = tokens::edit(&admin, acme, &id, (body, requester()), &world);
            now_or_never(edited).map(drop)
        }
        "SearchRequest" => {
            now_or_never(tokens::search(&admin, acme, body, &config, &world)).map(drop)
        }
        "RevokeRequest" => {
            let revoked = tokens::revoke_many(&admin, acme, body, requester(), &world);
            now_or_never(revoked).map(drop)
        }
        "AddTrustRule" => {
            let added = trust_rules::add(&admin, acme, (body, requester()), &taking, &world);
            now_or_never(added).map(drop)
        }
        "FindRepository" => match now_or_never(trust_rules::find(&admin, body, &taking, &world)) {
            // Of a body that was read: nobody answers in this world.
            Err(Error::Forge { .. }) => Ok(()),
            told => told.map(drop),
        },
        "TestJobToken" => {
            let tested = trust_rules::test(&admin, acme, body, &taking, &world);
            now_or_never(tested).map(drop)
        }
        "LeakReport" => now_or_never(leaks::receive(body, "unknown", &config, &world)).map(drop),
        "Question" => {
            let header = format!("Bearer {ADMIN}");
            let now = super::ports::Clock::now(&world);
            let presented = std::rc::Rc::new(present(Some(&header), &config, now)?);
            now_or_never(explain::explain(
                &presented,
                (body, None),
                super::body::READ,
                &mut None,
                &config,
                &world,
            ))
            .map(drop)
        }
        _ => panic!("{name}: no call takes it"),
    }
}

/// Each body with the members that it cannot do without.
fn bodies() -> [(&'static str, Value); 16] {
    let token = origin_tokens::jwt(&origin_tokens::claims());
    [
        ("CreateOrganization", json!({ "name": "x" })),
        ("UpdateOrganization", json!({})),
        ("RebuildRequest", json!({})),
        ("PauseRequest", json!({})),
        ("CreateEntry", json!({ "name": "x" })),
        ("MintRequest", json!({})),
        ("AdoptRequest", json!({ "token": token })),
        ("RotateRequest", json!({})),
        ("EditRequest", json!({ "calls_per_minute": 60 })),
        ("SearchRequest", json!({ "text": "x" })),
        ("RevokeRequest", json!({ "never_used": true })),
        (
            "AddTrustRule",
            json!({
                "issuer": "github",
                "repository_id": 7,
                "repository_owner_id": 6,
                "project": "shop",
                "policies": ["workflow_run:read"],
            }),
        ),
        (
            "FindRepository",
            json!({ "issuer": "github", "repository": "acme/shop" }),
        ),
        ("TestJobToken", json!({ "token": "x" })),
        ("LeakReport", json!({ "tokens": ["x"] })),
        ("Question", json!({ "operation": "token.list" })),
    ]
}

fn schema(name: &str) -> Value {
    let document: Value = serde_json::from_str(DOCUMENT).expect("the document is JSON");
    let components = &document["components"];
    let body = &components["requestBodies"][name]["content"]["application/json"]["schema"];
    match body.is_null() {
        true => components["schemas"][name].clone(),
        false => body.clone(),
    }
}

#[test]
fn null_is_absent_for_every_optional_member() {
    let mut tried = 0;
    for (name, body) in bodies() {
        assert_eq!(call(name, body.to_string().as_bytes()), Ok(()), "{name}");
        let schema = schema(name);
        let properties = schema["properties"].as_object().expect(name);
        let mut all = body.as_object().expect("an object").clone();
        let optional = properties.keys().filter(|member| body[*member].is_null());
        // A rule whose conditions a template left out would be a rule without any.
        for member in optional.filter(|member| *member != "conditions") {
            let mut with = body.as_object().expect("an object").clone();
            with.insert(member.clone(), Value::Null);
            let text = Value::Object(with).to_string();
            assert_eq!(call(name, text.as_bytes()), Ok(()), "{text}");
            all.insert(member.clone(), Value::Null);
            tried += 1;
        }
        let text = Value::Object(all).to_string();
        assert_eq!(call(name, text.as_bytes()), Ok(()), "{text}");
    }
    assert!(tried >= 30, "{tried} members");
    // Where a member is needed, null is not it.
    let refused = call("CreateEntry", br#"{"name":null}"#).expect_err("no name");
    assert_eq!(refused.code(), "body_invalid");
    let refused = call("RevokeRequest", br#"{"never_used":null,"ids":null}"#);
    assert_eq!(
        refused.expect_err("nothing chosen").code(),
        "selector_empty"
    );
}

#[test]
fn a_byte_order_mark_is_passed_over_in_every_body() {
    for (name, body) in bodies() {
        let text = format!("\u{feff}{body}");
        assert_eq!(call(name, text.as_bytes()), Ok(()), "{name}");
        let text = format!("{body}\u{feff}");
        let refused = call(name, text.as_bytes()).expect_err(name);
        assert_eq!(refused.code(), "body_invalid", "{name}");
    }
    for name in ["MintRequest", "RotateRequest"] {
        assert_eq!(
            call(name, "\u{feff}".as_bytes()),
            Ok(()),
            "{name}: an empty body"
        );
    }
}

#[test]
fn whole_numbers_are_taken_however_they_are_written() {
    let mut tried = 0;
    for (name, body) in bodies() {
        let schema = schema(name);
        let members = schema["properties"].as_object().expect(name);
        for (member, kind) in members {
            let is_number = kind["type"] == "integer"
                || kind["type"]
                    .as_array()
                    .is_some_and(|of| of.contains(&"integer".into()));
            if !is_number {
                continue;
            }
            for (written, code) in [
                ("7", None),
                ("7.0", None),
                ("70e-1", None),
                ("7.5", Some("body_invalid")),
                ("\"7\"", Some("body_invalid")),
                ("1e300", Some("body_invalid")),
            ] {
                let mut with: Map<String, Value> = body.as_object().expect("an object").clone();
                with.insert(member.clone(), "?".into());
                let text = Value::Object(with).to_string().replace("\"?\"", written);
                let refused = call(name, text.as_bytes()).err().map(|error| error.code());
                assert_eq!(refused, code, "{text}");
                tried += 1;
            }
        }
    }
    assert!(tried >= 24, "{tried} numbers");
}
