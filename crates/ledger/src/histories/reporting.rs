//! Random reports of runs, of which the first stands.

use postern_domain::decide::RunFacts;
use postern_domain::id::{Id, RunId};

use super::world::World;
use crate::{BegunRun, Carried, Done, RunAnswer, RunCommand, RunsAnswer, RunsCommand};

impl World {
    pub fn any_run(&mut self) -> RunId {
        Id::from_u128(self.dice.roll(40) as u128)
    }

    /// An isolate reports runs, perhaps for the second time, and perhaps as another isolate did not.
    /// One of release 0.1.0 reports one.
    pub fn report(&mut self) {
        let actor = self.any_actor();
        let Some(token) = actor.token() else {
            return;
        };
        let many = self.dice.roll(4);
        let runs: Vec<_> = (0..=many).map(|_| self.any_begun_run()).collect();
        let now = self.now();
        let others = match runs.as_slice() {
            [BegunRun { run, facts }] => {
                let command = RunCommand {
                    run: *run,
                    facts: facts.clone(),
                    token,
                    at: now,
                };
                let Some(done) = self.begin(actor, command) else {
                    return;
                };
                let RunAnswer { pin, other } = answer(done);
                assert_eq!(pin, None);
                let other = other.map(|facts| BegunRun { run: *run, facts });
                other.into_iter().collect()
            }
            _ => {
                let runs = runs.clone();
                let Some(done) = self.begin(actor, RunsCommand { token, runs }) else {
                    return;
                };
                let RunsAnswer { pin, others } = answer(done);
                assert_eq!(pin, None);
                others
            }
        };
        self.model.prepare(now);
        let mut expected = Vec::new();
        for BegunRun { run, facts } in runs {
            let kept = self.model.runs.entry(run.as_u128());
            let kept = kept.or_insert_with(|| facts.clone());
            if *kept != facts {
                let facts = kept.clone();
                expected.push(BegunRun { run, facts });
            }
        }
        assert_eq!(others, expected);
    }

    fn any_begun_run(&mut self) -> BegunRun {
        let workflow = self.dice.pick(&["release", "deploy"]).expect("one");
        BegunRun {
            run: self.any_run(),
            facts: RunFacts {
                project: "shop".to_owned(),
                workflow: workflow.to_owned(),
                workflow_id: None,
                upstream: None,
            },
        }
    }
}

fn answer<C: Carried>(done: Done<C>) -> C::Answer {
    match done {
        Done::Answer(answer) => answer,
        _ => panic!("a report waits for nothing"),
    }
}
