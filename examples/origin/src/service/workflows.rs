//! WorkflowService and WorkflowRunService: workflows and runs as their owners
//! look at them. Verifies no attestation.

use std::time::SystemTime;

use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use super::{Service, items};
use crate::caller::Caller;
use crate::failure::Failure;
use crate::proto::workflow_run_service_server::WorkflowRunService;
use crate::proto::workflow_run_service_view_request::Ref;
use crate::proto::workflow_service_server::WorkflowService;
use crate::proto::{
    AttestationItem, CursorPaginationResponse, OffsetPaginationRequest, OffsetPaginationResponse,
    RunStatus, WorkflowRunServiceListRequest, WorkflowRunServiceListResponse,
    WorkflowRunServiceViewRequest, WorkflowRunServiceViewResponse, WorkflowServiceCreateRequest,
    WorkflowServiceCreateResponse, WorkflowServiceDeleteRequest, WorkflowServiceDeleteResponse,
    WorkflowServiceListRequest, WorkflowServiceListResponse, WorkflowServiceViewRequest,
    WorkflowServiceViewResponse, workflow_run_service_view_response as view,
};
use crate::state::{NewWorkflow, Refusal, Run, Workflow, check_name, require};

/// Entries on a page when nothing is asked for.
const PAGE: i32 = 10;

/// Most entries on a page.
const MAX_PAGE: i32 = 100;

#[tonic::async_trait]
impl WorkflowService for Service {
    async fn create(
        &self,
        request: Request<WorkflowServiceCreateRequest>,
    ) -> Result<Response<WorkflowServiceCreateResponse>, Status> {
        Caller::of(&request)?;
        let asked = request.into_inner();
        let new = NewWorkflow {
            project: &asked.project_name,
            name: &asked.name,
            contract_name: &asked.contract_name,
            contract: &asked.contract_bytes,
            team: &asked.team,
            description: &asked.description,
        };
        let created = self.0.lock().create(&new, SystemTime::now())?;
        Ok(Response::new(WorkflowServiceCreateResponse {
            result: Some(items::workflow(&created)),
        }))
    }

    async fn list(
        &self,
        request: Request<WorkflowServiceListRequest>,
    ) -> Result<Response<WorkflowServiceListResponse>, Status> {
        Caller::of(&request)?;
        let asked = request.into_inner();
        let (page, size) = page(asked.pagination.as_ref())?;
        let state = self.0.lock();
        let wanted = |workflow: &&Workflow| {
            workflow.name.contains(&asked.workflow_name)
                && workflow.team.contains(&asked.workflow_team)
                && workflow.description.contains(&asked.workflow_description)
                && (asked.project_names.is_empty()
                    || asked.project_names.contains(&workflow.project))
        };
        let found: Vec<_> = state
            .workflows()
            .filter(wanted)
            .map(items::workflow)
            .collect();
        let total = i32::try_from(found.len()).unwrap_or(i32::MAX);
        let skip = usize::try_from((page - 1).saturating_mul(size)).unwrap_or(usize::MAX);
        let take = usize::try_from(size).unwrap_or_default();
        Ok(Response::new(WorkflowServiceListResponse {
            result: found.into_iter().skip(skip).take(take).collect(),
            pagination: Some(OffsetPaginationResponse {
                page,
                page_size: size,
                total_count: total,
                total_pages: total.saturating_add(size - 1) / size,
            }),
        }))
    }

    async fn view(
        &self,
        request: Request<WorkflowServiceViewRequest>,
    ) -> Result<Response<WorkflowServiceViewResponse>, Status> {
        Caller::of(&request)?;
        let asked = request.into_inner();
        check_name("name", &asked.name)?;
        require("project_name", &asked.project_name)?;
        let mut state = self.0.lock();
        state.project(&asked.project_name)?;
        let workflow = state.workflow(&asked.project_name, &asked.name)?;
        Ok(Response::new(WorkflowServiceViewResponse {
            result: Some(items::workflow(workflow)),
        }))
    }

    async fn delete(
        &self,
        request: Request<WorkflowServiceDeleteRequest>,
    ) -> Result<Response<WorkflowServiceDeleteResponse>, Status> {
        Caller::of(&request)?;
        let asked = request.into_inner();
        check_name("name", &asked.name)?;
        require("project_name", &asked.project_name)?;
        self.0.lock().delete(&asked.project_name, &asked.name)?;
        Ok(Response::new(WorkflowServiceDeleteResponse {}))
    }
}

