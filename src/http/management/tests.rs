//! The router against docs/openapi.json, both ways: every path that can be made of the router's own
//! words, under every method. A route that is only on one side fails.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{find, operation};
use postern_domain::operation::{Managed, Operation};
use postern_registry::openapi::DOCUMENT;

const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY",
];

/// The segments of a path, `{…}` standing for any.
type Template = Vec<String>;
/// What is documented: by path, then by method.
type Documented = BTreeMap<Template, BTreeMap<String, Value>>;

fn segments(path: &str) -> Template {
    path.trim_start_matches('/')
        .split('/')
        .map(str::to_owned)
        .collect()
}

fn documented() -> Documented {
    let document: Value = serde_json::from_str(DOCUMENT).expect("the document is JSON");
    let paths = document["paths"].as_object().expect("paths");
    let of = |item: &Value| {
        let methods = item.as_object().expect("methods").iter();
        methods
            .map(|(method, operation)| (method.to_uppercase(), operation.clone()))
            .collect()
    };
    paths
        .iter()
        .map(|(path, item)| (segments(path), of(item)))
        .collect()
}

fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{')
}

/// Routes of this file, as opposed to those that `http` and `oauth` answer.
fn is_management(template: &Template) -> bool {
    matches!(template.first().map(String::as_str), Some("org" | "orgs"))
}

/// The documented methods of a concrete path; words win over parameters, as OpenAPI has it. Asked a million times, so it
/// copies nothing.
fn look_up<'d>(paths: &'d Documented, path: &str) -> Option<&'d BTreeMap<String, Value>> {
    let path = path.trim_start_matches('/');
    let count = path.split('/').count();
    let fits = |template: &Template| {
        let mut pairs = template.iter().zip(path.split('/'));
        template.len() == count && pairs.all(|(t, p)| is_parameter(t) || t == p)
    };
    paths
        .iter()
        .filter(|(template, _)| fits(template) && is_management(template))
        .min_by_key(|(template, _)| template.iter().filter(|part| is_parameter(part)).count())
        .map(|(_, methods)| methods)
}

/// The words of the router and of the document, and some that neither knows.
fn words(paths: &Documented) -> Vec<String> {
    let source = include_str!("../management.rs");
    let router = source
        .split_once("fn find(")
        .and_then(|(_, rest)| rest.split_once("\n}"))
        .map(|(body, _)| body)
        .expect("the router's source");
    let mut words: BTreeSet<String> = router
        .split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    words.extend(
        paths
            .keys()
            .filter(|template| is_management(template))
            .flatten()
            .filter(|part| !is_parameter(part))
            .cloned(),
    );
    words.extend([
        "x".to_owned(),
        "00000000-0000-4000-8000-000000000001".to_owned(),
    ]);
    words.remove("/");
    words.into_iter().collect()
}

/// Every path of one to five of the words.
fn every_path(words: &[String]) -> Vec<String> {
    let mut all = Vec::new();
    let mut longest = vec![String::new()];
    for _ in 0..5 {
        longest = longest
            .iter()
            .flat_map(|path| words.iter().map(move |word| format!("{path}/{word}")))
            .collect();
        all.extend_from_slice(&longest);
    }
    all
}

#[test]
fn the_router_answers_exactly_what_openapi_documents() {
    let paths = documented();
    let words = words(&paths);
    assert!(words.iter().any(|word| word == "rotate"), "{words:?}");
    let mut reached = BTreeSet::new();
    for path in every_path(&words) {
        let route = find(&path);
        let known = look_up(&paths, &path);
        assert_eq!(route.is_some(), known.is_some(), "{path}");
        let (Some(route), Some(known)) = (route, known) else {
            continue;
        };
        for method in METHODS {
            let answered = operation(&route, method).ok().map(Operation::name);
            let told = known
                .get(method)
                .and_then(|entry| entry["x-operation"].as_str());
            assert_eq!(answered, told, "{method} {path}");
            reached.extend(answered);
        }
    }
    let told: BTreeSet<&str> = paths
        .iter()
        .filter(|(template, _)| is_management(template))
        .flat_map(|(_, methods)| methods.values())
        .filter_map(|entry| entry["x-operation"].as_str())
        .collect();
    assert_eq!(reached, told);
}

#[test]
fn every_operation_is_a_documented_route_or_a_call_for_the_origin() {
    let paths = documented();
    let entries = paths.values().flat_map(BTreeMap::values);
    let told: BTreeSet<&str> = entries
        .filter_map(|entry| entry["x-operation"].as_str())
        .collect();
    for operation in Operation::REGISTRY {
        let name = operation.name();
        assert!(told.contains(name), "{name}");
    }
}

#[test]
fn the_policies_in_openapi_are_those_of_the_operation_table() {
    let paths = documented();
    for (template, methods) in paths.iter().filter(|(template, _)| is_management(template)) {
        let path = format!("/{}", template.join("/"));
        let route = find(&path).expect("a documented route");
        for (method, entry) in methods {
            let operation = operation(&route, method).expect("a documented method");
            let needed: Option<Vec<&str>> = operation
                .policies(Managed::ProjectTokens)
                .map(<[&str]>::to_vec);
            let security = entry["security"].as_array().expect("security");
            let told: Option<Vec<&str>> = security
                .iter()
                .find_map(|way| way["token"].as_array())
                .map(|policies| policies.iter().filter_map(Value::as_str).collect());
            assert_eq!(told, needed, "{method} {path}");
            assert!(
                security
                    .iter()
                    .any(|way| way.get("administrator").is_some())
            );
        }
    }
}

/// The routes that are matched by their whole text, read from the source that matches them.
#[test]
fn the_other_routes_are_documented_as_they_are_written() {
    let paths = documented();
    let sources = [include_str!("../mod.rs"), include_str!("../oauth.rs")];
    let written: BTreeSet<&str> = sources
        .iter()
        .flat_map(|source| source.split('"').skip(1).step_by(2))
        .filter(|text| text.starts_with('/'))
        // Prefixes: what lies below is the dashboard's files, or matched in `oauth`.
        .filter(|text| !["/dashboard", "/dashboard/", "/oauth/"].contains(text))
        .collect();
    let others: BTreeMap<String, &BTreeMap<String, Value>> = paths
        .iter()
        .filter(|(template, _)| !is_management(template))
        .map(|(template, methods)| (format!("/{}", template.join("/")), methods))
        .collect();
    assert_eq!(
        others.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        written
    );
    for (path, methods) in others {
        let methods: Vec<&str> = methods.keys().map(String::as_str).collect();
        let expected: &[&str] =
            match path.starts_with("/oauth/") || ["/leaks", "/explain"].contains(&path.as_str()) {
                true => &["POST"],
                false => &["GET", "HEAD"],
            };
        assert_eq!(methods, expected, "{path}");
    }
}
