//! The decisions on attestation calls as rows: caller, what the call names, answer. Those on tokens
//! are beside.

mod management;
mod ways_in;

use std::rc::Rc;

use super::*;
use crate::id::Id;
use crate::name::TokenName;
use crate::scope::Named;
use crate::standing::Actor;
use crate::token::Verifier;

fn token(scope: Scope) -> Caller {
    Caller::Token(Rc::new(TokenFacts {
        id: Id::from_u128(7),
        name: TokenName::generated(&Id::from_u128(7)),
        organization: Named {
            id: Id::from_u128(1),
            name: "acme".to_owned(),
        },
        scope,
        verifier: Verifier::Jwt { signed: None },
        policies: Vec::new(),
        is_system: false,
        expires_at: None,
        ci_job: None,
        conditions: None,
        revision: 0,
    }))
}

/// A token with the policies that its scope has by default.
fn usual(scope: Scope) -> Caller {
    let policies = crate::policy::defaults(&scope);
    with(scope, policies, None)
}

fn with(scope: Scope, policies: Vec<Policy>, expires_at: Option<i64>) -> Caller {
    let Caller::Token(facts) = token(scope) else {
        panic!("a token")
    };
    let mut facts = (*facts).clone();
    facts.policies = policies;
    facts.expires_at = expires_at.map(Timestamp::from_millis);
    Caller::Token(Rc::new(facts))
}

fn policies(texts: &[&str]) -> Vec<Policy> {
    let parse = |text: &&str| Policy::parse(text).expect("a policy");
    texts.iter().map(parse).collect()
}

fn organization(id: u128) -> Named<Organization> {
    Named {
        id: Id::from_u128(id),
        name: "acme".to_owned(),
    }
}

fn project() -> Named<crate::id::Project> {
    Named {
        id: Id::from_u128(2),
        name: "shop".to_owned(),
    }
}

fn project_token() -> Caller {
    token(Scope::Project { project: project() })
}

fn workflow_token() -> Caller {
    token(Scope::Workflow {
        project: project(),
        workflow: Named {
            id: Id::from_u128(3),
            name: "release".to_owned(),
        },
    })
}

fn run(project: &str, workflow: &str) -> RunFacts {
    RunFacts {
        project: project.to_owned(),
        workflow: workflow.to_owned(),
        workflow_id: None,
        upstream: None,
    }
}

fn check(caller: &Caller, target: Target<'_>, expected: Result<(), Denial>) {
    let answer = decide(caller, operation("AttestationService/Init"), target);
    assert_eq!(answer.map(|_| ()), expected, "{caller:?} on {target:?}");
}

fn operation(method: &str) -> Operation {
    let path = format!("/controlplane.v1.{method}");
    Operation::Rpc(crate::rpc::rpc(&path).expect("a row"))
}

/// A message that names project and workflow.
fn names<'a>(project: &'a str, workflow: &'a str) -> CallNames<'a> {
    let project = match project {
        "" => ProjectNamed::Open,
        name => ProjectNamed::Name(name),
    };
    CallNames {
        project,
        workflow,
        ..CallNames::default()
    }
}

fn check_names(caller: &Caller, project: &str, workflow: &str, expected: Result<(), Denial>) {
    let names = names(project, workflow);
    let target = Target::Call {
        names: &names,
        run: RunNamed::Open,
        own_credential: true,
    };
    check(caller, target, expected);
}

fn check_run(caller: &Caller, run: RunNamed<'_>, expected: Result<(), Denial>) {
    let names = CallNames::default();
    let target = Target::Call {
        names: &names,
        run,
        own_credential: true,
    };
    check(caller, target, expected);
}

fn other_project() -> Denial {
    Denial::OtherProject {
        project: "shop".to_owned(),
    }
}

#[test]
fn r30_r31_calls_that_name_a_workflow() {
    let rows = [
        (token(Scope::Organization), "shop", "release", Ok(())),
        (token(Scope::Organization), "other", "any", Ok(())),
        (project_token(), "shop", "release", Ok(())),
        (project_token(), "shop", "other", Ok(())),
        (project_token(), "other", "release", Err(other_project())),
        (project_token(), "", "release", Err(Denial::NotConfined)),
        (project_token(), "Shop", "release", Err(other_project())),
        (workflow_token(), "shop", "release", Ok(())),
        (
            workflow_token(),
            "shop",
            "other",
            Err(Denial::OtherWorkflowName),
        ),
        (workflow_token(), "shop", "", Err(Denial::NotConfined)),
        (workflow_token(), "other", "release", Err(other_project())),
        (workflow_token(), "", "release", Err(Denial::NotConfined)),
        (workflow_token(), "", "", Err(Denial::NotConfined)),
    ];
    for (caller, project, workflow, expected) in rows {
        check_names(&caller, project, workflow, expected);
    }
}

