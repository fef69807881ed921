//! Policies: the `resource:action` pairs that a token holds (R15), and the sets that tokens get
//! when nobody says otherwise. The action `*` stands for all of a resource; there is no wildcard
//! for resources.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::policy_text::is_policy;

/// One `resource:action` pair, each part of lower case letters and `_`; the action may be `*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Policy(String);

/// The text is not `resource:action`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedPolicy;

impl Policy {
    /// Reads `resource:action`.
    ///
    /// # Errors
    /// [`MalformedPolicy`] for anything else.
    pub fn parse(text: &str) -> Result<Self, MalformedPolicy> {
        if is_policy(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedPolicy)
        }
    }

    /// Whether who holds this policy may do what `required` (`resource:action`) names, or hand
    /// that out. `x:*` covers `x:*` and every action of `x`; nothing else covers `x:*`.
    pub fn covers(&self, required: &str) -> bool {
        self.0 == required
            || self
                .0
                .strip_suffix('*')
                .is_some_and(|resource| required.starts_with(resource))
    }

    /// The policy's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// These texts as policies; a text that does not parse is left out.
pub(super) fn policies(texts: &[&str]) -> Vec<Policy> {
    texts
        .iter()
        .filter_map(|text| Policy::parse(text).ok())
        .collect()
}

/// Whether one of the held policies covers the required one.
pub fn covers(policies: &[Policy], required: &str) -> bool {
    policies.iter().any(|policy| policy.covers(required))
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(|MalformedPolicy| de::Error::custom("not `resource:action`"))
    }
}

/// What every token may do, under the control plane's names for its default policies.
pub const EVERY_TOKEN: [&str; 17] = [
    "workflow_run:list",
    "workflow_run:read",
    "workflow:read",
    "workflow:list",
    "workflow:create",
    "workflow_contract:list",
    "workflow_contract:read",
    "workflow_contract:update",
    "workflow_contract:create",
    "cas_artifact:read",
    "referrer:read",
    "organization:read",
    "integration_available:read",
    "integration_available:list",
    "integration_attached:list",
    "integration_attached:create",
    "cas_artifact:create",
];

/// What organization-level tokens may do besides: manage project tokens, and registered
/// integrations (R16).
pub const ORGANIZATION_TOKENS: [&str; 6] = [
    "project_api_token:create",
    "project_api_token:list",
    "project_api_token:revoke",
    "integration_registered:create",
    "integration_registered:list",
    "integration_registered:read",
];

/// The policies of a token minted without an explicit list.
pub fn defaults(scope: &super::scope::Scope) -> Vec<Policy> {
    let beyond: &[&str] = match scope {
        super::scope::Scope::Organization => &ORGANIZATION_TOKENS,
        super::scope::Scope::Project { .. } | super::scope::Scope::Workflow { .. } => &[],
    };
    EVERY_TOKEN
        .iter()
        .chain(beyond)
        .map(|text| Policy((*text).to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::scope::Scope;
    use super::*;

    #[test]
    fn policies_are_two_words_and_a_colon() {
        assert!(Policy::parse("workflow_run:read").is_ok());
        assert!(Policy::parse("workflow_run:*").is_ok());
        for text in [
            "", "a", "a:", ":a", "a:b:c", "A:b", "a:b ", "*:a", "*", "a:**", "a:b*",
        ] {
            assert_eq!(Policy::parse(text), Err(MalformedPolicy), "{text}");
        }
    }

    #[test]
    fn r15_a_policy_covers_itself_and_a_star_its_whole_resource() {
        let rows = [
            ("org_api_token:create", "org_api_token:create", true),
            ("org_api_token:create", "org_api_token:list", false),
            ("org_api_token:create", "org_api_token:*", false),
            ("org_api_token:*", "org_api_token:create", true),
            ("org_api_token:*", "org_api_token:*", true),
            ("org_api_token:*", "org_api_token_other:create", false),
            ("org_api_token:*", "project_api_token:create", false),
            ("workflow:read", "workflow_run:read", false),
        ];
        for (policy, required, expected) in rows {
            let policy = Policy::parse(policy).expect("a policy");
            assert_eq!(policy.covers(required), expected, "{policy} for {required}");
        }
    }

    #[test]
    fn r16_only_organization_tokens_hold_token_policies_by_default() {
        let texts = |scope: &Scope| {
            defaults(scope)
                .iter()
                .map(ToString::to_string)
                .filter(|text| text.contains("api_token"))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            texts(&Scope::Organization),
            [
                "project_api_token:create",
                "project_api_token:list",
                "project_api_token:revoke"
            ]
        );
        let project = Scope::Project {
            project: super::super::scope::Named {
                id: super::super::id::Id::from_u128(1),
                name: "shop".to_owned(),
            },
        };
        assert_eq!(texts(&project), Vec::<String>::new());
    }

    #[test]
    fn every_default_parses() {
        for policy in defaults(&Scope::Organization) {
            assert_eq!(Policy::parse(&policy.to_string()), Ok(policy));
        }
    }
}
