//! Commands that wait for D1 come back: with a delivery, a failure, or not at all.

use postern_domain::id::Id;
use postern_domain::standing::Actor;
use postern_domain::time::Timestamp;

use super::model::{ModelState, Token};
use super::world::{Flight, Kind, World};
use crate::{
    Carried, CheckpointCommand, Delivery, Done, LimitsAnswer, LimitsCommand, MintAnswer,
    MintCommand, RotateAnswer, RotateCommand, Stop, Wait, Waiting,
};

impl World {
    /// Somebody comes back, or goes on waiting, or never comes back.
    pub fn land(&mut self) {
        if self.flights.is_empty() {
            return;
        }
        let flight = self.flights.swap_remove(self.dice.roll(self.flights.len()));
        if self.dice.one_in(25) {
            return;
        }
        let wait = match &flight.kind {
            Kind::Mint { waiting, .. } => waiting.wait(),
            Kind::Rotate { waiting, .. } => waiting.wait(),
            Kind::Limits(waiting) => waiting.wait(),
            Kind::Checkpoint(waiting) => waiting.wait(),
        };
        match self.delivery(wait) {
            Some(delivery) => self.come_back(flight, delivery),
            None => self.flights.push(flight),
        }
    }

    fn delivery(&mut self, wait: Wait) -> Option<Delivery> {
        let failed = |cause: &str| {
            Some(Delivery::Failed {
                cause: cause.to_owned(),
            })
        };
        if self.first_entry() <= wait.entry() && wait != Wait::Offer {
            return match self.dice.one_in(6) {
                true => failed("D1 did not answer in time"),
                false => None,
            };
        }
        let row_of = match wait {
            Wait::Row { .. } if self.d1.down || self.dice.one_in(10) => {
                return failed("D1 did not say whose row it has");
            }
            Wait::Row { token, .. } => self.d1.row_of(token),
            Wait::Entry(_) | Wait::Offer => None,
        };
        Some(Delivery::Arrived { row_of })
    }

    fn come_back(&mut self, flight: Flight, delivery: Delivery) {
        let actor = flight.actor;
        match flight.kind {
            Kind::Mint { waiting, id, birth } => {
                self.end_mint(actor, waiting, (id, birth), delivery);
            }
            Kind::Rotate {
                waiting,
                id,
                birth,
                old,
                retire_at,
            } => self.end_rotation(actor, waiting, (id, birth), (old, retire_at), delivery),
            Kind::Limits(waiting) => self.end_change(waiting, delivery),
            Kind::Checkpoint(waiting) => self.end_checkpoint(actor, waiting, delivery),
        }
    }

    /// Resumes a command. `None` = the process ended.
    fn resume<C: Carried>(
        &mut self,
        waiting: Waiting<C>,
        delivery: Delivery,
    ) -> Option<Result<C::Answer, Stop>> {
        let outcome = self.turn(|ledger, now| ledger.resume(now, waiting, delivery))?;
        Some(outcome.map(|done| match done {
            Done::Answer(answer) | Done::BestAfterDelivery(answer) | Done::WhenFinal(_, answer) => {
                answer
            }
            Done::AfterDelivery(_) => panic!("a command waits once"),
        }))
    }

    /// The pending token that somebody comes back for, if it was not taken back.
    fn awaited(&mut self, (id, birth): (u128, usize)) -> Option<&mut Token> {
        let token = self.model.tokens.get_mut(&id)?;
        let ours = token.birth == birth && token.awaited_until.take().is_some();
        ours.then_some(token)
    }

