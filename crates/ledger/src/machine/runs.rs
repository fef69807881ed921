//! Runs of the origin (R32), and what was signed for tokens of earlier releases: both are learned, and
//! the first word on each stands.

use postern_domain::decide::RunFacts;
use postern_domain::id::{RunId, TokenId, WorkflowId};
use postern_domain::time::Timestamp;
use postern_domain::token::{TokenFacts, Verifier};

use super::{Acting, Ledger};
use crate::done::{Carried, Done, Never, Outcome, Stop};
use crate::sql::{Result, Sql, SqlError};
use crate::{BegunRun, BindCommand, RunAnswer, RunCommand, RunsAnswer, RunsCommand};

impl Carried for RunsCommand {
    type Suspended = Never;

    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        ledger.learn(self, acting, now).map(Done::Answer)
    }
}

impl Carried for RunCommand {
    type Suspended = Never;

    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        let Self {
            run, facts, token, ..
        } = self;
        let runs = vec![BegunRun { run, facts }];
        let told = ledger.learn(RunsCommand { token, runs }, acting, now)?;
        let RunsAnswer { pin, mut others } = told;
        let other = others.pop().map(|other| other.facts);
        Ok(Done::Answer(RunAnswer { pin, other }))
    }
}

impl Carried for BindCommand {
    type Suspended = Never;

    fn begin<S: Sql>(self, ledger: &mut Ledger<S>, _: Acting, _: Timestamp) -> Outcome<Self> {
        if !ledger.store.exists()? {
            return Ok(Done::Answer(None));
        }
        let Some(mut stored) = ledger.store.token(self.token)? else {
            return Ok(Done::Answer(None));
        };
        if stored.facts.unbound() {
            stored.facts.verifier = Verifier::Jwt {
                signed: Some(self.signed),
            };
            ledger.store.set_facts(&stored.facts)?;
        }
        Ok(Done::Answer(Some(stored.facts)))
    }
}

impl<S: Sql> Ledger<S> {
    /// Stores runs that calls of a token have brought, and says what is known then.
    fn learn(
        &mut self,
        command: RunsCommand,
        acting: Acting,
        now: Timestamp,
    ) -> core::result::Result<RunsAnswer, Stop> {
        self.prepare_write(acting, now)?;
        let RunsCommand { token, runs } = command;
        let Some(stored) = self.store.token(token)? else {
            let error = SqlError("runs of an unknown token".to_owned());
            return Err(Stop::Failed(error));
        };
        let mut told = RunsAnswer::default();
        for BegunRun { run, facts } in runs {
            self.store.insert_run(run, &facts)?;
            let (kept, pin) = self.known_run(run, token, Some(&stored.facts))?;
            told.pin = told.pin.or(pin);
            if let Some(kept) = kept.filter(|kept| *kept != facts) {
                told.others.push(BegunRun { run, facts: kept });
            }
        }
        Ok(told)
    }

    /// What is known of a run, and the workflow that the token is for, which a run of it tells.
    pub(super) fn known_run(
        &self,
        run: RunId,
        token: TokenId,
        facts: Option<&TokenFacts>,
    ) -> Result<(Option<RunFacts>, Option<WorkflowId>)> {
        let run = self.store.run_facts(run)?;
        let pin = match (&run, facts) {
            (Some(run), Some(facts)) if run.is_of(&facts.scope) => {
                self.store.pin(token, run.workflow_id)?
            }
            _ => None,
        };
        Ok((run, pin))
    }
}
