//! Attestation states that are kept at the control plane: only the bearer that saved one reads it, and
//! two that change it at once meet.

use postern_origin::client::Endpoint;
use postern_origin::proto::attestation_state_service_client::AttestationStateServiceClient;
use postern_origin::proto::{
    AttestationStateServiceInitializedRequest, AttestationStateServiceReadRequest,
    AttestationStateServiceResetRequest, AttestationStateServiceSaveRequest,
};
use tonic::{Code, Status};
use uuid::Uuid;

use super::support::Plane;
use crate::support::refused;

struct States(AttestationStateServiceClient<Endpoint>);

impl States {
    fn of(plane: &Plane, token: &str) -> Self {
        Self(
            plane
                .native(token)
                .client(AttestationStateServiceClient::with_origin),
        )
    }

    async fn save(&mut self, run: &str, state: &[u8], base: &str) -> Result<String, Status> {
        let request = AttestationStateServiceSaveRequest {
            workflow_run_id: run.to_owned(),
            attestation_state: state.to_vec(),
            base_digest: base.to_owned(),
        };
        Ok(self.0.save(request).await?.into_inner().digest)
    }

    async fn read(&mut self, run: &str) -> Result<(Vec<u8>, String), Status> {
        let request = AttestationStateServiceReadRequest {
            workflow_run_id: run.to_owned(),
        };
        let read = self.0.read(request).await?.into_inner().result.unwrap();
        Ok((read.attestation_state, read.digest))
    }

    async fn initialized(&mut self, run: &str) -> Result<bool, Status> {
        let request = AttestationStateServiceInitializedRequest {
            workflow_run_id: run.to_owned(),
        };
        let answer = self.0.initialized(request).await?.into_inner();
        Ok(answer.result.unwrap().initialized)
    }

    async fn reset(&mut self, run: &str) -> Result<(), Status> {
        let request = AttestationStateServiceResetRequest {
            workflow_run_id: run.to_owned(),
        };
        self.0.reset(request).await.map(|_| ())
    }
}

#[tokio::test]
async fn only_the_bearer_that_saved_it_reads_it() {
    let plane = Plane::start().await;
    let (one, two) = (plane.wide("one"), plane.wide("two"));
    let run = plane.begin(&one, "shop", "release").await;
    let (mut first, mut second) = (States::of(&plane, &one), States::of(&plane, &two));
    assert!(!first.initialized(&run).await.unwrap());
    let digest = first.save(&run, b"state", "").await.unwrap();
    assert_eq!(first.read(&run).await.unwrap(), (b"state".to_vec(), digest));
    // It sees that there is one, and may drop it; the reason why it cannot read it is masked.
    assert!(second.initialized(&run).await.unwrap());
    refused(
        second.read(&run).await,
        Code::Internal,
        "server error",
        "internal error",
    );
    second.reset(&run).await.unwrap();
    let missing = "failed to read attestation state: attestation state not found";
    refused(first.read(&run).await, Code::NotFound, missing, "not found");
    plane.stop().await;
}

#[tokio::test]
async fn a_state_follows_the_one_that_was_read() {
    let plane = Plane::start().await;
    let token = plane.wide("ci");
    let run = plane.begin(&token, "shop", "release").await;
    let mut states = States::of(&plane, &token);
    let missing = "failed to save attestation state: attestation state not found";
    refused(
        states.save(&run, b"1", "base").await,
        Code::NotFound,
        missing,
        "not found",
    );
    let first = states.save(&run, b"1", "").await.unwrap();
    let second = states.save(&run, b"2", &first).await.unwrap();
    assert_ne!(first, second);
    let message = format!(
        "saving attestation: failed to save attestation state: the provided base digest doesn't match the stored \
         state, it might have changed, got=\"{second}\", want=\"{first}\""
    );
    let late = states.save(&run, b"3", &first).await;
    refused(
        late,
        Code::Aborted,
        &message,
        "ATTESTATION_STATE_ERROR_CONFLICT",
    );
    assert_eq!(states.read(&run).await.unwrap().0, b"2");
    // Without a digest, whatever is there is put over.
    states.save(&run, b"4", "").await.unwrap();
    assert_eq!(states.read(&run).await.unwrap().0, b"4");
    plane.stop().await;
}

#[tokio::test]
async fn the_project_counts_and_not_the_workflow() {
    let plane = Plane::start().await;
    let wide = plane.wide("wide");
    let run = plane.begin(&wide, "shop", "release").await;
    let other = plane.token("other", Some("other"), None).jwt;
    let message = "operation not allowed: This auth token is valid only with the project \"other\"";
    let mut states = States::of(&plane, &other);
    refused(
        states.save(&run, b"", "").await,
        Code::PermissionDenied,
        message,
        "forbidden",
    );
    refused(
        states.read(&run).await,
        Code::PermissionDenied,
        message,
        "forbidden",
    );
    refused(
        states.initialized(&run).await,
        Code::PermissionDenied,
        message,
        "forbidden",
    );
    refused(
        states.reset(&run).await,
        Code::PermissionDenied,
        message,
        "forbidden",
    );
    // As in the release that this emulates: a gateway has to ask for more.
    let neighbour = plane.token("neighbour", Some("shop"), Some("another")).jwt;
    States::of(&plane, &neighbour)
        .save(&run, b"", "")
        .await
        .unwrap();
    let nowhere = Uuid::from_u128(1).to_string();
    let message = "error retrieving the workflow run: finding workflow run: workflow run not found";
    let answer = States::of(&plane, &wide).read(&nowhere).await;
    refused(answer, Code::NotFound, message, "not found");
    plane.stop().await;
}
