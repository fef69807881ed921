//! The other calls of the control plane (release 1.106.1). Policies and field numbers are the
//! control plane's.

use super::Effect::{Read, Write};
use super::Narrow::{Any, Confined, Denied, Named};
use super::row::{
    closed, content, digest, hands_out, names, organization, person, project_at, run, token,
};
use super::{
    ArtifactCredential, Carries, Effect, Identity, Is, NOTHING, OrganizationAt, ProjectAt, Rpc,
    When,
};

const CONTRACT_IN_CREATE: &[When] = &[When {
    field: 4,
    is: Is::Present,
    policies: &["workflow_contract:create"],
}];

/// Down- and upload are different policies of one call.
const ARTIFACT_ROLE: &[When] = &[
    When {
        field: 1,
        is: Is::Number(1),
        policies: &["cas_artifact:read"],
    },
    When {
        field: 1,
        is: Is::Number(2),
        policies: &["cas_artifact:create"],
    },
    // A role that a later release may know.
    When {
        field: 1,
        is: Is::Otherwise(&[1, 2]),
        policies: &["cas_artifact:create", "cas_artifact:read"],
    },
];

pub(super) const ARTIFACT_CREDENTIAL: Rpc = hands_out(
    Rpc {
        when: ARTIFACT_ROLE,
        ..token(
            "CASCredentialsService/Get",
            Write,
            &[],
            digest(&[2], NOWHERE),
            Confined,
        )
    },
    // The role is the first field of the message.
    ArtifactCredential::in_result(None),
);

pub(super) const RUN_VIEW: Rpc = token(
    "WorkflowRunService/View",
    Read,
    &["workflow_run:read"],
    Identity {
        digest: Some(&[2]),
        ..run(&[1])
    },
    Named,
);

const NOWHERE: ProjectAt = ProjectAt::Nowhere;

