//! StatusService and ContextService: what the origin is, and whom it takes the
//! caller for. Infoz and Statusz need no credential.

use tonic::{Request, Response, Status};

use super::{Service, items};
use crate::caller::Caller;
use crate::proto::context_service_server::ContextService;
use crate::proto::status_service_server::StatusService;
use crate::proto::{
    ContextServiceCurrentRequest, ContextServiceCurrentResponse, InfozRequest, InfozResponse,
    StatuszRequest, StatuszResponse, User, context_service_current_response as current,
};

/// What Infoz says of a version: not upstream's, since this is a sample.
pub(crate) const VERSION: &str = concat!("postern-origin-", env!("CARGO_PKG_VERSION"));

#[tonic::async_trait]
impl StatusService for Service {
    async fn infoz(&self, _: Request<InfozRequest>) -> Result<Response<InfozResponse>, Status> {
        Ok(Response::new(InfozResponse {
            version: VERSION.to_owned(),
            ..InfozResponse::default()
        }))
    }

    async fn statusz(
        &self,
        _: Request<StatuszRequest>,
    ) -> Result<Response<StatuszResponse>, Status> {
        // It needs nothing, so it is ready whenever it answers.
        Ok(Response::new(StatuszResponse {}))
    }
}

#[tonic::async_trait]
impl ContextService for Service {
    async fn current(
        &self,
        request: Request<ContextServiceCurrentRequest>,
    ) -> Result<Response<ContextServiceCurrentResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(ContextServiceCurrentResponse {
            result: Some(current::Result {
                current_user: Some(User {
                    id: caller.token_id,
                    email: "API-token@chainloop".to_owned(),
                    ..User::default()
                }),
                current_membership: None,
                current_cas_backend: Some(items::store()),
            }),
        }))
    }
}
