//! Which policies exist: those that some operation asks for. Any other is a typing error, and a
//! token with it would be refused where it is needed.

use postern_domain::operation::{Managed, Operation};
use postern_domain::policy::{EVERY_TOKEN, ORGANIZATION_TOKENS, Policy};
use postern_domain::role::REGISTRY_READ;
use postern_domain::rpc::{OWN_TOKENS, rpcs};

use postern_gate::routes::ROUTES;

/// Every policy that something asks for, some of them more than once.
fn known() -> impl Iterator<Item = &'static str> {
    // Those of the origin's own tokens too, which not every deployment serves.
    let of_calls = rpcs().chain(&OWN_TOKENS).flat_map(|row| {
        let conditional = row.when.iter().flat_map(|when| when.policies);
        row.policies.iter().chain(conditional)
    });
    let of_routes = ROUTES.iter().flat_map(|route| route.policies);
    let of_management = Operation::REGISTRY.into_iter().flat_map(|operation| {
        [Managed::OrganizationTokens, Managed::ProjectTokens]
            .into_iter()
            .flat_map(move |managed| operation.policies(managed).unwrap_or_default())
    });
    of_calls
        .chain(of_routes)
        .chain(of_management)
        .chain(&EVERY_TOKEN)
        .chain(&ORGANIZATION_TOKENS)
        .copied()
        .chain([REGISTRY_READ])
}

/// Whether something asks for the policy or, where it covers a resource, for one of that resource.
pub fn exists(policy: &Policy) -> bool {
    known().any(|known| policy.covers(known))
}

/// The policy that something asks for and that is written most like this one.
pub fn nearest(policy: &Policy) -> String {
    let wildcard = policy.as_str().ends_with(":*");
    known()
        .map(|known| match (wildcard, known.split_once(':')) {
            (true, Some((resource, _))) => format!("{resource}:*"),
            _ => known.to_owned(),
        })
        .min_by_key(|known| distance(policy.as_str().as_bytes(), known.as_bytes()))
        .unwrap_or_default()
}

/// How many letters must be put in, taken out, changed or swapped with the next one (optimal string
/// alignment).
fn distance(from: &[u8], to: &[u8]) -> usize {
    // Row by row; of each only the two before it are needed.
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
    for (i, letter) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, other) in to.iter().enumerate() {
            let changed = at(&above, j) + usize::from(letter != other);
            let shifted = at(&above, j + 1).min(at(&row, j)) + 1;
            let swapped =
                i > 0 && j > 0 && from.get(i - 1) == Some(other) && to.get(j - 1) == Some(letter);
            let swapped = match swapped {
                true => at(&before, j - 1) + 1,
                false => usize::MAX,
            };
            row.push(changed.min(shifted).min(swapped));
        }
        before = core::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_domain::role::policies_of;

    fn policy(text: &str) -> Policy {
        Policy::parse(text).expect("a policy")
    }

    #[test]
    fn r15_a_policy_exists_where_something_asks_for_it() {
        let rows = [
            ("workflow_run:read", true),
            // In a condition only.
            ("workflow_contract:update", true),
            ("org_api_token:revoke", true),
            ("audit:read", true),
            ("registry:read", true),
            ("workflow_run:*", true),
            ("audit:*", true),
            ("workflw_run:read", false),
            ("workflow_run:raed", false),
            ("workflow_run:write", false),
            ("workflow_ru:*", false),
            ("api_token:create", true),
            ("api_token:*", true),
            ("api_token:revoke", false),
            ("a:b", false),
        ];
        for (text, expected) in rows {
            assert_eq!(exists(&policy(text)), expected, "{text}");
        }
    }

    #[test]
    fn the_nearest_is_named() {
        let rows = [
            ("workflw_run:read", "workflow_run:read"),
            ("workflow_run:raed", "workflow_run:read"),
            ("workflow_runs:list", "workflow_run:list"),
            ("cas_artefact:create", "cas_artifact:create"),
            ("api_token:create", "api_token:create"),
            ("ap_token:delete", "api_token:delete"),
            ("workflw_run:*", "workflow_run:*"),
            ("adit:read", "audit:read"),
        ];
        for (text, expected) in rows {
            assert_eq!(nearest(&policy(text)), expected, "{text}");
        }
    }

    #[test]
    fn distances() {
        for (from, to, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("read", "raed", 1),
            ("ab", "ba", 1),
            ("a", "b", 1),
        ] {
            assert_eq!(
                distance(from.as_bytes(), to.as_bytes()),
                expected,
                "{from} {to}"
            );
        }
    }

    /// Every policy that a token gets by default exists.
    #[test]
    fn r23_every_policy_of_a_role_exists() {
        for role in ["owner", "admin", "member", "contributor", "viewer"] {
            for policy in policies_of(role) {
                assert!(exists(&policy), "{role} {policy}");
            }
        }
    }
}
