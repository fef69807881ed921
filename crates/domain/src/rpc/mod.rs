//! The operation table of calls for the origin, as data: what each call is, and where its message
//! names what it is about. A call without a row is denied (R33).

mod artifact;
mod attestation;
mod management;
mod own_tokens;
mod row;

pub use self::artifact::{ArtifactCredential, ArtifactRole, ArtifactText};
use self::attestation::ATTESTATION;
use self::management::MANAGEMENT;
pub use self::own_tokens::{OWN_TOKEN_REVOKE, OWN_TOKENS, OwnToken, governed};

/// Path prefix of everything that belongs to the origin.
pub const ORIGIN_PREFIX: &str = "/controlplane.v1.";

/// Field numbers from the outer message inwards.
pub type Path = &'static [u32];

/// Who may make a call at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Everybody: the origin asks for no token either.
    Open,
    /// Tokens that hold the row's policies.
    Token,
    /// People whom the origin itself has signed in (R44). No token of this registry opens it.
    Person,
    /// Nobody: it makes, shows or ends credentials of the origin's own, which would be beyond the
    /// registry's limits, its audit log and its revocations.
    Closed,
}

/// Whether a call changes anything at the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It changes nothing.
    Read,
    /// It changes something.
    Write,
}

/// What the message of a call carries, and so how large it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carries {
    /// Nothing but names, numbers and settings.
    Names,
    /// A bundle, the state of an attestation, or a contract.
    Content,
}

/// What a token for a project or a workflow may do with a call (R30).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Narrow {
    /// Nothing in it belongs to a project: as any token.
    Any,
    /// The message must name the token's own project, and a workflow token's own workflow.
    Named,
    /// As `Named`; but where the message leaves the project open, the origin keeps a token to
    /// the project in its claims, and the gateway relies on that for a project token whose project
    /// the origin knows.
    Confined,
    /// The origin would not keep it to the project: no narrow token.
    Denied,
}

/// Where a message names an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrganizationAt {
    /// It names none.
    Nowhere,
    /// By name, in this field.
    Name(Path),
    /// By id, in this field.
    Id(Path),
}

/// Where a message names a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProjectAt {
    /// It names none.
    Nowhere,
    /// One name.
    Name(Path),
    /// A repeated field of names, a filter.
    Names(Path),
    /// A message with an id in field 1 or a name in field 2.
    Reference(Path),
}

/// Where a message says what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Where it names an organization.
    pub organization: OrganizationAt,
    /// Where it names a project.
    pub project: ProjectAt,
    /// A workflow's name.
    pub workflow: Option<Path>,
    /// The id of a run.
    pub run: Option<Path>,
    /// The digest of an artifact or attestation, which names neither project nor workflow.
    pub digest: Option<Path>,
}

/// Policies that a call needs besides, depending on one field of its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct When {
    /// The number of the field.
    pub field: u32,
    /// What the field must hold.
    pub is: Is,
    /// The policies that are needed then.
    pub policies: &'static [&'static str],
}

/// What must be in the field of a [`When`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Is {
    /// Any bytes at all.
    Present,
    /// This number of an enum.
    Number(u64),
    /// None of these numbers.
    Otherwise(&'static [u64]),
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rpc {
    /// `Service/Method`, below [`ORIGIN_PREFIX`].
    pub method: &'static str,
    /// Who can make it at all.
    pub access: Access,
    /// Whether it changes anything.
    pub effect: Effect,
    /// The policies that the call needs, all of them. The control plane asks for none on the
    /// calls of an attestation: a token's scope alone decides there.
    pub policies: &'static [&'static str],
    /// Policies that a field's value needs besides.
    pub when: &'static [When],
    /// Where its message says what it is about.
    pub identity: Identity,
    /// What narrow tokens can do.
    pub narrow: Narrow,
    /// How large its message can be.
    pub carries: Carries,
    /// Whether the answer tells of a new run that must be remembered (R32).
    pub makes_run: bool,
    /// What it does with the origin's own tokens, where the gateway governs these (R43).
    pub own_token: Option<OwnToken>,
    /// The credential for the artifact store that the answer hands out, where there is one (R46).
    pub hands_out: Option<ArtifactCredential>,
}

impl Rpc {
    /// Path of the call, exactly as it arrives.
    pub fn path(&self) -> String {
        format!("{ORIGIN_PREFIX}{}", self.method)
    }

    /// Whether the gateway has to read the message to decide.
    pub fn is_inspected(&self) -> bool {
        self.identity != NOTHING || !self.when.is_empty() || self.is_governed()
    }

    /// Whether the registry has a part in the call: it makes or ends a token of the origin's own.
    pub fn is_governed(&self) -> bool {
        matches!(self.own_token, Some(OwnToken::Create | OwnToken::Revoke))
    }
}

