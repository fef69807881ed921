//! Reservations as they travel: room under an organization's limit of active tokens (R27), held for a
//! token that somebody else is making and that is to be registered here (R43).

use serde::{Deserialize, Serialize};

use postern_domain::id::ReservationId;

use crate::Command;

/// Most reservations of an organization at a time.
pub const MAX_RESERVATIONS: usize = 1_000;
/// For how long one can be held, in milliseconds.
pub const LONGEST_RESERVATION_MS: u32 = 600_000;

/// Hold room for one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReserveCommand {
    /// Its id, which the mint names that takes the room.
    pub id: ReservationId,
    /// Most active tokens of the organization, those included that room is held for; 0 = no limit.
    pub ceiling: u32,
    /// After how many milliseconds it ends by itself, at most [`LONGEST_RESERVATION_MS`].
    pub lasts_ms: u32,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ReserveAnswer {
    /// There is room, and it is held as long as this run of the Ledger lasts: a mint checks the
    /// limit again.
    Reserved,
    /// The organization has as many active tokens, and reservations, as it may have.
    CeilingReached {
        /// The limit that was reached.
        ceiling: u32,
    },
}

/// Hold the room no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnreserveCommand {
    /// Which.
    pub id: ReservationId,
}

impl Command for ReserveCommand {
    const NAME: &'static str = "reserve";
    type Answer = ReserveAnswer;
}

impl Command for UnreserveCommand {
    const NAME: &'static str = "unreserve";
    type Answer = ();
}
