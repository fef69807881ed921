//! Commands that tell a Ledger of the origin's runs (R32).

use serde::{Deserialize, Serialize};

use postern_domain::decide::RunFacts;
use postern_domain::id::{RunId, TokenId, WorkflowId};
use postern_domain::time::Timestamp;

/// Most runs that one command tells of. More that wait go with the next.
pub const MAX_RUNS: usize = 100;

/// A run of the origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BegunRun {
    /// Its id at the origin.
    pub run: RunId,
    /// Its project and workflow by name, and the workflow's id if the origin told it.
    pub facts: RunFacts,
}

/// Store runs that calls of one token have brought, so that calls that name them can be decided
/// (R32).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunsCommand {
    /// The token whose calls brought them.
    pub token: TokenId,
    /// The runs, in the order in which they were learned; at most [`MAX_RUNS`].
    pub runs: Vec<BegunRun>,
}

/// What is known once runs are stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunsAnswer {
    /// The origin's id of the workflow that the token is for, where one of the runs belongs to it. The
    /// first one learned stands, so a workflow made anew under the same name is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<WorkflowId>,
    /// The runs that are known as something else than was reported: the first word on a run stands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<BegunRun>,
}

impl RunsCommand {
    /// The same of one run, which 0.1.0 understands as well; `None` where it tells of several.
    pub fn single(&self, at: Timestamp) -> Option<RunCommand> {
        match self.runs.as_slice() {
            [BegunRun { run, facts }] => Some(RunCommand {
                run: *run,
                facts: facts.clone(),
                token: self.token,
                at,
            }),
            _ => None,
        }
    }
}

/// [`RunsCommand`] with one run: all that release 0.1.0 knows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunCommand {
    /// The run.
    pub run: RunId,
    /// What it belongs to.
    pub facts: RunFacts,
    /// The token whose call brought it.
    pub token: TokenId,
    /// When the origin had answered. No release reads it.
    pub at: Timestamp,
}

/// [`RunsAnswer`] for one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunAnswer {
    /// The origin's id of the workflow that the token is for.
    pub pin: Option<WorkflowId>,
    /// What the run belongs to, where that is not what was reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<RunFacts>,
}

impl RunAnswer {
    /// The answer about this run, as one about several.
    pub fn about(self, run: RunId) -> RunsAnswer {
        let other = self.other.map(|facts| BegunRun { run, facts });
        RunsAnswer {
            pin: self.pin,
            others: other.into_iter().collect(),
        }
    }
}
