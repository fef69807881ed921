//! What a REST request names: in its JSON body, and in its path, query and headers.

use postern_domain::route::{Answers, Place, Route, Segment, Source};
use postern_domain::rpc::{Access, Effect, Narrow};
use postern_wire::query::{self, QueryError};
use postern_wire::rest::{Parameters, Parts, RestError, RouteMatch, find, named};

use crate::bytes::{Bytes, piece};
use crate::json::{Node, WAYS};

const fn at(place: Place, optional: bool) -> Option<Source> {
    Some(Source { place, optional })
}

const ROUTE: Route = Route {
    name: "POST /v1/runs",
    method: "POST",
    segments: &[Segment::Literal("v1"), Segment::Literal("runs")],
    allow: "POST",
    access: Access::Token,
    policies: &[],
    effect: Effect::Write,
    organization: None,
    project: None,
    workflow: None,
    run: None,
    narrow: Narrow::Named,
    query: None,
    answers: Answers::Content,
    people: false,
    stream: false,
};

const PROJECT: &[&str] = &["workflow", "project"];
const WORKFLOW: &[&str] = &["workflow", "name"];
const RUN: &[&str] = &["run"];

static IN_BODY: Route = Route {
    project: at(Place::Pointer(PROJECT), true),
    workflow: at(Place::Pointer(WORKFLOW), true),
    run: at(Place::Pointer(RUN), true),
    ..ROUTE
};

/// Whatever a body names, every reader of JSON finds the same there.
pub fn rest_json(body: &[u8]) {
    let parameters = Parameters::default();
    let parts = Parts {
        parameters: &parameters,
        query: "",
        header: &|_| None,
        body,
    };
    let told = named(&IN_BODY, &parts);
    let read = serde_json::from_slice::<Node>(body);
    match told {
        Ok(names) => {
            let node = read.expect("a second reader takes it");
            let found = [
                (PROJECT, names.project),
                (WORKFLOW, names.workflow),
                (RUN, names.run),
            ];
            for (pointer, name) in found {
                for way in WAYS {
                    let other = match node.at(pointer, way) {
                        Some(Node::Text(text)) => Some(text.clone()),
                        Some(other) => panic!("{way:?}: {other:?} at {pointer:?}"),
                        None => None,
                    };
                    assert_eq!(other, name, "{way:?} at {pointer:?}");
                }
            }
        }
        Err(RestError::Body(why)) => {
            assert!(read.is_err() || why.contains("nested deeper"), "{why}")
        }
        Err(error) => assert!(!error.to_string().is_empty() && !error.code().is_empty()),
    }
}

