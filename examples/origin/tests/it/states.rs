//! Attestation states: lost updates, other credentials, runs that are not
//! there.

use postern_origin::proto::attestation_state_service_client::AttestationStateServiceClient;
use postern_origin::proto::{
    AttestationStateServiceInitializedRequest, AttestationStateServiceReadRequest,
    AttestationStateServiceResetRequest, AttestationStateServiceSaveRequest,
};
use tonic::Code;

use crate::support::{Origin, TOKEN, begin, refused};

const NOBODY: &str = "7b0f5a5e-2d57-4b43-8d5c-0d0d2f3f9a11";

fn save(run: &str, state: &[u8], base: &str) -> AttestationStateServiceSaveRequest {
    AttestationStateServiceSaveRequest {
        workflow_run_id: run.into(),
        attestation_state: state.into(),
        base_digest: base.into(),
    }
}

fn read(run: &str) -> AttestationStateServiceReadRequest {
    AttestationStateServiceReadRequest {
        workflow_run_id: run.into(),
    }
}

#[tokio::test]
async fn a_lost_update_is_a_conflict() {
    let origin = Origin::start().await;
    let run = begin(&mut origin.web()).await;
    let mut states = origin
        .connection(TOKEN)
        .client(AttestationStateServiceClient::with_origin);
    refused(
        states.save(save(&run, b"", "0")).await,
        Code::NotFound,
        "failed to save attestation state: attestation state not found",
        "not found",
    );
    let first = states.save(save(&run, b"\x18\x01", "")).await.unwrap();
    let first = first.into_inner().digest;
    let second = states.save(save(&run, b"\x18\x01", &first)).await.unwrap();
    let second = second.into_inner().digest;
    assert_ne!(first, second, "equal states do not have equal digests");
    refused(
        states.save(save(&run, b"", &first)).await,
        Code::Aborted,
        &format!(
            "saving attestation: failed to save attestation state: the provided base digest doesn't match the \
             stored state, it might have changed, got=\"{second}\", want=\"{first}\""
        ),
        "ATTESTATION_STATE_ERROR_CONFLICT",
    );
    let kept = states
        .read(read(&run))
        .await
        .unwrap()
        .into_inner()
        .result
        .unwrap();
    assert_eq!(
        (kept.attestation_state, kept.digest),
        (b"\x18\x01".to_vec(), second)
    );
    origin.stop().await;
}

#[tokio::test]
async fn another_credential_cannot_read() {
    let origin = Origin::start().await;
    let run = begin(&mut origin.web()).await;
    let client = |token| {
        let connection = origin.connection(token);
        connection.client(AttestationStateServiceClient::with_origin)
    };
    let (mut one, mut other) = (client(TOKEN), client("another"));
    one.save(save(&run, b"\x18\x01", "")).await.unwrap();
    refused(
        other.read(read(&run)).await,
        Code::Internal,
        "server error",
        "internal error",
    );
    one.read(read(&run)).await.unwrap();
    // Saving replaces it, as upstream: now it is the other one's.
    other.save(save(&run, b"\x18\x00", "")).await.unwrap();
    other.read(read(&run)).await.unwrap();
    assert_eq!(
        one.read(read(&run)).await.unwrap_err().code(),
        Code::Internal
    );
    origin.stop().await;
}

#[tokio::test]
async fn reset_and_unknown_runs() {
    let origin = Origin::start().await;
    let run = begin(&mut origin.web()).await;
    let mut states = origin
        .connection(TOKEN)
        .client(AttestationStateServiceClient::with_origin);
    let unknown = "error retrieving the workflow run: finding workflow run: workflow run not found";
    let initialized = |run: &str| AttestationStateServiceInitializedRequest {
        workflow_run_id: run.into(),
    };
    let reset = |run: &str| AttestationStateServiceResetRequest {
        workflow_run_id: run.into(),
    };

    states.save(save(&run, b"", "")).await.unwrap();
    // Any spelling of the id is the same run, as for Store.
    let spelled = run.to_uppercase().replace('-', "");
    states.reset(reset(&spelled)).await.unwrap();
    let answer = states
        .initialized(initialized(&run))
        .await
        .unwrap()
        .into_inner();
    assert!(!answer.result.unwrap().initialized);
    refused(
        states.read(read(&run)).await,
        Code::NotFound,
        "failed to read attestation state: attestation state not found",
        "not found",
    );

    let (code, why) = (Code::NotFound, "not found");
    refused(
        states.initialized(initialized(NOBODY)).await,
        code,
        unknown,
        why,
    );
    refused(states.save(save(NOBODY, b"", "")).await, code, unknown, why);
    refused(states.read(read(NOBODY)).await, code, unknown, why);
    refused(states.reset(reset(NOBODY)).await, code, unknown, why);
    refused(
        states.read(read("")).await,
        Code::InvalidArgument,
        "validation error: workflow_run_id: value length must be at least 1 characters",
        "",
    );
    origin.stop().await;
}
