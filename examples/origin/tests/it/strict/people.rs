//! What only people may do, what each role may, and signing in.

use postern_origin::proto::context_service_client::ContextServiceClient;
use postern_origin::proto::user_service_client::UserServiceClient;
use postern_origin::proto::workflow_service_client::WorkflowServiceClient;
use postern_origin::proto::{
    AttestationServiceGetPolicyRequest, ContextServiceCurrentRequest, MembershipRole,
    UserServiceListMembershipsRequest, WorkflowServiceCreateRequest, WorkflowServiceListRequest,
};
use postern_origin::strict::Role;
use serde_json::json;
use tonic::Code;
use uuid::Uuid;

use super::support::{KEY, Plane, forged};
use crate::support::{frame, refused, send, workflow};

/// What a token hears at each call that is for people, `UserService/ListMemberships` apart.
const FOR_PEOPLE: [(&str, &str, &str); 21] = [
    ("OrganizationService/Create", "7", "not allowed"),
    ("OrganizationService/Delete", "5", USER),
    ("OrganizationService/Update", "7", NOT),
    ("OrganizationService/UpdateMembership", "7", NOT),
    ("OrganizationService/DeleteMembership", "7", NOT),
    ("GroupService/Create", "7", NOT),
    ("GroupService/Update", "7", NOT),
    ("GroupService/Delete", "7", NOT),
    ("GroupService/AddMember", "5", USER),
    ("GroupService/RemoveMember", "5", USER),
    ("GroupService/UpdateMemberMaintainerStatus", "5", USER),
    ("GroupService/ListMembers", "13", FELL),
    ("GroupService/ListPendingInvitations", "13", FELL),
    ("AuthService/DeleteAccount", "5", USER),
    ("UserService/DeleteMembership", "5", USER),
    ("UserService/SetCurrentMembership", "5", USER),
    ("CASBackendService/Update", "7", NOT),
    ("CASBackendService/Delete", "7", NOT),
    ("IntegrationsService/Deregister", "7", NOT),
    ("OrgInvitationService/ListSent", "7", NOT),
    ("OrgInvitationService/Revoke", "7", NOT),
];

const USER: &str = "logged in user";
const NOT: &str = "operation not allowed";
const FELL: &str = "there was an internal error";

/// Code and message of a gRPC-Web call with an empty message.
async fn said(plane: &Plane, call: &str, token: &str) -> (String, String) {
    let path = format!("/controlplane.v1.{call}");
    let authorization = format!("Bearer {token}");
    let headers = [
        ("content-type", "application/grpc-web+proto"),
        ("authorization", authorization.as_str()),
    ];
    let answer = send(&plane.url, "POST", &path, &headers, frame(0, &[])).await;
    let header = |name: &str| {
        let value = answer
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap());
        value.unwrap_or_default().replace("%20", " ")
    };
    (header("grpc-status"), header("grpc-message"))
}

#[tokio::test]
async fn calls_for_people() {
    let plane = Plane::start().await;
    let (token, owner) = (&plane.wide("wide"), &plane.user(Role::Owner));
    for (call, code, message) in FOR_PEOPLE {
        let expected = (code.to_owned(), message.to_owned());
        assert_eq!(said(&plane, call, token).await, expected, "{call}");
        // A person comes as far as the service, which the sample does not have.
        assert_eq!(said(&plane, call, owner).await.0, "12", "{call}");
    }
    let mut users = plane.web(token).client(UserServiceClient::with_origin);
    let answer = users
        .list_memberships(UserServiceListMembershipsRequest {})
        .await;
    refused(answer, Code::NotFound, USER, "not found");
    let mut users = plane.web(owner).client(UserServiceClient::with_origin);
    let list = users
        .list_memberships(UserServiceListMembershipsRequest {})
        .await
        .unwrap();
    let list = list.into_inner().result;
    assert_eq!(list.len(), 1);
    assert_eq!(list[0].org.as_ref().unwrap().name, "acme");
    assert_eq!(list[0].role(), MembershipRole::OrgOwner);
    plane.stop().await;
}