pub(crate) fn json_seeds() -> Vec<Vec<u8>> {
    let deep = format!("{}1{}", "[".repeat(70), "]".repeat(70));
    [
        r#"{"workflow":{"project":"shop","name":"release"}}"#,
        r#"{"run":"0a1b2c3d","more":[1,2.5,null,true,{"run":"x"}]}"#,
        r#"{"workflow":{"project":"shop","Project":"other"}}"#,
        r#"{"workflow":{"project":"shop"},"workflow":{"project":"other"}}"#,
        r#"{"workflow":{"project":"shop","project\u0000":"other"}}"#,
        r#"{"workflow":{"project ":"other"}}"#,
        r#"{"workflow":[{"project":"shop"}]}"#,
        r#"{"wor\u212aflow":{"project":"a"},"\u017fcope":1}"#,
        r#"{"_method":"DELETE"}"#,
        r#"{"workflow":{"project":"\ud83d\ude00"}} "#,
        "",
        &deep,
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

static IN_HEAD: Route = Route {
    segments: &[
        Segment::Literal("v1"),
        Segment::Parameter("project"),
        Segment::Digest("digest"),
    ],
    project: at(Place::Path("project"), false),
    workflow: at(Place::Header("attestation-workflow"), true),
    run: at(Place::Query("run"), true),
    query: Some(&["run", "kind"]),
    ..ROUTE
};

/// A query means to us what it means to a form's reader, and a path has one way to be written.
pub fn rest_query(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let has_header = bytes.one_in(2);
    let header = bytes.text();
    let path = bytes.text();
    let query = bytes.rest_text();
    forms(&query);
    let RouteMatch::Route(route, parameters) = find([&IN_HEAD], "POST", &path) else {
        return;
    };
    let value = |name: &str| (has_header && name == "attestation-workflow").then(|| header.clone());
    let parts = Parts {
        parameters: &parameters,
        query: &query,
        header: &value,
        body: b"",
    };
    let Ok(names) = named(route, &parts) else {
        return;
    };
    let runs: Vec<_> = form_urlencoded::parse(query.as_bytes())
        .filter(|(key, _)| key == "run")
        .map(|(_, run)| run.into_owned())
        .collect();
    assert_eq!(runs, names.run.into_iter().collect::<Vec<_>>(), "{query}");
    let project = names.project.expect("it is required");
    let segment = path.split('/').nth(2).expect("three segments");
    // What only a form gives a meaning is escaped for its reader.
    let segment = segment
        .replace('+', "%2B")
        .replace('&', "%26")
        .replace('=', "%3D");
    let decoded: Vec<_> = form_urlencoded::parse(segment.as_bytes())
        .map(|(key, _)| key.into_owned())
        .collect();
    assert_eq!(decoded, [project.as_str()], "{path}");
    for name in [Some(project), names.workflow].into_iter().flatten() {
        assert!(
            !name.contains(['/', '\\', '?', '#', '%', ';']) && !name.chars().any(char::is_control),
            "{name}"
        );
        assert!(
            !name.is_empty() && !name.chars().all(|c| c == '.'),
            "{name}"
        );
    }
}

/// The API's own queries: each known parameter once, or none.
fn forms(text: &str) {
    let pairs: Vec<_> = form_urlencoded::parse(text.as_bytes()).collect();
    let of = |name: &str| {
        let mut values = pairs.iter().filter(|(key, _)| key == name);
        (
            values.next().map(|(_, value)| value.as_ref()),
            values.next().is_some(),
        )
    };
    match query::read(text, ["run", "kind"]) {
        Ok(found) => {
            for (name, found) in ["run", "kind"].into_iter().zip(found) {
                assert_eq!(of(name), (found.as_deref(), false), "{text}");
                assert_ne!(found.as_deref(), Some(""), "{text}");
            }
            assert!(
                pairs.iter().all(|(key, _)| key == "run" || key == "kind"),
                "{text}"
            );
        }
        Err(QueryError::Unknown(name)) => assert!(name.chars().count() <= 40),
        Err(QueryError::Twice(name)) => assert!(of(name).1, "{text}"),
        Err(QueryError::Empty(name)) => assert!(
            pairs
                .iter()
                .any(|(key, value)| key == name && value.is_empty())
        ),
        Err(QueryError::Escape) => assert!(text.contains('%'), "{text}"),
    }
}

pub(crate) fn query_seeds() -> Vec<Vec<u8>> {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let row = |header: Option<&str>, project: &str, query: &str| {
        let path = format!("/v1/{project}/{digest}");
        let front = [u8::from(header.is_some())];
        [
            &front[..],
            &piece(header.unwrap_or("")),
            &piece(path),
            query.as_bytes(),
        ]
        .concat()
    };
    vec![
        row(Some("release"), "shop", "run=0a1b&kind=x"),
        row(None, "sh%6Fp", "run=a%20b"),
        row(Some("a, b"), "shop", "run=1&run=2"),
        row(Some(".."), "%2e%2e", "run=1;kind=2"),
        row(None, "a+b", "%72un=1&&kind="),
        row(None, "shop", "run%00=1&_method=PUT"),
        row(None, "%", "run=%ff"),
        row(None, "shop", "runs=1"),
        row(Some("x"), "caf%C3%A9", ""),
    ]
}
