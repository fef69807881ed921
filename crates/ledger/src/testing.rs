//! Values for tests, and SQLite for the machine outside of any platform.
#![expect(
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "made for tests: they may fail, and their fields say what they are"
)]

mod again;
pub mod dice;
pub mod jobs;
pub mod record;

pub use postern_domain::testing::facts;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ToSql, params_from_iter};

use postern_domain::audit::{Event, Requester};
use postern_domain::id::{Id, OrganizationId};
use postern_domain::keys::{KeyRing, RootKeys};
use postern_domain::name::TokenName;
use postern_domain::scope::{Named, Scope};
use postern_domain::standing::Actor;
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_domain::unicode::Form;
use postern_transparency::log::LogKeys;

use crate::{
    Addressed, AdmitQuery, Carried, Claim, Delivery, Done, Ledger, Liveness, MintAnswer,
    MintCommand, Outcome, RecordChange, RevokeManyCommand, RotateCommand, Row, Selector, Settings,
    Sql, SqlError, Value, Version, Waiting,
};

/// By how much a JWT may be used after its expiry, in these tests.
pub const LEEWAY_MS: i64 = 5_000;

/// How long a lease lasts, in these tests.
pub const LEASE_MS: u32 = 1_000;

/// What a holder says of itself, which asks for a lease.
pub fn claim(holder: u128, applied: Option<Version>) -> Claim {
    Claim {
        holder: Id::from_u128(holder),
        applied,
        lease: true,
    }
}

/// A database in memory, of which every handle is the same one. A statement can be made to fail.
#[derive(Clone)]
pub struct Sqlite {
    db: Rc<Connection>,
    /// How many more statements go well.
    left: Rc<Cell<Option<u32>>>,
    /// That it is used again and again, with tables that stay.
    kept: Option<Rc<again::Kept>>,
}

impl Sqlite {
    pub fn new() -> Self {
        let db = Connection::open_in_memory().expect("a database");
        db.set_prepared_statement_cache_capacity(200);
        Self {
            db: Rc::new(db),
            left: Rc::default(),
            kept: None,
        }
    }

    /// Makes the statement after so many fail, and all that follow; `None` = none.
    pub fn fail_after(&self, statements: Option<u32>) {
        self.left.set(statements);
    }

    /// The database itself.
    pub fn connection(&self) -> &Connection {
        &self.db
    }

    /// One of `begin`, `commit` and `rollback`: what the platform does around a turn.
    pub fn transact(&self, statement: &str) {
        self.db.execute_batch(statement).expect("a transaction");
        if let (Some(kept), "rollback") = (&self.kept, statement) {
            kept.rolled_back(&self.db);
        }
    }

    /// The number that a query gives.
    pub fn number(&self, query: &str) -> i64 {
        if let Some(number) = self.kept.as_ref().and_then(|kept| kept.number(query)) {
            return number;
        }
        let mut statement = self.db.prepare_cached(query).expect("a query");
        let number = statement.query_row([], |row| row.get(0));
        number.expect("a number")
    }
}

impl Default for Sqlite {
    fn default() -> Self {
        Self::new()
    }
}

impl Sql for Sqlite {
    fn run(&self, statement: &str, values: &[Value]) -> Result<Vec<Row>, SqlError> {
        match self.left.get() {
            Some(0) => return Err(SqlError("made to fail".to_owned())),
            Some(left) => self.left.set(Some(left - 1)),
            None => {}
        }
        match &self.kept {
            Some(kept) => kept.run(&self.db, statement, values),
            None => rows(&self.db, statement, values).map_err(|error| SqlError(error.to_string())),
        }
    }
}

