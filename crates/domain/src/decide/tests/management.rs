//! The decisions on tokens as rows (R15 to R18).

use super::*;

fn facts_of(caller: &Caller) -> TokenFacts {
    match caller {
        Caller::Token(facts) => (**facts).clone(),
        _ => panic!("a token"),
    }
}

fn project_scope() -> Scope {
    Scope::Project { project: project() }
}

#[test]
fn r16_r17_who_may_touch_which_token() {
    let organization = usual(Scope::Organization);
    let administrator = with(
        Scope::Organization,
        policies(&["org_api_token:*", "project_api_token:*"]),
        None,
    );
    let narrow_with_policies = with(project_scope(), policies(&["project_api_token:*"]), None);
    let of_organization = facts_of(&organization);
    let of_project = facts_of(&project_token());
    let mut of_system = of_project.clone();
    of_system.is_system = true;
    let mut foreign = of_project.clone();
    foreign.organization.id = Id::from_u128(66);
    let rows = [
        (&Caller::Administrator(None), &of_organization, Ok(())),
        (&Caller::Administrator(None), &of_system, Ok(())),
        (&organization, &of_project, Ok(())),
        (&organization, &of_system, Err(Denial::Hidden)),
        (&organization, &foreign, Err(Denial::Hidden)),
        (&administrator, &of_organization, Ok(())),
        (&administrator, &of_project, Ok(())),
        (&administrator, &of_system, Err(Denial::Hidden)),
        (&administrator, &foreign, Err(Denial::Hidden)),
        (&usual(project_scope()), &of_project, Err(Denial::Operation)),
        (&usual(project_scope()), &of_system, Err(Denial::Operation)),
        (&narrow_with_policies, &of_project, Err(Denial::Operation)),
        (&workflow_token(), &of_project, Err(Denial::Operation)),
        (
            &with(Scope::Organization, Vec::new(), None),
            &of_project,
            Err(Denial::Operation),
        ),
    ];
    for operation in [
        Operation::TokenRevoke,
        Operation::TokenRead,
        Operation::TokenRotate,
    ] {
        for (caller, other, expected) in &rows {
            let answer = decide(caller, operation, Target::Token(other)).map(|_| ());
            assert_eq!(
                answer, *expected,
                "{operation:?} by {caller:?} on {other:?}"
            );
        }
    }
}

#[test]
fn r16_an_organization_token_does_not_touch_its_like() {
    let organization = usual(Scope::Organization);
    let target = facts_of(&organization);
    let rows = [
        (
            Operation::TokenRevoke,
            "org-level API tokens cannot revoke org-level tokens",
        ),
        (
            Operation::TokenRead,
            "org-level API tokens cannot read org-level tokens",
        ),
        (
            Operation::TokenRotate,
            "org-level API tokens cannot rotate org-level tokens",
        ),
    ];
    for (operation, sentence) in rows {
        let answer = decide(&organization, operation, Target::Token(&target));
        let denial = answer.expect_err("denied");
        assert_eq!(denial.code(), "organization_token");
        assert_eq!(denial.public(), sentence);
    }
}

#[test]
fn rotation_needs_the_right_to_create_and_to_revoke() {
    let half = with(
        Scope::Organization,
        policies(&["project_api_token:create", "project_api_token:list"]),
        None,
    );
    let target = facts_of(&project_token());
    let answer = decide(&half, Operation::TokenRotate, Target::Token(&target));
    assert_eq!(answer.err(), Some(Denial::Operation));
}

#[test]
fn r16_r18_what_a_token_may_mint() {
    let organization = usual(Scope::Organization);
    let wide = with(
        Scope::Organization,
        policies(&["org_api_token:*"]),
        Some(9_000),
    );
    let short = with(
        Scope::Organization,
        policies(&["project_api_token:create", "workflow:read"]),
        Some(5_000),
    );
    let unheld = |text: &str| {
        Err(Denial::PolicyNotHeld {
            policy: text.to_owned(),
        })
    };
    let narrow = project_token();
    type Row<'a> = (
        &'a Caller,
        Scope,
        Option<Vec<Policy>>,
        Option<i64>,
        bool,
        Result<(), Denial>,
    );
    let held = || Some(policies(&["workflow:read"]));
    let rows: Vec<Row<'_>> = vec![
        (&organization, project_scope(), None, None, false, Ok(())),
        (
            &organization,
            Scope::Organization,
            None,
            None,
            false,
            Err(Denial::ProjectRequired),
        ),
        (
            &organization,
            project_scope(),
            None,
            None,
            true,
            Err(Denial::SystemToken),
        ),
        (&organization, project_scope(), held(), None, false, Ok(())),
        (
            &organization,
            project_scope(),
            Some(policies(&["workflow:read", "cas_backend:update"])),
            None,
            false,
            unheld("cas_backend:update"),
        ),
        (
            &wide,
            Scope::Organization,
            Some(Vec::new()),
            Some(9_000),
            false,
            Ok(()),
        ),
        (
            &wide,
            Scope::Organization,
            Some(Vec::new()),
            Some(9_001),
            false,
            Err(Denial::Lifetime),
        ),
        (
            &wide,
            Scope::Organization,
            Some(policies(&["org_api_token:*"])),
            None,
            false,
            Ok(()),
        ),
        (
            &wide,
            project_scope(),
            None,
            None,
            false,
            Err(Denial::Operation),
        ),
        (&short, project_scope(), held(), Some(5_000), false, Ok(())),
        (
            &short,
            project_scope(),
            held(),
            Some(5_001),
            false,
            Err(Denial::Lifetime),
        ),
        (
            &short,
            project_scope(),
            Some(policies(&["project_api_token:*"])),
            None,
            false,
            unheld("project_api_token:*"),
        ),
        (
            &narrow,
            project_scope(),
            None,
            None,
            false,
            Err(Denial::Operation),
        ),
        (
            &Caller::Administrator(None),
            Scope::Organization,
            None,
            None,
            true,
            Ok(()),
        ),
    ]
    .into_iter()
    .collect();
    for (caller, scope, policies, expires_at, is_system, expected) in rows {
        let wish = Wish {
            scope: &scope,
            policies: policies.as_deref(),
            expires_at: expires_at.map(Timestamp::from_millis),
            is_system,
            conditions: None,
        };
        let answer = decide(caller, Operation::TokenCreate, Target::NewToken(wish)).map(|_| ());
        assert_eq!(answer, expected, "{caller:?} wishes {wish:?}");
    }
}

#[test]
fn r18_what_is_left_open_is_filled_within_the_minter() {
    let short = with(
        Scope::Organization,
        policies(&["project_api_token:create", "workflow:read"]),
        Some(5_000),
    );
    let scope = project_scope();
    let open = Wish {
        scope: &scope,
        policies: None,
        expires_at: None,
        is_system: false,
        conditions: None,
    };
    assert_eq!(
        granted(&short, &open),
        (
            policies(&["workflow:read"]),
            Some(Timestamp::from_millis(5_000))
        )
    );
    assert_eq!(
        granted(&Caller::Administrator(None), &open),
        (crate::policy::defaults(&scope), None)
    );
}

#[test]
fn r15_no_policy_opens_the_registry() {
    let all = with(
        Scope::Organization,
        policies(&["org_api_token:*", "organization:*"]),
        None,
    );
    for operation in [Operation::OrganizationCreate, Operation::ProjectCreate] {
        let answer = decide(&all, operation, Target::Registry);
        assert_eq!(answer.err(), Some(Denial::Operation));
    }
}