    /// Why a new token is refused, if it is.
    fn end_mint(
        &mut self,
        actor: Actor,
        waiting: Waiting<MintCommand>,
        (id, birth): (u128, usize),
        delivery: Delivery,
    ) {
        let now = self.now();
        let Some(answer) = self.resume(waiting, delivery.clone()) else {
            return;
        };
        let acting = self.model.acting(actor, now);
        let Some(token) = self.awaited((id, birth)) else {
            return assert_eq!(answer, Ok(MintAnswer::RevokedMeanwhile), "token {id}");
        };
        let (adopted, state, quarantined) = (token.adopted, token.state, token.quarantined);
        let row_of = match delivery {
            Delivery::Failed { cause } => {
                self.model.abandon(id, now);
                return assert_eq!(answer, Ok(MintAnswer::RecordUnavailable { cause }));
            }
            Delivery::Arrived { row_of } => row_of,
        };
        if adopted && row_of != Some(Id::from_u128(1)) {
            self.model.abandon(id, now);
            return assert_eq!(answer, Ok(MintAnswer::IdTaken { revoked: false }));
        }
        if let Err(stop) = acting {
            self.model.abandon(id, now);
            return assert_eq!(answer, Err(stop));
        }
        let expected = match (state, quarantined) {
            (ModelState::Revoked, _) => MintAnswer::RevokedMeanwhile,
            (_, true) => MintAnswer::QuarantinedMeanwhile,
            (_, false) => MintAnswer::Minted,
        };
        self.make_live(id);
        assert_eq!(answer, Ok(expected), "token {id}");
    }

    fn end_rotation(
        &mut self,
        actor: Actor,
        waiting: Waiting<RotateCommand>,
        (id, birth): (u128, usize),
        ((old, revision), retire_at): ((u128, u32), Timestamp),
        delivery: Delivery,
    ) {
        let now = self.now();
        let Some(answer) = self.resume(waiting, delivery.clone()) else {
            return;
        };
        let is_same = |old: &Token| old.revision == revision;
        let is_same = self.model.tokens.get(&old).is_some_and(is_same);
        let (acting, rotatable) = (
            self.model.acting(actor, now),
            is_same && self.model.rotatable(old),
        );
        let Some(successor) = self.awaited((id, birth)) else {
            return assert_eq!(answer, Ok(RotateAnswer::RevokedMeanwhile), "token {id}");
        };
        let revoked = successor.state == ModelState::Revoked;
        if let Delivery::Failed { cause } = delivery {
            self.model.abandon(id, now);
            return assert_eq!(answer, Ok(RotateAnswer::RecordUnavailable { cause }));
        }
        if let Err(stop) = acting {
            self.model.abandon(id, now);
            return assert_eq!(answer, Err(stop));
        }
        if !rotatable {
            self.model.abandon(id, now);
            return assert_eq!(answer, Ok(RotateAnswer::NotLive));
        }
        if revoked {
            return assert_eq!(answer, Ok(RotateAnswer::RevokedMeanwhile));
        }
        self.make_live(id);
        let retired = self.model.tokens.get_mut(&old).expect("a token");
        retired.end = Some(retire_at);
        if retire_at <= now {
            retired.state = ModelState::Revoked;
            self.model.finals.insert(old);
        }
        assert_eq!(answer, Ok(RotateAnswer::Rotated { description: None }));
    }

    fn make_live(&mut self, id: u128) {
        let token = self.model.tokens.get_mut(&id).expect("a token");
        if token.state == ModelState::Pending {
            token.state = ModelState::Live;
            // No token is active that no list shows.
            let row_of = self.d1.row_of(Id::from_u128(id));
            assert_eq!(row_of, Some(Id::from_u128(1)), "{id} has no row in D1");
        }
    }

    fn end_change(&mut self, waiting: Waiting<LimitsCommand>, delivery: Delivery) {
        let Some(answer) = self.resume(waiting, delivery.clone()) else {
            return;
        };
        let expected = match delivery {
            Delivery::Arrived { .. } => LimitsAnswer::Changed,
            Delivery::Failed { cause } => LimitsAnswer::RecordUnavailable { cause },
        };
        assert_eq!(answer, Ok(expected));
    }

    fn end_checkpoint(
        &mut self,
        actor: Actor,
        waiting: Waiting<CheckpointCommand>,
        delivery: Delivery,
    ) {
        let acting = self.model.acting(actor, self.now());
        match self.resume(waiting, delivery) {
            Some(Ok(signed)) => {
                self.signed
                    .push(serde_json::to_string(&signed).expect("serializes"));
            }
            Some(Err(stop)) => assert_eq!(Err(stop), acting),
            None => {}
        }
    }
}
