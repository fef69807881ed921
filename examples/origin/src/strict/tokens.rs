//! The rows of API tokens: making one with its JWT, finding, listing and revoking it
//! (`pkg/biz/apitoken.go`, `pkg/jwt/apitoken` of the control plane). The JWT is kept nowhere. The
//! time and new ids come in.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use uuid::Uuid;

use super::denied::Denied;
use super::{jwt, policies};
use crate::caller::Organization;

/// The audience of API tokens.
pub(crate) const AUDIENCE: &str = "api-token-auth.chainloop";

/// Who signs all tokens of the control plane.
pub(crate) const ISSUER: &str = "cp.chainloop";

/// Most rows kept, revoked ones included: this is a sample.
const MAX_ROWS: usize = 100_000;

/// A project or a workflow that a token is for, by id and name.
pub(crate) type Named = (Uuid, String);

/// The row of a token.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) organization: Organization,
    pub(crate) project: Option<Named>,
    pub(crate) workflow: Option<Named>,
    pub(crate) policies: Vec<String>,
    pub(crate) created_at: SystemTime,
    /// As upstream: for people to read; what counts is `exp` in the JWT.
    pub(crate) expires_at: Option<SystemTime>,
    pub(crate) revoked_at: Option<SystemTime>,
    pub(crate) last_used_at: Option<SystemTime>,
}

/// What a new row is made of.
#[derive(Debug, Clone)]
pub(crate) struct NewRow {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) organization: Organization,
    pub(crate) project: Option<Named>,
    pub(crate) workflow: Option<Named>,
    pub(crate) expires_in: Option<Duration>,
}

/// All rows.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    rows: BTreeMap<Uuid, Row>,
    /// Ids, oldest first.
    order: Vec<Uuid>,
}

impl Tokens {
    /// A row and its JWT, signed with `key`.
    ///
    /// # Errors
    ///
    /// When a token that was not revoked has the name, among those of the organization or of the
    /// project; workflow tokens share the names of their project. When there are too many rows.
    pub(crate) fn create(
        &mut self,
        new: NewRow,
        key: &[u8],
        now: SystemTime,
    ) -> Result<(Row, String), Denied> {
        let taken = self.rows.values().any(|row| {
            row.revoked_at.is_none()
                && row.name == new.name
                && row.organization.id == new.organization.id
                && id(&row.project) == id(&new.project)
        });
        if taken {
            return Err(Denied::NameTaken);
        }
        if self.order.len() >= MAX_ROWS {
            return Err(Denied::TooManyTokens);
        }
        let mut policies: Vec<String> = policies::OF_TOKENS.map(str::to_owned).into();
        if new.project.is_none() {
            policies.extend(policies::OF_ORGANIZATION_TOKENS.map(str::to_owned));
        }
        let row = Row {
            id: new.id,
            name: new.name,
            description: new.description,
            organization: new.organization,
            project: new.project,
            workflow: new.workflow,
            policies,
            created_at: now,
            expires_at: new.expires_in.and_then(|lasts| now.checked_add(lasts)),
            revoked_at: None,
            last_used_at: None,
        };
        let jwt = jwt::sign(key, &claims(&row));
        self.order.push(row.id);
        self.rows.insert(row.id, row.clone());
        Ok((row, jwt))
    }

    /// The row with this id.
    pub(crate) fn find(&self, id: Uuid) -> Option<&Row> {
        self.rows.get(&id)
    }

    /// The rows of an organization, oldest first.
    pub(crate) fn of(&self, organization: &str) -> impl Iterator<Item = &Row> {
        self.order
            .iter()
            .filter_map(|id| self.rows.get(id))
            .filter(move |row| row.organization.id == organization)
    }

    /// Ends a token for good: the row is read on every call, so it ends with the next one.
    ///
    /// # Errors
    ///
    /// When there is none that holds.
    pub(crate) fn revoke(&mut self, id: Uuid, now: SystemTime) -> Result<(), Denied> {
        match self.rows.get_mut(&id) {
            Some(row) if row.revoked_at.is_none() => {
                row.revoked_at = Some(now);
                Ok(())
            }
            _ => Err(Denied::UnknownToken),
        }
    }

