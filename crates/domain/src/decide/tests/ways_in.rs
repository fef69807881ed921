//! The decisions on callers without a token, and on workflow tokens that may only read, as rows
//! (R22, R23, R25).

use super::*;
use crate::caller::Session;
use crate::role::policies_of;
use crate::session::UserId;

/// Everything that is no call for the origin.
const EVERY: [Operation; 17] = [
    Operation::OrganizationCreate,
    Operation::OrganizationList,
    Operation::OrganizationUpdate,
    Operation::OrganizationRebuild,
    Operation::ProjectCreate,
    Operation::ProjectList,
    Operation::WorkflowCreate,
    Operation::WorkflowList,
    Operation::TokenCreate,
    Operation::TokenList,
    Operation::TokenRead,
    Operation::TokenRevoke,
    Operation::TokenRotate,
    Operation::TokenRelease,
    Operation::TokenRevokeOwn,
    Operation::OrganizationPause,
    Operation::OrganizationResume,
];

fn session(role: &str) -> Caller {
    Caller::Session(Rc::new(Session {
        user: UserId::parse("u1").expect("an id"),
        organization: Named {
            id: Id::from_u128(1),
            name: "acme".to_owned(),
        },
        policies: policies_of(role),
    }))
}

fn facts(caller: &Caller) -> TokenFacts {
    caller
        .token()
        .map(|facts| (**facts).clone())
        .expect("a token")
}

fn reader() -> Caller {
    Caller::WorkflowReader(Rc::new(facts(&workflow_token())))
}

/// The operations that are allowed on a target.
fn allowed(caller: &Caller, target: Target<'_>) -> Vec<Operation> {
    EVERY
        .into_iter()
        .filter(|operation| decide(caller, *operation, target).is_ok())
        .collect()
}

fn wish(scope: &Scope, is_system: bool) -> Target<'_> {
    Target::NewToken(Wish {
        scope,
        policies: None,
        expires_at: None,
        is_system,
        conditions: None,
    })
}

#[test]
fn r23_what_each_role_may_do() {
    use Operation::{
        ProjectList, TokenCreate, TokenList, TokenRead, TokenRelease, TokenRevoke, TokenRotate,
        WorkflowList,
    };
    let of_project = facts(&project_token());
    let of_organization = facts(&token(Scope::Organization));
    let manages: &[Operation] = &[
        TokenCreate,
        TokenList,
        TokenRead,
        TokenRevoke,
        TokenRotate,
        TokenRelease,
    ];
    let mut all = manages.to_vec();
    all.extend([Operation::OrganizationPause, Operation::OrganizationResume]);
    let reads: &[Operation] = &[TokenList, TokenRead];
    let registry: &[Operation] = &[ProjectList, WorkflowList];
    // Role, then: registry, project tokens, organization tokens.
    type Row<'a> = (&'a str, &'a [Operation], &'a [Operation], &'a [Operation]);
    let rows: [Row<'_>; 6] = [
        ("owner", registry, &all, &all),
        ("admin", registry, &all, &all),
        ("member", &[], manages, &[]),
        ("contributor", &[], manages, &[]),
        ("viewer", &[], reads, &[]),
        ("nobody", &[], &[], &[]),
    ];
    for (role, registry, project, organization) in rows {
        let caller = session(role);
        assert_eq!(allowed(&caller, Target::Registry), registry, "{role}");
        for (target, expected) in [
            (Target::Tokens(Managed::ProjectTokens), project),
            (Target::Token(&of_project), project),
            (Target::Tokens(Managed::OrganizationTokens), organization),
            (Target::Token(&of_organization), organization),
        ] {
            assert_eq!(allowed(&caller, target), expected, "{role} {target:?}");
        }
    }
}

#[test]
fn r10_r18_a_session_reaches_no_system_token_and_no_other_organization() {
    let mut of_system = facts(&project_token());
    of_system.is_system = true;
    let mut foreign = facts(&project_token());
    foreign.organization.id = Id::from_u128(66);
    // The id of another organization under the session's name is another organization.
    let mut led_astray = facts(&project_token());
    led_astray.organization.name = "globex".to_owned();
    for role in ["owner", "admin", "member"] {
        for other in [&of_system, &foreign, &led_astray] {
            let answer = decide(&session(role), Operation::TokenRevoke, Target::Token(other));
            assert_eq!(answer, Err(Denial::Hidden), "{role}");
        }
    }
    let owner = session("owner");
    let scope = Scope::Organization;
    let answer = decide(&owner, Operation::TokenCreate, wish(&scope, true));
    assert_eq!(answer, Err(Denial::SystemToken));
    let permit = decide(&owner, Operation::TokenCreate, wish(&scope, false)).expect("an owner may");
    assert!(permit.over(&organization(1)).is_ok());
    assert_eq!(permit.over(&organization(66)), Err(Denial::Operation));
    assert_eq!(permit.token(), None);
}

