//! Random events, refusals, limits and checkpoints.

use postern_domain::audit::Action;
use postern_domain::id::Id;
use postern_domain::leak::OnLeak;

use super::world::{Flight, Kind, World};
use crate::testing::requester;
use crate::{ArtifactCommand, CheckpointCommand, Done, LimitsCommand, NoteCommand, RefusalCommand};

impl World {
    /// An artifact credential is handed out. Every event is in the export in the end.
    pub fn hand_out(&mut self) {
        let actor = self.any_actor();
        let Some(token) = actor.token() else {
            return self.note();
        };
        let command = ArtifactCommand {
            token,
            target: Some(format!("run:{}", self.any_run())),
            call: "AttestationService/GetUploadCreds".to_owned(),
            role: Some("uploader".to_owned()),
            requester: requester(),
        };
        let now = self.now();
        if let Some(done) = self.begin(actor, command) {
            assert!(matches!(done, Done::Answer(())));
            self.model.prepare(now);
        }
    }

    pub fn note(&mut self) {
        let command = NoteCommand {
            organization: Id::from_u128(1),
            action: Action::ProjectCreate,
            target: Some("project:shop".to_owned()),
            requester: requester(),
        };
        let (actor, now) = (self.any_actor(), self.now());
        if self.begin(actor, command).is_some() {
            self.model.prepare(now);
        }
    }

    pub fn refuse(&mut self) {
        let outcome = self.dice.pick(&["name_taken", "ceiling"]).expect("one");
        let command = RefusalCommand {
            organization: Id::from_u128(1),
            outcome: outcome.to_owned(),
            target: None,
            requester: requester(),
        };
        let (actor, now) = (self.any_actor(), self.now());
        if self.begin(actor, command).is_some() {
            self.model.prepare(now);
            self.model.refused += 1;
        }
    }

    pub fn change_limits(&mut self) {
        let ceiling = Some(u32::try_from(self.dice.roll(50)).expect("small"));
        let command = LimitsCommand {
            organization: Id::from_u128(1),
            mint_ceiling: ceiling,
            max_idle_days: 0,
            on_leak: OnLeak::Revoke,
            changes: serde_json::Map::new(),
            requester: requester(),
        };
        let (actor, now) = (self.any_actor(), self.now());
        let Some(done) = self.begin(actor, command) else {
            return;
        };
        self.model.prepare(now);
        self.model.limits = ceiling;
        let Done::AfterDelivery(waiting) = done else {
            panic!("a change of limits waits for D1");
        };
        let kind = Kind::Limits(waiting);
        self.flights.push(Flight { actor, kind });
    }

    pub fn checkpoint(&mut self) {
        let command = CheckpointCommand {
            organization: Id::from_u128(1),
            keep: self.dice.one_in(2),
        };
        let (actor, now, existed) = (self.any_actor(), self.now(), self.model.exists);
        let Some(done) = self.begin(actor, command) else {
            return;
        };
        if existed {
            self.model.prepare(now);
        }
        match done {
            Done::Answer(signed) => {
                assert!(!existed, "signed before D1 was offered the events");
                self.signed
                    .push(serde_json::to_string(&signed).expect("serializes"));
            }
            Done::AfterDelivery(waiting) => {
                let kind = Kind::Checkpoint(waiting);
                self.flights.push(Flight { actor, kind });
            }
            Done::BestAfterDelivery(_) | Done::WhenFinal(..) => {
                panic!("signed before D1 was offered the events")
            }
        }
    }
}
