//! The control plane's own tokens, made, listed and revoked by its API.

use postern_origin::client::Endpoint;
use postern_origin::proto::api_token_service_client::ApiTokenServiceClient;
use postern_origin::proto::api_token_service_list_request::{Scope, StatusFilter};
use postern_origin::proto::{
    ApiTokenItem, ApiTokenServiceCreateRequest, ApiTokenServiceListRequest,
    ApiTokenServiceRevokeRequest, IdentityReference,
};
use postern_origin::strict::Role;
use tonic::{Code, Status};
use uuid::Uuid;

use super::support::{Plane, claims};
use crate::support::refused;

struct Tokens(ApiTokenServiceClient<Endpoint>);

impl Tokens {
    fn of(plane: &Plane, token: &str) -> Self {
        Self(plane.web(token).client(ApiTokenServiceClient::with_origin))
    }

    async fn create(
        &mut self,
        name: &str,
        project: Option<&str>,
    ) -> Result<(ApiTokenItem, String), Status> {
        let request = ApiTokenServiceCreateRequest {
            name: name.to_owned(),
            description: Some("a description".to_owned()),
            expires_in: Some(prost_types::Duration {
                seconds: 60,
                nanos: 0,
            }),
            project_reference: project.map(named),
        };
        let made = self.0.create(request).await?.into_inner().result.unwrap();
        Ok((made.item.unwrap(), made.jwt))
    }

    async fn list(&mut self, scope: Scope, status: StatusFilter) -> Result<Vec<String>, Status> {
        let request = ApiTokenServiceListRequest {
            scope: scope.into(),
            status_filter: status.into(),
            ..ApiTokenServiceListRequest::default()
        };
        let list = self.0.list(request).await?.into_inner().result;
        Ok(list.into_iter().map(|item| item.name).collect())
    }

    async fn revoke(&mut self, id: &str) -> Result<(), Status> {
        let request = ApiTokenServiceRevokeRequest { id: id.to_owned() };
        self.0.revoke(request).await.map(|_| ())
    }
}

fn named(name: &str) -> IdentityReference {
    IdentityReference {
        id: None,
        name: Some(name.to_owned()),
    }
}

