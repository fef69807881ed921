//! Organizations, their tokens, and the people in them.

use postern_origin::proto::*;

use super::{Row, group, member, page, plain, references, row};
use crate::seen::Seen;

pub(super) fn organization() -> Vec<Row> {
    vec![
        plain("ContextService/Current", ContextServiceCurrentRequest {}),
        plain(
            "OrganizationService/Create",
            OrganizationServiceCreateRequest {
                name: "organization".into(),
            },
        ),
        plain(
            "OrganizationService/Update",
            OrganizationServiceUpdateRequest {
                name: "organization".into(),
                ..Default::default()
            },
        ),
        plain(
            "OrganizationService/Delete",
            OrganizationServiceDeleteRequest {
                name: "organization".into(),
            },
        ),
        plain(
            "OrganizationService/ListMemberships",
            OrganizationServiceListMembershipsRequest {
                membership_id: Some("membership".into()),
                name: Some("person".into()),
                pagination: page(),
                ..Default::default()
            },
        ),
        plain(
            "OrganizationService/UpdateMembership",
            OrganizationServiceUpdateMembershipRequest {
                membership_id: "membership".into(),
                role: 1,
            },
        ),
        plain(
            "OrganizationService/DeleteMembership",
            OrganizationServiceDeleteMembershipRequest {
                membership_id: "membership".into(),
            },
        ),
        row(
            "OrgInvitationService/Create",
            [OrgInvitationServiceCreateRequest {
                organization_id: "organization-id".into(),
                receiver_email: "email".into(),
                role: 1,
            }],
            |m| Seen {
                organization_id: m.organization_id.clone(),
                ..Seen::default()
            },
        ),
        plain(
            "OrgInvitationService/Revoke",
            OrgInvitationServiceRevokeRequest {
                id: "invitation".into(),
            },
        ),
        plain(
            "OrgInvitationService/ListSent",
            OrgInvitationServiceListSentRequest {},
        ),
        plain(
            "OrgMetricsService/Totals",
            OrgMetricsServiceTotalsRequest { time_window: 1 },
        ),
        plain(
            "OrgMetricsService/TopWorkflowsByRunsCount",
            TopWorkflowsByRunsCountRequest {
                num_workflows: 5,
                time_window: 1,
            },
        ),
        // It may name a workflow by id: no narrow token may make the call.
        plain(
            "OrgMetricsService/DailyRunsCount",
            DailyRunsCountRequest {
                workflow_id: Some("workflow-id".into()),
                time_window: 1,
            },
        ),
        row(
            "APITokenService/Create",
            references().map(|project| ApiTokenServiceCreateRequest {
                description: Some("description".into()),
                expires_in: Some(prost_types::Duration {
                    seconds: 1,
                    nanos: 2,
                }),
                name: "token".into(),
                project_reference: Some(project),
            }),
            |m| Seen::reference(m.project_reference.as_ref()),
        ),
        row(
            "APITokenService/List",
            references().map(|project| ApiTokenServiceListRequest {
                include_revoked: true,
                scope: 1,
                project: Some(project),
                status_filter: 1,
            }),
            |m| Seen::reference(m.project.as_ref()),
        ),
        plain(
            "APITokenService/Revoke",
            ApiTokenServiceRevokeRequest { id: "token".into() },
        ),
    ]
}

pub(super) fn people() -> Vec<Row> {
    vec![
        row(
            "ProjectService/ListMembers",
            references().map(|project| ProjectServiceListMembersRequest {
                project_reference: Some(project),
                pagination: page(),
            }),
            |m| Seen::reference(m.project_reference.as_ref()),
        ),
        row(
            "ProjectService/ListPendingInvitations",
            references().map(|project| ProjectServiceListPendingInvitationsRequest {
                project_reference: Some(project),
                pagination: page(),
            }),
            |m| Seen::reference(m.project_reference.as_ref()),
        ),
        row(
            "ProjectService/AddMember",
            references().map(|project| ProjectServiceAddMemberRequest {
                project_reference: Some(project),
                member_reference: member(),
                role: 1,
            }),
            |m| Seen::reference(m.project_reference.as_ref()),
        ),
        row(
            "ProjectService/RemoveMember",
            references().map(|project| ProjectServiceRemoveMemberRequest {
                project_reference: Some(project),
                member_reference: member(),
            }),
            |m| Seen::reference(m.project_reference.as_ref()),
        ),
        row(
            "ProjectService/UpdateMemberRole",
            references().map(|project| ProjectServiceUpdateMemberRoleRequest {
                project_reference: Some(project),
                member_reference: member(),
                new_role: 1,
            }),
            |m| Seen::reference(m.project_reference.as_ref()),
        ),
        plain(
            "GroupService/List",
            GroupServiceListRequest {
                name: Some("group".into()),
                description: Some("description".into()),
                member_email: Some("email".into()),
                pagination: page(),
            },
        ),
        plain(
            "GroupService/Get",
            GroupServiceGetRequest {
                group_reference: group(),
            },
        ),
        plain(
            "GroupService/ListProjects",
            GroupServiceListProjectsRequest {
                group_reference: group(),
                pagination: page(),
            },
        ),
        plain(
            "GroupService/Create",
            GroupServiceCreateRequest {
                name: "group".into(),
                description: "description".into(),
            },
        ),
        plain(
            "GroupService/Update",
            GroupServiceUpdateRequest {
                group_reference: group(),
                new_name: Some("name".into()),
                new_description: Some("description".into()),
            },
        ),
        plain(
            "GroupService/Delete",
            GroupServiceDeleteRequest {
                group_reference: group(),
            },
        ),
        plain(
            "GroupService/ListMembers",
            GroupServiceListMembersRequest {
                group_reference: group(),
                maintainers: Some(true),
                member_email: Some("email".into()),
                pagination: page(),
            },
        ),
        plain(
            "GroupService/ListPendingInvitations",
            GroupServiceListPendingInvitationsRequest {
                group_reference: group(),
                pagination: page(),
            },
        ),
        plain(
            "GroupService/AddMember",
            GroupServiceAddMemberRequest {
                group_reference: group(),
                user_email: "email".into(),
                is_maintainer: true,
            },
        ),
        plain(
            "GroupService/RemoveMember",
            GroupServiceRemoveMemberRequest {
                group_reference: group(),
                user_email: "email".into(),
            },
        ),
        plain(
            "GroupService/UpdateMemberMaintainerStatus",
            GroupServiceUpdateMemberMaintainerStatusRequest {
                group_reference: group(),
                user_id: "person".into(),
                is_maintainer: true,
            },
        ),
        plain(
            "UserService/ListMemberships",
            UserServiceListMembershipsRequest {},
        ),
        plain(
            "UserService/DeleteMembership",
            DeleteMembershipRequest {
                membership_id: "membership".into(),
            },
        ),
        plain(
            "UserService/SetCurrentMembership",
            SetCurrentMembershipRequest {
                membership_id: "membership".into(),
            },
        ),
        plain(
            "AuthService/DeleteAccount",
            AuthServiceDeleteAccountRequest {},
        ),
    ]
}