    /// Notes a use of a token that was not revoked.
    pub(crate) fn used(&mut self, id: Uuid, now: SystemTime) {
        if let Some(row) = self.rows.get_mut(&id)
            && row.revoked_at.is_none()
        {
            row.last_used_at = Some(now);
        }
    }
}

fn id(named: &Option<Named>) -> Option<Uuid> {
    named.as_ref().map(|(id, _)| *id)
}

/// No `sub`, `iat` and `nbf`; what is empty is left out, but for the organization.
fn claims(row: &Row) -> Value {
    let mut claims = json!({
        "token_name": row.name,
        "org_id": row.organization.id,
        "org_name": row.organization.name,
        "iss": ISSUER,
        "aud": [AUDIENCE],
        "jti": row.id.to_string(),
    });
    let mut add = |name: &str, value: Value| {
        if let Some(claims) = claims.as_object_mut() {
            claims.insert(name.to_owned(), value);
        }
    };
    if let Some((id, name)) = &row.project {
        add("project_id", id.to_string().into());
        add("project_name", name.clone().into());
    }
    if let Some((id, name)) = &row.workflow {
        add("workflow_id", id.to_string().into());
        add("workflow_name", name.clone().into());
    }
    if let Some(expires_at) = row.expires_at {
        add("exp", seconds(expires_at).into());
    }
    claims
}

/// Seconds since 1970.
pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn named(name: &str, project: Option<u128>) -> NewRow {
        NewRow {
            id: Uuid::new_v4(),
            name: name.to_owned(),
            description: String::new(),
            organization: Organization {
                id: "o".to_owned(),
                name: "acme".to_owned(),
            },
            project: project.map(|id| (Uuid::from_u128(id), "shop".to_owned())),
            workflow: None,
            expires_in: None,
        }
    }

    #[test]
    fn a_name_is_taken_until_its_token_is_revoked() {
        let mut tokens = Tokens::default();
        let (first, _) = tokens.create(named("ci", None), b"k", NOW).unwrap();
        assert!(tokens.create(named("ci", Some(1)), b"k", NOW).is_ok());
        assert!(tokens.create(named("ci", Some(2)), b"k", NOW).is_ok());
        for project in [None, Some(1)] {
            let again = tokens.create(named("ci", project), b"k", NOW).unwrap_err();
            assert_eq!(again, Denied::NameTaken, "{project:?}");
        }
        tokens.revoke(first.id, NOW).unwrap();
        assert!(tokens.create(named("ci", None), b"k", NOW).is_ok());
        assert_eq!(tokens.revoke(first.id, NOW), Err(Denied::UnknownToken));
    }

    #[test]
    fn there_are_so_many_rows() {
        let mut tokens = Tokens {
            order: vec![Uuid::nil(); MAX_ROWS - 1],
            ..Tokens::default()
        };
        tokens.create(named("last", None), b"k", NOW).unwrap();
        let more = tokens.create(named("more", None), b"k", NOW).unwrap_err();
        assert_eq!(more, Denied::TooManyTokens);
    }

    #[test]
    fn a_jwt_says_what_the_row_is_for() {
        let mut tokens = Tokens::default();
        let new = NewRow {
            workflow: Some((Uuid::from_u128(2), "release".to_owned())),
            expires_in: Some(Duration::from_secs(60)),
            ..named("ci", Some(1))
        };
        let (row, token) = tokens.create(new, b"k", NOW).unwrap();
        assert_eq!(
            row.policies,
            policies::OF_TOKENS,
            "none of the organization's"
        );
        let claims = jwt::read(b"k", &token, 59).unwrap();
        assert_eq!(
            Value::Object(claims),
            json!({
                "jti": row.id.to_string(), "iss": "cp.chainloop", "aud": ["api-token-auth.chainloop"],
                "token_name": "ci", "org_id": "o", "org_name": "acme",
                "project_id": Uuid::from_u128(1).to_string(), "project_name": "shop",
                "workflow_id": Uuid::from_u128(2).to_string(), "workflow_name": "release", "exp": 60,
            })
        );
        assert_eq!(jwt::read(b"k", &token, 60), Err(jwt::BadJwt::Time));
    }
}
