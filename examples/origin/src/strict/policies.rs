//! Which policies a call needs, and which a token or a role holds: `pkg/authz/authz.go` of the
//! control plane. A call that is not in the map is for owners and admins.

use super::denied::Denied;

/// What every API token holds (`DefaultAuthzPolicies`).
pub(crate) const OF_TOKENS: [&str; 17] = [
    "workflow_run:list",
    "workflow_run:read",
    "workflow:read",
    "workflow:list",
    "workflow:create",
    "workflow_contract:list",
    "workflow_contract:read",
    "workflow_contract:update",
    "workflow_contract:create",
    "cas_artifact:read",
    "referrer:read",
    "organization:read",
    "integration_available:read",
    "integration_available:list",
    "integration_attached:list",
    "integration_attached:create",
    "cas_artifact:create",
];

/// What a token of the whole organization holds besides.
pub(crate) const OF_ORGANIZATION_TOKENS: [&str; 6] = [
    "api_token:create",
    "api_token:list",
    "api_token:delete",
    "integration_registered:create",
    "integration_registered:list",
    "integration_registered:read",
];

/// Each call of the main branch below `/controlplane.v1.`, with what it needs, all of it.
const NEEDED: [(&str, &[&str]); 54] = [
    ("ReferrerService/DiscoverPrivate", &["referrer:read"]),
    ("CASCredentialsService/Get", &[]),
    ("CASRedirectService/GetDownloadURL", &["cas_artifact:read"]),
    ("CASBackendService/List", &["cas_backend:list"]),
    ("CASBackendService/Revalidate", &["cas_backend:update"]),
    ("CASBackendService/Create", &["cas_backend:create"]),
    (
        "IntegrationsService/ListAvailable",
        &["integration_available:list", "integration_available:read"],
    ),
    (
        "IntegrationsService/ListRegistrations",
        &["integration_registered:list"],
    ),
    (
        "IntegrationsService/DescribeRegistration",
        &["integration_registered:read"],
    ),
    (
        "IntegrationsService/Register",
        &["integration_registered:create"],
    ),
    (
        "IntegrationsService/ListAttachments",
        &["integration_attached:list"],
    ),
    (
        "IntegrationsService/Attach",
        &["integration_attached:create"],
    ),
    (
        "IntegrationsService/Detach",
        &["integration_attached:delete"],
    ),
    ("OrgMetricsService/Totals", &["metrics_org:list"]),
    (
        "OrgMetricsService/TopWorkflowsByRunsCount",
        &["metrics_org:list"],
    ),
    ("OrgMetricsService/DailyRunsCount", &["metrics_org:list"]),
    ("WorkflowService/List", &["workflow:list"]),
    ("WorkflowService/View", &["workflow:read"]),
    ("WorkflowService/Create", &["workflow:create"]),
    ("WorkflowService/Update", &["workflow:update"]),
    ("WorkflowService/Delete", &["workflow:delete"]),
    ("WorkflowRunService/List", &["workflow_run:list"]),
    ("WorkflowRunService/View", &["workflow_run:read"]),
    ("WorkflowContractService/List", &["workflow_contract:list"]),
    (
        "WorkflowContractService/Describe",
        &["workflow_contract:read"],
    ),
    (
        "WorkflowContractService/Update",
        &["workflow_contract:update"],
    ),
    (
        "WorkflowContractService/Create",
        &["workflow_contract:create"],
    ),
    (
        "WorkflowContractService/Delete",
        &["workflow_contract:delete"],
    ),
    (
        "WorkflowContractService/Apply",
        &["workflow_contract:create", "workflow_contract:update"],
    ),
    ("ContextService/Current", &["organization:read"]),
    ("OrganizationService/Create", &[]),
    ("OrganizationService/Delete", &[]),
    (
        "OrganizationService/ListMemberships",
        &["organization_memberships:list"],
    ),
    ("UserService/ListMemberships", &[]),
    ("UserService/SetCurrentMembership", &[]),
    ("UserService/DeleteMembership", &[]),
    ("AuthService/DeleteAccount", &[]),
    ("GroupService/List", &[]),
    ("GroupService/Get", &[]),
    ("GroupService/ListMembers", &[]),
    ("GroupService/ListProjects", &[]),
    ("GroupService/AddMember", &[]),
    ("GroupService/RemoveMember", &[]),
    ("GroupService/ListPendingInvitations", &[]),
    ("GroupService/UpdateMemberMaintainerStatus", &[]),
    ("ProjectService/ListMembers", &["project_membership:list"]),
    ("ProjectService/AddMember", &["project_membership:create"]),
    (
        "ProjectService/RemoveMember",
        &["project_membership:delete"],
    ),
    (
        "ProjectService/UpdateMemberRole",
        &["project_membership:update"],
    ),
    (
        "ProjectService/ListPendingInvitations",
        &["project_membership:list"],
    ),
    ("APITokenService/List", &["api_token:list"]),
    ("APITokenService/Create", &["api_token:create"]),
    ("APITokenService/Revoke", &["api_token:delete"]),
    (
        "OrgInvitationService/Create",
        &["organization_invitations:create"],
    ),
];

