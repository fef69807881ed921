//! Workflows, their runs, contracts and artifacts, and who hears of them.

use postern_origin::proto::workflow_run_service_view_request::Ref;
use postern_origin::proto::*;

use super::{Row, cursor, page, plain, references, row};
use crate::seen::{Project, Seen};

pub(super) fn workflows() -> Vec<Row> {
    vec![
        row(
            "WorkflowService/List",
            [
                WorkflowServiceListRequest {
                    workflow_name: "part-of-a-name".into(),
                    workflow_team: "team".into(),
                    project_names: vec!["one".into(), "two".into()],
                    workflow_description: "description".into(),
                    pagination: page(),
                    ..Default::default()
                },
                WorkflowServiceListRequest {
                    workflow_name: "part-of-a-name".into(),
                    ..Default::default()
                },
            ],
            |m| Seen {
                project: if m.project_names.is_empty() {
                    Project::Open
                } else {
                    Project::Names(m.project_names.clone())
                },
                ..Seen::default()
            },
        ),
        row(
            "WorkflowService/View",
            [WorkflowServiceViewRequest {
                name: "workflow".into(),
                project_name: "project".into(),
            }],
            |m| Seen::names(&m.project_name, &m.name),
        ),
        row(
            "WorkflowService/Create",
            [b"".as_slice(), b"contract"].map(|contract_bytes| WorkflowServiceCreateRequest {
                name: "workflow".into(),
                project_name: "project".into(),
                contract_name: "contract-name".into(),
                contract_bytes: contract_bytes.into(),
                team: "team".into(),
                description: "description".into(),
            }),
            |m| {
                Seen::names(&m.project_name, &m.name)
                    .needing(!m.contract_bytes.is_empty(), &["workflow_contract:create"])
            },
        ),
        row(
            "WorkflowService/Update",
            [WorkflowServiceUpdateRequest {
                name: "workflow".into(),
                project_name: "project".into(),
                team: Some("team".into()),
                description: Some("description".into()),
                contract_name: Some("contract-name".into()),
            }],
            |m| Seen::names(&m.project_name, &m.name),
        ),
        row(
            "WorkflowService/Delete",
            [WorkflowServiceDeleteRequest {
                name: "workflow".into(),
                project_name: "project".into(),
            }],
            |m| Seen::names(&m.project_name, &m.name),
        ),
        row(
            "WorkflowRunService/List",
            [WorkflowRunServiceListRequest {
                workflow_name: "workflow".into(),
                pagination: cursor(),
                status: 1,
                project_name: "project".into(),
                project_version: "version-id".into(),
                project_version_name: "version".into(),
                ..Default::default()
            }],
            |m| Seen::names(&m.project_name, &m.workflow_name),
        ),
        row(
            "WorkflowRunService/View",
            [Ref::Id("run".into()), Ref::Digest("digest".into())].map(|reference| {
                WorkflowRunServiceViewRequest {
                    r#ref: Some(reference),
                    verify: true,
                }
            }),
            |m| match &m.r#ref {
                None => Seen::default(),
                Some(Ref::Id(id)) => Seen::run(id),
                Some(Ref::Digest(digest)) => Seen::digest(digest),
            },
        ),
    ]
}

