//! The decisions on attestation calls as rows: caller, what is touched, answer. Those on tokens
//! are beside.

mod management;
mod ways_in;

use std::rc::Rc;

use super::*;
use crate::domain::id::Id;
use crate::domain::name::TokenName;
use crate::domain::scope::Named;
use crate::domain::token::Verifier;

fn token(scope: Scope) -> Caller {
    Caller::Token(Rc::new(TokenFacts {
        id: Id::from_u128(7),
        name: TokenName::generated(&Id::from_u128(7)),
        organization: Named {
            id: Id::from_u128(1),
            name: "acme".to_owned(),
        },
        scope,
        verifier: Verifier::Jwt,
        policies: Vec::new(),
        is_system: false,
        expires_at: None,
    }))
}

/// A token with the policies that its scope has by default.
fn usual(scope: Scope) -> Caller {
    let policies = crate::domain::policy::defaults(&scope);
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

fn project() -> Named<crate::domain::id::Project> {
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
    }
}

fn check(caller: &Caller, target: Target<'_>, expected: Result<(), Denial>) {
    let answer = decide(caller, Operation::AttestationInit, target);
    assert_eq!(answer.map(|_| ()), expected, "{caller:?} on {target:?}");
}

fn other_project() -> Denial {
    Denial::OtherProject {
        project: "shop".to_owned(),
    }
}

#[test]
fn r30_r31_calls_that_name_a_workflow() {
    let names = |project, workflow| Target::Names { project, workflow };
    let rows = [
        (token(Scope::Organization), "shop", "release", Ok(())),
        (token(Scope::Organization), "other", "any", Ok(())),
        (project_token(), "shop", "release", Ok(())),
        (project_token(), "shop", "other", Ok(())),
        (project_token(), "other", "release", Err(other_project())),
        (project_token(), "", "release", Err(other_project())),
        (project_token(), "Shop", "release", Err(other_project())),
        (workflow_token(), "shop", "release", Ok(())),
        (
            workflow_token(),
            "shop",
            "other",
            Err(Denial::OtherWorkflowName),
        ),
        (workflow_token(), "shop", "", Err(Denial::OtherWorkflowName)),
        (workflow_token(), "other", "release", Err(other_project())),
        (workflow_token(), "", "", Err(other_project())),
    ];
    for (caller, project, workflow, expected) in rows {
        check(&caller, names(project, workflow), expected);
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
        check(&caller, Target::Run(facts.as_ref()), expected);
    }
}

#[test]
fn the_administrator_key_opens_the_registry_and_nothing_else() {
    let admin = Caller::Administrator;
    check(&admin, Target::Registry, Ok(()));
    let names = Target::Names {
        project: "shop",
        workflow: "release",
    };
    check(&admin, names, Err(Denial::Operation));
    check(
        &admin,
        Target::Run(Some(&run("shop", "release"))),
        Err(Denial::Operation),
    );
    check(&admin, Target::Run(None), Err(Denial::Operation));
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
    let names = Target::Names {
        project: "shop",
        workflow: "release",
    };
    let permit =
        decide(&workflow_token(), Operation::AttestationInit, names).expect("own workflow");
    assert_eq!(permit.operation(), Operation::AttestationInit);
    assert_eq!(permit.token(), Some(Id::from_u128(7)));
    assert_eq!(permit.organization(), Some(Id::from_u128(1)));
}