#[test]
fn r18_a_session_hands_out_what_its_role_holds() {
    let project = Scope::Project { project: project() };
    let exotic = policies(&["org_api_token:create"]);
    let mint = |role: &str, scope: &Scope, policies: Option<&[Policy]>| {
        let wish = Wish {
            scope,
            policies,
            expires_at: None,
            is_system: false,
            conditions: None,
        };
        let caller = session(role);
        let answer = decide(&caller, Operation::TokenCreate, Target::NewToken(wish));
        answer.map(|_| granted(&caller, &wish).0)
    };
    let usual = crate::policy::defaults(&project);
    assert_eq!(mint("member", &project, None), Ok(usual.clone()));
    assert_eq!(mint("owner", &project, None), Ok(usual));
    assert_eq!(mint("owner", &project, Some(&exotic)), Ok(exotic.clone()));
    let not_held = Denial::PolicyNotHeld {
        policy: "org_api_token:create".to_owned(),
    };
    assert_eq!(mint("member", &project, Some(&exotic)), Err(not_held));
    assert_eq!(
        mint("member", &Scope::Organization, None),
        Err(Denial::ProjectRequired)
    );
    assert_eq!(mint("viewer", &project, None), Err(Denial::Operation));
}

#[test]
fn r22_bootstrap_makes_a_first_token_and_ends_none() {
    use Operation::{
        OrganizationCreate, OrganizationList, ProjectCreate, ProjectList, TokenCreate, TokenList,
        WorkflowCreate, WorkflowList,
    };
    let caller = Caller::Bootstrap;
    let of_project = facts(&project_token());
    let scope = Scope::Organization;
    assert_eq!(
        allowed(&caller, Target::Registry),
        [
            OrganizationCreate,
            OrganizationList,
            ProjectCreate,
            ProjectList,
            WorkflowCreate,
            WorkflowList
        ]
    );
    for managed in [Managed::ProjectTokens, Managed::OrganizationTokens] {
        assert_eq!(
            allowed(&caller, Target::Tokens(managed)),
            [TokenCreate, TokenList]
        );
    }
    assert_eq!(allowed(&caller, Target::Token(&of_project)), []);
    assert_eq!(allowed(&caller, wish(&scope, false)), [TokenCreate]);
    assert_eq!(allowed(&caller, wish(&scope, true)), []);
}

#[test]
fn r25_a_workflow_reader_reads_its_own_projects_tokens() {
    use Operation::{TokenList, TokenRead};
    let caller = reader();
    let own = facts(&project_token());
    let mut of_system = own.clone();
    of_system.is_system = true;
    let mut foreign = own.clone();
    foreign.organization.id = Id::from_u128(66);
    let mut elsewhere = own.clone();
    elsewhere.scope = Scope::Project {
        project: Named {
            id: Id::from_u128(99),
            name: "shop".to_owned(),
        },
    };
    let of_organization = facts(&token(Scope::Organization));
    assert_eq!(
        allowed(&caller, Target::Tokens(Managed::ProjectTokens)),
        [TokenList, TokenRead]
    );
    assert_eq!(
        allowed(&caller, Target::Tokens(Managed::OrganizationTokens)),
        []
    );
    assert_eq!(allowed(&caller, Target::Registry), []);
    assert_eq!(allowed(&caller, wish(&Scope::Organization, false)), []);
    assert_eq!(allowed(&caller, Target::Token(&own)), [TokenRead]);
    assert_eq!(
        allowed(&caller, Target::Token(&facts(&workflow_token()))),
        [TokenRead]
    );
    for other in [&of_system, &foreign, &elsewhere, &of_organization] {
        let answer = decide(&caller, TokenRead, Target::Token(other));
        assert_eq!(answer, Err(Denial::Hidden), "{other:?}");
    }
    let project = Caller::WorkflowReader(Rc::new(facts(&project_token())));
    assert_eq!(
        allowed(&project, Target::Tokens(Managed::ProjectTokens)),
        []
    );
}

#[test]
fn r34_none_of_them_calls_the_origin() {
    let run = run("shop", "release");
    let names = names("shop", "release");
    for caller in [Caller::Bootstrap, session("owner"), reader()] {
        for rpc in crate::rpc::rpcs() {
            for run in [
                RunNamed::Open,
                RunNamed::Unknown,
                RunNamed::Known {
                    run: &run,
                    pin: None,
                },
            ] {
                let target = Target::Call {
                    names: &names,
                    run,
                    own_credential: true,
                };
                let answer = decide(&caller, Operation::Rpc(rpc), target);
                assert_eq!(answer, Err(Denial::Operation), "{caller:?} {}", rpc.path());
            }
        }
        assert_eq!(look_up_run(&caller), Err(Denial::Operation), "{caller:?}");
    }
}

/// A download's permit leads to the call that gives the way to the artifact, for the same token; no
/// other permit does.
#[test]
fn r46_only_a_permitted_download_asks_for_the_way_to_an_artifact() {
    let mut token = crate::testing::facts(1, Scope::Organization);
    token.policies = crate::policy::defaults(&token.scope);
    let caller = Caller::Token(Rc::new(token.clone()));
    let names = CallNames::default();
    let target = || Target::Call {
        names: &names,
        run: RunNamed::Open,
        own_credential: true,
    };
    let download = Operation::Route(&crate::route::ARTIFACT_DOWNLOAD);
    let permit = decide(&caller, download, target()).expect("permitted");
    let way = artifact_credential(&permit).expect("permitted");
    assert_eq!(
        way.operation(),
        Operation::Rpc(&crate::rpc::ARTIFACT_CREDENTIAL)
    );
    assert_eq!(way.token(), Some(token.id));
    assert!(way.over(&token.organization).is_ok());
    let other = Operation::Route(&crate::route::BUILT_IN[2]);
    let permit = decide(&caller, other, target()).expect("permitted");
    assert_eq!(artifact_credential(&permit), Err(Denial::Operation));
}