/// The rows.
pub static MANAGEMENT: [Rpc; 65] = [
    // The name filter of this list finds parts of names, so no workflow token is kept to its own.
    token(
        "WorkflowService/List",
        Read,
        &["workflow:list"],
        project_at(ProjectAt::Names(&[3])),
        Confined,
    ),
    token(
        "WorkflowService/View",
        Read,
        &["workflow:read"],
        names(&[2], &[1]),
        Named,
    ),
    Rpc {
        when: CONTRACT_IN_CREATE,
        carries: Carries::Content,
        ..token(
            "WorkflowService/Create",
            Write,
            &["workflow:create"],
            names(&[2], &[1]),
            Named,
        )
    },
    token(
        "WorkflowService/Update",
        Write,
        &["workflow:update"],
        names(&[3], &[1]),
        Named,
    ),
    token(
        "WorkflowService/Delete",
        Write,
        &["workflow:delete"],
        names(&[2], &[1]),
        Named,
    ),
    token(
        "WorkflowRunService/List",
        Read,
        &["workflow_run:list"],
        names(&[4], &[1]),
        Confined,
    ),
    RUN_VIEW,
    token(
        "WorkflowContractService/List",
        Read,
        &["workflow_contract:list"],
        NOTHING,
        Confined,
    ),
    content(token(
        "WorkflowContractService/Create",
        Write,
        &["workflow_contract:create"],
        project_at(ProjectAt::Reference(&[5])),
        Named,
    )),
    content(token(
        "WorkflowContractService/Update",
        Write,
        &["workflow_contract:update"],
        NOTHING,
        Confined,
    )),
    token(
        "WorkflowContractService/Describe",
        Read,
        &["workflow_contract:read"],
        NOTHING,
        Confined,
    ),
    token(
        "WorkflowContractService/Delete",
        Write,
        &["workflow_contract:delete"],
        NOTHING,
        Denied,
    ),
    // The origin makes it a contract of the organization, whichever token asks.
    content(token(
        "WorkflowContractService/Apply",
        Write,
        &["workflow_contract:create", "workflow_contract:update"],
        NOTHING,
        Denied,
    )),
    ARTIFACT_CREDENTIAL,
    // The origin filters this one by organization only.
    hands_out(
        token(
            "CASRedirectService/GetDownloadURL",
            Read,
            &["cas_artifact:read"],
            digest(&[1], NOWHERE),
            Denied,
        ),
        ArtifactCredential::in_url(),
    ),
    token(
        "ReferrerService/DiscoverPrivate",
        Read,
        &["referrer:read"],
        digest(&[1], ProjectAt::Name(&[4])),
        Confined,
    ),
    token(
        "IntegrationsService/ListAvailable",
        Read,
        &["integration_available:list", "integration_available:read"],
        NOTHING,
        Any,
    ),
    token(
        "IntegrationsService/ListRegistrations",
        Read,
        &["integration_registered:list"],
        NOTHING,
        Denied,
    ),
    token(
        "IntegrationsService/DescribeRegistration",
        Read,
        &["integration_registered:read"],
        NOTHING,
        Denied,
    ),
    token(
        "IntegrationsService/Register",
        Write,
        &["integration_registered:create"],
        NOTHING,
        Denied,
    ),
    person("IntegrationsService/Deregister"),
    token(
        "IntegrationsService/ListAttachments",
        Read,
        &["integration_attached:list"],
        names(&[2], &[1]),
        Confined,
    ),
    token(
        "IntegrationsService/Attach",
        Write,
        &["integration_attached:create"],
        names(&[3], &[1]),
        Named,
    ),
    token(
        "IntegrationsService/Detach",
        Write,
        &["integration_attached:delete"],
        NOTHING,
        Denied,
    ),
    token(
        "ContextService/Current",
        Read,
        &["organization:read"],
        NOTHING,
        Any,
    ),
    person("OrganizationService/Create"),
    person("OrganizationService/Update"),
    person("OrganizationService/Delete"),
    token(
        "OrganizationService/ListMemberships",
        Read,
        &["organization_memberships:list"],
        NOTHING,
        Denied,
    ),
    person("OrganizationService/UpdateMembership"),
    person("OrganizationService/DeleteMembership"),
    token("GroupService/List", Read, &[], NOTHING, Denied),
    token("GroupService/Get", Read, &[], NOTHING, Denied),
    token("GroupService/ListProjects", Read, &[], NOTHING, Denied),
    person("GroupService/Create"),
    person("GroupService/Update"),
    person("GroupService/Delete"),
    person("GroupService/ListMembers"),
    person("GroupService/ListPendingInvitations"),
    person("GroupService/AddMember"),
    person("GroupService/RemoveMember"),
    person("GroupService/UpdateMemberMaintainerStatus"),
    member("ProjectService/ListMembers", Read, LIST_MEMBERS),
    member("ProjectService/ListPendingInvitations", Read, LIST_MEMBERS),
    member(
        "ProjectService/AddMember",
        Write,
        &["project_membership:create"],
    ),
    member(
        "ProjectService/RemoveMember",
        Write,
        &["project_membership:delete"],
    ),
    member(
        "ProjectService/UpdateMemberRole",
        Write,
        &["project_membership:update"],
    ),
    // The origin's own tokens: what is made there would be refused here, and known to nobody.
    closed(
        "APITokenService/Create",
        Write,
        project_at(ProjectAt::Reference(&[4])),
    ),
    closed(
        "APITokenService/List",
        Read,
        project_at(ProjectAt::Reference(&[4])),
    ),
    closed("APITokenService/Revoke", Write, NOTHING),
    token(
        "OrgInvitationService/Create",
        Write,
        &["organization_invitations:create"],
        organization(OrganizationAt::Id(&[1])),
        Denied,
    ),
    person("OrgInvitationService/Revoke"),
    person("OrgInvitationService/ListSent"),
    metrics("OrgMetricsService/Totals"),
    metrics("OrgMetricsService/TopWorkflowsByRunsCount"),
    metrics("OrgMetricsService/DailyRunsCount"),
    token(
        "CASBackendService/List",
        Read,
        &["cas_backend:list"],
        NOTHING,
        Denied,
    ),
    token(
        "CASBackendService/Create",
        Write,
        &["cas_backend:create"],
        NOTHING,
        Denied,
    ),
    token(
        "CASBackendService/Revalidate",
        Write,
        &["cas_backend:update"],
        NOTHING,
        Denied,
    ),
    person("CASBackendService/Update"),
    person("CASBackendService/Delete"),
    person("UserService/ListMemberships"),
    person("UserService/DeleteMembership"),
    person("UserService/SetCurrentMembership"),
    person("AuthService/DeleteAccount"),
];

const LIST_MEMBERS: &[&str] = &["project_membership:list"];

const fn member(method: &'static str, effect: Effect, policies: &'static [&'static str]) -> Rpc {
    let project = project_at(ProjectAt::Reference(&[1]));
    token(method, effect, policies, project, Named)
}

const fn metrics(method: &'static str) -> Rpc {
    token(method, Read, &["metrics_org:list"], NOTHING, Denied)
}
