//! An organization's Ledger: the messages to it, and the machine that carries them out.
//!
//! The machine ([`Ledger`]) is synchronous and does no I/O but SQLite, through [`Sql`]. The time comes
//! in with each call, what has to reach D1 goes out through an outbox, and a command whose answer
//! depends on D1 comes back as a value ([`Done::AfterDelivery`]) until it is resumed.
//!
//! Its driver opens it over a database, gives it one turn for each call and delivers its
//! outbox:
//!
//! ```
//! use postern_domain::id::Id;
//! use postern_domain::keys::KeyRing;
//! use postern_domain::standing::Actor;
//! use postern_domain::time::Timestamp;
//! use postern_ledger::{
//!     Addressed, Delivery, Done, Ledger, NoteCommand, CheckpointCommand, RecordChange, Row, Settings,
//!     Sql, SqlError, Value,
//! };
//! # use postern_domain::audit::{Action, Requester};
//!
//! struct Database(rusqlite::Connection);
//!
//! impl Sql for Database {
//!     fn run(&self, statement: &str, values: &[Value]) -> Result<Vec<Row>, SqlError> {
//! #       use rusqlite::types::{ToSqlOutput, ValueRef};
//! #       let failed = |error: rusqlite::Error| SqlError(error.to_string());
//! #       let mut statement = self.0.prepare(statement).map_err(failed)?;
//! #       let columns = statement.column_count();
//! #       let values = values.iter().map(|value| match value {
//! #           Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
//! #           Value::Integer(number) => ToSqlOutput::Borrowed(ValueRef::Integer(*number)),
//! #           Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
//! #       });
//! #       let rows = statement.query_map(rusqlite::params_from_iter(values), |row| {
//! #           let column = |index| match row.get_ref(index)? {
//! #               ValueRef::Null => Ok(Value::Null),
//! #               ValueRef::Integer(number) => Ok(Value::Integer(number)),
//! #               _ => row.get(index).map(Value::Text),
//! #           };
//! #           let columns = (0..columns).map(column);
//! #           columns.collect::<rusqlite::Result<Vec<Value>>>().map(Row::from)
//! #       });
//! #       rows.and_then(Iterator::collect).map_err(failed)
//!         // … prepare, bind, step, and read each row into `Value`s
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let ring = "r1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
//! # let audit = KeyRing::parse(ring).map_err(|error| error.to_string())?;
//! # let command = NoteCommand {
//! #     organization: Id::from_u128(1),
//! #     action: Action::ProjectCreate,
//! #     target: None,
//! #     requester: Requester {
//! #         actor: "admin-token".into(),
//! #         tier: "admin".into(),
//! #         address: None,
//! #         user_agent: None,
//! #         request_id: "r".into(),
//! #     },
//! # };
//! let database = Database(rusqlite::Connection::open_in_memory()?);
//! let settings = Settings {
//!     audit,
//!     jwt_leeway_ms: 0,
//!     normalize: |text, _| text.to_owned(),
//!     lease_ms: 1_000,
//!     instance: Id::from_u128(7),
//!     log_keys: None,
//! };
//! let mut ledger = Ledger::open(database, settings);
//!
//! let now = Timestamp::from_millis(1_000);
//! let nobody = Addressed { by: Some("acme"), actor: Actor::NotAToken };
//! # let told = ledger.handle(now, nobody, command).map_err(|stop| format!("{stop:?}"))?;
//! # assert!(matches!(told, Done::Answer(())));
//! let checkpoint = CheckpointCommand { organization: Id::from_u128(1), keep: false };
//! let mut done = ledger.handle(now, nobody, checkpoint);
//! let signed = loop {
//!     match done.map_err(|stop| format!("{stop:?}"))? {
//!         Done::Answer(answer) | Done::BestAfterDelivery(answer) => break answer,
//!         // Held back until `ledger.is_final(version)`.
//!         Done::WhenFinal(_version, answer) => break answer,
//!         Done::AfterDelivery(waiting) => {
//!             // In order, one batch at a time, as often as it takes.
//!             let batch = ledger.outbox()?;
//!             for change in batch.iter().flat_map(|entry| &entry.changes) {
//!                 assert!(matches!(change, RecordChange::AppendAudit(_)), "D1 follows here");
//!             }
//!             if let Some(last) = batch.last() {
//!                 ledger.delivered(last.id)?;
//!             }
//!             done = ledger.resume(now, waiting, Delivery::Arrived { row_of: None });
//!         }
//!     }
//! };
//! assert!(signed.checkpoint.contains(r#""sequence":1"#));
//!
//! // After each turn the alarm is set; when it rings:
//! assert_eq!(ledger.wakes_at(), Some(now.plus_millis(2_000)));
//! ledger.wake(now.plus_millis(2_000))?;
//! # Ok(())
//! # }
//! ```
//!
//! Both ends of the messages are this program, in one version or two while a deployment rolls out, so
//! fields are only ever added, with a default.

