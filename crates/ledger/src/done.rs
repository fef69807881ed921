//! The outcome of a command: its answer, or what must reach D1 before there is one.

use core::time::Duration;

use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::standing::{Actor, Inactive};
use postern_domain::time::Timestamp;

use crate::Command;
use crate::acting::Acting;
use crate::machine::Ledger;
use crate::sql::{Sql, SqlError};

/// How long to wait for D1 where the answer depends on it. A batch that is given up may still
/// arrive, harmlessly.
pub const ANSWER_WAIT: Duration = Duration::from_secs(5);
/// How long to wait for D1 where the answer stands already, so that a list that follows shows it.
pub const LIST_WAIT: Duration = Duration::from_secs(1);

/// How far a command has come in one turn.
#[must_use = "a command that waits for D1 has no answer yet"]
pub enum Done<C: Carried> {
    /// The answer. D1 follows by the alarm, or with the next command that waits for it.
    Answer(C::Answer),
    /// The answer, and it stands. A list that follows agrees with it if D1 is brought up to date
    /// first: worth [`LIST_WAIT`].
    BestAfterDelivery(C::Answer),
    /// The answer, which says or implies that a token is revoked. It is held back until
    /// [`Ledger::is_final`] is true of this version (R41); D1 follows meanwhile, as for
    /// [`Done::BestAfterDelivery`].
    WhenFinal(i64, C::Answer),
    /// The answer depends on D1, for at most [`ANSWER_WAIT`]; [`Ledger::resume`] gives it.
    AfterDelivery(Waiting<C>),
}

/// A command that waits for D1. Only the machine that began it can end it; if this is dropped, the
/// command has no answer, and what it began is taken back.
#[must_use = "only `Ledger::resume` gives the answer"]
pub struct Waiting<C: Carried> {
    pub(crate) actor: Actor,
    pub(crate) wait: Wait,
    pub(crate) suspended: C::Suspended,
}

/// What a command waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Until D1 has this entry of the outbox.
    Entry(i64),
    /// Until D1 has this entry and has said whose row it has of the token.
    Row {
        /// The entry.
        entry: i64,
        /// The token.
        token: TokenId,
    },
    /// Until D1 was offered everything, whether it took it or not.
    Offer,
}

impl Wait {
    /// The entry that D1 has to have.
    pub fn entry(self) -> i64 {
        match self {
            Self::Entry(entry) | Self::Row { entry, .. } => entry,
            Self::Offer => i64::MAX,
        }
    }
}

impl<C: Carried> Waiting<C> {
    /// What it waits for.
    pub fn wait(&self) -> Wait {
        self.wait
    }
}

/// What became of a wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// D1 has the entry.
    Arrived {
        /// The organization of the row that D1 has of the token that was asked about.
        row_of: Option<OrganizationId>,
    },
    /// D1 does not have it, or did not answer.
    Failed {
        /// Why.
        cause: String,
    },
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Its actor is not active, or is no longer.
    Inactive(Inactive),
    /// It came by the name of another organization.
    Misdirected,
    /// The Ledger is being rebuilt: until that is over nobody is admitted, and nothing is written.
    Rebuilding,
    /// The organization is paused (R53), and this is for one of its tokens, or makes one.
    Paused,
    /// The database failed. What the turn has written must not stay.
    Failed(SqlError),
}

impl From<SqlError> for Stop {
    fn from(error: SqlError) -> Self {
        Self::Failed(error)
    }
}

impl From<Inactive> for Stop {
    fn from(inactive: Inactive) -> Self {
        Self::Inactive(inactive)
    }
}

/// What a turn with a command gives.
pub type Outcome<C> = Result<Done<C>, Stop>;

/// A command that a Ledger carries out.
pub trait Carried: Command {
    /// What it keeps while it waits for D1.
    type Suspended: Suspended<Self>;

    /// Whether it makes a token, or holds room for one: nobody has that done while the organization
    /// is paused.
    const CREATES: bool = false;

    /// Whether it ends this token and does nothing else: its holder can have that done in a pause
    /// too.
    #[doc(hidden)]
    fn ends(&self, _token: TokenId) -> bool {
        false
    }

    /// Carries it out, or as much of it as there is before D1 has to be waited for.
    #[doc(hidden)]
    fn begin<S: Sql>(self, ledger: &mut Ledger<S>, acting: Acting, now: Timestamp)
    -> Outcome<Self>;
}

/// The second half of a command that waits.
pub trait Suspended<C: Carried>: Sized {
    /// Ends the command.
    #[doc(hidden)]
    fn resume<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        now: Timestamp,
        actor: Actor,
        delivery: Delivery,
    ) -> Outcome<C>;
}

/// What a command keeps that never waits.
#[derive(Debug)]
pub enum Never {}

impl<C: Carried> Suspended<C> for Never {
    fn resume<S: Sql>(self, _: &mut Ledger<S>, _: Timestamp, _: Actor, _: Delivery) -> Outcome<C> {
        match self {}
    }
}