#[tokio::test]
async fn a_person_by_organization() {
    let plane = Plane::start().await;
    let owner = plane.user(Role::Owner);
    plane.strict.organization("rival").unwrap();
    let list = WorkflowServiceListRequest::default;
    let answer = plane.web(&owner).of("rival").unwrap();
    let answer = answer
        .client(WorkflowServiceClient::with_origin)
        .list(list())
        .await;
    let message = "user is not a member of organization rival";
    refused(
        answer,
        Code::PermissionDenied,
        message,
        "USER_NOT_MEMBER_OF_ORG_ERROR_NOT_IN_ORG",
    );
    let own = plane.web(&owner).of("acme").unwrap();
    own.client(WorkflowServiceClient::with_origin)
        .list(list())
        .await
        .unwrap();
    // A token keeps to its own organization, whatever the header says.
    let token = plane.web(&plane.wide("wide")).of("rival").unwrap();
    token
        .client(WorkflowServiceClient::with_origin)
        .list(list())
        .await
        .unwrap();
    let gone = json!({"user_id": Uuid::from_u128(1).to_string(), "aud": ["user-auth.chainloop"]});
    let mut gone = plane
        .web(&forged(KEY, &gone))
        .client(WorkflowServiceClient::with_origin);
    let answer = gone.list(list()).await;
    refused(
        answer,
        Code::Unknown,
        "error setting current user: user not found",
        "",
    );
    plane.stop().await;
}

#[tokio::test]
async fn roles() {
    let plane = Plane::start().await;
    let wide = plane.wide("wide");
    plane.begin(&wide, "shop", "release").await;
    let create = WorkflowServiceCreateRequest {
        name: "made".to_owned(),
        project_name: "shop".to_owned(),
        ..WorkflowServiceCreateRequest::default()
    };
    let viewer = plane.user(Role::Viewer);
    let mut viewers = plane
        .web(&viewer)
        .client(WorkflowServiceClient::with_origin);
    viewers
        .list(WorkflowServiceListRequest::default())
        .await
        .unwrap();
    let answer = viewers.create(create.clone()).await;
    refused(
        answer,
        Code::PermissionDenied,
        "operation not allowed",
        "forbidden",
    );
    let answer = plane
        .attestation(&viewer)
        .get_policy(AttestationServiceGetPolicyRequest::default())
        .await;
    let status = answer.unwrap_err();
    assert_eq!(status.code(), Code::Unknown);
    let message = "your user doesn't have permissions to perform attestations in this organization, \
                   role=role:org:viewer, orgID=";
    assert!(
        status.message().starts_with(message),
        "{}",
        status.message()
    );

    let member = plane.user(Role::Member);
    let mut members = plane
        .web(&member)
        .client(WorkflowServiceClient::with_origin);
    let list = members
        .list(WorkflowServiceListRequest::default())
        .await
        .unwrap();
    assert!(
        list.into_inner().result.is_empty(),
        "members see the projects they have a role in"
    );
    assert_eq!(
        members.create(create.clone()).await.unwrap_err().code(),
        Code::PermissionDenied
    );

    let owner = plane.user(Role::Owner);
    let mut owners = plane.web(&owner).client(WorkflowServiceClient::with_origin);
    owners.create(create).await.unwrap();
    plane
        .attestation(&owner)
        .find_or_create_workflow(workflow("shop", "more"))
        .await
        .unwrap();
    plane.stop().await;
}

#[tokio::test]
async fn who_am_i() {
    let plane = Plane::start().await;
    let token = plane.token("wide", None, None);
    let owner = plane.user(Role::Owner);
    // Nobody asks whether the organization is suspended.
    plane.strict.suspend("acme", true).unwrap();
    for (bearer, email) in [
        (&token.jwt, "API-token@chainloop"),
        (&owner, "owner@example.com"),
    ] {
        let mut context = plane.web(bearer).client(ContextServiceClient::with_origin);
        let current = context
            .current(ContextServiceCurrentRequest {})
            .await
            .unwrap();
        let current = current.into_inner().result.unwrap();
        assert_eq!(current.current_user.unwrap().email, email);
        assert_eq!(current.current_membership.is_some(), bearer == &owner);
    }
    plane.stop().await;
}
