//! The calls of an attestation.

use postern_origin::proto::*;
use prost::Message as _;

use super::{Row, plain, row};
use crate::seen::Seen;

pub(super) fn attestation() -> Vec<Row> {
    let state = CraftingState {
        attestation: Some(CraftedAttestation {
            workflow: Some(WorkflowMetadata {
                name: "claimed-workflow".into(),
                project: "claimed-project".into(),
                workflow_run_id: "claimed-run".into(),
                organization: "claimed-organization".into(),
                ..Default::default()
            }),
        }),
        ..Default::default()
    };
    vec![
        row(
            "AttestationService/FindOrCreateWorkflow",
            [b"".as_slice(), b"contract"].map(|contract_bytes| FindOrCreateWorkflowRequest {
                workflow_name: "workflow".into(),
                project_name: "project".into(),
                contract_name: "contract-name".into(),
                contract_bytes: contract_bytes.into(),
            }),
            |m| {
                let policies = ["workflow_contract:create", "workflow_contract:update"];
                Seen::names(&m.project_name, &m.workflow_name)
                    .needing(!m.contract_bytes.is_empty(), &policies)
            },
        ),
        row(
            "AttestationService/GetContract",
            [AttestationServiceGetContractRequest {
                contract_revision: 3,
                workflow_name: "workflow".into(),
                project_name: "project".into(),
            }],
            |m| Seen::names(&m.project_name, &m.workflow_name),
        ),
        row(
            "AttestationService/Init",
            [AttestationServiceInitRequest {
                contract_revision: 3,
                job_url: "job".into(),
                runner: 1,
                workflow_name: "workflow".into(),
                project_name: "project".into(),
                project_version: "version".into(),
                require_existing_version: true,
                use_latest_version: true,
                mark_as_latest: Some(false),
            }],
            |m| Seen::names(&m.project_name, &m.workflow_name),
        ),
        row(
            "AttestationService/Store",
            [AttestationServiceStoreRequest {
                workflow_run_id: "run".into(),
                mark_version_as_released: Some(true),
                attestation_bundle: b"bundle".into(),
            }],
            |m| Seen::run(&m.workflow_run_id),
        ),
        row(
            "AttestationService/GetUploadCreds",
            [AttestationServiceGetUploadCredsRequest {
                workflow_run_id: "run".into(),
            }],
            |m| Seen::run(&m.workflow_run_id),
        ),
        row(
            "AttestationService/Cancel",
            [AttestationServiceCancelRequest {
                workflow_run_id: "run".into(),
                trigger: 1,
                reason: "reason".into(),
            }],
            |m| Seen::run(&m.workflow_run_id),
        ),
        row(
            "AttestationService/GetPolicy",
            [AttestationServiceGetPolicyRequest {
                provider: "provider".into(),
                policy_name: "policy".into(),
                org_name: "organization".into(),
            }],
            |m| Seen {
                organization_name: m.org_name.clone(),
                ..Seen::default()
            },
        ),
        row(
            "AttestationService/GetPolicyGroup",
            [AttestationServiceGetPolicyGroupRequest {
                provider: "provider".into(),
                group_name: "group".into(),
                org_name: "organization".into(),
            }],
            |m| Seen {
                organization_name: m.org_name.clone(),
                ..Seen::default()
            },
        ),
        row(
            "AttestationStateService/Initialized",
            [AttestationStateServiceInitializedRequest {
                workflow_run_id: "run".into(),
            }],
            |m| Seen::run(&m.workflow_run_id),
        ),
        // What the client claims inside the state is not what the call is about.
        row(
            "AttestationStateService/Save",
            [AttestationStateServiceSaveRequest {
                workflow_run_id: "run".into(),
                attestation_state: state.encode_to_vec(),
                base_digest: "base".into(),
            }],
            |m| Seen::run(&m.workflow_run_id),
        ),
        row(
            "AttestationStateService/Read",
            [AttestationStateServiceReadRequest {
                workflow_run_id: "run".into(),
            }],
            |m| Seen::run(&m.workflow_run_id),
        ),
        row(
            "AttestationStateService/Reset",
            [AttestationStateServiceResetRequest {
                workflow_run_id: "run".into(),
            }],
            |m| Seen::run(&m.workflow_run_id),
        ),
        plain(
            "SigningService/GenerateSigningCert",
            GenerateSigningCertRequest {
                certificate_signing_request: b"request".into(),
            },
        ),
        plain("SigningService/GetTrustedRoot", GetTrustedRootRequest {}),
        plain("StatusService/Infoz", InfozRequest {}),
        plain("StatusService/Statusz", StatuszRequest { readiness: true }),
    ]
}
