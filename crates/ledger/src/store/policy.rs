//! The pause of the organization, and what its new tokens must keep to (R53).

use postern_domain::organization::{OrganizationPolicy, Pause};
use postern_domain::time::Timestamp;

use super::Store;
use super::journal::Version;
use crate::sql::{self, Result, Sql, Value};

impl<S: Sql> Store<S> {
    /// The pause, if there is one, and the version of the revocation log at which the last one began;
    /// 0 = none ever did.
    pub fn pause(&self) -> Result<(Option<Pause>, i64)> {
        let query = "select version, paused_at, paused_by, reason from pause where only = 0";
        let Some(mut row) = self.first(query, &[])? else {
            return Ok((None, 0));
        };
        let version = row.integer()?;
        let at = row.maybe_integer()?;
        let (by, reason) = (row.maybe_text()?, row.maybe_text()?);
        let pause = at.map(|at| Pause {
            at: Timestamp::from_millis(at),
            by: by.unwrap_or_default(),
            reason,
        });
        Ok((pause, version))
    }

    /// Begins a pause.
    pub fn set_pause(&self, pause: &Pause, version: Version) -> Result<()> {
        let values = [
            Value::Integer(version.number()),
            sql::time(pause.at),
            sql::text(&pause.by),
            sql::maybe_text(pause.reason.as_ref()),
        ];
        let query = "insert into pause (only, version, paused_at, paused_by, reason) \
                     values (0, ?1, ?2, ?3, ?4) on conflict (only) do update set \
                     version = ?1, paused_at = ?2, paused_by = ?3, reason = ?4";
        self.run(query, &values)
    }

    /// Ends it.
    pub fn end_pause(&self) -> Result<()> {
        let query = "update pause set paused_at = null, paused_by = null, reason = null \
                     where only = 0";
        self.run(query, &[])
    }

    /// The version of the revocation log before which nothing counts that a holder of a lease knows of
    /// any token: since then an upstream credential was changed (R42), or a pause has begun (R53).
    pub fn anew_since(&self) -> Result<i64> {
        let query = "select max(\
                     coalesce((select version from upstream_changes where only = 0), 0), \
                     coalesce((select version from pause where only = 0), 0)) as version";
        self.number(query, &[])
    }

    /// What new tokens must keep to.
    pub fn policy(&self) -> Result<OrganizationPolicy> {
        let query = "select max_lifetime_days, default_expires_in, trusted_issuers from policy \
                     where only = 0";
        let Some(mut row) = self.first(query, &[])? else {
            return Ok(OrganizationPolicy::default());
        };
        let whole = |number: i64| u32::try_from(number).unwrap_or_default();
        Ok(OrganizationPolicy {
            max_lifetime_days: whole(row.integer()?),
            default_expires_in: row.maybe_integer()?.map(whole),
            trusted_issuers: match row.maybe_text()? {
                Some(text) => serde_json::from_str(&text)?,
                None => None,
            },
        })
    }

    /// Keeps it.
    pub fn set_policy(&self, policy: &OrganizationPolicy) -> Result<()> {
        let trusted = policy.trusted_issuers.as_ref();
        let trusted = trusted.map(serde_json::to_string).transpose()?;
        let values = [
            Value::Integer(policy.max_lifetime_days.into()),
            policy
                .default_expires_in
                .map_or(Value::Null, |seconds| Value::Integer(seconds.into())),
            sql::maybe_text(trusted),
        ];
        let query = "insert into policy \
                     (only, federated_only, max_lifetime_days, default_expires_in, trusted_issuers) \
                     values (0, 0, ?1, ?2, ?3) on conflict (only) do update set \
                     max_lifetime_days = ?1, default_expires_in = ?2, trusted_issuers = ?3";
        self.run(query, &values)
    }
}
