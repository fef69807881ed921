//! Messages that several calls answer with, made from the state. Reads nothing
//! else, and decides nothing.

use uuid::Uuid;

use crate::proto::workflow_contract_version_item::RawBody;
use crate::proto::workflow_contract_version_item::raw_body::Format;
use crate::proto::{
    CasBackendItem, ProjectVersion, WorkflowContractVersionItem, WorkflowItem, WorkflowRunItem,
    cas_backend_item,
};
use crate::state::{Run, Workflow};

/// Longest artifact that the store says it takes.
const MAX_ARTIFACT: i64 = 100 * 1024 * 1024;

pub(crate) fn workflow(workflow: &Workflow) -> WorkflowItem {
    WorkflowItem {
        id: workflow.id.to_string(),
        name: workflow.name.clone(),
        project: workflow.project.clone(),
        project_id: workflow.project_id.to_string(),
        team: workflow.team.clone(),
        created_at: Some(workflow.created_at.into()),
        runs_count: workflow.runs,
        contract_name: workflow.contract_name.clone(),
        contract_revision_latest: workflow.revision(),
        description: workflow.description.clone(),
        ..WorkflowItem::default()
    }
}

pub(crate) fn run(run: &Run) -> WorkflowRunItem {
    let version = (!run.version.is_empty()).then(|| ProjectVersion {
        id: Uuid::new_v5(&run.workflow.project_id, run.version.as_bytes()).to_string(),
        version: run.version.clone(),
        prerelease: true,
        latest: true,
    });
    WorkflowRunItem {
        id: run.id.to_string(),
        created_at: Some(run.created_at.into()),
        finished_at: run.finished_at.map(Into::into),
        reason: run.reason.clone(),
        workflow: Some(Box::new(workflow(&run.workflow))),
        job_url: run.job_url.clone(),
        runner_type: run.runner.into(),
        contract_revision_used: run.contract_revision,
        contract_revision_latest: run.workflow.revision(),
        status: run.status.into(),
        version,
        ..WorkflowRunItem::default()
    }
}

/// A revision of a workflow's contract.
pub(crate) fn contract(
    workflow: &Workflow,
    revision: i32,
    body: &[u8],
) -> WorkflowContractVersionItem {
    WorkflowContractVersionItem {
        id: Uuid::new_v5(&workflow.id, b"contract").to_string(),
        revision,
        created_at: Some(workflow.created_at.into()),
        raw_contract: Some(RawBody {
            body: body.to_vec(),
            format: Format::Yaml.into(),
        }),
        contract_name: workflow.contract_name.clone(),
        description: String::new(),
    }
}

/// The store that everything is said to go to. Nothing is behind it.
pub(crate) fn store() -> CasBackendItem {
    CasBackendItem {
        id: Uuid::new_v5(&Uuid::NAMESPACE_URL, b"postern-origin/store").to_string(),
        location: "sample".to_owned(),
        description: "a store that takes nothing".to_owned(),
        provider: "SAMPLE".to_owned(),
        default: true,
        limits: Some(cas_backend_item::Limits {
            max_bytes: MAX_ARTIFACT,
        }),
        name: "sample".to_owned(),
        ..CasBackendItem::default()
    }
}

/// A credential for that store: good for nothing, and different each time.
pub(crate) fn store_credential(role: &str) -> String {
    format!("sample-{role}-{}", Uuid::new_v4().simple())
}