/// The row of a path, compared byte by byte: another case, a doubled or trailing slash, or an
/// escape is another path and has no row.
pub fn rpc(path: &str) -> Option<&'static Rpc> {
    let method = path.strip_prefix(ORIGIN_PREFIX)?;
    rpcs().find(|row| row.method == method)
}

/// All rows.
pub fn rpcs() -> impl Iterator<Item = &'static Rpc> {
    ATTESTATION.iter().chain(&MANAGEMENT)
}

/// The call by which the gateway itself asks the origin which workflow a run belongs to (R32).
pub static RUN_LOOKUP: Rpc = management::RUN_VIEW;

/// The call by which the gateway itself asks the origin which workflow has a name now (R30).
pub static WORKFLOW_LOOKUP: Rpc = attestation::CONTRACT;

/// The call by which the gateway gets the way to an artifact that is downloaded through it (R46).
pub static ARTIFACT_CREDENTIAL: Rpc = management::ARTIFACT_CREDENTIAL;

/// A message that names nothing.
pub const NOTHING: Identity = Identity {
    organization: OrganizationAt::Nowhere,
    project: ProjectAt::Nowhere,
    workflow: None,
    run: None,
    digest: None,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    #[test]
    fn only_exact_paths_have_a_row() {
        assert_eq!(
            rpc("/controlplane.v1.AttestationService/Init").map(|row| row.method),
            Some("AttestationService/Init")
        );
        for path in [
            "/controlplane.v1.AttestationService/init",
            "/controlplane.v1.AttestationService/Init/",
            "//controlplane.v1.AttestationService/Init",
            "/controlplane.v1.AttestationService%2FInit",
            "/controlplane.v1.AttestationService/../AttestationService/Init",
            "/controlplane.v1.AttestationService/Unknown",
            "/controlplane.v2.AttestationService/Init",
            "/controlplane.v1.",
            "",
        ] {
            assert_eq!(rpc(path), None, "{path}");
        }
    }

    /// The control plane has 81 calls: 54 under a token's policies, 16 exempt from them, 11 for
    /// administrators. Of the first, 11 need a person at the service; of the second, 3 are open.
    #[test]
    fn every_call_of_the_control_plane_has_one_row() {
        let of = |access| rpcs().filter(|row| row.access == access).count();
        assert_eq!(rpcs().count(), 81);
        assert_eq!(of(Access::Open), 3);
        assert_eq!(of(Access::Person), 11 + 11);
        // Its own tokens are among the 54.
        assert_eq!(of(Access::Closed), 3);
        let mut methods: Vec<&str> = rpcs().map(|row| row.method).collect();
        methods.sort_unstable();
        methods.dedup();
        assert_eq!(methods.len(), 81, "a call has two rows");
    }

    #[test]
    fn rows_are_well_formed() {
        for row in rpcs() {
            let name = row.method;
            for policy in row.policies {
                assert!(Policy::parse(policy).is_ok(), "{name}: {policy}");
            }
            if row.narrow == Narrow::Named {
                let identity = row.identity;
                assert!(
                    identity.run.is_some() || identity.project != ProjectAt::Nowhere,
                    "{name} names nothing that a narrow token could be held to"
                );
            }
            if row.access != Access::Token {
                assert!(row.policies.is_empty() && row.when.is_empty(), "{name}");
            }
        }
    }

    /// One pass finds what the conditions ask of a message.
    #[test]
    fn conditions_of_a_call_look_at_one_field_in_one_way() {
        for row in rpcs() {
            let present = |when: &When| when.is == Is::Present;
            for pair in row.when.windows(2) {
                assert_eq!(pair[0].field, pair[1].field, "{}", row.method);
                assert_eq!(present(&pair[0]), present(&pair[1]), "{}", row.method);
            }
        }
    }

    #[test]
    fn only_bundles_states_and_contracts_are_large() {
        let large: Vec<&str> = rpcs()
            .filter(|row| row.carries == Carries::Content)
            .map(|row| row.method)
            .collect();
        let expected = [
            "AttestationService/FindOrCreateWorkflow",
            "AttestationService/Store",
            "AttestationStateService/Save",
            "WorkflowService/Create",
            "WorkflowContractService/Create",
            "WorkflowContractService/Update",
            "WorkflowContractService/Apply",
        ];
        assert_eq!(large, expected);
    }

    #[test]
    fn calls_that_name_nothing_are_not_inspected() {
        let plain: Vec<&str> = rpcs()
            .filter(|row| row.access != Access::Person && !row.is_inspected())
            .map(|row| row.method)
            .collect();
        assert!(plain.contains(&"SigningService/GenerateSigningCert"));
        assert!(!plain.contains(&"AttestationService/Store"));
    }
}