#[tokio::test]
async fn a_token_makes_tokens_for_projects() {
    let plane = Plane::start().await;
    let wide = plane.wide("wide");
    plane.begin(&wide, "shop", "release").await;
    let mut tokens = Tokens::of(&plane, &wide);
    let (item, jwt) = tokens.create("ci", Some("shop")).await.unwrap();
    assert_eq!((&*item.name, &*item.description), ("ci", "a description"));
    assert_eq!(&*item.organization_name, "acme");
    let scope = item.scoped_entity.unwrap();
    assert_eq!((&*scope.r#type, &*scope.name), ("project", "shop"));
    let made = claims(&jwt);
    assert_eq!(made["jti"], item.id);
    assert_eq!(made["project_id"], scope.id);
    assert_eq!(made["exp"].as_i64(), Some(item.expires_at.unwrap().seconds));
    assert!(item.revoked_at.is_none() && item.last_used_at.is_none());
    // It works at once, and no longer than its row.
    plane.begin(&jwt, "shop", "release").await;
    tokens.revoke(&item.id).await.unwrap();
    let answer = plane
        .attestation(&jwt)
        .init(crate::support::new_run("shop", "release"))
        .await;
    let message = "error extracting organization from APIToken: API token revoked";
    refused(answer, Code::Unknown, message, "");
    let unknown = "finding token: API token not found";
    refused(
        tokens.revoke(&item.id).await,
        Code::NotFound,
        unknown,
        "not found",
    );
    plane.stop().await;
}

#[tokio::test]
async fn what_an_organization_token_may_not() {
    let plane = Plane::start().await;
    let first = plane.token("first", None, None);
    let second = plane.token("second", None, None);
    plane.token("narrow", Some("shop"), None);
    let mut tokens = Tokens::of(&plane, &first.jwt);
    let answer = tokens.create("ci", None).await;
    let message = "org-level API tokens must specify a project when creating new tokens";
    refused(answer, Code::PermissionDenied, message, "forbidden");
    let answer = tokens.create("ci", Some("nowhere")).await;
    refused(
        answer,
        Code::NotFound,
        "project nowhere not found",
        "not found",
    );
    let answer = tokens.create("narrow", Some("shop")).await;
    refused(
        answer,
        Code::AlreadyExists,
        "duplicated: name already taken",
        "",
    );
    assert_eq!(
        tokens
            .create("This/not", Some("shop"))
            .await
            .unwrap_err()
            .code(),
        Code::InvalidArgument
    );
    let answer = tokens.revoke(&second.id.to_string()).await;
    let message = "org-level API tokens cannot revoke org-level tokens";
    refused(answer, Code::PermissionDenied, message, "forbidden");
    let answer = tokens.revoke(&Uuid::from_u128(1).to_string()).await;
    refused(
        answer,
        Code::NotFound,
        "finding token: API token not found",
        "not found",
    );
    let answer = tokens.revoke("x").await;
    refused(
        answer,
        Code::InvalidArgument,
        "validation error: id: value must be a valid UUID",
        "",
    );
    for scope in [Scope::Unspecified, Scope::Global, Scope::Project] {
        let seen = tokens.list(scope, StatusFilter::All).await.unwrap();
        assert_eq!(seen, ["narrow"], "{scope:?}");
    }
    plane.stop().await;
}

#[tokio::test]
async fn a_use_counts_even_if_it_is_refused() {
    let plane = Plane::start().await;
    let owner = plane.user(Role::Owner);
    let used = |plane: &Plane, name: &'static str| {
        let mut client = plane.web(&owner).client(ApiTokenServiceClient::with_origin);
        async move {
            let list = client
                .list(ApiTokenServiceListRequest::default())
                .await
                .unwrap();
            let list = list.into_inner().result;
            let found = list.into_iter().find(|item| item.name == name).unwrap();
            found.last_used_at.is_some()
        }
    };
    let narrow = plane.token("narrow", Some("shop"), None).jwt;
    assert!(!used(&plane, "narrow").await);
    let answer = Tokens::of(&plane, &narrow)
        .revoke(&Uuid::from_u128(1).to_string())
        .await;
    refused(
        answer,
        Code::PermissionDenied,
        "operation not allowed",
        "forbidden",
    );
    assert!(used(&plane, "narrow").await);
    plane.stop().await;
}

#[tokio::test]
async fn a_project_token_manages_nothing() {
    let plane = Plane::start().await;
    let narrow = plane.token("narrow", Some("shop"), None);
    let mut tokens = Tokens::of(&plane, &narrow.jwt);
    let denied = (Code::PermissionDenied, "operation not allowed", "forbidden");
    refused(
        tokens.create("ci", Some("shop")).await,
        denied.0,
        denied.1,
        denied.2,
    );
    let list = tokens.list(Scope::Unspecified, StatusFilter::All).await;
    refused(list, denied.0, denied.1, denied.2);
    refused(
        tokens.revoke(&narrow.id.to_string()).await,
        denied.0,
        denied.1,
        denied.2,
    );
    plane.stop().await;
}

#[tokio::test]
async fn owners_and_members() {
    let plane = Plane::start().await;
    let (owner, member) = (plane.user(Role::Owner), plane.user(Role::Member));
    let mut owners = Tokens::of(&plane, &owner);
    let (global, _) = owners.create("global", None).await.unwrap();
    assert!(global.scoped_entity.is_none());
    plane.token("narrow", Some("shop"), None);
    let all = owners
        .list(Scope::Unspecified, StatusFilter::Active)
        .await
        .unwrap();
    assert_eq!(all, ["global", "narrow"]);
    assert_eq!(
        owners
            .list(Scope::Global, StatusFilter::Active)
            .await
            .unwrap(),
        ["global"]
    );

    let mut members = Tokens::of(&plane, &member);
    let answer = members.create("mine", None).await;
    refused(
        answer,
        Code::InvalidArgument,
        "project is required",
        "invalid",
    );
    let answer = members.create("mine", Some("shop")).await.unwrap_err();
    assert!(
        answer
            .message()
            .starts_with("you do not have permissions to access the \"project\" with id")
    );
    let answer = members.revoke(&global.id).await;
    refused(
        answer,
        Code::InvalidArgument,
        "you can not manage a global API token",
        "invalid",
    );

    owners.revoke(&global.id).await.unwrap();
    assert_eq!(
        owners
            .list(Scope::Unspecified, StatusFilter::Revoked)
            .await
            .unwrap(),
        ["global"]
    );
    assert_eq!(
        owners
            .list(Scope::Unspecified, StatusFilter::All)
            .await
            .unwrap(),
        ["global", "narrow"]
    );
    plane.stop().await;
}
