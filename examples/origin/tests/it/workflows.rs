//! Workflows and runs as their owners look at them: made, listed, deleted and
//! made again.

use postern_origin::proto::attestation_service_client::AttestationServiceClient;
use postern_origin::proto::workflow_run_service_client::WorkflowRunServiceClient;
use postern_origin::proto::workflow_run_service_view_request::Ref;
use postern_origin::proto::workflow_service_client::WorkflowServiceClient;
use postern_origin::proto::{
    AttestationServiceGetContractRequest, CursorPaginationRequest, OffsetPaginationRequest,
    WorkflowRunServiceListRequest, WorkflowRunServiceViewRequest, WorkflowServiceCreateRequest,
    WorkflowServiceDeleteRequest, WorkflowServiceListRequest, WorkflowServiceUpdateRequest,
    WorkflowServiceViewRequest,
};
use tonic::Code;

use crate::support::{Origin, TOKEN, begin, new_run, refused, workflow};

fn create(project: &str, name: &str) -> WorkflowServiceCreateRequest {
    WorkflowServiceCreateRequest {
        project_name: project.into(),
        name: name.into(),
        team: "tools".into(),
        contract_bytes: b"schemaVersion: v1 # own\n".into(),
        ..Default::default()
    }
}

fn view(project: &str, name: &str) -> WorkflowServiceViewRequest {
    WorkflowServiceViewRequest {
        project_name: project.into(),
        name: name.into(),
    }
}

#[tokio::test]
async fn a_workflow_lives_dies_and_comes_back_as_another() {
    let origin = Origin::start().await;
    let connection = origin.connection(TOKEN);
    let mut workflows = connection.client(WorkflowServiceClient::with_origin);
    let mut attestations = connection.client(AttestationServiceClient::with_origin);

    let made = workflows.create(create("demo", "release")).await.unwrap();
    let made = made.into_inner().result.unwrap();
    refused(
        workflows.create(create("demo", "release")).await,
        Code::AlreadyExists,
        "duplicated: workflow \"release\" in project \"demo\" already exists",
        "",
    );
    let found = attestations.find_or_create_workflow(workflow("demo", "release"));
    assert_eq!(
        found.await.unwrap().into_inner().result.unwrap().id,
        made.id
    );
    let seen = workflows.view(view("demo", "release")).await.unwrap();
    assert_eq!(seen.into_inner().result.unwrap(), made);
    let run = begin(&mut attestations).await;

    let delete = || WorkflowServiceDeleteRequest {
        project_name: "demo".into(),
        name: "release".into(),
    };
    workflows.delete(delete()).await.unwrap();
    let (code, why) = (Code::NotFound, "not found");
    let gone = "failed to get workflow: workflow not found";
    refused(workflows.delete(delete()).await, code, gone, why);
    refused(
        workflows.view(view("demo", "release")).await,
        code,
        gone,
        why,
    );
    refused(
        workflows.view(view("other", "release")).await,
        code,
        "project other not found",
        why,
    );
    refused(
        attestations.init(new_run("demo", "release")).await,
        code,
        gone,
        why,
    );

    let again = attestations.find_or_create_workflow(workflow("demo", "release"));
    let again = again.await.unwrap().into_inner().result.unwrap();
    assert_ne!(again.id, made.id);
    assert_eq!(again.project_id, made.project_id);
    // The old run keeps its place.
    let mut runs = connection.client(WorkflowRunServiceClient::with_origin);
    let seen = runs.view(WorkflowRunServiceViewRequest {
        r#ref: Some(Ref::Id(run)),
        verify: true,
    });
    let seen = seen.await.unwrap().into_inner().result.unwrap();
    assert_eq!(seen.workflow_run.unwrap().workflow.unwrap().id, made.id);
    assert!(!seen.verification.unwrap().verified);
    assert_eq!(
        workflows
            .update(WorkflowServiceUpdateRequest::default())
            .await
            .unwrap_err()
            .code(),
        Code::Unimplemented
    );
    origin.stop().await;
}