/// Calls of the main branch that are in no map: for owners and admins.
const FOR_ADMINS: [&str; 11] = [
    "CASBackendService/Update",
    "CASBackendService/Delete",
    "GroupService/Create",
    "GroupService/Update",
    "GroupService/Delete",
    "IntegrationsService/Deregister",
    "OrgInvitationService/ListSent",
    "OrgInvitationService/Revoke",
    "OrganizationService/Update",
    "OrganizationService/UpdateMembership",
    "OrganizationService/DeleteMembership",
];

/// Calls that every token may make by the map, and whose service then wants a person; with what it
/// says to a token (`internal/service/{organization,user,auth,group}.go`).
const FOR_PEOPLE: [(&str, Denied); 11] = [
    ("OrganizationService/Create", Denied::NoNewOrganizations),
    ("OrganizationService/Delete", Denied::NeedsUser),
    ("UserService/ListMemberships", Denied::NeedsUser),
    ("UserService/SetCurrentMembership", Denied::NeedsUser),
    ("UserService/DeleteMembership", Denied::NeedsUser),
    ("AuthService/DeleteAccount", Denied::NeedsUser),
    ("GroupService/AddMember", Denied::NeedsUser),
    ("GroupService/RemoveMember", Denied::NeedsUser),
    (
        "GroupService/UpdateMemberMaintainerStatus",
        Denied::NeedsUser,
    ),
    // No membership is there, and the handler does not expect that.
    ("GroupService/ListMembers", Denied::Internal),
    ("GroupService/ListPendingInvitations", Denied::Internal),
];

/// What a call of the main branch needs; nothing for a call that only owners and admins may make.
pub(crate) fn needed(call: &str) -> Option<&'static [&'static str]> {
    let row = NEEDED.iter().find(|(name, _)| *name == call);
    row.map(|(_, policies)| *policies)
}

/// Whether the main branch has this call.
pub(crate) fn is_known(call: &str) -> bool {
    needed(call).is_some() || FOR_ADMINS.contains(&call)
}

/// What the service says to a token, if it wants a person.
pub(crate) fn people_only(call: &str) -> Option<Denied> {
    let row = FOR_PEOPLE.iter().find(|(name, _)| *name == call);
    row.map(|(_, denied)| denied.clone())
}

/// What the role of an organization's viewer holds.
pub(crate) const OF_VIEWERS: [&str; 16] = [
    "referrer:read",
    "cas_artifact:read",
    "cas_backend:list",
    "integration_available:list",
    "integration_available:read",
    "integration_registered:list",
    "integration_attached:list",
    "metrics_org:list",
    "workflow_contract:list",
    "workflow_contract:read",
    "workflow_run:list",
    "workflow_run:read",
    "workflow:list",
    "workflow:read",
    "organization:read",
    "organization_memberships:list",
];

/// What the role of a contributor holds; a member holds the same, and may make projects.
pub(crate) const OF_CONTRIBUTORS: [&str; 32] = [
    "workflow:read",
    "workflow_contract:list",
    "workflow_contract:read",
    "workflow_contract:create",
    "workflow_contract:update",
    "workflow_contract:delete",
    "workflow:list",
    "workflow:create",
    "workflow:update",
    "workflow:delete",
    "workflow_run:list",
    "workflow_run:read",
    "cas_artifact:read",
    "cas_artifact:create",
    "cas_backend:list",
    "organization:read",
    "integration_available:list",
    "integration_available:read",
    "integration_registered:list",
    "integration_registered:read",
    "integration_attached:list",
    "integration_attached:create",
    "integration_attached:delete",
    "metrics_org:list",
    "referrer:read",
    "api_token:list",
    "api_token:create",
    "api_token:delete",
    "project_membership:list",
    "project_membership:create",
    "project_membership:delete",
    "project_membership:update",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_call_stands_in_one_place() {
        let mapped: BTreeSet<&str> = NEEDED.iter().map(|(name, _)| *name).collect();
        assert_eq!(mapped.len(), NEEDED.len());
        let admins: BTreeSet<&str> = FOR_ADMINS.into_iter().collect();
        assert_eq!(admins.len(), FOR_ADMINS.len());
        assert!(mapped.is_disjoint(&admins));
        // 54 and 11 here, 16 that need no policy there: the 81 calls.
        assert_eq!(mapped.len() + admins.len() + 16, 81);
        for (name, _) in FOR_PEOPLE {
            assert!(mapped.contains(name), "{name}");
        }
    }

    #[test]
    fn what_tokens_hold_does_not_overlap() {
        let all: BTreeSet<&str> = OF_TOKENS
            .into_iter()
            .chain(OF_ORGANIZATION_TOKENS)
            .collect();
        assert_eq!(all.len(), 23);
    }
}
