//! Texts that are no job tokens: their parts are no base64url, or what is in them is no JSON that everybody reads alike.

use serde_json::json;

use crate::forged::{of, with};
use crate::hostile::Hostile;
use crate::support::REPOSITORY_ID;

const PARTS: &str = "the token has not three parts";
const PAYLOAD_TWICE: &str = "the payload of the token has a name twice in one object";
const PAYLOAD_NOT_JSON: &str = "the payload of the token is not JSON";
const PAYLOAD_BASE64: &str = "the payload of the token is not base64url";

/// All of them.
pub fn rows() -> Vec<Hostile> {
    [texts(), payloads()].into_iter().flatten().collect()
}

fn texts() -> Vec<Hostile> {
    let row = |what, cause, damage| Hostile::new(what, json!({}), cause).damaged(damage);
    vec![
        row("two parts", PARTS, |token| {
            let (front, _) = token.rsplit_once('.').expect("three parts");
            front.to_owned()
        }),
        row("four parts", PARTS, |token| {
            format!("{token}.{}", "A".repeat(342))
        }),
        row("five parts, as an encrypted token", PARTS, |token| {
            format!("{token}.AAAA.AAAA")
        }),
        row("a dot behind", PARTS, |token| format!("{token}.")),
        row("no token at all", PARTS, |_| "hello".to_owned()),
        row("a padded payload", PAYLOAD_BASE64, |token| {
            with(token, 1, |part| format!("{part}="))
        }),
        row("a payload of the other alphabet", PAYLOAD_BASE64, |token| {
            with(token, 1, |part| format!("{}+", &part[..part.len() - 1]))
        }),
        row("an escape in the payload", PAYLOAD_BASE64, |token| {
            with(token, 1, |part| format!("%41{part}"))
        }),
        row(
            "a padded signature",
            "the signature of the token is not base64url",
            |token| format!("{token}=="),
        ),
        row(
            "a padded header",
            "the header of the token is not base64url",
            |token| with(token, 0, |part| format!("{part}=")),
        ),
    ]
}

fn payloads() -> Vec<Hostile> {
    let front = |text: &str| json!({ "front": text });
    let list = format!(r#""x":[{}0],"#, "0,".repeat(512));
    let deep = format!(r#""x":{}0{},"#, "[".repeat(6), "]".repeat(6));
    let id = format!(r#""repository_id":"{REPOSITORY_ID}","#);
    of(vec![
        (
            "two issuers",
            front(r#""iss":"https://evil.example","#),
            PAYLOAD_TWICE,
        ),
        (
            "two audiences, one escaped",
            front(r#""\u0061ud":"https://evil.example","#),
            PAYLOAD_TWICE,
        ),
        ("two ends", front(r#""exp":9999999999,"#), PAYLOAD_TWICE),
        (
            "two repositories",
            front(r#""repository_id":"75","#),
            PAYLOAD_TWICE,
        ),
        ("twice the same", front(&id), PAYLOAD_TWICE),
        (
            "twice, further in",
            front(r#""x":{"a":{"b":1,"b":1}},"#),
            PAYLOAD_TWICE,
        ),
        (
            "a deep payload",
            front(&deep),
            "the payload of the token is nested too deeply",
        ),
        (
            "a payload of many values",
            front(&list),
            "the payload of the token has too many values",
        ),
        ("a comment", front("/* */"), PAYLOAD_NOT_JSON),
        (
            "half a surrogate",
            front(r#""x":"\ud800","#),
            PAYLOAD_NOT_JSON,
        ),
        (
            "a payload that is no JSON",
            json!({ "payload": "iss=x" }),
            PAYLOAD_NOT_JSON,
        ),
        (
            "an empty payload",
            json!({ "payload": "" }),
            PAYLOAD_NOT_JSON,
        ),
        (
            "a payload that is a list",
            json!({ "payload": "[{}]" }),
            "the payload of the token is no JSON object",
        ),
        (
            "a payload that is null",
            json!({ "payload": "null" }),
            "the payload of the token is no JSON object",
        ),
        (
            "a payload that is not UTF-8",
            json!({ "payload_base64": "eyJ4IjoI/yJ9" }),
            "the payload of the token is not UTF-8",
        ),
    ])
}
