//! Everything that can be asked of the gateway, by name.

use super::route::Route;
use super::rpc::{Access, Narrow, Rpc};

/// Something a caller can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Creating an organization.
    OrganizationCreate,
    /// Listing organizations.
    OrganizationList,
    /// Changing an organization's limits.
    OrganizationUpdate,
    /// Rebuilding an organization's Ledger from the record.
    OrganizationRebuild,
    /// Pausing an organization (R53).
    OrganizationPause,
    /// Resuming it.
    OrganizationResume,
    /// Creating a project.
    ProjectCreate,
    /// Listing projects.
    ProjectList,
    /// Creating a workflow.
    WorkflowCreate,
    /// Listing workflows.
    WorkflowList,
    /// Creating a token.
    TokenCreate,
    /// Listing tokens.
    TokenList,
    /// Reading a token.
    TokenRead,
    /// Revoking tokens.
    TokenRevoke,
    /// Rotating a token.
    TokenRotate,
    /// Releasing a quarantined token.
    TokenRelease,
    /// Renaming a token, or narrowing what it allows (R53).
    TokenEdit,
    /// Registering a token that the origin minted (R39).
    TokenAdopt,
    /// A holder ends its own token (RFC 7009).
    TokenRevokeOwn,
    /// Reading the audit log.
    AuditRead,
    /// To sign how far the audit log reaches.
    AuditCheckpoint,
    /// To see what calls have come to, and which were refused (R49).
    ActivityRead,
    /// To see which upstream credential is set: its digest, and never its text.
    UpstreamRead,
    /// Setting an upstream credential.
    UpstreamSet,
    /// Clearing one.
    UpstreamClear,
    /// To see the rules by which jobs of CI systems get tokens, what one of them would get, and the
    /// ids that a rule names (R47).
    TrustRuleList,
    /// Adding a rule.
    TrustRuleAdd,
    /// Removing one, with every token that it gave.
    TrustRuleRemove,
    /// A call for the origin.
    Rpc(&'static Rpc),
    /// A REST request for the origin.
    Route(&'static Route),
}

/// The two kinds of tokens that are managed under different policies (R15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Managed {
    /// Organization-level tokens.
    OrganizationTokens,
    /// Project- and workflow-scoped tokens.
    ProjectTokens,
}

/// What a call for the origin asks of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requirements {
    /// Who can make the call at all.
    pub access: Access,
    /// All of them.
    pub policies: &'static [&'static str],
    /// What narrow tokens can do.
    pub narrow: Narrow,
    /// Whether a user token of the control plane means anything there (R44).
    pub people: bool,
}

impl Operation {
    /// Every operation on the registry itself: all but calls for the origin. `listed`
    /// does not compile while one is missing.
    pub const REGISTRY: [Self; 28] = [
        Self::OrganizationCreate,
        Self::OrganizationList,
        Self::OrganizationUpdate,
        Self::OrganizationRebuild,
        Self::ProjectCreate,
        Self::ProjectList,
        Self::WorkflowCreate,
        Self::WorkflowList,
        Self::TokenCreate,
        Self::TokenList,
        Self::TokenRead,
        Self::TokenRevoke,
        Self::TokenRotate,
        Self::TokenRelease,
        Self::TokenAdopt,
        Self::TokenRevokeOwn,
        Self::AuditRead,
        Self::AuditCheckpoint,
        Self::UpstreamRead,
        Self::UpstreamSet,
        Self::UpstreamClear,
        Self::TrustRuleList,
        Self::TrustRuleAdd,
        Self::TrustRuleRemove,
        Self::ActivityRead,
        Self::OrganizationPause,
        Self::OrganizationResume,
        Self::TokenEdit,
    ];

    /// The operation's place in [`Operation::REGISTRY`].
    #[cfg(test)]
    const fn listed(self) -> Option<Self> {
        Some(match self {
            Self::OrganizationCreate => Self::REGISTRY[0],
            Self::OrganizationList => Self::REGISTRY[1],
            Self::OrganizationUpdate => Self::REGISTRY[2],
            Self::OrganizationRebuild => Self::REGISTRY[3],
            Self::ProjectCreate => Self::REGISTRY[4],
            Self::ProjectList => Self::REGISTRY[5],
            Self::WorkflowCreate => Self::REGISTRY[6],
            Self::WorkflowList => Self::REGISTRY[7],
            Self::TokenCreate => Self::REGISTRY[8],
            Self::TokenList => Self::REGISTRY[9],
            Self::TokenRead => Self::REGISTRY[10],
            Self::TokenRevoke => Self::REGISTRY[11],
            Self::TokenRotate => Self::REGISTRY[12],
            Self::TokenRelease => Self::REGISTRY[13],
            Self::TokenAdopt => Self::REGISTRY[14],
            Self::TokenRevokeOwn => Self::REGISTRY[15],
            Self::AuditRead => Self::REGISTRY[16],
            Self::AuditCheckpoint => Self::REGISTRY[17],
            Self::UpstreamRead => Self::REGISTRY[18],
            Self::UpstreamSet => Self::REGISTRY[19],
            Self::UpstreamClear => Self::REGISTRY[20],
            Self::TrustRuleList => Self::REGISTRY[21],
            Self::TrustRuleAdd => Self::REGISTRY[22],
            Self::TrustRuleRemove => Self::REGISTRY[23],
            Self::ActivityRead => Self::REGISTRY[24],
            Self::OrganizationPause => Self::REGISTRY[25],
            Self::OrganizationResume => Self::REGISTRY[26],
            Self::TokenEdit => Self::REGISTRY[27],
            Self::Rpc(_) | Self::Route(_) => return None,
        })
    }

