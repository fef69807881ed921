//! The services of strict mode: what the control plane's own services check, around those of the
//! sample, which do the work for one organization.

mod api_token;
mod artifacts;
mod attestation;
mod attestation_state;
mod people;
mod workflow;

use tonic::service::Routes;
use tonic::{Request, Status};

use super::Strict;
use super::denied::Denied;
use super::subject::Subject;
use crate::proto::api_token_service_server::ApiTokenServiceServer;
use crate::proto::attestation_service_server::AttestationServiceServer;
use crate::proto::attestation_state_service_server::AttestationStateServiceServer;
use crate::proto::cas_credentials_service_server::CasCredentialsServiceServer;
use crate::proto::cas_redirect_service_server::CasRedirectServiceServer;
use crate::proto::context_service_server::ContextServiceServer;
use crate::proto::referrer_service_server::ReferrerServiceServer;
use crate::proto::signing_service_server::SigningServiceServer;
use crate::proto::status_service_server::StatusServiceServer;
use crate::proto::user_service_server::UserServiceServer;
use crate::proto::workflow_run_service_server::WorkflowRunServiceServer;
use crate::proto::workflow_service_server::WorkflowServiceServer;
use crate::service::{MAX_MESSAGE, Service, Shared};

/// Each service over the control plane.
#[derive(Debug, Clone)]
struct StrictService(Strict);

/// The services; every other call that the chain lets through is answered with UNIMPLEMENTED.
pub(super) fn routes(strict: &Strict) -> Routes {
    let this = || StrictService(strict.clone());
    // These look at nothing that an organization has.
    let sample = || Service(Shared::default());
    Routes::new(AttestationServiceServer::new(this()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(
            AttestationStateServiceServer::new(this()).max_decoding_message_size(MAX_MESSAGE),
        )
        .add_service(ApiTokenServiceServer::new(this()))
        .add_service(CasCredentialsServiceServer::new(this()))
        .add_service(CasRedirectServiceServer::new(this()))
        .add_service(ReferrerServiceServer::new(this()))
        .add_service(UserServiceServer::new(this()))
        .add_service(WorkflowServiceServer::new(this()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(WorkflowRunServiceServer::new(this()))
        .add_service(ContextServiceServer::new(this()))
        .add_service(SigningServiceServer::new(sample()))
        .add_service(StatusServiceServer::new(sample()))
}

/// Whose call it is: the chain has said so.
fn subject<T>(request: &Request<T>) -> Result<Subject, Status> {
    let subject = request.extensions().get::<Subject>();
    subject.cloned().ok_or_else(|| Denied::NoSubject.into())
}

/// The sample's services for the organization of the caller.
fn sample(subject: &Subject) -> Service {
    Service(subject.state.clone())
}
