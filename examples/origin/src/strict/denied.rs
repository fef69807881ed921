//! Everything that strict mode refuses. `table.rs` has what the control plane says of each.

mod table;

use tonic::Status;

use crate::failure::Failure;

/// Which of the control plane's two chains a call goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Branch {
    /// Managing things.
    Main,
    /// Attesting.
    Attestation,
}

/// Why a call is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Denied {
    /// No bearer in the request.
    NoBearer,
    /// The bearer is no JWT, or one whose algorithm nobody may use.
    NotAJwt,
    /// Well signed, and not in its time.
    Expired,
    /// Signed by another key, or not to be read.
    NotParsed,
    /// Another HMAC than HS256.
    OtherMethod,
    /// Attesting: no kind of token fits; in the words of the last one tried.
    NoProvider(&'static str),
    /// Attesting: well signed, for an audience that nobody has.
    NoAudience,
    /// An API token without an id.
    NoTokenId,
    /// No row has this id.
    NoRow(Branch),
    /// The id is no UUID.
    BadRowId(Branch, String),
    /// The row was revoked.
    Revoked(Branch),
    /// The claim of a project is not that of the row.
    OtherProjectClaim,
    /// The claim of a workflow is not that of the row.
    OtherWorkflowClaim,
    /// The user of a user token is gone.
    NoUser,
    /// A user token without its user.
    NoUserId,
    /// The user is not in the organization asked for.
    NotInOrganization(String),
    /// The user is in no organization.
    NoMembership(String),
    /// The role of the user lets nobody attest.
    RoleMayNotAttest(&'static str, String),
    /// Neither an API token nor a user.
    NoSubject,
    /// The organization is suspended.
    Suspended,
    /// The policies do not have it, or only people may.
    NotAllowed,
    /// A token where the service wants a person.
    NeedsUser,
    /// A token that would make an organization.
    NoNewOrganizations,
    /// The control plane's own handler falls over, and says so.
    Internal,
    /// What the control plane does not tell.
    Masked,
    /// A workflow token, and another workflow.
    OtherWorkflow,
    /// A workflow token, and another name in FindOrCreateWorkflow.
    OtherWorkflowName,
    /// A token for this project, and another one.
    OtherProject(String),
    /// A member without a role in the project.
    NoRoleInProject(String),
    /// A project token in a project that is not there.
    NoNewProjects,
    /// No such project.
    NoProject(String),
    /// A reference with an id and a name, or with neither.
    BadReference,
    /// An organization token that would make one like itself.
    NewTokenNeedsProject,
    /// A member that would make a token for the organization.
    ProjectRequired,
    /// Another token of that name holds.
    NameTaken,
    /// As many tokens as are kept.
    TooManyTokens,
    /// No token has this id, or it was revoked.
    UnknownToken,
    /// A member that would revoke a token of the organization.
    GlobalToken,
    /// An organization token that would revoke one like itself.
    OrganizationToken,
    /// Store without a bundle.
    NoBundle,
    /// A credential for artifacts without the policy.
    NoArtifactPolicy,
    /// A link to an artifact that is not there for the caller.
    NoArtifact,
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        denied.row().failure
    }
}

impl From<Denied> for Status {
    fn from(denied: Denied) -> Self {
        Failure::from(denied).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Code;

    #[test]
    fn an_error_inside_another_stands_there_whole() {
        for (denied, code, message) in [
            (
                Denied::NoMembership("1".to_owned()),
                Code::PermissionDenied,
                "error setting current org: error: code = 403 reason = USER_WITH_NO_MEMBERSHIP_ERROR_NOT_IN_ORG \
                 message = user with id 1 has no current organization metadata = map[] cause = <nil>",
            ),
            (
                Denied::NoProvider("Token is invalid"),
                Code::Unauthenticated,
                "couldn't match JWT provider: error: code = 401 reason = UNAUTHORIZED message = Token is invalid \
                 metadata = map[] cause = <nil>",
            ),
        ] {
            let failure = Failure::from(denied);
            assert_eq!((failure.code, &*failure.message), (code, message));
        }
    }
}
