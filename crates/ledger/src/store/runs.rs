//! Runs of the origin, and the workflow that a token is for (R32). The first word on either stands.

use postern_domain::decide::RunFacts;
use postern_domain::id::{RunId, TokenId, WorkflowId};

use super::Store;
use crate::sql::{self, Result, Sql, SqlError};

impl<S: Sql> Store<S> {
    /// What is known of a run.
    pub fn run_facts(&self, run: RunId) -> Result<Option<RunFacts>> {
        let query = "select facts from runs where id = ?";
        match self.first(query, &[sql::text(run)])? {
            Some(mut row) => Ok(Some(serde_json::from_str(&row.text()?)?)),
            None => Ok(None),
        }
    }

    /// Remembers a run. Which upstream credential it began under only the isolate knows that sent the
    /// call which began it: where another one was heard first, that is added (R42).
    pub fn insert_run(&self, run: RunId, facts: &RunFacts) -> Result<()> {
        let values = [sql::text(run), sql::text(serde_json::to_string(facts)?)];
        let query = "insert into runs (id, facts) values (?, ?) on conflict (id) do nothing";
        self.run(query, &values)?;
        if facts.upstream.is_none() {
            return Ok(());
        }
        match self.run_facts(run)? {
            Some(kept) if kept.upstream.is_none() => {
                let facts = RunFacts {
                    upstream: facts.upstream,
                    ..kept
                };
                let values = [sql::text(serde_json::to_string(&facts)?), sql::text(run)];
                self.run("update runs set facts = ? where id = ?", &values)
            }
            _ => Ok(()),
        }
    }

    /// The origin's id of the workflow that a token is for; learned from this run if there is none
    /// yet.
    pub fn pin(&self, token: TokenId, learned: Option<WorkflowId>) -> Result<Option<WorkflowId>> {
        let query = "select workflow from pins where token = ?";
        if let Some(mut row) = self.first(query, &[sql::text(token)])? {
            let id = row.text()?;
            let pin = WorkflowId::parse(&id);
            return pin
                .map(Some)
                .map_err(|_| SqlError(format!("`{id}` is no id")));
        }
        if let Some(workflow) = learned {
            let query = "insert into pins (token, workflow) values (?, ?)";
            self.run(query, &[sql::text(token), sql::text(workflow)])?;
        }
        Ok(learned)
    }
}
