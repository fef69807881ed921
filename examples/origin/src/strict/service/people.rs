//! What people ask about themselves: UserService and ContextService
//! (`internal/service/{user,context}.go`). Of the calls for people only ListMemberships is here;
//! the others that the chain lets through are answered with UNIMPLEMENTED.

use tonic::{Request, Response, Status};

use super::{StrictService, subject};
use crate::proto::context_service_server::ContextService;
use crate::proto::user_service_server::UserService;
use crate::proto::{
    ContextServiceCurrentRequest, ContextServiceCurrentResponse, MembershipRole, OrgItem,
    OrgMembershipItem, User, UserServiceListMembershipsRequest, UserServiceListMembershipsResponse,
    context_service_current_response as current,
};
use crate::service::items;
use crate::strict::denied::Denied;
use crate::strict::people::Role;
use crate::strict::subject::Holder;

#[tonic::async_trait]
impl UserService for StrictService {
    async fn list_memberships(
        &self,
        request: Request<UserServiceListMembershipsRequest>,
    ) -> Result<Response<UserServiceListMembershipsResponse>, Status> {
        let subject = subject(&request)?;
        let Holder::Person { id, .. } = subject.holder else {
            return Err(Denied::NeedsUser.into());
        };
        let world = self.0.lock();
        let memberships = world.users.get(&id).map(|user| &user.memberships);
        let result = memberships
            .into_iter()
            .flatten()
            .filter_map(|(organization, role)| {
                let organization = world.organizations.get(organization)?;
                let current = organization.about.id == subject.organization.id;
                Some(item(
                    &organization.about.id,
                    &organization.about.name,
                    *role,
                    current,
                ))
            })
            .collect();
        Ok(Response::new(UserServiceListMembershipsResponse { result }))
    }
}

#[tonic::async_trait]
impl ContextService for StrictService {
    async fn current(
        &self,
        request: Request<ContextServiceCurrentRequest>,
    ) -> Result<Response<ContextServiceCurrentResponse>, Status> {
        let subject = subject(&request)?;
        let (user, membership) = match subject.holder {
            Holder::Token { id, .. } => {
                let dressed = User {
                    id: id.to_string(),
                    email: "API-token@chainloop".to_owned(),
                    ..User::default()
                };
                (dressed, None)
            }
            Holder::Person { id, role } => {
                let world = self.0.lock();
                let user = User {
                    id: id.to_string(),
                    email: world
                        .users
                        .get(&id)
                        .map(|user| user.email.clone())
                        .unwrap_or_default(),
                    ..User::default()
                };
                let organization = &subject.organization;
                (
                    user,
                    Some(item(&organization.id, &organization.name, role, true)),
                )
            }
        };
        Ok(Response::new(ContextServiceCurrentResponse {
            result: Some(current::Result {
                current_user: Some(user),
                current_membership: membership,
                current_cas_backend: Some(items::store()),
            }),
        }))
    }
}

fn item(id: &str, name: &str, role: Role, current: bool) -> OrgMembershipItem {
    OrgMembershipItem {
        id: uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, id.as_bytes()).to_string(),
        org: Some(OrgItem {
            id: id.to_owned(),
            name: name.to_owned(),
            ..OrgItem::default()
        }),
        current,
        role: match role {
            Role::Owner => MembershipRole::OrgOwner,
            Role::Admin => MembershipRole::OrgAdmin,
            Role::Viewer => MembershipRole::OrgViewer,
            Role::Member => MembershipRole::OrgMember,
            Role::Contributor => MembershipRole::OrgContributor,
        }
        .into(),
        ..OrgMembershipItem::default()
    }
}
