//! What must hold for every chain of mints, whatever is wished for (R18).

use std::rc::Rc;

use proptest::prelude::*;

use super::*;
use crate::conditions::AddressRange;
use crate::id::Id;
use crate::name::TokenName;
use crate::scope::Named;
use crate::token::Verifier;

const POLICIES: [&str; 8] = [
    "org_api_token:*",
    "org_api_token:create",
    "project_api_token:*",
    "project_api_token:create",
    "project_api_token:revoke",
    "workflow:read",
    "workflow:*",
    "cas_artifact:create",
];

fn scope() -> impl Strategy<Value = Scope> {
    let project = |n: u128| Named {
        id: Id::from_u128(n),
        name: format!("p{n}"),
    };
    let workflow = |n: u128| Named {
        id: Id::from_u128(n),
        name: format!("w{n}"),
    };
    prop_oneof![
        Just(Scope::Organization),
        (1..3u128).prop_map(move |p| Scope::Project {
            project: project(p)
        }),
        (1..3u128, 1..3u128).prop_map(move |(p, w)| Scope::Workflow {
            project: project(p),
            workflow: workflow(w)
        }),
    ]
}

fn policies() -> impl Strategy<Value = Vec<Policy>> {
    prop::sample::subsequence(POLICIES.to_vec(), 0..=POLICIES.len()).prop_map(|texts| {
        texts
            .into_iter()
            .filter_map(|text| Policy::parse(text).ok())
            .collect()
    })
}

/// Scope, policies, expiry in seconds, conditions, system flag.
type Wished = (
    Scope,
    Option<Vec<Policy>>,
    Option<i64>,
    Option<Conditions>,
    bool,
);

fn conditions() -> impl Strategy<Value = Option<Conditions>> {
    let ranges = prop::sample::subsequence(
        vec!["10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24", "2001:db8::/32"],
        0..=2,
    );
    (ranges, prop::option::of(1..50u32)).prop_map(|(texts, calls)| {
        let ranges = texts.into_iter();
        let ranges = ranges.filter_map(|text| AddressRange::parse(text).ok());
        Conditions::new(ranges.collect(), calls).ok().flatten()
    })
}

fn wish() -> impl Strategy<Value = Wished> {
    (
        scope(),
        prop::option::of(policies()),
        prop::option::of(1..100i64),
        conditions(),
        prop::bool::weighted(0.1),
    )
}

/// The token that the caller's mint would make, if it is allowed one.
fn mint(caller: &Caller, wished: &Wished, id: u128) -> Option<TokenFacts> {
    let (scope, policies, expires_at, asked, is_system) = wished;
    let conditions = conditioned(caller, asked.as_ref());
    let wish = Wish {
        scope,
        policies: policies.as_deref(),
        expires_at: expires_at.map(|at| Timestamp::from_millis(at * 1000)),
        is_system: *is_system,
        conditions: conditions.as_deref(),
    };
    decide(caller, Operation::TokenCreate, Target::NewToken(wish)).ok()?;
    let (policies, expires_at) = granted(caller, &wish);
    Some(TokenFacts {
        id: Id::from_u128(id),
        name: TokenName::generated(&Id::from_u128(id)),
        organization: Named {
            id: Id::from_u128(1),
            name: "acme".to_owned(),
        },
        scope: scope.clone(),
        verifier: Verifier::Jwt { signed: None },
        policies,
        is_system: *is_system,
        expires_at,
        ci_job: None,
        conditions,
        revision: 0,
    })
}

fn within(inner: &Scope, outer: &Scope) -> bool {
    match (outer, inner) {
        (Scope::Organization, _) => true,
        (outer, inner) => outer == inner,
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        max_local_rejects: 100_000,
        ..ProptestConfig::default()
    })]

    /// From any first token, through any chain of mints: never a wider scope, a policy that the
    /// first did not hold, or a longer life.
    #[test]
    fn r18_no_chain_of_mints_widens(first in wish(), chain in prop::collection::vec(wish(), 1..8)) {
        let Some(root) = mint(&Caller::Administrator(None), &first, 1) else { return Ok(()) };
        let mut minter = root.clone();
        for (step, wished) in chain.iter().enumerate() {
            let caller = Caller::Token(Rc::new(minter.clone()));
            let Some(next) = mint(&caller, wished, 2 + step as u128) else { continue };
            for ancestor in [&root, &minter] {
                prop_assert!(within(&next.scope, &ancestor.scope));
                for policy in &next.policies {
                    prop_assert!(covers(&ancestor.policies, policy.as_str()), "{policy}");
                }
                let own = ancestor.conditions.as_deref();
                prop_assert!(conditions::within(next.conditions.as_deref(), own));
                if let Some(end) = ancestor.expires_at {
                    prop_assert!(next.expires_at.is_some_and(|next| next <= end));
                }
            }
            prop_assert!(!next.is_system);
            minter = next;
        }
    }

    /// A token that is not the organization's own manages no token, whatever it holds (R17).
    #[test]
    fn r17_narrow_tokens_manage_nothing(
        held in policies(),
        own in scope().prop_filter("narrow", |scope| *scope != Scope::Organization),
        other in wish(),
    ) {
        let wished = (own, Some(held), None, None, false);
        let Some(facts) = mint(&Caller::Administrator(None), &wished, 1) else { return Ok(()) };
        let Some(other) = mint(&Caller::Administrator(None), &other, 2) else { return Ok(()) };
        let caller = Caller::Token(Rc::new(facts));
        for operation in [
            Operation::TokenCreate,
            Operation::TokenList,
            Operation::TokenRead,
            Operation::TokenRevoke,
            Operation::TokenRotate,
        ] {
            for managed in [Managed::OrganizationTokens, Managed::ProjectTokens] {
                let answer = decide(&caller, operation, Target::Tokens(managed));
                prop_assert_eq!(answer.err(), Some(Denial::Operation));
            }
            let answer = decide(&caller, operation, Target::Token(&other));
            prop_assert_eq!(answer.err(), Some(Denial::Operation));
        }
    }
}