pub(super) fn contracts_and_artifacts() -> Vec<Row> {
    vec![
        plain(
            "WorkflowContractService/List",
            WorkflowContractServiceListRequest {},
        ),
        row(
            "WorkflowContractService/Create",
            references().map(|project| WorkflowContractServiceCreateRequest {
                name: "contract".into(),
                description: Some("description".into()),
                raw_contract: b"raw".into(),
                project_reference: Some(project),
            }),
            |m| Seen::reference(m.project_reference.as_ref()),
        ),
        plain(
            "WorkflowContractService/Update",
            WorkflowContractServiceUpdateRequest {
                name: "contract".into(),
                description: Some("description".into()),
                raw_contract: b"raw".into(),
            },
        ),
        plain(
            "WorkflowContractService/Describe",
            WorkflowContractServiceDescribeRequest {
                name: "contract".into(),
                revision: 1,
            },
        ),
        plain(
            "WorkflowContractService/Delete",
            WorkflowContractServiceDeleteRequest {
                name: "contract".into(),
            },
        ),
        plain(
            "WorkflowContractService/Apply",
            WorkflowContractServiceApplyRequest {
                raw_schema: b"raw".into(),
                ..Default::default()
            },
        ),
        row(
            "CASCredentialsService/Get",
            [1, 2].map(|role| CasCredentialsServiceGetRequest {
                role,
                digest: "digest".into(),
                source_internal: true,
            }),
            |m| {
                Seen::digest(&m.digest)
                    .needing(m.role == 1, &["cas_artifact:read"])
                    .needing(m.role == 2, &["cas_artifact:create"])
                    // Neither: of the policies of both.
                    .needing(
                        ![1, 2].contains(&m.role),
                        &["cas_artifact:create", "cas_artifact:read"],
                    )
            },
        ),
        row(
            "CASRedirectService/GetDownloadURL",
            [GetDownloadUrlRequest {
                digest: "digest".into(),
            }],
            |m| Seen::digest(&m.digest),
        ),
        row(
            "ReferrerService/DiscoverPrivate",
            [ReferrerServiceDiscoverPrivateRequest {
                digest: "digest".into(),
                kind: "kind".into(),
                pagination: cursor(),
                project_name: "project".into(),
                project_version: "version".into(),
            }],
            |m| Seen {
                digest: m.digest.clone(),
                ..Seen::project(&m.project_name)
            },
        ),
        plain("CASBackendService/List", CasBackendServiceListRequest {}),
        plain(
            "CASBackendService/Create",
            CasBackendServiceCreateRequest {
                name: "store".into(),
                location: "location".into(),
                ..Default::default()
            },
        ),
        plain(
            "CASBackendService/Revalidate",
            CasBackendServiceRevalidateRequest {
                name: "store".into(),
            },
        ),
        plain(
            "CASBackendService/Update",
            CasBackendServiceUpdateRequest {
                name: "store".into(),
                ..Default::default()
            },
        ),
        plain(
            "CASBackendService/Delete",
            CasBackendServiceDeleteRequest {
                name: "store".into(),
            },
        ),
    ]
}

pub(super) fn integrations() -> Vec<Row> {
    vec![
        plain(
            "IntegrationsService/ListAvailable",
            IntegrationsServiceListAvailableRequest {},
        ),
        plain(
            "IntegrationsService/ListRegistrations",
            IntegrationsServiceListRegistrationsRequest {},
        ),
        plain(
            "IntegrationsService/DescribeRegistration",
            IntegrationsServiceDescribeRegistrationRequest {
                name: "integration".into(),
            },
        ),
        plain(
            "IntegrationsService/Register",
            IntegrationsServiceRegisterRequest {
                name: "integration".into(),
                plugin_id: "plugin".into(),
                ..Default::default()
            },
        ),
        plain(
            "IntegrationsService/Deregister",
            IntegrationsServiceDeregisterRequest {
                name: "integration".into(),
            },
        ),
        row(
            "IntegrationsService/ListAttachments",
            [ListAttachmentsRequest {
                workflow_name: "workflow".into(),
                project_name: "project".into(),
            }],
            |m| Seen::names(&m.project_name, &m.workflow_name),
        ),
        row(
            "IntegrationsService/Attach",
            [IntegrationsServiceAttachRequest {
                workflow_name: "workflow".into(),
                integration_name: "integration".into(),
                project_name: "project".into(),
                config: Some(prost_types::Struct::default()),
            }],
            |m| Seen::names(&m.project_name, &m.workflow_name),
        ),
        plain(
            "IntegrationsService/Detach",
            IntegrationsServiceDetachRequest {
                id: "attachment".into(),
            },
        ),
    ]
}
