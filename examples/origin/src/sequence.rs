//! The stock command line's sequence of calls, from `attestation init` to `push` or `reset`, against any
//! server and with any bearer. Notes each call and what became of it; the order is the command line's
//! own (release 1.106.1), and a call that it makes without needing the answer ends nothing here either.

mod state;
mod transcript;

use crate::client::{Endpoint, Store};
use crate::proto::attestation_service_cancel_request::TriggerType;
use crate::proto::attestation_service_client::AttestationServiceClient;
use crate::proto::signing_service_client::SigningServiceClient;
use crate::proto::{
    AttestationServiceCancelRequest, AttestationServiceGetContractRequest,
    AttestationServiceGetUploadCredsRequest, AttestationServiceInitRequest,
    AttestationServiceStoreRequest, FindOrCreateWorkflowRequest, GenerateSigningCertRequest,
    WorkflowItem,
};
use crate::{attestation, client};

pub use transcript::{Step, Transcript};

/// What to attest, and where.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Name of the project.
    pub project: String,
    /// Name of the workflow.
    pub workflow: String,
    /// Contract that `init` brings; none: the workflow's own.
    pub contract: Option<Vec<u8>>,
    /// Name of the file.
    pub file: String,
    /// Its content.
    pub content: Vec<u8>,
    /// Whether the state is kept at the server between the commands.
    pub remote_state: bool,
    /// The artifact store, `http://host:port`; none: nothing is uploaded.
    pub store: Option<String>,
}

/// One attestation, command by command.
#[derive(Debug, Clone)]
pub struct Sequence {
    endpoint: Endpoint,
    plan: Plan,
    run: String,
    workflow: WorkflowItem,
    /// Of the state that was read or saved last.
    digest: String,
    transcript: Transcript,
}

/// A command has gone wrong: the last step of the transcript says how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

impl Sequence {
    /// One that has not begun.
    pub fn new(endpoint: Endpoint, plan: Plan) -> Self {
        Self {
            endpoint,
            plan,
            run: String::new(),
            workflow: WorkflowItem::default(),
            digest: String::new(),
            transcript: Transcript::default(),
        }
    }

    /// What was called so far.
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// The run that `init` began; empty before.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Goes on from another server, or with another bearer.
    pub fn go_on_at(&mut self, endpoint: Endpoint) {
        self.endpoint = endpoint;
    }

    /// `attestation init`.
    ///
    /// # Errors
    ///
    /// At the first call that was refused.
    pub async fn init(&mut self) -> Result<(), Stopped> {
        let mut calls = self.attestation();
        let found = calls.find_or_create_workflow(FindOrCreateWorkflowRequest {
            workflow_name: self.plan.workflow.clone(),
            project_name: self.plan.project.clone(),
            contract_bytes: self.plan.contract.clone().unwrap_or_default(),
            ..Default::default()
        });
        let found = found.await.map(|answer| answer.into_inner().result);
        self.workflow = self
            .noted("AttestationService/FindOrCreateWorkflow", found, |found| {
                found
                    .as_ref()
                    .map(|one| format!("workflow {} ({})", one.name, one.id))
            })?
            .unwrap_or_default();

        let contract = calls.get_contract(AttestationServiceGetContractRequest {
            workflow_name: self.plan.workflow.clone(),
            project_name: self.plan.project.clone(),
            ..Default::default()
        });
        let contract = contract.await.map(|answer| answer.into_inner().result);
        self.noted("AttestationService/GetContract", contract, |found| {
            let contract = found.as_ref()?.contract.as_ref()?;
            Some(format!(
                "contract {} revision {}",
                contract.contract_name, contract.revision
            ))
        })?;

        let begun = calls.init(AttestationServiceInitRequest {
            workflow_name: self.plan.workflow.clone(),
            project_name: self.plan.project.clone(),
            ..Default::default()
        });
        let begun = begun.await.map(|answer| answer.into_inner().result);
        let begun = self.noted("AttestationService/Init", begun, |begun| {
            let run = begun.as_ref()?.workflow_run.as_ref()?;
            Some(format!("run {}", run.id))
        })?;
        let run = begun.and_then(|begun| begun.workflow_run);
        self.run = run.map(|run| run.id).unwrap_or_default();

        // What it would upload by itself is not worth a failure.
        let _ = self.upload_credential().await;
        if self.plan.remote_state {
            self.save().await?;
            self.load().await?;
        }
        Ok(())
    }

