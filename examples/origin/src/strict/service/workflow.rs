//! WorkflowService and WorkflowRunService: what a token for one project sees of them
//! (`internal/service/{workflow,workflowrun}.go`). Workflow tokens are project tokens here.

use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{StrictService, sample, subject};
use crate::proto::workflow_run_service_server::WorkflowRunService;
use crate::proto::workflow_run_service_view_request::Ref;
use crate::proto::workflow_service_server::WorkflowService;
use crate::proto::{
    WorkflowRunServiceListRequest, WorkflowRunServiceListResponse, WorkflowRunServiceViewRequest,
    WorkflowRunServiceViewResponse, WorkflowServiceCreateRequest, WorkflowServiceCreateResponse,
    WorkflowServiceDeleteRequest, WorkflowServiceDeleteResponse, WorkflowServiceListRequest,
    WorkflowServiceListResponse, WorkflowServiceViewRequest, WorkflowServiceViewResponse,
};
use crate::state::require;
use crate::strict::denied::Denied;

/// No project has this name: what a list is kept to when nothing is visible.
const NOWHERE: &str = "-";

#[tonic::async_trait]
impl WorkflowService for StrictService {
    async fn create(
        &self,
        request: Request<WorkflowServiceCreateRequest>,
    ) -> Result<Response<WorkflowServiceCreateResponse>, Status> {
        let subject = subject(&request)?;
        let asked = request.get_ref();
        require("project_name", &asked.project_name)?;
        match subject.enter(&asked.project_name) {
            Ok(_) => {}
            Err(Denied::NoProject(_)) => subject.may_make_projects()?,
            Err(denied) => return Err(denied.into()),
        }
        sample(&subject).create(request).await
    }

    async fn list(
        &self,
        request: Request<WorkflowServiceListRequest>,
    ) -> Result<Response<WorkflowServiceListResponse>, Status> {
        let subject = subject(&request)?;
        let mut request = request;
        let asked = &mut request.get_mut().project_names;
        if let Some(visible) = subject.visible_projects() {
            let visible: Vec<String> = visible.into_iter().map(|(_, name)| name).collect();
            *asked = match &**asked {
                [] => visible,
                some => {
                    let mut both = some.to_vec();
                    both.retain(|name| visible.contains(name));
                    both
                }
            };
            if asked.is_empty() {
                asked.push(NOWHERE.to_owned());
            }
        }
        WorkflowService::list(&sample(&subject), request).await
    }

    async fn view(
        &self,
        request: Request<WorkflowServiceViewRequest>,
    ) -> Result<Response<WorkflowServiceViewResponse>, Status> {
        let subject = subject(&request)?;
        let asked = request.get_ref();
        require("project_name", &asked.project_name)?;
        subject.enter(&asked.project_name)?;
        WorkflowService::view(&sample(&subject), request).await
    }

    async fn delete(
        &self,
        request: Request<WorkflowServiceDeleteRequest>,
    ) -> Result<Response<WorkflowServiceDeleteResponse>, Status> {
        let subject = subject(&request)?;
        let asked = request.get_ref();
        require("project_name", &asked.project_name)?;
        subject.enter(&asked.project_name)?;
        sample(&subject).delete(request).await
    }
}

#[tonic::async_trait]
impl WorkflowRunService for StrictService {
    async fn list(
        &self,
        request: Request<WorkflowRunServiceListRequest>,
    ) -> Result<Response<WorkflowRunServiceListResponse>, Status> {
        let subject = subject(&request)?;
        let mut request = request;
        let asked = request.get_mut();
        if !asked.project_name.is_empty() {
            subject.enter(&asked.project_name)?;
        } else if let Some(visible) = subject.visible_projects() {
            let Some((_, only)) = visible.into_iter().next() else {
                return Ok(Response::new(WorkflowRunServiceListResponse::default()));
            };
            asked.project_name = only;
        }
        WorkflowRunService::list(&sample(&subject), request).await
    }

    async fn view(
        &self,
        request: Request<WorkflowRunServiceViewRequest>,
    ) -> Result<Response<WorkflowRunServiceViewResponse>, Status> {
        let subject = subject(&request)?;
        let project = {
            let state = subject.state.lock();
            let run = match &request.get_ref().r#ref {
                Some(Ref::Id(id)) => Uuid::try_parse(id).ok().and_then(|id| state.run(id)),
                Some(Ref::Digest(digest)) => state.run_with_digest(digest, &subject.caller),
                None => None,
            };
            run.map(|run| run.workflow.project_id)
        };
        if let Some(project) = project {
            subject.may_enter(project)?;
        }
        WorkflowRunService::view(&sample(&subject), request).await
    }
}
