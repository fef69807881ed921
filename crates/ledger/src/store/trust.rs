//! Trust rules and the tokens that they gave (R47).

use postern_domain::id::{TokenId, TrustRuleId};
use postern_domain::time::Timestamp;
use postern_domain::trust::{Identity, Issuer, TrustRule};

use super::{Store, Subject};
use crate::sql::{self, Result, Row, Sql, SqlError, Value};
use crate::trust::{AddTrustRuleCommand, TrustRuleState, TrustRules};

/// How many tokens that have ended long ago go with a new one. A deployment that makes them keeps as many as
/// it makes within [`KEPT_MS`].
const FORGOTTEN_AT_A_TIME: u32 = 20;
/// For how long a token of a rule is kept after its end, in milliseconds. Its job token counts for a day at
/// most.
const KEPT_MS: i64 = 30 * 86_400_000;

/// What the rules of a job have in common: its issuer's URL, and what it is known by.
fn subject(issuer: &Issuer, identity: &Identity) -> Result<Value> {
    let identity = serde_json::to_string(identity)?;
    Ok(sql::text(format!("{} {identity}", issuer.url())))
}

fn id(row: &mut Row) -> Result<TrustRuleId> {
    let text = row.text()?;
    TrustRuleId::parse(&text).map_err(|_| SqlError(format!("`{text}` is no id")))
}

/// A rule, unless this release cannot read it: then it does not count.
fn rule(row: &mut Row) -> Result<Option<TrustRule>> {
    Ok(serde_json::from_str(&row.text()?).ok())
}

impl<S: Sql> Store<S> {
    /// Keeps a rule.
    pub fn insert_trust_rule(&self, command: &AddTrustRuleCommand, now: Timestamp) -> Result<()> {
        let rule = &command.rule;
        let values = [
            sql::text(rule.id()),
            subject(rule.issuer(), rule.identity())?,
            sql::text(serde_json::to_string(rule)?),
            sql::text(&command.created_by),
            sql::time(now),
        ];
        let query = "insert into trust_rules (id, subject, rule, created_by, created_at) \
                     values (?, ?, ?, ?, ?)";
        self.run(query, &values)
    }

    /// A rule, where there is one that can be read.
    pub fn trust_rule(&self, id: TrustRuleId) -> Result<Option<TrustRule>> {
        let query = "select rule from trust_rules where id = ?";
        match self.first(query, &[sql::text(id)])? {
            Some(mut row) => rule(&mut row),
            None => Ok(None),
        }
    }

    /// Removes a rule; tells whether there was one.
    pub fn delete_trust_rule(&self, rule: TrustRuleId) -> Result<bool> {
        let query = "delete from trust_rules where id = ? returning id";
        Ok(self.first(query, &[sql::text(rule)])?.is_some())
    }

    /// Removes every rule.
    pub fn forget_trust_rules(&self) -> Result<()> {
        self.run("delete from trust_rules where id > ?", &[sql::text("")])
    }

    /// Whether CI jobs alone get tokens.
    pub fn federated_only(&self) -> Result<bool> {
        let query = "select federated_only from policy where only = 0";
        Ok(self.number(query, &[])? == 1)
    }

    /// Keeps whether they do.
    pub fn set_federated_only(&self, only: bool) -> Result<()> {
        let query = "insert into policy (only, federated_only) values (0, ?1) \
                     on conflict (only) do update set federated_only = ?1";
        self.run(query, &[Value::Integer(i64::from(only))])
    }

    /// Whether a trust rule gave a token.
    pub fn is_of_rule(&self, token: TokenId) -> Result<bool> {
        let query = "select count(*) as count from tokens where id = ? and rule is not null";
        Ok(self.number(query, &[sql::text(token)])? > 0)
    }

    /// Whether so many changes wait for D1.
    pub fn outbox_has(&self, entries: u32) -> Result<bool> {
        let query = "select count(*) as count from (select id from outbox order by id limit ?)";
        let values = [Value::Integer(i64::from(entries))];
        Ok(self.number(query, &values)? >= i64::from(entries))
    }

    /// How many rules there are.
    pub fn count_trust_rules(&self) -> Result<i64> {
        self.number("select count(*) as count from trust_rules", &[])
    }

    /// The rules about the jobs of one repository, project or subject.
    pub fn trust_rules_about(
        &self,
        issuer: &Issuer,
        identity: &Identity,
    ) -> Result<Vec<TrustRule>> {
        let query = "select rule from trust_rules where subject = ? order by id";
        let rules = self.rows(query, &[subject(issuer, identity)?], rule)?;
        Ok(rules.into_iter().flatten().collect())
    }

    /// All rules, oldest first.
    pub fn trust_rules(&self) -> Result<TrustRules> {
        let query = "select id, rule, created_at, created_by from trust_rules \
                     order by created_at, id";
        let mut told = TrustRules::default();
        for mut row in self.sql.run(query, &[])? {
            let id = id(&mut row)?;
            match rule(&mut row)? {
                Some(rule) => told.rules.push(TrustRuleState {
                    rule,
                    created_at: Timestamp::from_millis(row.integer()?),
                    created_by: row.text()?,
                }),
                None => told.unread.push(id),
            }
        }
        Ok(told)
    }

    /// The tokens that a rule gave, and that a revoke has anything to do with.
    pub fn given_by(&self, rule: TrustRuleId, now: Timestamp) -> Result<Vec<Subject>> {
        let query = "select facts from tokens where rule = ? and state < 2 \
                     and (revoked_at is null or revoked_at > ?) \
                     and (expires_at is null or expires_at > ?) order by created_at, id";
        let values = [sql::text(rule), sql::time(now), sql::time(now)];
        self.rows(query, &values, Subject::read)
    }

    /// How many tokens a rule has given since a moment, whatever became of them, and when the first of those
    /// was made; of all rules where none is named.
    pub fn given_since(
        &self,
        rule: Option<TrustRuleId>,
        since: Timestamp,
    ) -> Result<(i64, Option<Timestamp>)> {
        let (query, values) = match rule {
            Some(rule) => (
                "select count(*) as count, min(created_at) as first from tokens \
                 where rule = ? and created_at > ?",
                vec![sql::text(rule), sql::time(since)],
            ),
            None => (
                "select count(*) as count, min(created_at) as first from tokens \
                 where rule is not null and created_at > ?",
                vec![sql::time(since)],
            ),
        };
        match self.first(query, &values)? {
            Some(mut row) => Ok((row.integer()?, row.maybe_time()?)),
            None => Ok((0, None)),
        }
    }

    /// Forgets tokens of rules that ended long ago, a few at a time. D1 keeps their rows.
    pub fn forget_ended_ci_tokens(&mut self, now: Timestamp) -> Result<()> {
        let query = "delete from tokens where id in (select id from tokens \
                     where rule is not null and expires_at < ? order by expires_at limit ?) \
                     returning id";
        let values = [
            sql::time(now.plus_millis(-KEPT_MS)),
            Value::Integer(FORGOTTEN_AT_A_TIME.into()),
        ];
        let ended = self.rows(query, &values, |row| {
            let id = row.text()?;
            TokenId::parse(&id).map_err(|_| SqlError(format!("`{id}` is no id")))
        })?;
        for token in ended {
            self.active.remove(&token);
            self.run("delete from pins where token = ?", &[sql::text(token)])?;
        }
        Ok(())
    }
}