fn rows(db: &Connection, statement: &str, values: &[Value]) -> rusqlite::Result<Vec<Row>> {
    let mut statement = db.prepare_cached(statement)?;
    let columns = statement.column_count();
    let values = values.iter().map(|value| match value {
        Value::Null => &rusqlite::types::Null as &dyn ToSql,
        Value::Integer(number) => number,
        Value::Text(text) => text,
    });
    let mut found = statement.query(params_from_iter(values))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let column = |index| match row.get_ref(index)? {
            ValueRef::Null => Ok(Value::Null),
            ValueRef::Integer(number) => Ok(Value::Integer(number)),
            ValueRef::Text(_) => Ok(Value::Text(row.get(index)?)),
            other => panic!("a column of type {}", other.data_type()),
        };
        let columns: rusqlite::Result<Vec<Value>> = (0..columns).map(column).collect();
        rows.push(Row::from(columns?));
    }
    Ok(rows)
}

static AUDIT: LazyLock<KeyRing> = LazyLock::new(|| {
    let ring = KeyRing::parse("r1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").expect("a key");
    RootKeys::from_root(&ring).audit
});

/// The keys of the audit chain.
pub fn audit() -> KeyRing {
    AUDIT.clone()
}

/// Stands for the platform's normalization: these tests need one pair of letters only.
pub fn normalize(text: &str, form: Form) -> String {
    match form {
        Form::Composed => text.replace("e\u{301}", "\u{e9}"),
        Form::Decomposed => text.replace('\u{e9}', "e\u{301}"),
    }
}

static INSTANCES: AtomicU64 = AtomicU64::new(1);

/// The answer of a command that has one in its first turn.
pub fn given<C: Carried>(done: Done<C>) -> C::Answer {
    match done {
        Done::Answer(answer) | Done::BestAfterDelivery(answer) | Done::WhenFinal(_, answer) => {
            answer
        }
        Done::AfterDelivery(_) => panic!("it waits"),
    }
}

/// A Ledger over a database.
pub fn open(sql: &Sqlite) -> Ledger<Sqlite> {
    open_with(sql, LEASE_MS)
}

/// One whose leases last this long.
pub fn open_with(sql: &Sqlite, lease_ms: u32) -> Ledger<Sqlite> {
    let settings = Settings {
        audit: audit(),
        jwt_leeway_ms: LEEWAY_MS,
        normalize,
        lease_ms,
        instance: Id::from_u128(u128::from(INSTANCES.fetch_add(1, Ordering::Relaxed))),
        log_keys: Some(log_keys()),
    };
    Ledger::open(sql.clone(), settings)
}

static LOG_KEYS: LazyLock<LogKeys> =
    LazyLock::new(|| LogKeys::new("gateway.example", &[[7; 32]]).expect("keys"));

/// The keys that sign checkpoints for everybody.
pub fn log_keys() -> LogKeys {
    LOG_KEYS.clone()
}

pub fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

/// Carries out a command for nobody's token, by the organization's name.
pub fn tell<C: Carried>(ledger: &mut Ledger<Sqlite>, now: i64, command: C) -> Outcome<C> {
    tell_for(ledger, now, Actor::NotAToken, command)
}

/// The same for an actor.
pub fn tell_for<C: Carried>(
    ledger: &mut Ledger<Sqlite>,
    now: i64,
    actor: Actor,
    command: C,
) -> Outcome<C> {
    let addressed = Addressed {
        by: Some("acme"),
        actor,
    };
    ledger.handle(at(now), addressed, command)
}

pub fn requester() -> Requester {
    Requester {
        actor: "admin-token".to_owned(),
        tier: "admin".to_owned(),
        address: Some("192.0.2.1".to_owned()),
        user_agent: None,
        request_id: "r".to_owned(),
    }
}

/// The project of these tests.
pub fn shop() -> Scope {
    Scope::Project {
        project: Named {
            id: Id::from_u128(100),
            name: "shop".to_owned(),
        },
    }
}

