//! Room under the limit of active tokens, held for tokens that the origin is making (R43). It is in
//! memory alone: what a lost reservation held room for meets the limit when it is registered, and is
//! refused there if it must be.

use std::collections::HashMap;

use postern_domain::id::ReservationId;
use postern_domain::time::Timestamp;

use super::{Acting, Ledger};
use crate::done::{Carried, Done, Never, Outcome};
use crate::reservation::{
    LONGEST_RESERVATION_MS, MAX_RESERVATIONS, ReserveAnswer, ReserveCommand, UnreserveCommand,
};
use crate::sql::{Result, Sql};

/// Until when room is held, by reservation.
#[derive(Debug, Default)]
pub struct Reservations(HashMap<ReservationId, Timestamp>);

impl Reservations {
    /// How many hold room now, without this one.
    fn besides(&mut self, own: Option<ReservationId>, now: Timestamp) -> usize {
        self.0.retain(|_, until| now < *until);
        let others = self.0.keys().filter(|id| Some(**id) != own);
        others.count()
    }

    /// Ends one.
    pub fn end(&mut self, id: ReservationId) {
        self.0.remove(&id);
    }
}

impl<S: Sql> Ledger<S> {
    /// Whether one more token would exceed the limit, beside those that room is held for. The room
    /// of a token's own reservation is its own.
    pub(super) fn exceeds(
        &mut self,
        ceiling: u32,
        own: Option<ReservationId>,
        now: Timestamp,
    ) -> Result<bool> {
        if ceiling == 0 {
            return Ok(false);
        }
        let reserved = self.reservations.besides(own, now);
        let active = match self.store.exists()? {
            true => self.store.counted(now)?,
            false => 0,
        };
        let reserved = i64::try_from(reserved).unwrap_or(i64::MAX);
        Ok(active.saturating_add(reserved) >= i64::from(ceiling))
    }

    /// The limit that is left to rotations, beside what room is held for.
    pub(super) fn left_of(&mut self, ceiling: u32, now: Timestamp) -> u32 {
        let reserved = self.reservations.besides(None, now);
        ceiling.saturating_sub(u32::try_from(reserved).unwrap_or(u32::MAX))
    }
}

impl Carried for ReserveCommand {
    type Suspended = Never;

    const CREATES: bool = true;

    fn begin<S: Sql>(self, ledger: &mut Ledger<S>, _: Acting, now: Timestamp) -> Outcome<Self> {
        let ceiling = self.ceiling;
        let is_full = ledger.reservations.besides(Some(self.id), now) >= MAX_RESERVATIONS;
        if is_full || ledger.exceeds(ceiling, Some(self.id), now)? {
            return Ok(Done::Answer(ReserveAnswer::CeilingReached { ceiling }));
        }
        let lasts_ms = self.lasts_ms.min(LONGEST_RESERVATION_MS);
        let until = now.plus_millis(lasts_ms.into());
        ledger.reservations.0.insert(self.id, until);
        Ok(Done::Answer(ReserveAnswer::Reserved))
    }
}

impl Carried for UnreserveCommand {
    type Suspended = Never;

    fn begin<S: Sql>(self, ledger: &mut Ledger<S>, _: Acting, _: Timestamp) -> Outcome<Self> {
        ledger.reservations.end(self.id);
        Ok(Done::Answer(()))
    }
}