#[test]
fn r30_r32_calls_that_name_a_run() {
    let rows = [
        (token(Scope::Organization), Some(("other", "any")), Ok(())),
        (token(Scope::Organization), None, Err(Denial::UnknownRun)),
        (project_token(), Some(("shop", "other")), Ok(())),
        (
            project_token(),
            Some(("other", "release")),
            Err(other_project()),
        ),
        (project_token(), None, Err(Denial::UnknownRun)),
        (workflow_token(), Some(("shop", "release")), Ok(())),
        (
            workflow_token(),
            Some(("shop", "other")),
            Err(Denial::OtherWorkflow),
        ),
        (
            workflow_token(),
            Some(("other", "release")),
            Err(Denial::OtherWorkflow),
        ),
        (workflow_token(), None, Err(Denial::UnknownRun)),
    ];
    for (caller, place, expected) in rows {
        let facts = place.map(|(project, workflow)| run(project, workflow));
        let run = match &facts {
            Some(run) => RunNamed::Known { run, pin: None },
            None => RunNamed::Unknown,
        };
        check_run(&caller, run, expected);
    }
}

#[test]
fn the_administrator_key_opens_the_registry_and_nothing_else() {
    let admin = Caller::Administrator(None);
    check(&admin, Target::Registry, Ok(()));
    check_names(&admin, "shop", "release", Err(Denial::Operation));
    let run = run("shop", "release");
    let known = RunNamed::Known {
        run: &run,
        pin: None,
    };
    check_run(&admin, known, Err(Denial::Operation));
    check_run(&admin, RunNamed::Unknown, Err(Denial::Operation));
}

#[test]
fn r17_tokens_do_not_open_the_registry() {
    for caller in [
        token(Scope::Organization),
        project_token(),
        workflow_token(),
    ] {
        check(&caller, Target::Registry, Err(Denial::Operation));
    }
}

#[test]
fn a_permit_carries_what_was_decided() {
    let names = names("shop", "release");
    let target = Target::Call {
        names: &names,
        run: RunNamed::Open,
        own_credential: true,
    };
    let init = operation("AttestationService/Init");
    let permit = decide(&workflow_token(), init, target).expect("own workflow");
    assert_eq!(permit.operation(), init);
    assert_eq!(permit.token(), Some(Id::from_u128(7)));
    let grant = permit.over(&organization(1)).expect("its own organization");
    assert_eq!(grant.organization(), &organization(1));
    assert_eq!(grant.actor(), Actor::Token(Id::from_u128(7)));
    assert_eq!(permit.over(&organization(2)), Err(Denial::Operation));
}

#[test]
fn open_calls_need_nobody_and_open_nothing_else() {
    let permit = open(operation("StatusService/Infoz")).expect("open");
    assert_eq!(permit.token(), None);
    let denied = permit.over(&organization(1));
    assert_eq!(
        denied,
        Err(Denial::Operation),
        "an open call writes nowhere"
    );
    for method in ["AttestationService/Init", "UserService/ListMemberships"] {
        assert_eq!(open(operation(method)), Err(Denial::Operation), "{method}");
    }
    assert_eq!(open(Operation::TokenList), Err(Denial::Operation));
}

#[test]
fn r30_a_workflow_made_anew_is_another_one() {
    let id = |n| Some(Id::from_u128(n));
    let rows = [
        // The pin, the run's workflow, the answer.
        (None, id(5), Ok(())),
        (id(5), id(5), Ok(())),
        (id(5), id(6), Err(Denial::WorkflowReplaced)),
        // The origin told an id once; an answer without one is no proof.
        (id(5), None, Err(Denial::WorkflowReplaced)),
    ];
    for (pin, workflow_id, expected) in rows {
        let run = RunFacts {
            workflow_id,
            ..run("shop", "release")
        };
        let known = RunNamed::Known { run: &run, pin };
        check_run(&workflow_token(), known, expected);
        // Wider tokens are for whatever has the name.
        check_run(&project_token(), known, Ok(()));
    }
}

#[test]
fn r1_a_call_that_names_another_organization_is_refused() {
    let own = Id::<crate::id::Organization>::from_u128(1).to_string();
    let rows = [
        ("", "", Ok(())),
        ("", "acme", Ok(())),
        ("", "other", Err(Denial::OtherOrganization)),
        (own.as_str(), "", Ok(())),
        ("x", "", Err(Denial::OtherOrganization)),
    ];
    for (organization_id, organization_name, expected) in rows {
        let names = CallNames {
            organization_id,
            organization_name,
            ..names("shop", "release")
        };
        let target = Target::Call {
            names: &names,
            run: RunNamed::Open,
            own_credential: true,
        };
        for caller in [token(Scope::Organization), workflow_token()] {
            check(&caller, target, expected.clone());
        }
    }
}

/// The origin keeps a call to the project that the claims of its credential name. Another credential
/// than the caller's may be one for the whole organization (R42).
#[test]
fn r42_a_project_left_open_needs_a_credential_of_the_callers_own() {
    let names = CallNames::default();
    let list = operation("WorkflowService/List");
    for (own_credential, expected) in [(true, Ok(())), (false, Err(Denial::NotConfined))] {
        let target = Target::Call {
            names: &names,
            run: RunNamed::Open,
            own_credential,
        };
        let mut facts = crate::testing::facts(1, Scope::Project { project: project() });
        facts.policies = crate::policy::defaults(&facts.scope);
        facts.verifier = Verifier::Jwt { signed: None };
        let caller = Caller::Token(Rc::new(facts));
        assert_eq!(decide(&caller, list, target).map(drop), expected);
    }
}
