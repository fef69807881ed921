//! The state of the attestation in the making, where the server keeps it between the commands.

use prost::Message as _;

use super::{Sequence, Stopped};
use crate::client::Endpoint;
use crate::digest::sha256_hex;
use crate::proto::attestation_state_service_client::AttestationStateServiceClient;
use crate::proto::{
    AttestationStateServiceInitializedRequest, AttestationStateServiceReadRequest,
    AttestationStateServiceResetRequest, AttestationStateServiceSaveRequest, CraftedAttestation,
    CraftingState, WorkflowMetadata,
};

impl Sequence {
    fn states(&self) -> AttestationStateServiceClient<Endpoint> {
        self.endpoint
            .client(AttestationStateServiceClient::with_origin)
    }

    pub(super) async fn load_if_remote(&mut self) -> Result<(), Stopped> {
        if self.plan.remote_state {
            self.load().await
        } else {
            Ok(())
        }
    }

    /// Asks whether there is a state, and reads it.
    pub(super) async fn load(&mut self) -> Result<(), Stopped> {
        let request = AttestationStateServiceInitializedRequest {
            workflow_run_id: self.run.clone(),
        };
        let there = self.states().initialized(request).await;
        let there = there.map(|answer| answer.into_inner().result);
        self.noted("AttestationStateService/Initialized", there, |there| {
            there
                .as_ref()
                .map(|there| format!("initialized {}", there.initialized))
        })?;
        let request = AttestationStateServiceReadRequest {
            workflow_run_id: self.run.clone(),
        };
        let read = self.states().read(request).await;
        let read = read.map(|answer| answer.into_inner().result);
        let read = self.noted("AttestationStateService/Read", read, |read| {
            read.as_ref().map(|read| format!("digest {}", read.digest))
        })?;
        self.digest = read.map(|read| read.digest).unwrap_or_default();
        Ok(())
    }

    /// Saves the state over the one that was read last.
    pub(super) async fn save(&mut self) -> Result<(), Stopped> {
        let request = AttestationStateServiceSaveRequest {
            workflow_run_id: self.run.clone(),
            attestation_state: self.state().encode_to_vec(),
            base_digest: self.digest.clone(),
        };
        let saved = self.states().save(request).await;
        let saved = saved.map(|answer| answer.into_inner().digest);
        self.digest = self.noted("AttestationStateService/Save", saved, |digest| {
            Some(format!("digest {digest}"))
        })?;
        Ok(())
    }

    pub(super) async fn forget(&mut self) -> Result<(), Stopped> {
        if !self.plan.remote_state {
            return Ok(());
        }
        let request = AttestationStateServiceResetRequest {
            workflow_run_id: self.run.clone(),
        };
        let forgotten = self.states().reset(request).await;
        self.noted("AttestationStateService/Reset", forgotten, |_| None)?;
        Ok(())
    }

    fn state(&self) -> CraftingState {
        CraftingState {
            attestation: Some(CraftedAttestation {
                workflow: Some(WorkflowMetadata {
                    name: self.workflow.name.clone(),
                    project: self.workflow.project.clone(),
                    workflow_id: self.workflow.id.clone(),
                    workflow_run_id: self.run.clone(),
                    ..Default::default()
                }),
            }),
            // Not the same twice, as the state of something in the making.
            ui_dashboard_url: sha256_hex(self.digest.as_bytes()),
            ..Default::default()
        }
    }
}
