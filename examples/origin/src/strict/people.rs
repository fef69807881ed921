//! People: users, what they are in which organization, and their tokens (`pkg/jwt/user` of the
//! control plane). Roles in projects are not emulated: members and contributors see no project.

use std::time::{Duration, SystemTime};

use serde_json::json;
use uuid::Uuid;

use super::tokens::{ISSUER, seconds};
use super::{jwt, policies};

/// The audience of user tokens.
pub(crate) const AUDIENCE: &str = "user-auth.chainloop";

/// What a user may do in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Owner,
    /// Everything.
    Admin,
    /// Looking.
    Viewer,
    /// Working on projects where one has a role.
    Contributor,
    /// As a contributor, and making projects.
    Member,
}

impl Role {
    /// As the control plane writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "role:org:owner",
            Self::Admin => "role:org:admin",
            Self::Viewer => "role:org:viewer",
            Self::Contributor => "role:org:contributor",
            Self::Member => "role:org:member",
        }
    }

    /// The role with this name: `owner`, `admin`, `viewer`, `contributor` or `member`.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let all = [
            Self::Owner,
            Self::Admin,
            Self::Viewer,
            Self::Contributor,
            Self::Member,
        ];
        all.into_iter()
            .find(|role| role.as_str().strip_prefix("role:org:") == Some(name))
    }

    /// Whether no policy is asked for.
    pub(crate) fn is_admin(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }

    /// Whether roles in projects decide.
    pub(crate) fn needs_projects(self) -> bool {
        matches!(self, Self::Contributor | Self::Member)
    }

    /// Whether the role has a policy by itself.
    pub(crate) fn holds(self, policy: &str) -> bool {
        match self {
            Self::Owner | Self::Admin => true,
            Self::Viewer => policies::OF_VIEWERS.contains(&policy),
            Self::Contributor | Self::Member => policies::OF_CONTRIBUTORS.contains(&policy),
        }
    }
}

/// A user.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: Uuid,
    pub(crate) email: String,
    /// Organizations by id, the current one first.
    pub(crate) memberships: Vec<(String, Role)>,
}

/// A user token that holds for so long.
pub(crate) fn token(user: Uuid, lasts: Duration, key: &[u8], now: SystemTime) -> String {
    let claims = json!({
        "user_id": user.to_string(),
        "iss": ISSUER,
        "aud": [AUDIENCE],
        "exp": seconds(now).saturating_add(lasts.as_secs()),
    });
    jwt::sign(key, &claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_by_name() {
        assert_eq!(Role::parse("owner"), Some(Role::Owner));
        assert_eq!(Role::parse("member"), Some(Role::Member));
        assert_eq!(Role::parse("role:org:owner"), None);
        assert_eq!(Role::parse(""), None);
    }

    #[test]
    fn viewers_look_only() {
        assert!(Role::Viewer.holds("workflow:list") && !Role::Viewer.holds("workflow:create"));
        assert!(Role::Admin.holds("workflow:delete") && Role::Member.holds("workflow:delete"));
        assert!(!Role::Member.holds("workflow_run:create"));
    }
}
