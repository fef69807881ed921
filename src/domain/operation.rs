//! The operation table: everything that can be asked of the gate, as data. Refuses to decide;
//! what is not in the table is denied by whoever looks it up (R33).

/// Something a caller can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    OrganizationCreate,
    OrganizationList,
    OrganizationUpdate,
    ProjectCreate,
    ProjectList,
    WorkflowCreate,
    WorkflowList,
    TokenCreate,
    TokenList,
    TokenRead,
    TokenRevoke,
    TokenRotate,
    TokenRelease,
    /// A holder ends its own token (RFC 7009).
    TokenRevokeOwn,
    AuditRead,
    /// To sign how far the audit log reaches.
    AuditCheckpoint,
    FindOrCreateWorkflow,
    AttestationInit,
    AttestationStore,
    AttestationCancel,
}

/// Where a request says which workflow it is about: protobuf field numbers of its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// By project and workflow name.
    Names { workflow: u32, project: u32 },
    /// By the id of a run that Init made.
    Run { run: u32 },
}

/// A row of the table for calls that go to the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rpc {
    pub operation: Operation,
    /// Path of the call, exactly as it arrives.
    pub path: &'static str,
    /// The policies that the call needs, all of them. The control plane asks for none on the
    /// calls of an attestation: a token's scope alone decides there.
    pub policies: &'static [&'static str],
    pub identity: Identity,
    /// Whether the answer tells of a new run that must be remembered (R32).
    pub makes_run: bool,
}

/// Path prefix of everything that belongs to the origin.
pub const ORIGIN_PREFIX: &str = "/controlplane.v1.";

/// The calls that are forwarded, with the field numbers of the origin's messages.
pub const RPCS: [Rpc; 4] = [
    Rpc {
        operation: Operation::FindOrCreateWorkflow,
        path: "/controlplane.v1.AttestationService/FindOrCreateWorkflow",
        policies: &[],
        identity: Identity::Names {
            workflow: 4,
            project: 5,
        },
        makes_run: false,
    },
    Rpc {
        operation: Operation::AttestationInit,
        path: "/controlplane.v1.AttestationService/Init",
        policies: &[],
        identity: Identity::Names {
            workflow: 4,
            project: 5,
        },
        makes_run: true,
    },
    Rpc {
        operation: Operation::AttestationStore,
        path: "/controlplane.v1.AttestationService/Store",
        policies: &[],
        identity: Identity::Run { run: 2 },
        makes_run: false,
    },
    Rpc {
        operation: Operation::AttestationCancel,
        path: "/controlplane.v1.AttestationService/Cancel",
        policies: &[],
        identity: Identity::Run { run: 1 },
        makes_run: false,
    },
];

/// The row of a path, compared byte by byte: another case, a doubled or trailing slash, or an
/// escape is another path and has no row.
pub fn rpc(path: &str) -> Option<&'static Rpc> {
    RPCS.iter().find(|row| row.path == path)
}

/// The two kinds of tokens that are managed under different policies (R15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Managed {
    /// Organization-level tokens.
    OrganizationTokens,
    /// Project- and workflow-scoped tokens.
    ProjectTokens,
}

impl Operation {
    /// The policies that managing tokens of this kind needs, all of them; `None` for operations
    /// that no policy opens: those on the registry itself are the administrator's.
    pub fn policies(self, managed: Managed) -> Option<&'static [&'static str]> {
        match (self, managed) {
            // To release is to make live, which is what creating is.
            (Self::TokenCreate | Self::TokenRelease, Managed::OrganizationTokens) => {
                Some(&["org_api_token:create"])
            }
            (Self::TokenCreate | Self::TokenRelease, Managed::ProjectTokens) => {
                Some(&["project_api_token:create"])
            }
            (Self::TokenList | Self::TokenRead, Managed::OrganizationTokens) => {
                Some(&["org_api_token:list"])
            }
            (Self::TokenList | Self::TokenRead, Managed::ProjectTokens) => {
                Some(&["project_api_token:list"])
            }
            (Self::TokenRevoke, Managed::OrganizationTokens) => Some(&["org_api_token:revoke"]),
            (Self::TokenRevoke, Managed::ProjectTokens) => Some(&["project_api_token:revoke"]),
            (Self::TokenRotate, Managed::OrganizationTokens) => {
                Some(&["org_api_token:create", "org_api_token:revoke"])
            }
            (Self::TokenRotate, Managed::ProjectTokens) => {
                Some(&["project_api_token:create", "project_api_token:revoke"])
            }
            // Ours, not the control plane's; no token holds it by default.
            (Self::AuditRead | Self::AuditCheckpoint, _) => Some(&["audit:read"]),
            _ => None,
        }
    }

    /// The name in logs and audit rows.
    pub fn name(self) -> &'static str {
        match self {
            Self::OrganizationCreate => "organization.create",
            Self::OrganizationList => "organization.list",
            Self::OrganizationUpdate => "organization.update",
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
            Self::TokenRevokeOwn => "token.revoke_own",
            Self::AuditRead => "audit.read",
            Self::AuditCheckpoint => "audit.checkpoint",
            Self::FindOrCreateWorkflow => "workflow.find_or_create",
            Self::AttestationInit => "attestation.init",
            Self::AttestationStore => "attestation.store",
            Self::AttestationCancel => "attestation.cancel",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_paths_have_a_row() {
        assert_eq!(
            rpc("/controlplane.v1.AttestationService/Init").map(|row| row.operation),
            Some(Operation::AttestationInit)
        );
        for path in [
            "/controlplane.v1.AttestationService/init",
            "/controlplane.v1.AttestationService/Init/",
            "//controlplane.v1.AttestationService/Init",
            "/controlplane.v1.AttestationService%2FInit",
            "/controlplane.v1.AttestationService/../AttestationService/Init",
            "/controlplane.v1.AttestationService/GetContract",
            "",
        ] {
            assert_eq!(rpc(path), None, "{path}");
        }
    }

    #[test]
    fn every_row_lies_under_the_origin_prefix() {
        for row in RPCS {
            assert!(row.path.starts_with(ORIGIN_PREFIX));
        }
    }
}
