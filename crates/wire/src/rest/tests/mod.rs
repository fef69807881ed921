//! Paths, queries and headers as rows: what is found, and what each trick is refused as.

mod bodies;

use super::*;
use postern_domain::route::{Answers, BUILT_IN, Segment};
use postern_domain::rpc::{Access, Effect, Narrow};

const fn source(place: Place) -> Option<Source> {
    Some(Source {
        place,
        optional: false,
    })
}

const PLAIN: Route = Route {
    name: "",
    method: "POST",
    segments: &[],
    allow: "",
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

static ROUTES: [Route; 4] = [
    Route {
        name: "path",
        segments: &[
            Segment::Literal("v1"),
            Segment::Literal("projects"),
            Segment::Parameter("project"),
            Segment::Parameter("workflow"),
        ],
        allow: "POST, PUT",
        project: source(Place::Path("project")),
        workflow: source(Place::Path("workflow")),
        ..PLAIN
    },
    Route {
        name: "path with PUT",
        method: "PUT",
        segments: &[
            Segment::Literal("v1"),
            Segment::Literal("projects"),
            Segment::Parameter("p"),
            Segment::Parameter("w"),
        ],
        allow: "POST, PUT",
        ..PLAIN
    },
    Route {
        name: "query and header",
        segments: &[Segment::Literal("read")],
        project: source(Place::Query("project")),
        workflow: source(Place::Header("x-workflow")),
        query: Some(&["project", "a", "b"]),
        ..PLAIN
    },
    Route {
        name: "body",
        segments: &[Segment::Literal("body")],
        project: source(Place::Pointer(&["workflow", "project"])),
        workflow: source(Place::Pointer(&["workflow", "name"])),
        ..PLAIN
    },
];

fn look_up(method: &str, path: &str) -> RouteMatch {
    find(&ROUTES, method, path)
}

/// Reads with nothing but these parts.
fn read(
    name: &str,
    query: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<RouteNames, RestError> {
    let route = ROUTES.iter().find(|route| route.name == name);
    let header = |name: &str| {
        let found = headers.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let parts = Parts {
        parameters: &Parameters::default(),
        query,
        header: &header,
        body: body.as_bytes(),
    };
    named(route.expect("a route"), &parts)
}

#[test]
fn paths_match_segment_by_segment_and_parameters_are_decoded_once() {
    for (path, project, workflow) in [
        ("/v1/projects/shop/release", "shop", "release"),
        ("/v1/projects/sh%6Fp/rel%65ase", "shop", "release"),
        ("/v1/projects/caf%C3%A9/a%20b", "café", "a b"),
        ("/v1/projects/a+b/..c", "a+b", "..c"),
    ] {
        let RouteMatch::Route(route, parameters) = look_up("POST", path) else {
            panic!("{path}");
        };
        assert_eq!(route.name, "path");
        assert_eq!(parameters.get("project"), Some(project), "{path}");
        assert_eq!(parameters.get("workflow"), Some(workflow), "{path}");
    }
}

#[test]
fn r33_other_spellings_of_a_path_are_other_paths() {
    for path in [
        "",
        "/",
        "v1/projects/shop/release",
        "/V1/projects/shop/release",
        "/v1/Projects/shop/release",
        "/v%31/projects/shop/release",
        "//v1/projects/shop/release",
        "/v1//projects/shop/release",
        "/v1/projects/shop//release",
        "/v1/projects/shop/release/",
        "/v1/projects/shop/release/more",
        "/v1/projects/shop",
        "/v1/projects//release",
        "/v1/projects/./release",
        "/v1/projects/../release",
        "/v1/projects/%2e/release",
        "/v1/projects/%2E%2e/release",
        "/v1/projects/.%2e/release",
        "/v1/projects/.../release",
        "/v1/projects/shop%2Frelease/x",
        "/v1/projects/shop%5Cx/release",
        "/v1/projects/shop\\x/release",
        "/v1/projects/shop%00/release",
        "/v1/projects/shop%0A/release",
        "/v1/projects/shop%7F/release",
        "/v1/projects/shop%C2%85/release",
        "/v1/projects/shop%FF/release",
        "/v1/projects/shop%C0%AF/release",
        "/v1/projects/shop%2/release",
        "/v1/projects/shop%zz/release",
        "/v1/projects/shop%+1/release",
        "/v1/projects/shop%252Frelease/x",
        "/v1/projects/shop;x=1/release",
        "/v1/projects/shop%3Fx/release",
        "/v1/projects/shop%23x/release",
    ] {
        assert_eq!(look_up("POST", path), RouteMatch::Nothing, "{path}");
    }
    let long = format!("/v1/projects/{}/release", "x".repeat(256));
    assert_eq!(look_up("POST", &long), RouteMatch::Nothing);
}

#[test]
fn another_method_is_told_which_there_are() {
    let allow = "POST, PUT";
    for method in ["GET", "HEAD", "post", "DELETE", "OPTIONS"] {
        let found = look_up(method, "/v1/projects/shop/release");
        assert_eq!(found, RouteMatch::OtherMethod { allow }, "{method}");
    }
    let RouteMatch::Route(route, _) = look_up("PUT", "/v1/projects/shop/release") else {
        panic!("PUT has a row");
    };
    assert_eq!(route.name, "path with PUT");
    let allow = "GET";
    let head = find(&BUILT_IN, "HEAD", "/statusz");
    assert_eq!(head, RouteMatch::OtherMethod { allow });
}

#[test]
fn query_and_header_are_read_once() {
    let workflow = [("x-workflow", "release")];
    for query in [
        "project=shop",
        "a=1&project=shop&b=%3B",
        "pro%6Aect=sh%6fp&&",
    ] {
        let named = read("query and header", query, &workflow, "").expect(query);
        assert_eq!(named.project.as_deref(), Some("shop"), "{query}");
        assert_eq!(named.workflow.as_deref(), Some("release"), "{query}");
    }
    let named = read("query and header", "project=a+b", &workflow, "").expect("a name");
    assert_eq!(named.project.as_deref(), Some("a b"));
}

#[test]
fn a_query_that_names_the_project_in_two_ways_is_refused() {
    let place = || "the query as `project`".to_owned();
    let what = "project";
    let unknown = |name: &str| RestError::UnknownParameter(name.to_owned());
    let twice = || RestError::RepeatedParameter("project".to_owned());
    let missing = || RestError::Missing {
        what,
        place: place(),
    };
    let no_name = || RestError::NoName {
        what,
        place: place(),
    };
    for (query, expected) in [
        ("", missing()),
        ("a=1", missing()),
        ("projects=shop", unknown("projects")),
        ("project=shop&project=shop", twice()),
        ("project=shop&project=other", twice()),
        ("project=shop&Project=other", unknown("Project")),
        ("PROJECT=shop", unknown("PROJECT")),
        ("project=shop&project[]=other", unknown("project[]")),
        ("project%5B0%5D=other&project=shop", unknown("project[0]")),
        ("project=shop&%70roject=other", twice()),
        ("project=shop&+project=other", unknown(" project")),
        ("project=shop;project=other", RestError::Query),
        ("project=shop;", RestError::Query),
        ("project%00=other&project=shop", RestError::ControlCharacter),
        (
            "project=shop&project%00x=other",
            RestError::ControlCharacter,
        ),
        ("project=shop&_method=DELETE", RestError::MethodOverride),
        ("project=", no_name()),
        ("project", no_name()),
        ("project=..", no_name()),
        ("project=a%2Fb", no_name()),
        ("project=a%00", no_name()),
        ("project=sho%2570", no_name()),
        ("project=%FF", RestError::Query),
        ("project=%f", RestError::Query),
        ("%zz=1&project=shop", RestError::Query),
    ] {
        let workflow = [("x-workflow", "release")];
        let read = read("query and header", query, &workflow, "");
        assert_eq!(read, Err(expected), "{query}");
    }
}

#[test]
fn what_no_query_may_have_is_refused_where_the_route_does_not_look_at_it() {
    let body = r#"{"workflow":{"project":"shop","name":"release"}}"#;
    let read = |query| read("body", query, &[], body);
    for good in ["", "x=1", "a=%00", "x=1&x=2;y", "method=x", "&&", "x=%FF"] {
        assert!(read(good).is_ok(), "{good}");
    }
    for (query, expected) in [
        ("x%00=1", RestError::ControlCharacter),
        ("a=1&%0Ax", RestError::ControlCharacter),
        ("a;x%7F=1", RestError::ControlCharacter),
        ("x%C2%85=1", RestError::ControlCharacter),
        ("_method=DELETE", RestError::MethodOverride),
        ("a=1;%5Fmethod=DELETE", RestError::MethodOverride),
        ("_Method[]=PUT", RestError::MethodOverride),
        ("x-http-method-override=PUT", RestError::MethodOverride),
        ("%FF=1", RestError::Query),
        ("_method%=1", RestError::Query),
    ] {
        assert_eq!(read(query), Err(expected), "{query}");
    }
}

#[test]
fn a_header_that_comes_twice_or_in_a_twin_is_refused() {
    let place = || "the header `x-workflow`".to_owned();
    let what = "workflow";
    let ambiguous = RestError::Ambiguous {
        what,
        place: place(),
    };
    let missing = RestError::Missing {
        what,
        place: place(),
    };
    let no_name = RestError::NoName {
        what,
        place: place(),
    };
    let rows: [(&[(&str, &str)], &RestError); 7] = [
        (
            &[
                ("x-workflow", "release"),
                ("connection", "close, X-Workflow"),
            ],
            &ambiguous,
        ),
        (&[], &missing),
        (&[("x-workflow", "")], &no_name),
        (&[("x-workflow", "a/b")], &no_name),
        (&[("x-workflow", "release, other")], &ambiguous),
        (&[("x-workflow", "release,")], &ambiguous),
        (
            &[("x-workflow", "release"), ("x_workflow", "other")],
            &ambiguous,
        ),
    ];
    for (headers, expected) in rows {
        let read = read("query and header", "project=shop", headers, "");
        assert_eq!(read.as_ref(), Err(expected), "{headers:?}");
    }
}

#[test]
fn discover_knows_its_parameters_and_no_others() {
    let discover = &BUILT_IN[2];
    let read = |query: &str| {
        named(
            discover,
            &Parts {
                parameters: &Parameters::default(),
                query,
                header: &|_| None,
                body: b"",
            },
        )
    };
    let all = "kind=CONTAINER&pagination.cursor=x%3D&pagination.limit=1&project_name=shop&project_version=v1";
    assert_eq!(read(all).expect("known").project.as_deref(), Some("shop"));
    assert_eq!(read("").expect("nothing").project, None);
    let unknown = |name: &str| Err(RestError::UnknownParameter(name.to_owned()));
    assert_eq!(read("projectName=shop"), unknown("projectName"));
    assert_eq!(read("kind=1&t=x"), unknown("t"));
    assert_eq!(read("Kind=1"), unknown("Kind"));
    let twice = Err(RestError::RepeatedParameter("kind".to_owned()));
    assert_eq!(read("kind=1&kind=1"), twice);
    assert_eq!(read("kind=%FF"), Err(RestError::Query));
    assert!(matches!(
        read("project_name="),
        Err(RestError::NoName { .. })
    ));
}
