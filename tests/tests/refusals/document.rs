//! docs/openapi.json as the test needs it: every operation with the refusals that it lists, and what was met of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use postern_system_tests::http::{Answer, PROBLEM};
use postern_system_tests::root;
use serde_json::Value;

/// A status and a code.
pub type Refusal = (u16, String);

/// An operation of the document.
#[derive(Clone)]
pub struct Operation {
    pub name: String,
    pub method: String,
    /// With its parameters in braces.
    pub path: String,
    /// The media type of its body; `None` = it takes none.
    pub media: Option<String>,
    /// Status and code, by the names of the examples.
    pub refusals: BTreeSet<Refusal>,
}

impl Operation {
    pub fn lists(&self, code: &str) -> bool {
        self.refusals.iter().any(|(_, known)| known == code)
    }

    /// Whether it writes, as a browser sees it.
    pub fn writes(&self) -> bool {
        !matches!(self.method.as_str(), "GET" | "HEAD")
    }
}

/// What a value says, itself or by reference.
fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        Some(reference) => {
            let pointer = reference.trim_start_matches('#');
            resolved(document, document.pointer(pointer).expect(reference))
        }
        None => value,
    }
}

/// The operations that a client calls; those of HEAD answer as their GET, without a body.
pub fn operations() -> Vec<Operation> {
    let text = fs::read_to_string(root().join("docs/openapi.json")).expect("the document");
    let document: Value = serde_json::from_str(&text).expect("the document is JSON");
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            if matches!(method.as_str(), "head" | "options") {
                continue;
            }
            found.push(read(&document, path, method, operation));
        }
    }
    assert!(found.len() > 20, "only {} operations", found.len());
    found
}

fn read(document: &Value, path: &str, method: &str, operation: &Value) -> Operation {
    let body = operation
        .get("requestBody")
        .map(|body| resolved(document, body));
    let media = body.and_then(|body| body["content"].as_object()?.keys().next().cloned());
    let mut refusals = BTreeSet::new();
    for (status, answer) in operation["responses"].as_object().expect("answers") {
        let status: u16 = status.parse().expect("a status");
        let examples = &resolved(document, answer)["content"][PROBLEM]["examples"];
        for code in examples
            .as_object()
            .into_iter()
            .flat_map(|codes| codes.keys())
        {
            refusals.insert((status, code.clone()));
        }
    }
    Operation {
        name: operation["operationId"]
            .as_str()
            .expect("a name")
            .to_owned(),
        method: method.to_uppercase(),
        path: path.to_owned(),
        media,
        refusals,
    }
}

/// What was met.
#[derive(Default)]
pub struct Met {
    refusals: BTreeMap<String, BTreeSet<Refusal>>,
    /// What was answered and is not listed.
    unlisted: BTreeSet<String>,
    answers: usize,
}

impl Met {
    /// Notes an answer. One that is no refusal is none of this test's business.
    pub fn note(&mut self, operation: &Operation, answer: &Answer) {
        self.answers += 1;
        if answer.header("content-type") != Some(PROBLEM) {
            assert!(
                answer.status < 400,
                "{}: {} {}",
                answer.what,
                answer.status,
                answer.text()
            );
            return;
        }
        let document: Value = serde_json::from_slice(&answer.body).expect("JSON");
        let code = document["code"].as_str().expect("a code").to_owned();
        answer.problem(answer.status, &code);
        let refusal = (answer.status, code);
        if !operation.refusals.contains(&refusal) {
            let (status, code) = &refusal;
            self.unlisted.insert(format!(
                "{} answers {status} {code}: {}",
                operation.name,
                answer.text()
            ));
        }
        self.refusals
            .entry(operation.name.clone())
            .or_default()
            .insert(refusal);
    }

    /// Each listed refusal was met, and no other.
    pub fn assert_complete(&self, operations: &[Operation]) {
        let mut missing = Vec::new();
        let mut count = 0;
        for operation in operations {
            let met = self.refusals.get(&operation.name);
            for refusal in &operation.refusals {
                count += 1;
                if !met.is_some_and(|met| met.contains(refusal)) {
                    missing.push(format!("{} {} {}", operation.name, refusal.0, refusal.1));
                }
            }
        }
        let unlisted: Vec<_> = self.unlisted.iter().cloned().collect();
        assert!(
            missing.is_empty() && unlisted.is_empty(),
            "listed and not met:\n  {}\nmet and not listed:\n  {}",
            missing.join("\n  "),
            unlisted.join("\n  ")
        );
        println!(
            "{count} listed refusals met by {} answers, and no other",
            self.answers
        );
    }
}
