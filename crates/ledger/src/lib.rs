//! An organization's Ledger: the messages to it, and the machine that carries them out.
//!
//! The machine ([`Ledger`]) is synchronous and does no I/O but SQLite, through [`Sql`]. The time comes
//! in with each call, what has to reach D1 goes out through an outbox, and a command whose answer
//! depends on D1 comes back as a value ([`Done::AfterDelivery`]) until it is resumed.
//!
//! Both ends of the messages are this program, in one version or two while a deployment rolls out, so
//! fields are only ever added, with a default.

mod acting;
mod admission;
mod command;
mod conflicts;
pub mod dispatch;
mod done;
mod effect;
mod leak;
mod machine;
mod sql;
mod store;
mod uses;
pub mod wire;

#[cfg(test)]
mod histories;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod testing;

pub use admission::{Admission, AdmitQuery, BindCommand, Liveness, Purpose, SyncCommand};
pub use command::{
    CheckpointCommand, Command, KeptQuery, LimitsAnswer, LimitsCommand, MAX_SELECTED, MintAnswer,
    MintCommand, NoteCommand, RefusalCommand, RevokeAnswer, RevokeCommand, RevokeManyAnswer,
    RevokeManyCommand, RotateAnswer, RotateCommand, RunAnswer, RunCommand, Selector, SweepAnswer,
    SweepCommand,
};
pub use conflicts::Conflicts;
pub use done::{
    ANSWER_WAIT, Carried, Delivery, Done, LIST_WAIT, Outcome, Stop, Suspended, Wait, Waiting,
};
pub use effect::{AuditRow, Effect, TokenRow};
pub use leak::{LeakAnswer, LeakCommand, ReleaseAnswer, ReleaseCommand};
pub use machine::{Addressed, Ledger, Settings};
pub use sql::{Row, Sql, SqlError, Value};
pub use store::{Entry, Normalize};
pub use uses::Uses;
