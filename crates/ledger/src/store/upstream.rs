//! Upstream credentials, sealed (R42). A text of one is read by nobody here.

use postern_domain::id::UpstreamId;
use postern_domain::time::Timestamp;
use postern_domain::upstream::{Digest, Reach};

use super::Store;
use super::journal::Version;
use crate::sql::{self, Result, Row, Sql, SqlError, Value};
use crate::upstream::{GivenUpstream, ReplacedUpstream, SetUpstreamCommand, UpstreamState};

/// The two columns of a reach, in which a name that is not there is empty.
fn place(reach: &Reach) -> [Value; 2] {
    [reach.project(), reach.workflow()].map(|name| sql::text(name.unwrap_or_default()))
}

fn id(row: &mut Row) -> Result<UpstreamId> {
    let text = row.text()?;
    UpstreamId::parse(&text).map_err(|_| SqlError(format!("`{text}` is no id")))
}

impl<S: Sql> Store<S> {
    /// The credential that is set for exactly this reach: which version, and its digest.
    pub fn current_upstream(&self, reach: &Reach) -> Result<Option<(UpstreamId, Digest)>> {
        let query = "select id, digest from upstreams \
                     where project = ? and workflow = ? and until is null";
        let Some(mut row) = self.first(query, &place(reach))? else {
            return Ok(None);
        };
        Ok(Some((id(&mut row)?, Digest::stored(row.text()?))))
    }

    /// A version, set or kept.
    pub fn upstream(&self, version: UpstreamId) -> Result<Option<GivenUpstream>> {
        let query = "select id, project, workflow, sealed, digest, until from upstreams \
                     where id = ?";
        let Some(mut row) = self.first(query, &[sql::text(version)])? else {
            return Ok(None);
        };
        let id = id(&mut row)?;
        let (project, workflow) = (row.text()?, row.text()?);
        Ok(Some(GivenUpstream {
            id,
            reach: Reach::of(Some(&project), Some(&workflow)),
            sealed: row.text()?,
            digest: Digest::stored(row.text()?),
            until: row.maybe_time()?,
        }))
    }

    /// What may be shown of the credential of a reach.
    pub fn upstream_state(&self, reach: &Reach, now: Timestamp) -> Result<Option<UpstreamState>> {
        let query = "select digest, set_at, set_by from upstreams \
                     where project = ? and workflow = ? and until is null";
        let [project, workflow] = place(reach);
        let Some(mut row) = self.first(query, &[project.clone(), workflow.clone()])? else {
            return Ok(None);
        };
        let kept = "select digest, until from upstreams \
                    where project = ? and workflow = ? and until > ? \
                    order by until desc, version desc limit 1";
        let values = [project, workflow, Value::Integer(now.as_millis())];
        let replaced = match self.first(kept, &values)? {
            Some(mut row) => Some(ReplacedUpstream {
                digest: Digest::stored(row.text()?),
                until: Timestamp::from_millis(row.integer()?),
            }),
            None => None,
        };
        Ok(Some(UpstreamState {
            reach: reach.clone(),
            digest: Digest::stored(row.text()?),
            set_at: Timestamp::from_millis(row.integer()?),
            set_by: row.text()?,
            replaced,
        }))
    }

    /// What one is set for, the organization first: at most as many as there can be.
    pub fn current_reaches(&self) -> Result<Vec<Reach>> {
        let query = "select project, workflow from upstreams where until is null \
                     order by project, workflow";
        self.rows(query, &[], |row| {
            let (project, workflow) = (row.text()?, row.text()?);
            Ok(Reach::of(Some(&project), Some(&workflow)))
        })
    }

    /// Stores one. There is no other that is set for its reach.
    pub fn insert_upstream(
        &self,
        command: &SetUpstreamCommand,
        now: Timestamp,
        version: Version,
    ) -> Result<()> {
        let [project, workflow] = place(&command.reach);
        let values = [
            sql::text(command.id),
            project,
            workflow,
            sql::text(&command.sealed),
            sql::text(command.digest.as_str()),
            sql::text(&command.set_by),
            Value::Integer(now.as_millis()),
            Value::Integer(version.number()),
        ];
        let query = "insert into upstreams \
                     (id, project, workflow, sealed, digest, set_by, set_at, version) \
                     values (?, ?, ?, ?, ?, ?, ?, ?)";
        self.run(query, &values)?;
        self.note_upstream_change(version)
    }

    /// Keeps one that is being replaced until then.
    pub fn keep_upstream(&self, id: UpstreamId, until: Timestamp) -> Result<()> {
        let values = [Value::Integer(until.as_millis()), sql::text(id)];
        self.run("update upstreams set until = ? where id = ?", &values)
    }

    /// Removes all of a reach, kept ones too.
    pub fn clear_upstreams(&self, reach: &Reach, version: Version) -> Result<()> {
        let query = "delete from upstreams where project = ? and workflow = ?";
        self.run(query, &place(reach))?;
        self.note_upstream_change(version)
    }

    /// Removes those whose time is over.
    pub fn forget_kept_upstreams(&self, now: Timestamp) -> Result<()> {
        let query = "delete from upstreams where until <= ?";
        self.run(query, &[Value::Integer(now.as_millis())])
    }

    /// How many there are, kept ones too.
    pub fn count_upstreams(&self) -> Result<i64> {
        self.number("select count(*) as number from upstreams", &[])
    }

    /// The version of the revocation log at which one last changed; 0 = none ever did.
    pub fn upstream_changed(&self) -> Result<i64> {
        let query = "select coalesce(max(version), 0) as version from upstream_changes";
        self.number(query, &[])
    }

    pub(super) fn note_upstream_change(&self, version: Version) -> Result<()> {
        let query = "insert into upstream_changes (only, version) values (0, ?1) \
                     on conflict (only) do update set version = ?1";
        self.run(query, &[Value::Integer(version.number())])
    }
}
