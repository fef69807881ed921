//! The calls as tonic sees them: reads messages, asks `state`, and turns each
//! refusal into one gRPC status. Verifies no token: it wants to see one where
//! the control plane would.

mod attestation;
mod crafting;
pub(crate) mod items;
mod reading;
mod signing;
mod status;
mod workflows;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tonic::service::Routes;
use uuid::Uuid;

use crate::calls::MAX_BODY;
use crate::proto::attestation_service_server::AttestationServiceServer;
use crate::proto::attestation_state_service_server::AttestationStateServiceServer;
use crate::proto::cas_credentials_service_server::CasCredentialsServiceServer;
use crate::proto::context_service_server::ContextServiceServer;
use crate::proto::referrer_service_server::ReferrerServiceServer;
use crate::proto::signing_service_server::SigningServiceServer;
use crate::proto::status_service_server::StatusServiceServer;
use crate::proto::workflow_run_service_server::WorkflowRunServiceServer;
use crate::proto::workflow_service_server::WorkflowServiceServer;
use crate::state::{Refusal, State, require};

pub(crate) use reading::{discover, referrer};
pub(crate) use status::VERSION;

/// Longest message taken: as much as the gateway lets through. A control plane takes 4 MiB unless
/// it is told otherwise.
pub(crate) const MAX_MESSAGE: usize = MAX_BODY;

/// What the calls and the other routes share.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<State>>);

impl Shared {
    /// An empty state whose ids are its own.
    pub(crate) fn within(namespace: Uuid) -> Self {
        Self(Arc::new(Mutex::new(State::within(namespace))))
    }

    /// The state, for as long as the guard lives: never across an await.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // No code that holds the lock leaves a half-made change behind, so a
        // panic elsewhere does not spoil the state.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The services over a shared state; every other call is answered with
/// UNIMPLEMENTED.
pub(crate) fn routes(state: &Shared) -> Routes {
    let shared = || Service(state.clone());
    Routes::new(AttestationServiceServer::new(shared()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(
            AttestationStateServiceServer::new(shared()).max_decoding_message_size(MAX_MESSAGE),
        )
        .add_service(
            CasCredentialsServiceServer::new(shared()).max_decoding_message_size(MAX_MESSAGE),
        )
        .add_service(ContextServiceServer::new(shared()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(ReferrerServiceServer::new(shared()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(SigningServiceServer::new(shared()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(StatusServiceServer::new(shared()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(WorkflowServiceServer::new(shared()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(WorkflowRunServiceServer::new(shared()).max_decoding_message_size(MAX_MESSAGE))
}

/// Each service over the shared state.
#[derive(Debug)]
pub(crate) struct Service(pub(crate) Shared);

/// Accepts what the control plane's parser accepts: upper case, no hyphens,
/// braces and `urn:uuid:` included. A gateway has to agree with that.
pub(crate) fn run_id(text: &str) -> Result<Uuid, Refusal> {
    require("workflow_run_id", text)?;
    Uuid::parse_str(text).map_err(|error| Refusal::BadId(error.to_string()))
}
