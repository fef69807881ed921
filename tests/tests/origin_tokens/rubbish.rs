//! A control plane that answers rubbish to a call that makes a token: the caller never has it.

use postern_system_tests::cases;
use postern_system_tests::forge;
use postern_system_tests::gateway::Serve;
use postern_system_tests::organization::{Minted, Organization, SHOP};
use postern_system_tests::random_id;
use postern_system_tests::rpc::{BINARY, frame};
use postern_system_tests::runner::Case;
use postern_system_tests::scripted::Scripted;
use serde_json::{Value, json};

use crate::support::{Plane, create, creating};

pub fn cases() -> Vec<Case<Plane>> {
    cases![r43_rubbish_is_never_passed_on]
}

/// A field of bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    use prost::encoding::encode_varint;
    let mut field = vec![number << 3 | 2];
    encode_varint(content.len() as u64, &mut field);
    field.extend_from_slice(content);
    field
}

fn claims(organization: &Organization, changes: &Value) -> Value {
    let mut claims = json!({
        "jti": random_id(), "iss": "cp.chainloop", "aud": ["api-token-auth.chainloop"], "token_name": "ci",
        "org_id": organization.id, "org_name": organization.name,
        "project_id": organization.shop, "project_name": SHOP,
    });
    for (name, value) in changes.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    claims
}

async fn r43_rubbish_is_never_passed_on(plane: &Plane) {
    let origin = Scripted::start().await;
    let gateway = Serve::new(&origin.url, &plane.keys)
        .set("ORIGIN_TOKENS", "govern")
        .start()
        .await;
    let organization = Organization::new(&gateway, &plane.keys.admin).await;
    let own = claims(
        &organization,
        &json!({ "project_id": null, "project_name": null }),
    );
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let sign = |claims: &Value, key: &[u8]| forge::jwt(&header, &claims.to_string(), key);
    let token = sign(&own, &plane.keys.origin);
    let policies = ["api_token:create", "project_api_token:create"];
    let body = json!({ "token": token, "policies": policies });
    let call = organization.call(&gateway, "POST", "/org/tokens/adopt");
    let answer = call.json(&body).send().await.json(201);
    let id = answer["id"].as_str().expect("an id").to_owned();
    let manager = Minted {
        id,
        token: token.clone(),
        answer,
    };

    let good = |changes: Value| sign(&claims(&organization, &changes), &plane.keys.origin);
    let other = random_id();
    let item = |id: &str| field(1, &field(1, id.as_bytes()));
    let with = |jwt: &str| field(1, &[item(&random_id()), field(2, jwt.as_bytes())].concat());
    let (fine, second) = (good(json!({})), good(json!({})));
    let twice = field(
        1,
        &[
            item(&random_id()),
            field(2, fine.as_bytes()),
            field(2, second.as_bytes()),
        ]
        .concat(),
    );
    let rows: [(&str, Vec<u8>); 9] = [
        ("two tokens", twice),
        ("no token", field(1, &item(&random_id()))),
        ("no message", b"\xff\xff".to_vec()),
        (
            "another organization",
            with(&good(json!({ "org_id": other }))),
        ),
        (
            "another key",
            with(&sign(
                &claims(&organization, &json!({})),
                b"another key of 16 bytes",
            )),
        ),
        (
            "another audience",
            with(&good(json!({ "aud": ["user-auth.chainloop"] }))),
        ),
        (
            "an instance token",
            with(&good(json!({ "scope": "INSTANCE_ADMIN" }))),
        ),
        ("no JWT", with("garbage")),
        ("the caller's own", with(&token)),
    ];
    let ended = frame(0x80, b"grpc-status:0\r\n");
    for (what, message) in rows {
        let body = [frame(0, &message), ended.clone()].concat();
        origin.answer("200 OK", &[("content-type", BINARY)], &body);
        let answer = creating(&gateway, &organization, &manager, &create("ci", Some(SHOP))).await;
        let (ending, message) = answer.ending();
        assert_eq!(
            (ending.code, message),
            (9, Vec::new()),
            "{what}: {ending:?}"
        );
        assert!(
            ending.message.contains("so it is not handed out"),
            "{what}: {ending:?}"
        );
        assert!(!ending.message.contains("eyJ"), "{what}: {ending:?}");
        let line = answer.header("x-request-id").expect("an id");
        let line = gateway.log_line(line).await;
        assert_eq!(
            line["outcome"], "origin_token_not_registered",
            "{what}: {line}"
        );
    }
    // An answer twice, and one of no protocol.
    let doubled = [frame(0, &with(&fine)), frame(0, &with(&fine)), ended].concat();
    for (status, media, body) in [
        ("200 OK", BINARY, &doubled[..]),
        ("200 OK", "text/html", b"<html>"),
        ("503 Service Unavailable", "text/plain", b"down"),
    ] {
        origin.answer(status, &[("content-type", media)], body);
        let answer = creating(&gateway, &organization, &manager, &create("ci", Some(SHOP))).await;
        answer.refused(14, "the origin is not available: try again");
    }
    let tokens = organization.token_ids(&gateway, "status=all").await;
    assert_eq!(tokens.len(), 1, "nothing was registered: {tokens:?}");
}
