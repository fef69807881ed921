//! APITokenService: making, listing and revoking the control plane's own tokens
//! (`internal/service/apitoken.go`). The answer of Create has the JWT, this one time.

use std::time::{Duration, SystemTime};

use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use super::{StrictService, subject};
use crate::failure::Failure;
use crate::proto::api_token_service_create_response::ApiTokenFull;
use crate::proto::api_token_service_list_request::{Scope, StatusFilter};
use crate::proto::api_token_service_server::ApiTokenService;
use crate::proto::{
    ApiTokenItem, ApiTokenServiceCreateRequest, ApiTokenServiceCreateResponse,
    ApiTokenServiceListRequest, ApiTokenServiceListResponse, ApiTokenServiceRevokeRequest,
    ApiTokenServiceRevokeResponse, IdentityReference, ScopedEntity,
};
use crate::state::{check_name, require};
use crate::strict::denied::Denied;
use crate::strict::tokens::{NewRow, Row};
use crate::strict::world::World;

#[tonic::async_trait]
impl ApiTokenService for StrictService {
    async fn create(
        &self,
        request: Request<ApiTokenServiceCreateRequest>,
    ) -> Result<Response<ApiTokenServiceCreateResponse>, Status> {
        let subject = subject(&request)?;
        let asked = request.into_inner();
        require("name", &asked.name)?;
        let reference = asked.project_reference.as_ref().filter(|one| is_set(one));
        if reference.is_none() && subject.needs_projects() {
            return Err(Denied::ProjectRequired.into());
        }
        if reference.is_none() && subject.is_organization_token() {
            return Err(Denied::NewTokenNeedsProject.into());
        }
        let project = reference.map(|one| subject.enter_by(one)).transpose()?;
        check_name("name", &asked.name)?;
        let new = NewRow {
            id: Uuid::new_v4(),
            name: asked.name,
            description: asked.description.unwrap_or_default(),
            organization: subject.organization,
            project,
            workflow: None,
            expires_in: asked.expires_in.map(lasts),
        };
        let mut world = self.0.lock();
        let World { tokens, key, .. } = &mut *world;
        let (row, jwt) = tokens.create(new, key, SystemTime::now())?;
        Ok(Response::new(ApiTokenServiceCreateResponse {
            result: Some(ApiTokenFull {
                item: Some(item(&row)),
                jwt,
            }),
        }))
    }

    async fn list(
        &self,
        request: Request<ApiTokenServiceListRequest>,
    ) -> Result<Response<ApiTokenServiceListResponse>, Status> {
        let subject = subject(&request)?;
        let asked = request.into_inner();
        let mut projects: Vec<Uuid> = subject
            .visible_projects()
            .unwrap_or_default()
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        if let Some(reference) = asked.project.as_ref().filter(|one| is_set(one)) {
            projects = vec![subject.enter_by(reference)?.0];
        }
        // A token of the organization sees none like itself, whatever it asks for.
        let scope = if subject.is_organization_token() {
            Scope::Project
        } else {
            asked.scope()
        };
        let wanted = |row: &&Row| {
            let project = row.project.as_ref().map(|(id, _)| *id);
            let scoped = match scope {
                Scope::Unspecified => true,
                Scope::Project => project.is_some(),
                Scope::Global => project.is_none(),
            };
            let standing = match asked.status_filter() {
                StatusFilter::Active => row.revoked_at.is_none(),
                StatusFilter::Revoked => row.revoked_at.is_some(),
                StatusFilter::All => true,
            };
            // An empty filter is none.
            let filtered = projects.is_empty() || project.is_some_and(|id| projects.contains(&id));
            scoped && standing && filtered
        };
        let world = self.0.lock();
        let rows = world.tokens.of(&subject.organization.id).filter(wanted);
        Ok(Response::new(ApiTokenServiceListResponse {
            result: rows.map(item).collect(),
        }))
    }

    async fn revoke(
        &self,
        request: Request<ApiTokenServiceRevokeRequest>,
    ) -> Result<Response<ApiTokenServiceRevokeResponse>, Status> {
        let subject = subject(&request)?;
        let id = Uuid::try_parse(&request.get_ref().id).map_err(|_| {
            let message = "validation error: id: value must be a valid UUID";
            Failure::new(Code::InvalidArgument, "", message)
        })?;
        let mut world = self.0.lock();
        let row = world.tokens.find(id);
        let row = row
            .filter(|row| row.organization.id == subject.organization.id)
            .filter(|row| row.revoked_at.is_none())
            .ok_or(Denied::UnknownToken)?;
        match &row.project {
            None if subject.needs_projects() => return Err(Denied::GlobalToken.into()),
            None if subject.is_organization_token() => {
                return Err(Denied::OrganizationToken.into());
            }
            None => {}
            Some((project, _)) => subject.may_enter(*project)?,
        }
        world.tokens.revoke(id, SystemTime::now())?;
        Ok(Response::new(ApiTokenServiceRevokeResponse {}))
    }
}

fn is_set(reference: &IdentityReference) -> bool {
    reference.id.is_some() || reference.name.is_some()
}

/// How long it lasts. What is negative is over at once; upstream, it is over already.
fn lasts(duration: prost_types::Duration) -> Duration {
    Duration::try_from(duration).unwrap_or_default()
}

fn item(row: &Row) -> ApiTokenItem {
    ApiTokenItem {
        id: row.id.to_string(),
        description: row.description.clone(),
        organization_id: row.organization.id.clone(),
        created_at: Some(row.created_at.into()),
        revoked_at: row.revoked_at.map(Into::into),
        expires_at: row.expires_at.map(Into::into),
        name: row.name.clone(),
        organization_name: row.organization.name.clone(),
        scoped_entity: row.project.as_ref().map(|(id, name)| ScopedEntity {
            r#type: "project".to_owned(),
            id: id.to_string(),
            name: name.clone(),
        }),
        last_used_at: row.last_used_at.map(Into::into),
    }
}
