//! What tokens for a project or a workflow may do, where the control plane looks at that, and where
//! it does not.

use postern_origin::proto::attestation_service_cancel_request::TriggerType;
use postern_origin::proto::workflow_run_service_client::WorkflowRunServiceClient;
use postern_origin::proto::workflow_run_service_view_request::Ref;
use postern_origin::proto::workflow_service_client::WorkflowServiceClient;
use postern_origin::proto::{
    AttestationServiceCancelRequest, AttestationServiceGetContractRequest,
    AttestationServiceGetUploadCredsRequest, WorkflowRunServiceListRequest,
    WorkflowRunServiceViewRequest, WorkflowServiceCreateRequest, WorkflowServiceDeleteRequest,
    WorkflowServiceListRequest, WorkflowServiceViewRequest,
};
use postern_origin::strict::Role;
use tonic::Code;

use super::support::Plane;
use crate::support::{bundle, new_run, refused, workflow};

const ELSEWHERE: &str =
    "operation not allowed: This auth token is valid only with the project \"shop\"";
const OTHER_WORKFLOW: &str = "API token is scoped to a different workflow";
const OTHER_NAME: &str =
    "API token is workflow-scoped and cannot create or look up other workflows";

fn contract_of(project: &str, workflow: &str) -> AttestationServiceGetContractRequest {
    AttestationServiceGetContractRequest {
        project_name: project.to_owned(),
        workflow_name: workflow.to_owned(),
        contract_revision: 0,
    }
}

#[tokio::test]
async fn a_project_token() {
    let plane = Plane::start().await;
    let wide = plane.wide("wide");
    plane.begin(&wide, "other", "release").await;
    let run = plane.begin(&wide, "other", "release").await;
    let narrow = plane.token("narrow", Some("shop"), None).jwt;
    let mut client = plane.attestation(&narrow);
    let denied = Code::PermissionDenied;
    client
        .find_or_create_workflow(workflow("shop", "any"))
        .await
        .unwrap();
    let answer = client
        .find_or_create_workflow(workflow("other", "any"))
        .await;
    refused(answer, denied, ELSEWHERE, "forbidden");
    let answer = client.find_or_create_workflow(workflow("new", "any")).await;
    refused(
        answer,
        denied,
        "you are not allowed to create projects",
        "unauthorized",
    );
    refused(
        client.init(new_run("other", "release")).await,
        denied,
        ELSEWHERE,
        "forbidden",
    );
    let made = postern_origin::attestation::attest("f", b"x")
        .unwrap()
        .bundle;
    refused(
        client.store(bundle(&run, &made)).await,
        denied,
        ELSEWHERE,
        "forbidden",
    );
    let asked = AttestationServiceGetUploadCredsRequest {
        workflow_run_id: run.clone(),
    };
    refused(
        client.get_upload_creds(asked).await,
        denied,
        ELSEWHERE,
        "forbidden",
    );
    let cancel = AttestationServiceCancelRequest {
        workflow_run_id: run,
        trigger: TriggerType::Failure.into(),
        reason: String::new(),
    };
    refused(client.cancel(cancel).await, denied, ELSEWHERE, "forbidden");
    // Nobody asks for the project here.
    client
        .get_contract(contract_of("other", "release"))
        .await
        .unwrap();
    plane.stop().await;
}

#[tokio::test]
async fn a_workflow_token() {
    let plane = Plane::start().await;
    let wide = plane.wide("wide");
    let run = plane.begin(&wide, "shop", "another").await;
    let narrow = plane.token("narrow", Some("shop"), Some("release")).jwt;
    let mut client = plane.attestation(&narrow);
    let denied = Code::PermissionDenied;
    let own = plane.begin(&narrow, "shop", "release").await;
    client
        .get_contract(contract_of("shop", "release"))
        .await
        .unwrap();
    let answer = client
        .find_or_create_workflow(workflow("shop", "another"))
        .await;
    refused(answer, denied, OTHER_NAME, "forbidden");
    let answer = client.get_contract(contract_of("shop", "another")).await;
    refused(answer, denied, OTHER_WORKFLOW, "forbidden");
    // What is not there is told apart from what is another's.
    let answer = client.init(new_run("shop", "missing")).await;
    let missing = "failed to get workflow: workflow not found";
    refused(answer, Code::NotFound, missing, "not found");
    refused(
        client.init(new_run("shop", "another")).await,
        denied,
        OTHER_WORKFLOW,
        "forbidden",
    );
    let made = postern_origin::attestation::attest("f", b"x")
        .unwrap()
        .bundle;
    refused(
        client.store(bundle(&run, &made)).await,
        denied,
        OTHER_WORKFLOW,
        "forbidden",
    );
    let answer = client.store(bundle(&own, b"")).await;
    let message = "attestation bundle is required";
    refused(answer, Code::InvalidArgument, message, "input required");
    client.store(bundle(&own, &made)).await.unwrap();
    // The gap of the release that this emulates: the project alone counts.
    let asked = AttestationServiceGetUploadCredsRequest {
        workflow_run_id: run,
    };
    client.get_upload_creds(asked).await.unwrap();
    plane.stop().await;
}