    /// What the operation asks for if it is a call for the origin; `None` for all else.
    pub fn requirements(self) -> Option<Requirements> {
        match self {
            Self::Rpc(row) => Some(Requirements {
                access: row.access,
                policies: row.policies,
                narrow: row.narrow,
                people: true,
            }),
            Self::Route(row) => Some(Requirements {
                access: row.access,
                policies: row.policies,
                narrow: row.narrow,
                people: row.people,
            }),
            _ => None,
        }
    }

    /// The policies that managing tokens of this kind needs, all of them; `None` for operations
    /// that no policy opens: those on the registry itself are the administrator's.
    pub fn policies(self, managed: Managed) -> Option<&'static [&'static str]> {
        match (self, managed) {
            // A release and an adoption make a token active, as creating one does.
            (
                Self::TokenCreate | Self::TokenRelease | Self::TokenAdopt,
                Managed::OrganizationTokens,
            ) => Some(&["org_api_token:create"]),
            (Self::TokenCreate | Self::TokenRelease | Self::TokenAdopt, Managed::ProjectTokens) => {
                Some(&["project_api_token:create"])
            }
            (Self::TokenList | Self::TokenRead, Managed::OrganizationTokens) => {
                Some(&["org_api_token:list"])
            }
            (Self::TokenList | Self::TokenRead, Managed::ProjectTokens) => {
                Some(&["project_api_token:list"])
            }
            // Who may end a token may make it narrower.
            (Self::TokenRevoke | Self::TokenEdit, Managed::OrganizationTokens) => {
                Some(&["org_api_token:revoke"])
            }
            (Self::TokenRevoke | Self::TokenEdit, Managed::ProjectTokens) => {
                Some(&["project_api_token:revoke"])
            }
            (Self::TokenRotate, Managed::OrganizationTokens) => {
                Some(&["org_api_token:create", "org_api_token:revoke"])
            }
            (Self::TokenRotate, Managed::ProjectTokens) => {
                Some(&["project_api_token:create", "project_api_token:revoke"])
            }
            // Ours, not the control plane's; no token holds it by default.
            (Self::AuditRead | Self::AuditCheckpoint | Self::ActivityRead, _) => {
                Some(&["audit:read"])
            }
            // Ours too. A caller that can set what is sent to the origin decides in whose name
            // every call of the organization is made there.
            (Self::UpstreamRead, _) => Some(&["upstream_credential:read"]),
            (Self::UpstreamSet | Self::UpstreamClear, _) => Some(&["upstream_credential:update"]),
            // And ours: what a rule gives, its author must hold besides, as for a token.
            (Self::TrustRuleList, _) => Some(&["trust_rule:read"]),
            (Self::TrustRuleAdd | Self::TrustRuleRemove, _) => Some(&["trust_rule:update"]),
            // And ours: two, so that what watches an organization can stop it and no more.
            (Self::OrganizationPause, _) => Some(&["organization_pause:create"]),
            (Self::OrganizationResume, _) => Some(&["organization_pause:delete"]),
            _ => None,
        }
    }

    /// The name in logs and audit rows.
    pub fn name(self) -> &'static str {
        match self {
            Self::OrganizationCreate => "organization.create",
            Self::OrganizationList => "organization.list",
            Self::OrganizationUpdate => "organization.update",
            Self::OrganizationRebuild => "organization.rebuild",
            Self::OrganizationPause => "organization.pause",
            Self::OrganizationResume => "organization.resume",
            Self::ProjectCreate => "project.create",
            Self::ProjectList => "project.list",
            Self::WorkflowCreate => "workflow.create",
            Self::WorkflowList => "workflow.list",
            Self::TokenCreate => "token.create",
            Self::TokenList => "token.list",
            Self::TokenRead => "token.read",
            Self::TokenRevoke => "token.revoke",
            Self::TokenRotate => "token.rotate",
            Self::TokenRelease => "token.release",
            Self::TokenEdit => "token.edit",
            Self::TokenAdopt => "token.adopt",
            Self::TokenRevokeOwn => "token.revoke_own",
            Self::AuditRead => "audit.read",
            Self::AuditCheckpoint => "audit.checkpoint",
            Self::ActivityRead => "activity.read",
            Self::UpstreamRead => "upstream.read",
            Self::UpstreamSet => "upstream.set",
            Self::UpstreamClear => "upstream.clear",
            Self::TrustRuleList => "trust_rule.list",
            Self::TrustRuleAdd => "trust_rule.add",
            Self::TrustRuleRemove => "trust_rule.remove",
            Self::Rpc(row) => row.method,
            Self::Route(row) => row.name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_operation_on_the_registry_is_listed_once() {
        for operation in Operation::REGISTRY {
            assert_eq!(operation.listed(), Some(operation), "{operation:?}");
        }
        let names = HashSet::from(Operation::REGISTRY.map(Operation::name));
        assert_eq!(names.len(), Operation::REGISTRY.len());
    }
}
