//! D1 for tests of rebuilds: it follows a Ledger's outbox, refuses a row whose number is taken, and is
//! read in pages.

use std::collections::BTreeMap;

use postern_domain::audit::verify::{Report, Row, verify};
use postern_domain::audit::{Action, Event};
use postern_domain::id::{Id, TokenId};
use postern_domain::standing::Actor;

use super::{Sqlite, at, audit, requester};
use crate::{
    Addressed, Done, Ledger, Numbered, RebuildAnswer, RebuildCommand, RebuildPhase, RebuildStep,
    RecordChange, RecordedToken, Sql, Stop, Value,
};

/// What D1 has.
#[derive(Debug, Clone, Default)]
pub struct Record {
    pub tokens: BTreeMap<String, RecordedToken>,
    pub rows: BTreeMap<u64, Row>,
}

impl Record {
    /// Takes what waits in the outbox, all of it or nothing; tells whether it did.
    pub fn take(&mut self, ledger: &mut Ledger<Sqlite>) -> bool {
        let mut next = self.clone();
        loop {
            let entries = ledger.outbox().expect("an outbox");
            let Some(last) = entries.last() else {
                *self = next;
                return true;
            };
            for change in entries.iter().flat_map(|entry| &entry.changes) {
                if !next.follow(change) {
                    return false;
                }
            }
            ledger.delivered(last.id).expect("forgets them");
            *self = next.clone();
        }
    }

    fn follow(&mut self, change: &RecordChange) -> bool {
        let rows = &self.rows;
        let released_after = |token: TokenId, sequence: i64| {
            rows.values().any(|row| {
                let event: Event = serde_json::from_str(&row.content).expect("an event");
                event.token_id == Some(token)
                    && matches!(event.action, Action::TokenQuarantine | Action::TokenRelease)
                    && i64::try_from(event.sequence).expect("a number") > sequence
            })
        };
        match change {
            RecordChange::InsertToken(row) => {
                let token = RecordedToken {
                    facts: row.facts.clone(),
                    description: row.description.clone(),
                    created_at: row.created_at,
                    minted_by: row.minted_by,
                    revoked_at: None,
                    quarantined_at: None,
                    uses: 0,
                    used_at: None,
                };
                self.tokens.entry(row.facts.id.to_string()).or_insert(token);
            }
            RecordChange::ForgetToken { token, .. } => {
                self.tokens.remove(&token.to_string());
            }
            RecordChange::EditToken {
                facts, description, ..
            } => {
                if let Some(row) = self.tokens.get_mut(&facts.id.to_string())
                    && row.facts.revision <= facts.revision
                {
                    row.facts = (**facts).clone();
                    row.description.clone_from(description);
                }
            }
            RecordChange::RevokeToken { token, at, .. } => {
                let row = self.tokens.get_mut(&token.to_string());
                if let Some(row) = row.filter(|row| row.revoked_at.is_none_or(|end| end > *at)) {
                    row.revoked_at = Some(*at);
                }
            }
            RecordChange::Quarantine {
                token,
                at,
                sequence,
                ..
            } => {
                let late = released_after(*token, *sequence);
                if let Some(row) = self.tokens.get_mut(&token.to_string()).filter(|_| !late) {
                    row.quarantined_at = *at;
                }
            }
            RecordChange::QuarantineTokens {
                tokens,
                at,
                sequence,
                ..
            } => {
                for token in tokens {
                    let late = released_after(*token, *sequence);
                    let row = self.tokens.get_mut(&token.to_string()).filter(|_| !late);
                    if let Some(row) = row {
                        row.quarantined_at = row.quarantined_at.or(Some(*at));
                    }
                }
            }
            RecordChange::AppendAudit(row) => {
                let there = self.rows.entry(row.event.sequence).or_insert(row.row());
                return *there == row.row();
            }
            _ => {}
        }
        true
    }

    /// The event of a number, and the last one.
    pub fn row(&self, sequence: u64) -> Option<Numbered> {
        let row = self.rows.get(&sequence)?.clone();
        Some(Numbered { sequence, row })
    }

    /// The last event.
    pub fn last(&self) -> Option<Numbered> {
        self.row(*self.rows.keys().last()?)
    }

    /// What the check of an export says.
    pub fn verified(&self) -> Report {
        let lines = self.rows.values();
        verify(
            lines.map(|row| serde_json::to_string(row).expect("a line")),
            &audit(),
        )
    }