    /// `attestation add`: uploads the file.
    ///
    /// # Errors
    ///
    /// At the first call that was refused.
    pub async fn add(&mut self) -> Result<(), Stopped> {
        self.load_if_remote().await?;
        let credential = self.upload_credential().await?;
        self.upload(&credential).await?;
        if self.plan.remote_state {
            self.save().await?;
        }
        Ok(())
    }

    /// `attestation status`.
    ///
    /// # Errors
    ///
    /// At the first call that was refused.
    pub async fn status(&mut self) -> Result<(), Stopped> {
        self.load_if_remote().await
    }

    /// `attestation push`: signs and stores.
    ///
    /// # Errors
    ///
    /// At the first call that was refused.
    pub async fn push(&mut self) -> Result<(), Stopped> {
        self.load_if_remote().await?;
        self.upload_credential().await?;
        let mut signing = self.endpoint.client(SigningServiceClient::with_origin);
        let certificate = signing.generate_signing_cert(GenerateSigningCertRequest {
            certificate_signing_request: b"a request of no worth".to_vec(),
        });
        let certificate = certificate.await;
        self.noted("SigningService/GenerateSigningCert", certificate, |_| None)?;
        let made = attestation::attest(&self.plan.file, &self.plan.content);
        let made = made.map_err(|error| tonic::Status::internal(error.to_string()));
        let bundle = match made {
            Ok(made) => made.bundle,
            Err(status) => return self.noted("signing", Err(status), |()| None),
        };
        let mut calls = self.attestation();
        let stored = calls.store(AttestationServiceStoreRequest {
            workflow_run_id: self.run.clone(),
            attestation_bundle: bundle,
            ..Default::default()
        });
        let stored = stored.await.map(|answer| answer.into_inner().result);
        self.noted("AttestationService/Store", stored, |stored| {
            stored
                .as_ref()
                .map(|stored| format!("stored {}", stored.digest))
        })?;
        self.forget().await
    }

    /// `attestation reset`: ends the run without an attestation.
    ///
    /// # Errors
    ///
    /// At the first call that was refused.
    pub async fn reset(&mut self) -> Result<(), Stopped> {
        self.load_if_remote().await?;
        let mut calls = self.attestation();
        let cancelled = calls.cancel(AttestationServiceCancelRequest {
            workflow_run_id: self.run.clone(),
            trigger: TriggerType::Cancellation.into(),
            reason: "reset".to_owned(),
        });
        let cancelled = cancelled.await;
        self.noted("AttestationService/Cancel", cancelled, |_| None)?;
        self.forget().await
    }

    fn attestation(&self) -> AttestationServiceClient<Endpoint> {
        self.endpoint.client(AttestationServiceClient::with_origin)
    }

    async fn upload_credential(&mut self) -> Result<String, Stopped> {
        let request = AttestationServiceGetUploadCredsRequest {
            workflow_run_id: self.run.clone(),
        };
        let given = self.attestation().get_upload_creds(request).await;
        let given = given.map(|answer| answer.into_inner().result);
        let given = self.noted("AttestationService/GetUploadCreds", given, |given| {
            let backend = given.as_ref()?.backend.as_ref()?;
            Some(format!("store {}", backend.name))
        })?;
        Ok(given.map(|given| given.token).unwrap_or_default())
    }

    async fn upload(&mut self, credential: &str) -> Result<(), Stopped> {
        let Some(store) = self
            .plan
            .store
            .as_deref()
            .filter(|_| !credential.is_empty())
        else {
            return Ok(());
        };
        let uploaded = match Store::new(store, credential) {
            Ok(store) => store.upload(&self.plan.file, &self.plan.content).await,
            Err(error) => Err(tonic::Status::internal(error.to_string())),
        };
        self.noted("ByteStream/Write", uploaded, |size| {
            Some(format!("{size} bytes"))
        })?;
        Ok(())
    }

    /// Notes what became of a call, and passes a good answer on.
    fn noted<T>(
        &mut self,
        call: &'static str,
        outcome: Result<T, tonic::Status>,
        about: impl FnOnce(&T) -> Option<String>,
    ) -> Result<T, Stopped> {
        let noted = match &outcome {
            Ok(answer) => Ok(about(answer).unwrap_or_default()),
            Err(status) => Err(status.clone()),
        };
        self.transcript.add(Step {
            call,
            outcome: noted,
        });
        outcome.map_err(|_| Stopped)
    }
}

/// How a status stands in a transcript.
fn words(status: &tonic::Status) -> String {
    client::describe(status)
}
