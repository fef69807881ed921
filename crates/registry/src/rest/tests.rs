//! Requests as rows, from what they name to the decision: every scope, every kind of route.

use super::*;
use crate::authenticate::{About, Presented};
use crate::body::READ;
use crate::testing::{self, World, now_or_never, project, workflow};
use postern_domain::decide::Denial;
use postern_domain::id::Id;
use postern_domain::name::TokenName;
use postern_domain::policy::Policy;
use postern_domain::route::{Place, Source};
use postern_domain::rpc::{Access, Effect, Narrow};
use postern_domain::scope::{Named as Entry, Scope};
use postern_domain::secret::Secret;
use postern_domain::token::{TokenFacts, Verifier};
use postern_wire::jwt;

const RUN: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

const fn at(name: &'static str) -> Option<Source> {
    Some(Source {
        place: Place::Path(name),
        optional: false,
    })
}

const NOTHING: Route = Route {
    name: "",
    method: "POST",
    segments: &[],
    allow: "POST",
    access: Access::Token,
    policies: &["cas_artifact:create"],
    effect: Effect::Write,
    project: None,
    workflow: None,
    run: None,
    narrow: Narrow::Denied,
    query: None,
    answers_json: false,
    stream: false,
};
const NAMED: Route = Route {
    project: at("project"),
    narrow: Narrow::Named,
    ..NOTHING
};

static NAMES: Route = Route {
    workflow: at("workflow"),
    ..NAMED
};
static PROJECT: Route = NAMED;
static RUNS: Route = Route {
    run: at("run"),
    ..NAMES
};
static CLOSED: Route = NOTHING;
static SHARED: Route = Route {
    narrow: Narrow::Any,
    ..NOTHING
};

fn token(world: &World, scope: Scope, policies: &[&str]) -> Presented {
    let facts = TokenFacts {
        id: Id::from_u128(7),
        name: TokenName::parse("ci").expect("a good name"),
        organization: Entry {
            id: Id::from_u128(1),
            name: "acme".to_owned(),
        },
        scope,
        verifier: Verifier::Jwt { signed: None },
        policies: policies
            .iter()
            .map(|text| Policy::parse(text).expect("a policy"))
            .collect(),
        is_system: false,
        expires_at: None,
    };
    let config = testing::config();
    let token: Secret = jwt::issue(&facts, &config.token_keys)
        .expect("issues")
        .token;
    world.keep(facts);
    let verified = jwt::verify(&token, config.jwt_keys(), world.now(), 0).expect("ours");
    Presented::Jwt(Box::new(verified))
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

fn names(project: &str, workflow: &str, run: &str) -> Named {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Named {
        project: some(project),
        workflow: some(workflow),
        run: some(run),
    }
}

fn ask(world: &World, presented: Presented, route: &'static Route, named: Named) -> Result<Permit> {
    let config = testing::config();
    let purpose = route.effect.into();
    let vouched = Vouched::first(
        presented,
        (0, About::Nothing, purpose),
        READ,
        &config,
        world,
    );
    let recognized = now_or_never(recognize(now_or_never(vouched)?, named, &config, world))?;
    now_or_never(recognized.decide(route, world, world))
}

/// What a scope is told: `Ok` or the code.
fn told(scope: Scope, route: &'static Route, named: Named) -> &'static str {
    let world = World::new();
    let presented = token(&world, scope, &["cas_artifact:*"]);
    match ask(&world, presented, route, named) {
        Ok(permit) => {
            assert_eq!(permit.operation(), Operation::Route(route));
            "ok"
        }
        Err(error) => error.code(),
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
                told(scope.clone(), route, named.clone()),
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
        let presented = token(&world, Scope::Organization, held);
        let asked = ask(&world, presented, &TWO, Named::default());
        assert_eq!(
            asked.map(|_| ()),
            if good {
                Ok(())
            } else {
                Err(Denial::Operation.into())
            }
        );
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
            };
            let id = RunId::parse_any(RUN).expect("a run");
            world
                .runs
                .borrow_mut()
                .insert((Id::from_u128(1), id), facts);
        }
        let [_, _, scope] = scopes();
        let presented = token(&world, scope, &["cas_artifact:create"]);
        let told = match ask(&world, presented, &RUNS, named.clone()) {
            Ok(_) => "ok",
            Err(error) => error.code(),
        };
        assert_eq!(told, expected, "{named:?} {learned:?}");
    }
}

#[test]
fn open_routes_need_nobody_and_others_do() {
    let [infoz, statusz, discover] = &BUILT_IN;
    for (route, is_open) in [
        (infoz, true),
        (statusz, true),
        (discover, false),
        (&SHARED, false),
    ] {
        assert_eq!(pass(route).is_ok(), is_open, "{}", route.name);
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
            assert_eq!(matches!(found, Found::Route(..)), open, "{path}");
        }
        assert!(matches!(find("GET", "/statusz", &config), Found::Route(..)));
        assert_eq!(find("GET", "/nothing", &config), Found::Nothing);
    }
}