#[tokio::test]
async fn contracts() {
    let origin = Origin::start().await;
    let connection = origin.connection(TOKEN);
    let mut workflows = connection.client(WorkflowServiceClient::with_origin);
    let mut attestations = connection.client(AttestationServiceClient::with_origin);
    workflows.create(create("demo", "release")).await.unwrap();
    let mut get = async |workflow: &str, revision: i32| {
        let request = AttestationServiceGetContractRequest {
            contract_revision: revision,
            workflow_name: workflow.into(),
            project_name: "demo".into(),
        };
        attestations.get_contract(request).await
    };
    let contract = get("release", 1)
        .await
        .unwrap()
        .into_inner()
        .result
        .unwrap()
        .contract
        .unwrap();
    assert_eq!(
        contract.raw_contract.unwrap().body,
        b"schemaVersion: v1 # own\n"
    );
    let (code, why) = (Code::NotFound, "not found");
    refused(get("release", 2).await, code, "contract not found", why);
    refused(
        get("other", 0).await,
        code,
        "failed to get workflow: workflow not found",
        why,
    );
    origin.stop().await;
}

#[tokio::test]
async fn lists_have_pages() {
    let origin = Origin::start().await;
    let connection = origin.connection(TOKEN);
    let mut workflows = connection.client(WorkflowServiceClient::with_origin);
    for (project, name) in [
        ("demo", "a1"),
        ("demo", "a2"),
        ("other", "a3"),
        ("other", "b"),
    ] {
        workflows.create(create(project, name)).await.unwrap();
    }
    let listed = workflows.list(WorkflowServiceListRequest {
        workflow_name: "a".into(),
        pagination: Some(OffsetPaginationRequest {
            page: 2,
            page_size: 2,
        }),
        ..Default::default()
    });
    let listed = listed.await.unwrap().into_inner();
    let names: Vec<_> = listed
        .result
        .iter()
        .map(|workflow| &*workflow.name)
        .collect();
    assert_eq!(names, ["a3"]);
    let page = listed.pagination.unwrap();
    assert_eq!(
        (
            page.page,
            page.page_size,
            page.total_count,
            page.total_pages
        ),
        (2, 2, 3, 2)
    );
    let bad = workflows.list(WorkflowServiceListRequest {
        pagination: Some(OffsetPaginationRequest {
            page: 0,
            page_size: 2,
        }),
        ..Default::default()
    });
    assert_eq!(bad.await.unwrap_err().code(), Code::InvalidArgument);

    let mut attestations = connection.client(AttestationServiceClient::with_origin);
    let mut begun = Vec::new();
    for workflow in ["a1", "a1", "a2", "a1"] {
        let run = attestations
            .init(new_run("demo", workflow))
            .await
            .unwrap()
            .into_inner();
        begun.push(run.result.unwrap().workflow_run.unwrap().id);
    }
    let mut runs = connection.client(WorkflowRunServiceClient::with_origin);
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = runs.list(WorkflowRunServiceListRequest {
            project_name: "demo".into(),
            workflow_name: "a1".into(),
            pagination: Some(CursorPaginationRequest { cursor, limit: 2 }),
            ..Default::default()
        });
        let page = page.await.unwrap().into_inner();
        seen.extend(page.result.into_iter().map(|run| run.id));
        cursor = page.pagination.unwrap().next_cursor;
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!(seen, [&*begun[3], &*begun[1], &*begun[0]], "latest first");
    let missing = runs.list(WorkflowRunServiceListRequest {
        workflow_name: "a1".into(),
        ..Default::default()
    });
    refused(
        missing.await,
        Code::InvalidArgument,
        "validation error: project_name must be set if workflow_name is set",
        "",
    );
    origin.stop().await;
}

#[tokio::test]
async fn a_run_is_viewed_by_one_form_of_its_id() {
    // Unlike Store, whose parser takes them all.
    let origin = Origin::start().await;
    let run = begin(&mut origin.web()).await;
    let mut runs = origin
        .connection(TOKEN)
        .client(WorkflowRunServiceClient::with_origin);
    let mut view = async |reference: Option<Ref>| {
        let request = WorkflowRunServiceViewRequest {
            r#ref: reference,
            verify: false,
        };
        runs.view(request).await
    };
    view(Some(Ref::Id(run.to_uppercase()))).await.unwrap();
    for bad in [
        run.replace('-', ""),
        format!("{{{run}}}"),
        format!("urn:uuid:{run}"),
        String::new(),
    ] {
        refused(
            view(Some(Ref::Id(bad))).await,
            Code::InvalidArgument,
            "validation error: id: value must be a valid UUID",
            "",
        );
    }
    refused(
        view(None).await,
        Code::InvalidArgument,
        "validation error: ref: exactly one field is required in oneof",
        "",
    );
    origin.stop().await;
}
