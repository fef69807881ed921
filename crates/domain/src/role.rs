//! What a role in an organization gives to a person's session, as policies (R15, R23). An unknown
//! role gives nothing.

use super::policy::{Policy, defaults, policies};
use super::scope::Scope;

/// Reads of the registry: projects, workflows. Tokens cannot use it: the registry is closed to
/// them whatever they hold.
pub const REGISTRY_READ: &str = "registry:read";

/// The rows: a role, and what it holds of the management of tokens and of the registry.
const ROLES: [(&str, &[&str]); 5] = [
    ("owner", ADMINISTERS),
    ("admin", ADMINISTERS),
    ("member", &["project_api_token:*"]),
    ("contributor", &["project_api_token:*"]),
    ("viewer", &["project_api_token:list"]),
];

const ADMINISTERS: &[&str] = &[
    "org_api_token:*",
    "project_api_token:*",
    "audit:read",
    "upstream_credential:*",
    "trust_rule:*",
    "organization_pause:*",
    REGISTRY_READ,
];

/// The policies of a role. Who may mint holds the usual policies of tokens too, because a mint
/// gets only what its creator holds (R18).
pub fn policies_of(role: &str) -> Vec<Policy> {
    let Some((_, own)) = ROLES.iter().find(|(name, _)| *name == role) else {
        return Vec::new();
    };
    let mut held = policies(own);
    if own.contains(&"project_api_token:*") {
        held.extend(defaults(&Scope::Organization));
    }
    held
}

#[cfg(test)]
mod tests {
    use super::super::policy;
    use super::*;

    #[test]
    fn r23_roles_are_rows_of_policies() {
        let all = [
            "org_api_token:create",
            "org_api_token:list",
            "org_api_token:revoke",
            "project_api_token:create",
            "project_api_token:list",
            "project_api_token:revoke",
            "audit:read",
            "upstream_credential:read",
            "upstream_credential:update",
            "trust_rule:read",
            "trust_rule:update",
            "organization_pause:create",
            "organization_pause:delete",
            REGISTRY_READ,
            "workflow_run:read",
        ];
        // In the order of `all`.
        let rows = [
            ("owner", "111111111111111"),
            ("admin", "111111111111111"),
            ("member", "000111000000001"),
            ("contributor", "000111000000001"),
            ("viewer", "000010000000000"),
            ("Owner", "000000000000000"),
            ("", "000000000000000"),
            ("superuser", "000000000000000"),
        ];
        for (role, expected) in rows {
            let held = policies_of(role);
            let got: String = all
                .iter()
                .map(|required| match policy::covers(&held, required) {
                    true => '1',
                    false => '0',
                })
                .collect();
            assert_eq!(got, expected, "{role}");
        }
    }

    #[test]
    fn r23_every_row_parses() {
        for (role, own) in ROLES {
            assert_eq!(policies(own).len(), own.len(), "{role}");
            assert!(own.iter().all(|text| Policy::parse(text).is_ok()), "{role}");
        }
    }
}