/// An order for a token of the organization, by its id and its name.
pub fn mint(id: u128, name: &str, now: i64) -> MintCommand {
    MintCommand {
        facts: TokenFacts {
            name: TokenName::parse(name).expect("a good name"),
            ..facts(id, Scope::Organization)
        },
        description: None,
        created_at: at(now),
        created_by: "admin-token".to_owned(),
        minted_by: None,
        ceiling: 0,
        reservation: None,
        requester: requester(),
    }
}

/// A rotation: the old token, and the order for the new one.
pub fn rotate(old: u128, mint: MintCommand, retire_at: i64) -> RotateCommand {
    RotateCommand {
        old: Id::from_u128(old),
        mint,
        retire_at: at(retire_at),
        old_revision: 0,
    }
}

/// A bulk revoke of whatever fits, within everybody's reach.
pub fn revoke_many(selector: Selector) -> RevokeManyCommand {
    RevokeManyCommand {
        selector,
        organization_tokens: true,
        project_tokens: true,
        system_tokens: true,
        dry_run: false,
        requester: requester(),
    }
}

/// Mints a token whose row D1 takes, and tells the answer.
pub fn minted(ledger: &mut Ledger<Sqlite>, now: i64, command: MintCommand) -> MintAnswer {
    let organization = command.facts.organization.id;
    match tell(ledger, now, command) {
        Ok(Done::AfterDelivery(waiting)) => arrived(ledger, now, waiting, Some(organization)),
        Ok(Done::Answer(answer)) => answer,
        _ => panic!("a mint waits for D1 or is refused"),
    }
}

/// Resumes a command that D1 has taken.
pub fn arrived<C: Carried>(
    ledger: &mut Ledger<Sqlite>,
    now: i64,
    waiting: Waiting<C>,
    row_of: Option<OrganizationId>,
) -> C::Answer {
    match ledger.resume(at(now), waiting, Delivery::Arrived { row_of }) {
        Ok(Done::Answer(answer) | Done::BestAfterDelivery(answer) | Done::WhenFinal(_, answer)) => {
            answer
        }
        Ok(Done::AfterDelivery(_)) => panic!("a command waits once"),
        Err(stop) => panic!("{stop:?}"),
    }
}

/// The wait of a command that has to wait.
pub fn waits<C: Carried>(outcome: Outcome<C>) -> Waiting<C> {
    match outcome {
        Ok(Done::AfterDelivery(waiting)) => waiting,
        Ok(Done::Answer(_) | Done::BestAfterDelivery(_) | Done::WhenFinal(..)) => {
            panic!("it did not wait")
        }
        Err(stop) => panic!("{stop:?}"),
    }
}

/// The answer of a command that has one without D1.
pub fn answer<C: Carried>(outcome: Outcome<C>) -> C::Answer {
    match outcome {
        Ok(Done::Answer(answer) | Done::BestAfterDelivery(answer) | Done::WhenFinal(_, answer)) => {
            answer
        }
        Ok(Done::AfterDelivery(_)) => panic!("it waits for D1"),
        Err(stop) => panic!("{stop:?}"),
    }
}

/// The question whether a token is active, and nothing else.
pub fn plain(id: u128) -> AdmitQuery {
    AdmitQuery::look(Id::from_u128(id))
}

/// Whether a token is active at a moment.
pub fn liveness(ledger: &mut Ledger<Sqlite>, now: i64, id: u128) -> Liveness {
    ledger
        .admit(at(now), plain(id))
        .expect("an answer")
        .liveness
}

/// Events of the outbox, in their order.
pub fn events(sql: &Sqlite) -> Vec<Event> {
    let mut statement = sql
        .connection()
        .prepare("select effects from outbox order by id")
        .expect("a query");
    let entries = statement.query_map([], |row| row.get::<_, String>(0));
    let changes = entries.expect("entries").flat_map(|text| {
        let text = text.expect("a text");
        serde_json::from_str::<Vec<RecordChange>>(&text).expect("changes")
    });
    let event = |change| match change {
        RecordChange::AppendAudit(row) => Some(row.event),
        _ => None,
    };
    changes.filter_map(event).collect()
}
