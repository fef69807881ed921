//! What the control plane (release 1.106.1) says of each refusal: gRPC code, reason and message, and
//! the file of it that says so.

use tonic::Code;

use super::{Branch, Denied};
use crate::failure::Failure;

/// A row of the table.
pub(crate) struct Row {
    pub(crate) failure: Failure,
    /// Where the control plane says so, below `app/controlplane/`.
    pub(crate) source: &'static str,
}

const API_TOKEN: &str = "internal/usercontext/apitoken_middleware.go";
const ATTESTATION_JWT: &str = "internal/usercontext/attjwtmiddleware/attmiddleware.go";
const USER: &str = "internal/usercontext/currentuser_middleware.go";
const ORGANIZATION: &str = "internal/usercontext/currentorganization_middleware.go";
const KRATOS: &str = "kratos middleware/auth/jwt/jwt.go";
const AUTHZ: &str = "pkg/authz/middleware/middleware.go";
const SERVICE: &str = "internal/service/service.go";
const TOKEN_SERVICE: &str = "internal/service/apitoken.go";
const ATTESTATION: &str = "internal/service/attestation.go";

const UNAUTHORIZED: &str = "UNAUTHORIZED";
const FORBIDDEN: &str = "forbidden";

impl Denied {
    /// Its row.
    pub(crate) fn row(&self) -> Row {
        use Code::{
            AlreadyExists, Internal, InvalidArgument, NotFound, PermissionDenied, Unauthenticated,
            Unknown,
        };
        let (code, reason, message, source) = match self {
            Self::NoBearer => (
                Unauthenticated,
                UNAUTHORIZED,
                "JWT token is missing".into(),
                KRATOS,
            ),
            Self::NotAJwt => (
                Unauthenticated,
                UNAUTHORIZED,
                "Token is invalid".into(),
                KRATOS,
            ),
            Self::Expired => (
                Unauthenticated,
                UNAUTHORIZED,
                "JWT token has expired".into(),
                KRATOS,
            ),
            Self::NotParsed => (
                Unauthenticated,
                UNAUTHORIZED,
                "Fail to parse JWT token ".into(),
                KRATOS,
            ),
            Self::OtherMethod => (
                Unauthenticated,
                UNAUTHORIZED,
                "Wrong signing method".into(),
                KRATOS,
            ),
            Self::NoProvider(why) => {
                let message = format!(
                    "couldn't match JWT provider: error: code = 401 reason = UNAUTHORIZED message = {why} \
                     metadata = map[] cause = <nil>"
                );
                (Unauthenticated, UNAUTHORIZED, message, ATTESTATION_JWT)
            }
            Self::NoAudience => {
                let message =
                    "couldn't match JWT provider: unexpected token, invalid audience".into();
                (Unknown, "", message, ATTESTATION_JWT)
            }
            Self::NoTokenId => (
                Unknown,
                "",
                "error mapping the API-token claims".into(),
                API_TOKEN,
            ),
            Self::NoRow(branch) => {
                let message = format!(
                    "{}: error retrieving the API token: token not found",
                    row_step(*branch)
                );
                (Unknown, "", message, API_TOKEN)
            }
            Self::BadRowId(branch, why) => {
                let step = row_step(*branch);
                let message =
                    format!("{step}: error retrieving the API token: invalid UUID: {why}");
                (Unknown, "", message, API_TOKEN)
            }
            Self::Revoked(branch) => (
                Unknown,
                "",
                format!("{}: API token revoked", row_step(*branch)),
                API_TOKEN,
            ),
            Self::OtherProjectClaim => {
                let message =
                    "error setting current org and user: API token project mismatch".into();
                (Unknown, "", message, API_TOKEN)
            }
            Self::OtherWorkflowClaim => {
                let message =
                    "error setting current org and user: API token workflow mismatch".into();
                (Unknown, "", message, API_TOKEN)
            }
            Self::NoUser => (
                Unknown,
                "",
                "error setting current user: user not found".into(),
                USER,
            ),
            Self::NoUserId => (Unknown, "", "error mapping the user claims".into(), USER),
            Self::NotInOrganization(name) => {
                let message = format!("user is not a member of organization {name}");
                (
                    PermissionDenied,
                    "USER_NOT_MEMBER_OF_ORG_ERROR_NOT_IN_ORG",
                    message,
                    ORGANIZATION,
                )
            }
            Self::NoMembership(id) => {
                // An error of its library inside another error stands there whole.
                let message = format!(
                    "error setting current org: error: code = 403 \
                     reason = USER_WITH_NO_MEMBERSHIP_ERROR_NOT_IN_ORG \
                     message = user with id {id} has no current organization \
                     metadata = map[] cause = <nil>"
                );
                (
                    PermissionDenied,
                    "USER_WITH_NO_MEMBERSHIP_ERROR_NOT_IN_ORG",
                    message,
                    ORGANIZATION,
                )
            }
            Self::RoleMayNotAttest(role, organization) => {
                let message = format!(
                    "your user doesn't have permissions to perform attestations in this organization, \
                     role={role}, orgID={organization}"
                );
                (Unknown, "", message, USER)
            }
            Self::NoSubject => (
                PermissionDenied,
                FORBIDDEN,
                "missing authentication".into(),
                AUTHZ,
            ),
            Self::Suspended => {
                let source = "internal/usercontext/suspension_middleware.go";
                (
                    PermissionDenied,
                    "suspended",
                    "organization is suspended".into(),
                    source,
                )
            }
            Self::NotAllowed => (
                PermissionDenied,
                FORBIDDEN,
                "operation not allowed".into(),
                AUTHZ,
            ),
            Self::NeedsUser => (NotFound, "not found", "logged in user".into(), SERVICE),
            Self::NoNewOrganizations => {
                (PermissionDenied, FORBIDDEN, "not allowed".into(), SERVICE)
            }
            Self::Internal => {
                let source = "internal/server/grpc.go";
                (
                    Internal,
                    "internal error",
                    "there was an internal error".into(),
                    source,
                )
            }
            Self::Masked => (Internal, "internal error", "server error".into(), SERVICE),
            Self::OtherWorkflow => {
                let message = "API token is scoped to a different workflow".into();
                (PermissionDenied, FORBIDDEN, message, ATTESTATION)
            }
            Self::OtherWorkflowName => {
                let message =
                    "API token is workflow-scoped and cannot create or look up other workflows"
                        .into();
                (PermissionDenied, FORBIDDEN, message, ATTESTATION)
            }
            Self::OtherProject(own) => {
                let message = format!(
                    "operation not allowed: This auth token is valid only with the project {own:?}"
                );
                (PermissionDenied, FORBIDDEN, message, SERVICE)
            }
            Self::NoRoleInProject(id) => {
                let message =
                    format!("you do not have permissions to access the \"project\" with id {id:?}");
                (PermissionDenied, FORBIDDEN, message, SERVICE)
            }
            Self::NoNewProjects => {
                let message = "you are not allowed to create projects".into();
                (PermissionDenied, "unauthorized", message, SERVICE)
            }
            Self::NoProject(name) => (
                NotFound,
                "not found",
                format!("project {name} not found"),
                SERVICE,
            ),
            Self::BadReference => {
                let message =
                    "invalid project reference: either id or name must be provided, but not both."
                        .into();
                (InvalidArgument, "invalid", message, SERVICE)
            }
            Self::NewTokenNeedsProject => {
                let message =
                    "org-level API tokens must specify a project when creating new tokens".into();
                (PermissionDenied, FORBIDDEN, message, TOKEN_SERVICE)
            }
            Self::ProjectRequired => (
                InvalidArgument,
                "invalid",
                "project is required".into(),
                TOKEN_SERVICE,
            ),
            Self::NameTaken => (
                AlreadyExists,
                "",
                "duplicated: name already taken".into(),
                "pkg/biz/apitoken.go",
            ),
            Self::TooManyTokens => {
                let message = "the sample keeps no more tokens".into();
                (Code::ResourceExhausted, "", message, "ours")
            }
            Self::UnknownToken => {
                let message = "finding token: API token not found".into();
                (NotFound, "not found", message, "pkg/biz/apitoken.go")
            }
            Self::GlobalToken => {
                let message = "you can not manage a global API token".into();
                (InvalidArgument, "invalid", message, TOKEN_SERVICE)
            }
            Self::OrganizationToken => {
                let message = "org-level API tokens cannot revoke org-level tokens".into();
                (PermissionDenied, FORBIDDEN, message, TOKEN_SERVICE)
            }
            Self::NoBundle => {
                let message = "attestation bundle is required".into();
                (InvalidArgument, "input required", message, ATTESTATION)
            }
            Self::NoArtifactPolicy => {
                let message = "not allowed to perform this operation".into();
                (
                    PermissionDenied,
                    FORBIDDEN,
                    message,
                    "internal/service/cascredential.go",
                )
            }
            Self::NoArtifact => (
                NotFound,
                "not found",
                "artifact not found".into(),
                "internal/service/casredirect.go",
            ),
        };
        Row {
            failure: Failure::new(code, reason, message),
            source,
        }
    }
}

/// What the control plane was about when it looked for the row.
fn row_step(branch: Branch) -> &'static str {
    match branch {
        Branch::Main => "error setting current org and user",
        Branch::Attestation => "error extracting organization from APIToken",
    }
}
