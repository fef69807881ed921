//! The examples of docs/openapi.json: there is one of every body and of every refusal, and a
//! refusal's example is what the gateway would write. The schemas are held to them by the linter of
//! `cargo xtask test openapi`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::DOCUMENT;
use postern_wire::problem::Problem;

/// The media type of refusals.
const PROBLEM: &str = postern_wire::problem::CONTENT_TYPE;

fn document() -> Value {
    serde_json::from_str(DOCUMENT).expect("the document is JSON")
}

/// What a value says, itself or by reference.
fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        Some(reference) => {
            let pointer = reference
                .strip_prefix('#')
                .expect("a reference into the document");
            resolved(document, document.pointer(pointer).expect(reference))
        }
        None => value,
    }
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object")
}

/// Every operation with its name.
fn operations(document: &Value) -> Vec<(&str, &Value)> {
    let methods = object(&document["paths"]).values().flat_map(object);
    methods
        .map(|(_, operation)| {
            (
                operation["operationId"].as_str().expect("a name"),
                operation,
            )
        })
        .collect()
}

/// The examples of a media type, by name; a single one has none.
fn examples<'d>(document: &'d Value, media: &'d Value) -> Vec<(&'d str, &'d Value)> {
    if let Some(one) = media.get("example") {
        return vec![("", one)];
    }
    let Some(many) = media.get("examples") else {
        return Vec::new();
    };
    object(many)
        .iter()
        .map(|(name, example)| (name.as_str(), &resolved(document, example)["value"]))
        .collect()
}

#[test]
fn every_body_that_is_sent_or_answered_has_an_example() {
    let document = document();
    let mut seen = 0;
    for (name, operation) in operations(&document) {
        let request = operation.get("requestBody").into_iter();
        let answers = object(&operation["responses"]).values();
        for body in request.chain(answers).map(|body| resolved(&document, body)) {
            let media = body.get("content").into_iter().flat_map(object);
            for (kind, media) in media {
                seen += 1;
                assert!(!examples(&document, media).is_empty(), "{name}: {kind}");
            }
        }
    }
    assert!(seen > 100, "only {seen} bodies found");
}

#[test]
fn every_refusal_is_an_example_as_the_gate_writes_it() {
    let document = document();
    let mut told = BTreeSet::new();
    for (name, operation) in operations(&document) {
        for (status, answer) in object(&operation["responses"]) {
            let media = &resolved(&document, answer)["content"][PROBLEM];
            let status: u16 = status.parse().expect("a status");
            // HEAD has no body to describe.
            assert!(
                status < 400 || name.ends_with("Head") || media.is_object(),
                "{name} {status}"
            );
            for (code, example) in examples(&document, media) {
                let place = format!("{name} {status} {code}");
                let own = example["code"].as_str().expect(&place);
                assert_eq!(own, code, "{place}: an example is named by its code");
                let text = |member: &str| example[member].as_str().expect(&place).to_owned();
                let leaked: &'static str = Box::leak(own.to_owned().into_boxed_str());
                let mut written = Problem::new(status, leaked, text("detail"), text("request_id"));
                written.error = example["error"]
                    .as_str()
                    .map(|word| &*Box::leak(word.to_owned().into_boxed_str()));
                written.error_description = written.error.map(|_| written.detail.clone());
                written.problems = match example["problems"].as_array() {
                    None => Vec::new(),
                    Some(list) => list
                        .iter()
                        .filter_map(|one| one.as_str().map(str::to_owned))
                        .collect(),
                };
                let written = serde_json::to_value(&written).expect("JSON");
                assert_eq!(&written, example, "{place}");
                told.insert(own.to_owned());
            }
        }
    }
    // Refusals that are no operation's: of another method, say.
    let general = &document["components"]["schemas"]["Problem"]["examples"];
    for example in general.as_array().expect("examples") {
        told.insert(example["code"].as_str().expect("a code").to_owned());
    }
    let known: BTreeSet<String> = document["components"]["schemas"]["ErrorCode"]["enum"]
        .as_array()
        .expect("codes")
        .iter()
        .filter_map(|code| code.as_str().map(str::to_owned))
        .collect();
    assert_eq!(
        told, known,
        "codes that operations are refused with, and codes that there are"
    );
}
