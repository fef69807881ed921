//! Random pauses and resumes (R53), each answered as the model says.

use postern_domain::id::Id;
use postern_domain::organization::Pause;
use postern_domain::standing::Actor;

use super::world::World;
use crate::testing::{given, requester};
use crate::{PauseAnswer, PauseCommand, ResumeAnswer, ResumeCommand};

impl World {
    pub fn pause(&mut self) {
        let reason = self.dice.one_in(2).then(|| "a leak".to_owned());
        let command = PauseCommand {
            organization: Id::from_u128(1),
            reason: reason.clone(),
            paused_by: format!("admin-token:{}", self.step),
            respond_async: false,
            requester: requester(),
        };
        let pause = Pause {
            at: self.now(),
            by: command.paused_by.clone(),
            reason,
        };
        let (actor, now) = (self.any_actor(), self.now());
        let Some(done) = self.begin(actor, command) else {
            return;
        };
        let PauseAnswer::Paused { pause: told, .. } = given(done);
        self.model.prepare(now);
        assert_eq!(told, *self.model.pause.get_or_insert(pause));
    }

    /// Nobody whom the pause stops ends it.
    pub fn resume_tokens(&mut self) {
        let command = ResumeCommand {
            organization: Id::from_u128(1),
            requester: requester(),
        };
        let (now, existed) = (self.now(), self.model.exists);
        let Some(done) = self.begin(Actor::NotAToken, command) else {
            return;
        };
        let answer = given(done);
        if existed {
            self.model.prepare(now);
        }
        let expected = match self.model.pause.take() {
            Some(_) => ResumeAnswer::Resumed { at: now },
            None => ResumeAnswer::NotPaused,
        };
        assert_eq!(answer, expected);
    }
}
