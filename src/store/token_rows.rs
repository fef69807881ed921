//! Rows of the `tokens` table as records of the use cases. A row that does not parse is an error,
//! not a default.

use serde::Deserialize;

use postern_domain::id::Id;
use postern_domain::name::TokenName;
use postern_domain::policy::Policy;
use postern_domain::scope::{Named, Scope};
use postern_domain::time::Timestamp;
use postern_domain::token::{TokenFacts, Verifier};
use postern_domain::usage::DayTotal;
use postern_registry::error::{Error, Result};
use postern_registry::tokens::TokenRecord;

/// What [`TokenRow`] needs, from `tokens t` joined with its organization, project, workflow and creator.
pub const COLUMNS: &str = "t.id, t.organization_id, o.name as organization_name, \
     t.project_id, p.name as project_name, t.workflow_id, w.name as workflow_name, \
     t.name, t.description, t.format, t.pepper, t.hash, t.claims, t.policies, t.is_system, \
     t.created_at, t.created_by, t.minted_by, t.expires_at, t.revoked_at, t.revoked_by, t.last_used_at, \
     t.uses, t.quarantined_at, t.ci_job, t.conditions, t.revision, m.name as creator_name";

/// What [`COLUMNS`] are joined with. A system token is nobody's creator by name: lists and searches of
/// those who may not know of it would tell it (R10).
pub const JOINS: &str = "join organizations o on o.id = t.organization_id \
     left join projects p on p.id = t.project_id \
     left join workflows w on w.id = t.workflow_id \
     left join tokens m on m.id = t.minted_by and m.organization_id = t.organization_id and m.is_system = 0";

#[derive(Deserialize)]
pub struct TokenRow {
    id: String,
    organization_id: String,
    organization_name: String,
    project_id: Option<String>,
    project_name: Option<String>,
    workflow_id: Option<String>,
    workflow_name: Option<String>,
    name: String,
    description: Option<String>,
    format: String,
    pepper: Option<String>,
    hash: Option<String>,
    claims: Option<String>,
    policies: String,
    is_system: f64,
    created_at: i64,
    created_by: String,
    minted_by: Option<String>,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    revoked_by: Option<String>,
    last_used_at: Option<i64>,
    uses: u64,
    quarantined_at: Option<i64>,
    ci_job: Option<String>,
    conditions: Option<String>,
    revision: u32,
    creator_name: Option<String>,
    /// Pairs of day and total as JSON, where a list asks for them.
    #[serde(default)]
    days: Option<String>,
}

impl TokenRow {
    /// The row as a record.
    ///
    /// # Errors
    /// `Unavailable`, naming the column that does not parse.
    pub fn read(self) -> Result<TokenRecord> {
        let bad = |column: &str| Error::unavailable(format!("D1: tokens.{column} does not parse"));
        let scope = match (
            named(self.project_id, self.project_name),
            named(self.workflow_id, self.workflow_name),
        ) {
            (Ok(None), Ok(None)) => Scope::Organization,
            (Ok(Some(project)), Ok(None)) => Scope::Project { project },
            (Ok(Some(project)), Ok(Some(workflow))) => Scope::Workflow { project, workflow },
            _ => return Err(bad("project_id or workflow_id")),
        };
        let verifier = match (self.format.as_str(), self.pepper, self.hash, self.claims) {
            ("opaque", Some(pepper), Some(hash), None) => Verifier::Opaque { pepper, hash },
            ("jwt", None, None, None) => Verifier::Jwt { signed: None },
            ("jwt", None, None, Some(claims)) => Verifier::Adopted {
                claims: serde_json::from_str(&claims).map_err(|_| bad("claims"))?,
            },
            _ => return Err(bad("format")),
        };
        let conditions = self.conditions.map(|set| serde_json::from_str(&set));
        let ci_job = self.ci_job.map(|job| serde_json::from_str(&job));
        let policies: Vec<Policy> =
            serde_json::from_str(&self.policies).map_err(|_| bad("policies"))?;
        let days: Vec<(i64, u64)> = match &self.days {
            Some(days) => serde_json::from_str(days).map_err(|_| bad("days"))?,
            None => Vec::new(),
        };
        Ok(TokenRecord {
            facts: TokenFacts {
                id: Id::parse(&self.id).map_err(|_| bad("id"))?,
                name: TokenName::stored(self.name),
                organization: Named {
                    id: Id::parse(&self.organization_id).map_err(|_| bad("organization_id"))?,
                    name: self.organization_name,
                },
                scope,
                verifier,
                policies,
                is_system: self.is_system != 0.0,
                expires_at: self.expires_at.map(Timestamp::from_millis),
                ci_job: ci_job.transpose().map_err(|_| bad("ci_job"))?,
                conditions: conditions.transpose().map_err(|_| bad("conditions"))?,
                revision: self.revision,
            },
            description: self.description,
            created_at: Timestamp::from_millis(self.created_at),
            created_by: self.created_by,
            minted_by: self
                .minted_by
                .map(|id| Id::parse(&id).map_err(|_| bad("minted_by")))
                .transpose()?,
            creator_name: self.creator_name,
            uses: self.uses,
            days: days
                .into_iter()
                .map(|(day, uses)| DayTotal { day, uses })
                .collect(),
            quarantined_at: self.quarantined_at.map(Timestamp::from_millis),
            last_used_at: self.last_used_at.map(Timestamp::from_millis),
            revoked_at: self.revoked_at.map(Timestamp::from_millis),
            revoked_by: self.revoked_by,
        })
    }
}

/// An id and its name: both, or neither.
fn named<K>(
    id: Option<String>,
    name: Option<String>,
) -> core::result::Result<Option<Named<K>>, ()> {
    match (id, name) {
        (None, None) => Ok(None),
        (Some(id), Some(name)) => Ok(Some(Named {
            id: Id::parse(&id).map_err(|_| ())?,
            name,
        })),
        _ => Err(()),
    }
}
