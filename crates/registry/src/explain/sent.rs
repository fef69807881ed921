//! The upstream credential that a call would be sent on with, by what the call itself would name.

use serde::Serialize;

use crate::error::Result;
use crate::ports::Ledgers;
use crate::upstream::ScopeView;
use postern_domain::decide::RunFacts;
use postern_domain::id::RunId;
use postern_domain::name::Label;
use postern_domain::operation::Operation;
use postern_domain::rpc::ProjectAt;
use postern_domain::token::TokenFacts;
use postern_domain::upstream::Reach;
use postern_ledger::{AdmitQuery, UpstreamQuery};

/// An upstream credential, without its text.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// How to tell it.
    digest: String,
    /// What it is set for.
    scope: ScopeView,
}

/// What a call names.
pub(super) struct Named<'r> {
    project: Option<String>,
    workflow: Option<String>,
    run: Option<(RunId, &'r RunFacts)>,
}

impl<'r> Named<'r> {
    /// What a question names, as far as the call has a place for it: where it has none, the
    /// credential is not chosen by that.
    pub fn by(
        operation: Operation,
        (project, workflow): (Option<String>, Option<String>),
        run: Option<(RunId, &'r RunFacts)>,
    ) -> Self {
        let [has_project, has_workflow, has_run] = match operation {
            Operation::Rpc(rpc) => [
                rpc.identity.project != ProjectAt::Nowhere,
                rpc.identity.workflow.is_some(),
                rpc.identity.run.is_some(),
            ],
            Operation::Route(route) => [
                route.project.is_some(),
                route.workflow.is_some(),
                route.run.is_some(),
            ],
            _ => [false; 3],
        };
        Self {
            project: project.filter(|_| has_project),
            workflow: workflow.filter(|_| has_workflow),
            run: run.filter(|_| has_run),
        }
    }
}

/// The credential that the call would be sent on with, or what none is set for. The Ledger says it,
/// as it would of the call.
pub(super) async fn sent<P: Ledgers>(
    facts: &TokenFacts,
    named: Named<'_>,
    ports: &P,
) -> Result<core::result::Result<Sent, Reach>> {
    let Named {
        project,
        workflow,
        run,
    } = named;
    let about = run.map(|(_, facts)| facts);
    // As a call: of a run that is known nothing else counts.
    let (project, workflow) = match about {
        Some(run) => (Some(run.project.as_str()), Some(run.workflow.as_str())),
        None => (project.as_deref(), workflow.as_deref()),
    };
    let label = |text: Option<&str>| Label::parse(text?).ok();
    let query = AdmitQuery {
        run: run.map(|(id, _)| id),
        upstream: Some(UpstreamQuery {
            project: label(project),
            workflow: label(workflow),
            is_exact: about.is_some(),
            began: about.and_then(|run| run.upstream),
        }),
        revision: facts.revision,
        ..AdmitQuery::look(facts.id)
    };
    let admission = ports.admit(facts.organization.id, query).await?;
    Ok(match admission.upstream {
        Some(given) => Ok(Sent {
            digest: given.digest.as_str().to_owned(),
            scope: (&given.reach).into(),
        }),
        None => Err(Reach::of_call(project, workflow, &facts.scope, about)),
    })
}