    /// The first step of a rebuild.
    pub fn begin(&self, ledger: &mut Ledger<Sqlite>, dry_run: bool) -> RebuildStep {
        let RebuildAnswer::Reach { sequence } = step(ledger, 0, false, RebuildStep::Look) else {
            panic!("it looks");
        };
        RebuildStep::Begin {
            last: self.last(),
            at_head: self.row(sequence),
            dry_run,
            unknown_keys: Vec::new(),
        }
    }

    /// The step that comes next, with so many rows at most.
    pub fn next(&self, phase: RebuildPhase, verified: u64, limit: usize) -> RebuildStep {
        match phase {
            RebuildPhase::Events => RebuildStep::Events {
                after: verified,
                rows: (self.rows.range(verified + 1..).take(limit))
                    .map(|(sequence, row)| Numbered {
                        sequence: *sequence,
                        row: row.clone(),
                    })
                    .collect(),
            },
            RebuildPhase::Tokens(after) => {
                let place = |token: &RecordedToken| (token.created_at, token.facts.id.to_string());
                let mut tokens: Vec<RecordedToken> = self.tokens.values().cloned().collect();
                tokens.sort_by_key(|token| core::cmp::Reverse(place(token)));
                if let Some(after) = after {
                    let after = (after.created_at, after.id.to_string());
                    tokens.retain(|token| place(token) < after);
                }
                let is_last = tokens.len() <= limit;
                tokens.truncate(limit);
                RebuildStep::Tokens {
                    after,
                    tokens,
                    is_last,
                }
            }
            RebuildPhase::Ready => RebuildStep::Finish {
                last: self.last().expect("an event").sequence,
            },
        }
    }

    /// Rebuilds a Ledger, page by page, to its end.
    pub fn rebuild(
        &self,
        ledger: &mut Ledger<Sqlite>,
        now: i64,
        keeps_active: bool,
        limit: usize,
    ) -> RebuildAnswer {
        let mut told = self.begin(ledger, false);
        loop {
            match step(ledger, now, keeps_active, told) {
                RebuildAnswer::Progress(progress) => {
                    told = self.next(progress.phase, progress.verified, limit);
                }
                ended => return ended,
            }
        }
    }
}

/// Takes one step of a rebuild.
pub fn step(
    ledger: &mut Ledger<Sqlite>,
    now: i64,
    keeps_active: bool,
    step: RebuildStep,
) -> RebuildAnswer {
    try_step(ledger, now, keeps_active, step).expect("an answer")
}

/// The same, where the database may fail.
pub fn try_step(
    ledger: &mut Ledger<Sqlite>,
    now: i64,
    keeps_active: bool,
    step: RebuildStep,
) -> Result<RebuildAnswer, Stop> {
    let command = RebuildCommand {
        organization: Id::from_u128(1),
        keeps_active,
        step,
        requester: requester(),
    };
    let addressed = Addressed {
        by: Some("acme"),
        actor: Actor::NotAToken,
    };
    let done = ledger.handle(at(now), addressed, command)?;
    match done {
        Done::Answer(answer) | Done::WhenFinal(_, answer) | Done::BestAfterDelivery(answer) => {
            Ok(answer)
        }
        Done::AfterDelivery(_) => panic!("no step waits for D1"),
    }
}

/// A copy of a database, as a backup would be.
pub fn copy(of: &Sqlite) -> Sqlite {
    let (from, to) = (of, Sqlite::new());
    let names = "select name, sql from sqlite_master where sql is not null and name not like 'sqlite_%' \
                 order by type desc";
    for mut object in from.run(names, &[]).expect("a schema") {
        let (name, sql) = (object.text().expect("a name"), object.text().expect("sql"));
        to.run(&sql, &[]).expect("the same");
        if !sql.starts_with("CREATE TABLE") {
            continue;
        }
        let db = from.connection();
        let mut all = db
            .prepare(&format!("select * from {name}"))
            .expect("a table");
        let places = vec!["?"; all.column_count()].join(", ");
        let insert = format!("insert into {name} values ({places})");
        let columns = all.column_count();
        let rows = all.query_map([], |row| {
            (0..columns)
                .map(|n| row.get::<_, rusqlite::types::Value>(n))
                .collect::<Result<Vec<_>, _>>()
        });
        for row in rows.expect("rows") {
            let values: Vec<Value> = (row.expect("a row").into_iter())
                .map(|value| match value {
                    rusqlite::types::Value::Integer(number) => Value::Integer(number),
                    rusqlite::types::Value::Text(text) => Value::Text(text),
                    _ => Value::Null,
                })
                .collect();
            to.run(&insert, &values).expect("a row");
        }
    }
    to
}