#![warn(missing_docs)]

mod acting;
mod activity;
mod admission;
mod artifact;
mod calls;
mod command;
mod conflicts;
pub mod dispatch;
mod done;
mod edit;
mod leak;
mod lease;
mod leases;
mod machine;
mod pause;
mod rebuild;
mod record_change;
mod reservation;
mod sql;
mod store;
mod tallies;
mod tree;
mod trust;
mod upstream;
mod uses;
pub mod wire;

#[cfg(any(test, feature = "histories"))]
pub mod histories;
#[cfg(test)]
mod rules;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use activity::{
    ActivityCommand, ActivityRecord, CallerActivity, DayActivity, KEPT_REFUSALS, MAX_CALLERS,
    MAX_REPORTED_REFUSALS, MAX_REPORTED_TOKENS, MAX_USER_AGENT, NamedToken, ReadActivityCommand,
    RefusedCall, TokenActivity, shortened,
};
pub use admission::{Admission, AdmitQuery, BindCommand, Liveness, Purpose};
pub use artifact::ArtifactCommand;
pub use calls::GivenCalls;
pub use command::{
    BegunRun, CheckpointCommand, Command, FederationCommand, KeptQuery, LimitsAnswer,
    LimitsCommand, MAX_RUNS, MAX_SELECTED, MintAnswer, MintCommand, NoteCommand, RefusalCommand,
    RevokeAnswer, RevokeCommand, RevokeManyAnswer, RevokeManyCommand, RotateAnswer, RotateCommand,
    RunAnswer, RunCommand, RunsAnswer, RunsCommand, Selector, SweepAnswer, SweepCommand,
};
pub use conflicts::Conflicts;
pub use done::{
    ANSWER_WAIT, Carried, Delivery, Done, LIST_WAIT, Outcome, Stop, Suspended, Wait, Waiting,
};
pub use edit::{EditAnswer, EditCommand};
pub use leak::{LeakAnswer, LeakCommand, ReleaseAnswer, ReleaseCommand};
pub use lease::{
    Claim, Delta, LONGEST_LEASE_MS, RenewCommand, Version, WATCH_MS, WatchCommand, margin_ms,
};
pub use leases::Timer;
pub use machine::{Addressed, Ledger, Settings};
pub use pause::{PauseAnswer, PauseCommand, PolicyCommand, ResumeAnswer, ResumeCommand};
pub use rebuild::{
    Numbered, REBUILD_EVENTS, REBUILD_TOKENS, RebuildAnswer, RebuildCause, RebuildCommand,
    RebuildCounts, RebuildPhase, RebuildProgress, RebuildRefusal, RebuildStep, RecordedToken,
    TokenPlace,
};
pub use record_change::{AuditRow, RecordChange, TokenRow};
pub use reservation::{
    LONGEST_RESERVATION_MS, MAX_RESERVATIONS, ReserveAnswer, ReserveCommand, UnreserveCommand,
};
pub use sql::{Row, Sql, SqlError, Value};
pub use store::{Entry, Normalize};
pub use tree::{TREE_EVENTS, TreeAnswer, TreeCommand, TreeStep};
pub use trust::{
    AddTrustRuleAnswer, AddTrustRuleCommand, ExchangeAnswer, ExchangeCommand,
    ListTrustRulesCommand, MAX_CI_TOKENS, MAX_RULE_TOKENS, MAX_TRUST_RULES, RemoveTrustRuleAnswer,
    RemoveTrustRuleCommand, TrustRuleState, TrustRules,
};
pub use upstream::{
    ClearUpstreamAnswer, ClearUpstreamCommand, GivenUpstream, ListUpstreamsCommand, MAX_UPSTREAMS,
    ReadUpstreamCommand, ReplacedUpstream, SetUpstreamAnswer, SetUpstreamCommand, UpstreamQuery,
    UpstreamState,
};
pub use uses::Uses;
