//! Requests as rows, from what they name to the decision: every scope, every kind of route.

use crate::error::Error;
use crate::rest::find;
use crate::routes::ROUTES;
use crate::testing::drive::{Outcome, Sent, drive_route, header};
use crate::testing::{self, World, facts, project, workflow};
use postern_domain::decide::{Denial, RunFacts};
use postern_domain::id::{Id, RunId};
use postern_domain::policy::Policy;
use postern_domain::route::{Answers, BUILT_IN, Place, Route, Segment, Source};
use postern_domain::rpc::{Access, Effect, Narrow};
use postern_domain::scope::Scope;
use postern_wire::jwt;
use postern_wire::rest::{RouteMatch, RouteNames};

const RUN: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

const fn at(name: &'static str) -> Option<Source> {
    Some(Source {
        place: Place::Header(name),
        optional: true,
    })
}

const NOTHING: Route = Route {
    name: "POST /things",
    method: "POST",
    segments: &[Segment::Literal("things")],
    allow: "POST",
    access: Access::Token,
    policies: &["cas_artifact:create"],
    effect: Effect::Write,
    organization: None,
    project: None,
    workflow: None,
    run: None,
    narrow: Narrow::Denied,
    query: None,
    answers: Answers::Content,
    people: false,
    stream: false,
};
const NAMED: Route = Route {
    project: at("x-project"),
    narrow: Narrow::Named,
    ..NOTHING
};

static NAMES: Route = Route {
    workflow: at("x-workflow"),
    ..NAMED
};
static PROJECT: Route = NAMED;
static RUNS: Route = Route {
    run: at("x-run"),
    ..NAMES
};
static CLOSED: Route = NOTHING;
static SHARED: Route = Route {
    narrow: Narrow::Any,
    ..NOTHING
};

/// A credential in the world.
fn token(world: &World, scope: Scope, policies: &[&str]) -> String {
    let mut facts = facts(7, scope);
    facts.policies = policies
        .iter()
        .map(|text| Policy::parse(text).expect("a policy"))
        .collect();
    let issued = jwt::issue(&facts, &testing::config().token_keys).expect("issues");
    world.keep(facts);
    format!("Bearer {}", issued.token.expose())
}

fn scopes() -> [Scope; 3] {
    [
        Scope::Organization,
        Scope::Project { project: project() },
        Scope::Workflow {
            project: project(),
            workflow: workflow(),
        },
    ]
}

fn names(project: &str, workflow: &str, run: &str) -> RouteNames {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    RouteNames {
        organization: None,
        project: some(project),
        workflow: some(workflow),
        run: some(run),
    }
}

fn ask(world: &World, credential: &str, route: &'static Route, named: &RouteNames) -> Outcome {
    let names = [
        ("x-project", &named.project),
        ("x-workflow", &named.workflow),
        ("x-run", &named.run),
    ];
    let named = names
        .into_iter()
        .filter_map(|(name, value)| Some(header(name, value.as_deref()?)));
    let sent = Sent {
        method: "POST",
        path: "/things".to_owned(),
        query: "a=b".to_owned(),
        headers: named.chain([header("authorization", credential)]).collect(),
        body: b"x".to_vec(),
    };
    drive_route(world, &sent, route).expect("a route")
}

