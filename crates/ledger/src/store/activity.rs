//! What calls have come to by day, of each token and of all together, and the last calls that were
//! refused (R49). Kept for 30 days, and for a bounded number of tokens.

use std::collections::{BTreeMap, VecDeque};

use postern_domain::id::TokenId;
use postern_domain::usage::MAX_DAYS;

use super::{Store, Subject};
use crate::activity::KEPT_REFUSALS;
use crate::sql::{self, Result, Row, Sql, SqlError, Value};
use crate::tallies::Tally;
use crate::{ActivityRecord, DayActivity, NamedToken, RefusedCall};

/// Most tokens of a day that have a row of their own. Calls of further ones count for all alone.
pub const MAX_TOKENS_OF_DAY: i64 = 10_000;
/// How many tokens with most refusals are told.
const MOST_REFUSED: u64 = 10;
/// In place of a token: what is counted of all.
const ALL: &str = "";

/// A day without a call.
pub fn nothing(day: i64) -> DayActivity {
    DayActivity {
        day,
        ..DayActivity::default()
    }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn token(row: &mut Row) -> Result<TokenId> {
    let id = row.text()?;
    TokenId::parse(&id).map_err(|_| SqlError(format!("`{id}` is no id")))
}

/// What a day has, as it stands in columns.
fn tally(row: &mut Row) -> Result<Tally> {
    Ok(Tally {
        allowed: unsigned(row.integer()?),
        origin_trouble: unsigned(row.integer()?),
        offline: unsigned(row.integer()?),
        refused: serde_json::from_str(&row.text()?)?,
        callers: serde_json::from_str(&row.text()?)?,
        used_at: None,
    })
}

impl<S: Sql> Store<S> {
    /// Whether there is a token of this id, in whatever state.
    pub fn has_token(&self, token: TokenId) -> Result<bool> {
        let query = "select count(*) as number from tokens where id = ?";
        Ok(self.number(query, &[sql::text(token)])? > 0)
    }

    /// Whether who asks may know of the token: of a system token only where they are not hidden.
    pub fn shows_token(&self, token: TokenId, hides_system: bool) -> Result<bool> {
        let query = "select count(*) as number from tokens where id = ?1 \
                     and not (?2 and ifnull(json_extract(facts, '$.is_system'), 0))";
        let values = [sql::text(token), Value::Integer(i64::from(hides_system))];
        Ok(self.number(query, &values)? > 0)
    }

    /// Adds what was counted to a day of a token, or of all.
    pub fn add_activity(&mut self, day: i64, of: Option<TokenId>, counted: &Tally) -> Result<()> {
        let name = of.map_or(ALL.to_owned(), |token| token.to_string());
        let query = "select allowed, origin_trouble, offline, refused, callers \
                     from activity_days where day = ? and token = ?";
        let key = [Value::Integer(day), sql::text(&name)];
        let kept = self.first(query, &key)?;
        let mut sum = match kept {
            Some(mut row) => tally(&mut row)?,
            None if of.is_some() && !self.has_room(day)? => return Ok(()),
            None => Tally::default(),
        };
        sum.count(counted);
        if of.is_some() {
            sum.called(counted.callers.iter().cloned());
        }
        let values = [
            Value::Integer(day),
            sql::text(name),
            sql::count(sum.allowed),
            sql::count(sum.origin_trouble),
            sql::count(sum.refusals()),
            sql::count(sum.offline),
            sql::text(serde_json::to_string(&sum.refused)?),
            sql::text(serde_json::to_string(&sum.callers)?),
        ];
        let query = "insert into activity_days (day, token, allowed, origin_trouble, refusals, \
                     offline, refused, callers) values (?, ?, ?, ?, ?, ?, ?, ?) \
                     on conflict (day, token) do update set allowed = excluded.allowed, \
                     origin_trouble = excluded.origin_trouble, refusals = excluded.refusals, \
                     offline = excluded.offline, refused = excluded.refused, \
                     callers = excluded.callers";
        self.run(query, &values)
    }

    /// Whether one more token can have a row of this day. Counted once, and then remembered.
    fn has_room(&mut self, day: i64) -> Result<bool> {
        let rows = match self.active_tokens {
            Some((known, rows)) if known == day => rows,
            _ => {
                let query = "select count(*) as number from activity_days where day = ?";
                self.number(query, &[Value::Integer(day)])?
            }
        };
        let has_room = rows < MAX_TOKENS_OF_DAY;
        self.active_tokens = Some((day, rows + i64::from(has_room)));
        Ok(has_room)
    }

    /// Keeps calls that were refused; the oldest make room.
    pub fn keep_refused(&self, calls: &VecDeque<RefusedCall>) -> Result<()> {
        if calls.is_empty() {
            return Ok(());
        }
        for call in calls {
            let values = [
                sql::time(call.at),
                sql::maybe_text(call.operation.as_ref()),
                sql::text(&call.reason),
                sql::text(call.token),
                sql::maybe_text(call.address.as_ref()),
                sql::text(&call.request_id),
                sql::maybe_text(call.user_agent.as_ref()),
            ];
            let query = "insert into refused_calls (at, operation, reason, token, address, \
                         request_id, user_agent) select ?1, ?2, ?3, ?4, ?5, ?6, ?7 \
                         where exists (select 1 from tokens where id = ?4)";
            self.run(query, &values)?;
        }
        let query = "delete from refused_calls where id <= \
                     (select max(id) from refused_calls) - ?";
        self.run(query, &[sql::count(KEPT_REFUSALS as u64)])
    }

    /// Forgets days that are over for longer than they are kept.
    pub fn forget_activity(&self, today: i64) -> Result<()> {
        let query = "delete from activity_days where day <= ?";
        self.run(query, &[Value::Integer(today - i64::from(MAX_DAYS))])
    }

    /// What is kept of these days, of one token or of all. Where system tokens are hidden, their calls
    /// are in the counts of the days, and nowhere else.
    pub fn activity(
        &self,
        of: Option<TokenId>,
        hides_system: bool,
        (from, to): (i64, i64),
    ) -> Result<ActivityRecord> {
        let name = of.map_or(ALL.to_owned(), |token| token.to_string());
        let query = "select day, allowed, origin_trouble, offline, refused, callers \
                     from activity_days where token = ? and day between ? and ?";
        let values = [sql::text(name), Value::Integer(from), Value::Integer(to)];
        let rows = self.rows(query, &values, |row| Ok((row.integer()?, tally(row)?)))?;
        let mut sum = Tally::default();
        let mut days: BTreeMap<i64, DayActivity> =
            (from..=to).map(|day| (day, nothing(day))).collect();
        for (day, tally) in rows {
            sum.called(tally.callers);
            let told = DayActivity {
                day,
                allowed: tally.allowed,
                origin_trouble: tally.origin_trouble,
                refused: tally.refused.into_iter().collect(),
                offline: tally.offline,
            };
            days.insert(day, told);
        }
        let recent = self.refused_calls(of, hides_system)?;
        let most_refused = match of {
            None => self.most_refused(hides_system, (from, to))?,
            Some(_) => Vec::new(),
        };
        let told = recent.iter().map(|call| call.token);
        let told = told.chain(most_refused.iter().map(|(token, _)| *token));
        let tokens = self.named(told)?;
        Ok(ActivityRecord {
            days: days.into_values().collect(),
            recent,
            most_refused,
            callers: sum.callers,
            tokens,
        })
    }

    /// The calls that were refused last, newest first.
    fn refused_calls(&self, of: Option<TokenId>, hides_system: bool) -> Result<Vec<RefusedCall>> {
        let query = "select at, operation, reason, token, address, request_id, user_agent \
                     from refused_calls where (?1 is null or token = ?1) \
                     and not (?2 and exists (select 1 from tokens t where t.id = refused_calls.token \
                     and json_extract(t.facts, '$.is_system'))) order by at desc, id desc";
        let values = [sql::maybe_text(of), Value::Integer(i64::from(hides_system))];
        self.rows(query, &values, |row| {
            Ok(RefusedCall {
                at: row
                    .maybe_time()?
                    .ok_or_else(|| SqlError("no time".to_owned()))?,
                operation: row.maybe_text()?,
                reason: row.text()?,
                token: token(row)?,
                address: row.maybe_text()?,
                request_id: row.text()?,
                user_agent: row.maybe_text()?,
            })
        })
    }

    fn most_refused(
        &self,
        hides_system: bool,
        (from, to): (i64, i64),
    ) -> Result<Vec<(TokenId, u64)>> {
        let query = "select token, sum(refusals) as number from activity_days \
                     where refusals > 0 and token > '' and day between ?1 and ?2 \
                     and not (?4 and exists (select 1 from tokens t where t.id = activity_days.token \
                     and json_extract(t.facts, '$.is_system'))) \
                     group by token order by number desc, token limit ?3";
        let values = [
            Value::Integer(from),
            Value::Integer(to),
            sql::count(MOST_REFUSED),
            Value::Integer(i64::from(hides_system)),
        ];
        self.rows(query, &values, |row| {
            Ok((token(row)?, unsigned(row.integer()?)))
        })
    }

    /// What these tokens are called; those that are gone are left out. Read whatever else is in
    /// their facts.
    fn named(&self, tokens: impl Iterator<Item = TokenId>) -> Result<Vec<NamedToken>> {
        let mut ids: Vec<TokenId> = tokens.collect();
        ids.sort_unstable_by_key(|id| id.as_u128());
        ids.dedup();
        let query = "select facts, json_extract(facts, '$.name') as name from tokens \
                     where id in (select value from json_each(?))";
        let values = [sql::text(serde_json::to_string(&ids)?)];
        self.rows(query, &values, |row| {
            let subject = Subject::read(row)?;
            Ok(NamedToken {
                id: subject.id,
                name: row.text()?,
                prefix: subject.display_prefix(),
            })
        })
    }
}
