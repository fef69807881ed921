//! Random reports of runs, of which the first stands.

use postern_domain::decide::RunFacts;
use postern_domain::id::{Id, RunId};

use super::world::World;
use crate::{Done, RunAnswer, RunCommand};

impl World {
    pub fn any_run(&mut self) -> RunId {
        Id::from_u128(self.dice.roll(40) as u128)
    }

    /// An isolate reports a run, perhaps for the second time, and perhaps as another isolate did not.
    pub fn report(&mut self) {
        let actor = self.any_actor();
        let Some(token) = actor.token() else {
            return;
        };
        let workflow = self.dice.pick(&["release", "deploy"]).expect("one");
        let (run, now) = (self.any_run(), self.now());
        let facts = RunFacts {
            project: "shop".to_owned(),
            workflow: workflow.to_owned(),
            workflow_id: None,
            upstream: None,
        };
        let command = RunCommand {
            run,
            facts: facts.clone(),
            token,
            at: now,
        };
        let Some(done) = self.begin(actor, command) else {
            return;
        };
        self.model.prepare(now);
        let kept = self.model.runs.entry(run.as_u128());
        let kept = kept.or_insert_with(|| facts.clone());
        let other = Some(kept.clone()).filter(|kept| *kept != facts);
        match done {
            Done::Answer(answer) => assert_eq!(answer, RunAnswer { pin: None, other }),
            _ => panic!("a report waits for nothing"),
        }
    }
}
