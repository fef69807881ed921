//! The messages between the gate and an organization's Ledger. They have no behaviour: the Ledger
//! acts on them, D1 keeps what they record. Both ends are this program, in one version or two while
//! a deployment rolls out, so fields are only ever added, with a default.

mod admission;
mod command;
mod effect;
mod leak;
#[cfg(test)]
mod testing;

pub use admission::{Admission, AdmitQuery, BindCommand, Liveness, Purpose, SyncCommand};
pub use command::{
    CheckpointCommand, Command, KeptQuery, LimitsAnswer, LimitsCommand, MintAnswer, MintCommand,
    NoteCommand, RefusalCommand, RevokeAnswer, RevokeCommand, RevokeManyAnswer, RevokeManyCommand,
    RotateAnswer, RotateCommand, RunAnswer, RunCommand, Selector, SweepAnswer, SweepCommand,
};
pub use effect::{AuditRow, Effect, TokenRow};
pub use leak::{LeakAnswer, LeakCommand, ReleaseAnswer, ReleaseCommand};

/// The header that names a command's actor: the id of the token that the command is for. A command
/// without it is for no token ([`Actor::NotAToken`](postern_domain::standing::Actor)).
pub const ACTOR: &str = "postern-actor";