#[tokio::test]
async fn a_workflow_that_was_made_anew_is_another_one() {
    let plane = Plane::start().await;
    let narrow = plane.token("narrow", Some("shop"), Some("release")).jwt;
    let owner = plane.user(Role::Owner);
    let mut workflows = plane.web(&owner).client(WorkflowServiceClient::with_origin);
    let release = WorkflowServiceDeleteRequest {
        name: "release".to_owned(),
        project_name: "shop".to_owned(),
    };
    workflows.delete(release).await.unwrap();
    let mut client = plane.attestation(&narrow);
    client
        .find_or_create_workflow(workflow("shop", "release"))
        .await
        .unwrap();
    let answer = client.init(new_run("shop", "release")).await;
    refused(answer, Code::PermissionDenied, OTHER_WORKFLOW, "forbidden");
    plane.stop().await;
}

#[tokio::test]
async fn a_contract_that_comes_along() {
    let plane = Plane::start().await;
    let narrow = plane.token("narrow", Some("shop"), Some("release")).jwt;
    let mut client = plane.attestation(&narrow);
    // The first is the one that the workflow was made with; the same document is no other revision.
    for (contract, revision) in [("a: 1", 2), ("a: 1", 2), ("a: 2", 3)] {
        let mut asked = workflow("shop", "release");
        asked.contract_bytes = contract.into();
        asked.contract_name = "of-another-name".to_owned();
        let found = client.find_or_create_workflow(asked).await.unwrap();
        let found = found.into_inner().result.unwrap();
        assert_eq!(
            (&*found.contract_name, found.contract_revision_latest),
            ("release", revision)
        );
        let latest = client
            .get_contract(contract_of("shop", "release"))
            .await
            .unwrap();
        let latest = latest.into_inner().result.unwrap().contract.unwrap();
        assert_eq!(
            (latest.revision, latest.raw_contract.unwrap().body),
            (revision, contract.into())
        );
    }
    for (revision, good) in [(0, true), (1, true), (3, true), (4, false), (-1, false)] {
        let mut asked = new_run("shop", "release");
        asked.contract_revision = revision;
        let answer = client.init(asked).await;
        if !good {
            refused(answer, Code::NotFound, "contract not found", "not found");
            continue;
        }
        let run = answer
            .unwrap()
            .into_inner()
            .result
            .unwrap()
            .workflow_run
            .unwrap();
        let used = if revision == 0 { 3 } else { revision };
        assert_eq!(
            (run.contract_revision_used, run.contract_revision_latest),
            (used, 3)
        );
    }
    plane.stop().await;
}

#[tokio::test]
async fn what_a_project_token_sees() {
    let plane = Plane::start().await;
    let wide = plane.wide("wide");
    let (own, other) = (
        plane.begin(&wide, "shop", "release").await,
        plane.begin(&wide, "other", "release").await,
    );
    let narrow = plane.token("narrow", Some("shop"), None).jwt;
    for (token, projects, seen) in [
        (&wide, &["other", "shop"][..], vec![&other, &own]),
        (&narrow, &["shop"], vec![&own]),
    ] {
        let mut workflows = plane.web(token).client(WorkflowServiceClient::with_origin);
        let list = workflows
            .list(WorkflowServiceListRequest::default())
            .await
            .unwrap();
        let list = list.into_inner().result;
        let found: Vec<_> = list.iter().map(|one| one.project.as_str()).collect();
        assert_eq!(found, projects);
        let mut runs = plane
            .web(token)
            .client(WorkflowRunServiceClient::with_origin);
        let list = runs
            .list(WorkflowRunServiceListRequest::default())
            .await
            .unwrap();
        let list = list.into_inner().result;
        assert_eq!(list.iter().map(|run| &run.id).collect::<Vec<_>>(), seen);
    }
    let mut workflows = plane
        .web(&narrow)
        .client(WorkflowServiceClient::with_origin);
    let asked = WorkflowServiceListRequest {
        project_names: vec!["other".to_owned()],
        ..WorkflowServiceListRequest::default()
    };
    assert!(
        workflows
            .list(asked)
            .await
            .unwrap()
            .into_inner()
            .result
            .is_empty()
    );
    let asked = WorkflowServiceViewRequest {
        name: "release".to_owned(),
        project_name: "other".to_owned(),
    };
    refused(
        workflows.view(asked).await,
        Code::PermissionDenied,
        ELSEWHERE,
        "forbidden",
    );
    let asked = WorkflowServiceCreateRequest {
        name: "more".to_owned(),
        project_name: "other".to_owned(),
        ..WorkflowServiceCreateRequest::default()
    };
    refused(
        workflows.create(asked).await,
        Code::PermissionDenied,
        ELSEWHERE,
        "forbidden",
    );
    let mut runs = plane
        .web(&narrow)
        .client(WorkflowRunServiceClient::with_origin);
    let asked = WorkflowRunServiceViewRequest {
        r#ref: Some(Ref::Id(other)),
        verify: false,
    };
    refused(
        runs.view(asked).await,
        Code::PermissionDenied,
        ELSEWHERE,
        "forbidden",
    );
    plane.stop().await;
}