/// What a scope is told: `ok` or the code.
fn told(scope: Scope, route: &'static Route, named: &RouteNames) -> &'static str {
    let world = World::new();
    let credential = token(&world, scope, &["cas_artifact:*"]);
    let outcome = ask(&world, &credential, route, named);
    match outcome.got {
        Ok(_) => {
            let seen = outcome.forwarded.expect("it went to the origin");
            assert_eq!((seen.method, seen.target.as_str()), ("POST", "/things?a=b"));
            assert_eq!(seen.body.as_deref(), Some(&b"x"[..]));
            "ok"
        }
        Err(error) => {
            assert_eq!(outcome.forwarded, None);
            error.code()
        }
    }
}

#[test]
fn r30_names_are_held_against_the_scope() {
    let (own, all) = ("ok", ["ok", "ok", "ok"]);
    for (route, named, expected) in [
        (&NAMES, names("shop", "release", ""), all),
        (
            &NAMES,
            names("shop", "other", ""),
            [own, own, "other_workflow"],
        ),
        (
            &NAMES,
            names("other", "release", ""),
            [own, "other_project", "other_project"],
        ),
        // An optional workflow or project that was left out.
        (&NAMES, names("shop", "", ""), [own, own, "not_confined"]),
        (
            &NAMES,
            names("", "", ""),
            [own, "not_confined", "not_confined"],
        ),
        (&PROJECT, names("shop", "", ""), [own, own, "not_confined"]),
        (
            &PROJECT,
            names("other", "", ""),
            [own, "other_project", "other_project"],
        ),
        (
            &PROJECT,
            names("", "", ""),
            [own, "not_confined", "not_confined"],
        ),
        (
            &CLOSED,
            names("", "", ""),
            [own, "operation_not_allowed", "operation_not_allowed"],
        ),
        (&SHARED, names("", "", ""), all),
    ] {
        for (scope, expected) in scopes().into_iter().zip(expected) {
            assert_eq!(
                told(scope.clone(), route, &named),
                expected,
                "{scope:?} {named:?}"
            );
        }
    }
}

#[test]
fn every_policy_of_the_route_is_needed() {
    static TWO: Route = Route {
        policies: &["cas_artifact:create", "workflow_run:read"],
        ..NOTHING
    };
    for (held, good) in [
        (&[][..], false),
        (&["cas_artifact:create"], false),
        (&["cas_artifact:create", "workflow_run:list"], false),
        (&["cas_artifact:create", "workflow_run:read"], true),
        (&["cas_artifact:*", "workflow_run:*"], true),
    ] {
        let world = World::new();
        let credential = token(&world, Scope::Organization, held);
        let asked = ask(&world, &credential, &TWO, &RouteNames::default());
        let expected = match good {
            true => Ok(()),
            false => Err(Error::from(Denial::Operation)),
        };
        assert_eq!(asked.got.map(drop), expected);
    }
}

#[test]
fn r32_runs_are_known_or_denied() {
    for (named, learned, expected) in [
        (names("shop", "release", RUN), None, "unknown_run"),
        (names("shop", "release", "x"), None, "run_id_invalid"),
        (
            names("shop", "release", RUN),
            Some(("shop", "release")),
            "ok",
        ),
        (
            names("shop", "release", &RUN.to_uppercase()),
            Some(("shop", "release")),
            "ok",
        ),
        // A run of another workflow than is named beside it is none.
        (
            names("shop", "release", RUN),
            Some(("shop", "other")),
            "unknown_run",
        ),
        (
            names("shop", "release", RUN),
            Some(("other", "release")),
            "unknown_run",
        ),
        (
            names("shop", "other", RUN),
            Some(("shop", "other")),
            "other_workflow",
        ),
    ] {
        let world = World::new();
        if let Some((project, workflow)) = learned {
            let facts = RunFacts {
                project: project.to_owned(),
                workflow: workflow.to_owned(),
                workflow_id: None,
                upstream: None,
            };
            let id = RunId::parse_any(RUN).expect("a run");
            world
                .runs
                .borrow_mut()
                .insert((Id::from_u128(1), id), facts);
        }
        let [_, _, scope] = scopes();
        let credential = token(&world, scope, &["cas_artifact:create"]);
        let told = match ask(&world, &credential, &RUNS, &named).got {
            Ok(_) => "ok",
            Err(error) => error.code(),
        };
        assert_eq!(told, expected, "{named:?} {learned:?}");
    }
}

#[test]
fn open_routes_need_nobody_and_others_do() {
    let [infoz, statusz, discover] = &BUILT_IN;
    for (route, is_open) in [(infoz, true), (statusz, true), (discover, false)] {
        let world = World::new();
        let (_, path) = route.name.split_once(' ').expect("a path");
        let sent = Sent {
            method: route.method,
            path: path.to_owned(),
            query: String::new(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        let outcome = drive_route(&world, &sent, route).expect("a route");
        assert_eq!(outcome.forwarded.is_some(), is_open, "{}", route.name);
        let stores = |what: &&String| what.as_str() == "admit" || what.as_str() == "facts";
        assert_eq!(world.asked.borrow().iter().find(stores), None);
    }
}

#[test]
fn the_table_is_served_where_it_is_opened_and_the_plain_routes_always() {
    let mut config = testing::config();
    for open in [false, true] {
        config.rest_routes = open;
        for route in ROUTES {
            // As the sample's table has it; another table has other paths.
            let path = route.name.split_once(' ').map_or("", |(_, path)| path);
            let path = path.replace(['{', '}'], "");
            let found = find(route.method, &path, &config);
            assert_eq!(matches!(found, RouteMatch::Route(..)), open, "{path}");
        }
        assert!(matches!(
            find("GET", "/statusz", &config),
            RouteMatch::Route(..)
        ));
        assert_eq!(find("GET", "/nothing", &config), RouteMatch::Nothing);
    }
}