#[tonic::async_trait]
impl WorkflowRunService for Service {
    async fn list(
        &self,
        request: Request<WorkflowRunServiceListRequest>,
    ) -> Result<Response<WorkflowRunServiceListResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let mut state = self.0.lock();
        match (&*asked.project_name, &*asked.workflow_name) {
            ("", "") => {}
            ("", _) => {
                return Err(bad("project_name must be set if workflow_name is set"));
            }
            (project, "") => state.project(project)?,
            (project, workflow) => drop(state.workflow(project, workflow)?.id),
        }
        let (cursor, limit) = match &asked.pagination {
            None => ("", PAGE),
            Some(page) if page.limit == 0 => (&*page.cursor, PAGE),
            Some(page) if (1..=MAX_PAGE).contains(&page.limit) => (&*page.cursor, page.limit),
            Some(_) => return Err(bad("pagination.limit: must be 1 to 100")),
        };
        let wanted = |run: &&Run| {
            (asked.project_name.is_empty() || run.workflow.project == asked.project_name)
                && (asked.workflow_name.is_empty() || run.workflow.name == asked.workflow_name)
                && (asked.project_version_name.is_empty()
                    || run.version == asked.project_version_name)
                && (asked.status() == RunStatus::Unspecified || run.status == asked.status())
        };
        // The cursor is the id of the last run of the page before.
        let mut rest = state
            .runs_of(&caller)
            .rev()
            .skip_while(|run| !cursor.is_empty() && run.id.to_string() != cursor)
            .skip(usize::from(!cursor.is_empty()))
            .filter(wanted)
            .peekable();
        let mut result = Vec::new();
        while result.len() < usize::try_from(limit).unwrap_or_default()
            && let Some(run) = rest.next()
        {
            result.push(items::run(run));
        }
        let next_cursor = match (rest.peek(), result.last()) {
            (Some(_), Some(last)) => last.id.clone(),
            _ => String::new(),
        };
        Ok(Response::new(WorkflowRunServiceListResponse {
            result,
            pagination: Some(CursorPaginationResponse { next_cursor }),
        }))
    }

    async fn view(
        &self,
        request: Request<WorkflowRunServiceViewRequest>,
    ) -> Result<Response<WorkflowRunServiceViewResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let state = self.0.lock();
        let run = match &asked.r#ref {
            None => return Err(bad("ref: exactly one field is required in oneof")),
            Some(Ref::Id(id)) => {
                let id = view_id(id).ok_or_else(|| bad("id: value must be a valid UUID"))?;
                state.run_of(id, &caller).ok_or(Refusal::UnknownRunAlone)?
            }
            Some(Ref::Digest(digest)) => {
                require("digest", digest)?;
                state
                    .run_with_digest(digest, &caller)
                    .ok_or(Refusal::UnknownDigest)?
            }
        };
        let verification = asked.verify.then(|| view::VerificationResult {
            verified: false,
            failure_reason: "the sample verifies nothing".to_owned(),
        });
        Ok(Response::new(WorkflowRunServiceViewResponse {
            result: Some(view::Result {
                workflow_run: Some(items::run(run)),
                attestation: run.bundle.as_ref().map(|bundle| AttestationItem {
                    digest_in_cas_backend: bundle.digest(),
                    bundle: bundle.bytes().to_vec(),
                }),
                verification,
                org_name: run.organization.name.clone(),
            }),
        }))
    }
}

/// A UUID with hyphens, the one form that upstream takes here.
fn view_id(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    (text.len() == 36).then_some(id)
}

/// Which page, and how long it may be.
fn page(asked: Option<&OffsetPaginationRequest>) -> Result<(i32, i32), Status> {
    match asked {
        None => Ok((1, PAGE)),
        Some(asked) if asked.page >= 1 && (1..=MAX_PAGE).contains(&asked.page_size) => {
            Ok((asked.page, asked.page_size))
        }
        Some(_) => Err(bad("pagination: page from 1, page_size 1 to 100")),
    }
}

/// What upstream's validator would refuse.
fn bad(what: &str) -> Status {
    Failure::new(
        Code::InvalidArgument,
        "",
        format!("validation error: {what}"),
    )
    .into()
}
