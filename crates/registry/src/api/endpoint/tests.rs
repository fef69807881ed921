//! The table against docs/openapi.json, both ways: every path that can be made of the table's own
//! words, under every method. A route that is only on one side fails.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Endpoint, find};
use crate::error::Error;
use crate::openapi::DOCUMENT;
use postern_domain::operation::{Managed, Operation};

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

/// Routes of the table, as opposed to those that only are read.
fn is_api(template: &Template) -> bool {
    let words = ["org", "orgs", "oauth", "explain", "leaks"];
    template
        .first()
        .is_some_and(|first| words.contains(&first.as_str()))
}

/// The documented methods of a concrete path; words win over parameters, as OpenAPI has it. Asked
/// many times, so it copies nothing.
fn look_up<'d>(paths: &'d Documented, path: &str) -> Option<&'d BTreeMap<String, Value>> {
    let path = path.trim_start_matches('/');
    let count = path.split('/').count();
    let fits = |template: &Template| {
        let mut pairs = template.iter().zip(path.split('/'));
        template.len() == count && pairs.all(|(t, p)| is_parameter(t) || t == p)
    };
    paths
        .iter()
        .filter(|(template, _)| fits(template) && is_api(template))
        .min_by_key(|(template, _)| template.iter().filter(|part| is_parameter(part)).count())
        .map(|(_, methods)| methods)
}

/// The words of the table and of the document, and some that neither knows.
fn words(paths: &Documented) -> Vec<String> {
    let source = include_str!("../endpoint.rs");
    let table = source
        .split_once("fn methods(")
        .and_then(|(_, rest)| rest.split_once("\n}"))
        .map(|(body, _)| body)
        .expect("the table's source");
    let mut words: BTreeSet<String> = table
        .split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    words.extend(
        paths
            .keys()
            .filter(|template| is_api(template))
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

/// Every path of one to four of the words, and each of four that is documented with one more.
fn every_path(paths: &Documented) -> Vec<String> {
    let words = words(paths);
    assert!(words.iter().any(|word| word == "rotate"), "{words:?}");
    let mut all = Vec::new();
    let mut longest = vec![String::new()];
    for length in 1..=5 {
        if length == 5 {
            longest.retain(|path| look_up(paths, path).is_some());
        }
        longest = longest
            .iter()
            .flat_map(|path| words.iter().map(move |word| format!("{path}/{word}")))
            .collect();
        all.extend_from_slice(&longest);
    }
    // What is longer than that, as it is documented, with each word in each place, and with one more.
    for template in paths
        .keys()
        .filter(|template| template.len() > 4 && is_api(template))
    {
        for place in 0..=template.len() {
            for word in &words {
                let mut path: Vec<&str> = template.iter().map(String::as_str).collect();
                match path.get_mut(place) {
                    Some(part) => *part = word,
                    None => path.push(word),
                }
                all.push(format!("/{}", path.join("/")));
            }
        }
    }
    all
}

#[test]
fn the_table_has_exactly_what_openapi_documents() {
    let paths = documented();
    let mut reached = BTreeSet::new();
    for path in every_path(&paths) {
        let Some(known) = look_up(&paths, &path) else {
            let found = find(&path, "GET");
            assert_eq!(found, Err(Error::NotFound { what: "route" }), "{path}");
            continue;
        };
        for method in METHODS {
            let found = find(&path, method);
            let told = known
                .get(method)
                .and_then(|entry| entry["x-operation"].as_str());
            assert_eq!(
                found.as_ref().ok().map(Endpoint::name),
                told,
                "{method} {path}"
            );
            match found {
                Ok(endpoint) => drop(reached.insert(endpoint.name())),
                Err(Error::MethodNotAllowed { allow }) => {
                    let allowed: BTreeSet<&str> = allow.split(", ").collect();
                    let known: BTreeSet<&str> = known.keys().map(String::as_str).collect();
                    assert_eq!(allowed, known, "{path}");
                }
                Err(error) => panic!("{method} {path}: {error:?}"),
            }
        }
    }
    let told: BTreeSet<&str> = paths
        .iter()
        .filter(|(template, _)| is_api(template))
        .flat_map(|(_, methods)| methods.values())
        .filter_map(|entry| entry["x-operation"].as_str())
        .collect();
    assert_eq!(reached, told);
}

#[test]
fn an_empty_part_is_no_name_and_no_other_way_to_write_a_path() {
    for path in [
        "",
        "/",
        "orgs",
        "/orgs/",
        "//orgs",
        "/org//tokens",
        "/org/tokens/",
        "/leaks/",
    ] {
        let found = find(path, "GET");
        assert_eq!(found, Err(Error::NotFound { what: "route" }), "{path}");
    }
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
    for (template, methods) in paths.iter().filter(|(template, _)| is_api(template)) {
        let path = format!("/{}", template.join("/"));
        for (method, entry) in methods {
            let Endpoint::Management(call) = find(&path, method).expect("a documented route")
            else {
                continue;
            };
            let operation = call.operation();
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

/// The routes that are only read, from the source that matches them by their whole text.
#[test]
fn the_other_routes_are_documented_as_they_are_written() {
    let paths = documented();
    let written: BTreeSet<&str> = include_str!("../route.rs")
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(|text| text.starts_with('/'))
        // What lies below is the dashboard's files.
        .filter(|text| !["/dashboard", "/dashboard/"].contains(text))
        .collect();
    let others: BTreeMap<String, &BTreeMap<String, Value>> = paths
        .iter()
        .filter(|(template, _)| !is_api(template))
        .map(|(template, methods)| (format!("/{}", template.join("/")), methods))
        .collect();
    assert_eq!(
        others.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        written
    );
    for (path, methods) in others {
        let methods: Vec<&str> = methods.keys().map(String::as_str).collect();
        assert_eq!(methods, ["GET", "HEAD"], "{path}");
    }
}
