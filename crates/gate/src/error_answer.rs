//! From an error to the answer of a refused request, in HTTP, gRPC-Web, Connect and OAuth: the one
//! table. There is no catch-all where a status is chosen: a new error does not compile until
//! someone has chosen its statuses, here and in docs/API.md.

use postern_wire::grpc_status::{self, Detail};
use postern_wire::grpc_web::{GrpcStatus, encode_message};
use postern_wire::problem::{self, Problem};
use postern_wire::{connect, method};

use crate::call::RefusalForm;
use crate::error::{AuditTreeFault, CredentialError, Error};

/// An answer to a refused request, apart from the headers that every answer of the gateway has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case, each once.
    pub headers: Vec<(&'static str, String)>,
    /// The content; `None` = it has none.
    pub body: Option<String>,
    /// The status in gRPC's terms, for the log; `None` for a caller that speaks neither gRPC-Web nor
    /// Connect.
    pub grpc_status: Option<u8>,
}

/// What an answer depends on, beside the error.
#[derive(Debug, Clone, Copy)]
pub struct RefusedRequest<'r> {
    /// The path, as it came. Those of OAuth have a word of their own for an error.
    pub path: &'r str,
    /// The id that the gateway gave the request.
    pub request_id: &'r str,
}

/// The answer to OPTIONS, which no route lists among its methods: the methods that there are. It has
/// no headers of CORS, so that no page of another site may call. `None` for any other method, and
/// where the request was refused for another reason than its method.
pub fn options(error: &Error, method: &str) -> Option<ErrorAnswer> {
    let Error::MethodNotAllowed { allow } = error else {
        return None;
    };
    (method == "OPTIONS").then(|| ErrorAnswer {
        status: 204,
        headers: vec![("allow", method::allow(allow))],
        body: None,
        grpc_status: None,
    })
}

/// The answer in this form (R34).
pub fn refusal(error: &Error, form: RefusalForm, request: RefusedRequest<'_>) -> ErrorAnswer {
    match form {
        RefusalForm::Problem => {
            let is_oauth = request.path.starts_with("/oauth/");
            let mut document = document(error, error.public(), request.request_id);
            if is_oauth {
                document.error = Some(oauth_word(error));
                document.error_description = Some(document.detail.clone());
            }
            // A job token is no client's credential there: RFC 6749 has 400 for it, and no challenge.
            if is_oauth && matches!(error, Error::JobToken(_)) {
                document.status = 400;
                document.title = "Bad Request";
            }
            in_problem(error, &document)
        }
        RefusalForm::Grpc(content_type) => in_grpc(error, content_type),
        RefusalForm::Connect => in_connect(error),
    }
}

/// The answer of `/readyz` where the configuration is wrong: it names every problem.
pub fn misconfigured(problems: Vec<String>, request_id: &str) -> ErrorAnswer {
    let detail = "the gateway's configuration is wrong: see `problems`".to_owned();
    let error = Error::Misconfigured { problems };
    let mut document = document(&error, detail, request_id);
    if let Error::Misconfigured { problems } = &error {
        document.problems.clone_from(problems);
    }
    in_problem(&error, &document)
}

fn document(error: &Error, detail: String, request_id: &str) -> Problem {
    Problem::new(
        http_status(error),
        error.code(),
        detail,
        request_id.to_owned(),
    )
}

/// As a problem document.
fn in_problem(error: &Error, document: &Problem) -> ErrorAnswer {
    let mut headers = vec![
        ("content-type", problem::CONTENT_TYPE.to_owned()),
        ("cache-control", "no-store".to_owned()),
    ];
    match error {
        Error::Credential(CredentialError::Missing) => {
            headers.push(("www-authenticate", r#"Bearer realm="postern""#.to_owned()));
        }
        // Another credential helps, and a login does not.
        Error::Credential(CredentialError::PeopleDenied | CredentialError::PersonManages) => {}
        Error::JobToken(_) if document.error.is_some() => {}
        Error::Credential(_) | Error::JobToken(_) => {
            let challenge = format!(
                r#"Bearer realm="postern", error="invalid_token", error_description="{}""#,
                error.public().replace(['`', '"'], "'")
            );
            headers.push(("www-authenticate", challenge));
        }
        Error::MethodNotAllowed { allow } => headers.push(("allow", method::allow(allow))),
        Error::Compressed { .. } => headers.push(("accept-encoding", "identity".to_owned())),
        Error::MintRate {
            limit,
            retry_after_seconds,
        } => headers.extend(rate_headers("mint", *limit, *retry_after_seconds)),
        Error::MinterRate {
            limit,
            retry_after_seconds,
        } => headers.extend(rate_headers("minter", *limit, *retry_after_seconds)),
        Error::ReportRate {
            limit,
            retry_after_seconds,
        } => headers.extend(rate_headers("report", *limit, *retry_after_seconds)),
        Error::CiTokenRate {
            limit,
            retry_after_seconds,
        } => headers.extend(rate_headers("ci-token", *limit, *retry_after_seconds)),
        Error::CallsExceeded {
            limit,
            retry_after_seconds,
        } => headers.extend(limit_headers("calls", (*limit, 60), *retry_after_seconds)),
        Error::TooManyFailures {
            retry_after_seconds,
            ..
        } => headers.push(("retry-after", retry_after_seconds.to_string())),
        Error::Unavailable { .. }
        | Error::Origin { .. }
        | Error::Forge { .. }
        | Error::AuditTree(AuditTreeFault::Behind { .. }) => {
            headers.push(("retry-after", "1".to_owned()));
        }
        _ => {}
    }
    ErrorAnswer {
        status: document.status,
        headers,
        // A struct of texts always serializes.
        body: Some(serde_json::to_string(document).unwrap_or_else(|_| "{}".to_owned())),
        grpc_status: None,
    }
}

/// `Retry-After` (RFC 9110) and the RateLimit fields (draft-ietf-httpapi-ratelimit-headers). The
/// limit is by hour.
fn rate_headers(name: &str, limit: u32, retry_after_seconds: u32) -> [(&'static str, String); 3] {
    limit_headers(name, (limit, 3_600), retry_after_seconds)
}

/// The same for a limit of so many within so many seconds.
fn limit_headers(
    name: &str,
    (limit, seconds): (u32, u32),
    retry_after_seconds: u32,
) -> [(&'static str, String); 3] {
    [
        ("retry-after", retry_after_seconds.to_string()),
        (
            "ratelimit-policy",
            format!(r#""{name}";q={limit};w={seconds}"#),
        ),
        (
            "ratelimit",
            format!(r#""{name}";r=0;t={retry_after_seconds}"#),
        ),
    ]
}

/// In gRPC-Web: HTTP 200, status and message in the headers, no body.
fn in_grpc(error: &Error, content_type: &str) -> ErrorAnswer {
    let status = grpc_status(error) as u8;
    let mut message = encode_message(&grpc_message(error));
    if message.ends_with(' ') {
        // No header parser keeps a space at the end.
        message.truncate(message.len() - 1);
        message.push_str("%20");
    }
    let mut headers = vec![
        ("content-type", content_type.to_owned()),
        ("cache-control", "no-store".to_owned()),
        ("grpc-status", status.to_string()),
        ("grpc-message", message),
    ];
    if matches!(error, Error::Compressed { .. }) {
        headers.push(("grpc-accept-encoding", "identity".to_owned()));
    }
    if let Some(detail) = detail(error) {
        let details = grpc_status::encode(status, &grpc_message(error), &detail);
        headers.push(("grpc-status-details-bin", details));
    }
    ErrorAnswer {
        status: 200,
        headers,
        body: None,
        grpc_status: Some(status),
    }
}

/// In Connect: its HTTP status, and JSON.
fn in_connect(error: &Error) -> ErrorAnswer {
    let status = grpc_status(error) as u8;
    let details: Vec<Detail> = detail(error).into_iter().collect();
    let (http, body) = connect::error(u32::from(status), &grpc_message(error), &details);
    // A codec or method that is not served has HTTP's own status, as the protocol demands.
    let http = match error {
        Error::ConnectJson | Error::MediaType { .. } | Error::MethodNotAllowed { .. } => {
            http_status(error)
        }
        _ => http,
    };
    let mut headers = vec![
        ("content-type", "application/json".to_owned()),
        ("cache-control", "no-store".to_owned()),
    ];
    match error {
        Error::Compressed { .. } => headers.push(("accept-encoding", "identity".to_owned())),
        Error::MethodNotAllowed { allow } => headers.push(("allow", method::allow(allow))),
        _ => {}
    }
    ErrorAnswer {
        status: http,
        headers,
        body: Some(body),
        grpc_status: Some(status),
    }
}

/// The HTTP status of an error in JSON answers.
fn http_status(error: &Error) -> u16 {
    match error {
        Error::Credential(CredentialError::PeopleDenied | CredentialError::PersonManages) => 403,
        Error::Credential(_) | Error::JobToken(_) => 401,
        Error::Denied(_) | Error::CrossSite | Error::ServiceWorker | Error::AddressNotAllowed => {
            403
        }
        Error::Invalid { .. } => 400,
        Error::NotFound { .. }
        | Error::Misdirected { .. }
        | Error::Unregistered { .. }
        | Error::UpstreamUnset
        | Error::AuditTree(AuditTreeFault::KeysNotSet) => 404,
        Error::MethodNotAllowed { .. } => 405,
        Error::BodyTimeout { .. } => 408,
        Error::Conflict { .. } | Error::UpstreamMissing { .. } => 409,
        Error::BodyTooLarge { .. } => 413,
        Error::MediaType { .. }
        | Error::Compressed { .. }
        | Error::NativeGrpc
        | Error::ConnectJson => 415,
        Error::MintRate { .. }
        | Error::MinterRate { .. }
        | Error::ReportRate { .. }
        | Error::CiTokenRate { .. }
        | Error::CallsExceeded { .. }
        | Error::MintCeiling { .. }
        | Error::TooManyFailures { .. } => 429,
        Error::Origin { .. } | Error::OriginToken { .. } => 502,
        Error::Unavailable { .. }
        | Error::Forge { .. }
        | Error::Misconfigured { .. }
        | Error::AuditTree(AuditTreeFault::Behind { .. })
        | Error::UpstreamRefused { .. } => 503,
        Error::Deadline => 504,
    }
}

/// The gRPC status of an error: 16 and 7 for denials, 14 for what may pass, never 13, which stock
/// clients repeat for three minutes.
fn grpc_status(error: &Error) -> GrpcStatus {
    match error {
        Error::Credential(CredentialError::PeopleDenied | CredentialError::PersonManages) => {
            GrpcStatus::PermissionDenied
        }
        // The brake too: stock clients repeat a call after RESOURCE_EXHAUSTED.
        Error::Credential(_) | Error::JobToken(_) | Error::TooManyFailures { .. } => {
            GrpcStatus::Unauthenticated
        }
        Error::Denied(_) | Error::CrossSite | Error::ServiceWorker | Error::AddressNotAllowed => {
            GrpcStatus::PermissionDenied
        }
        Error::Invalid { .. } | Error::MediaType { .. } => GrpcStatus::InvalidArgument,
        Error::BodyTooLarge { .. }
        | Error::MintRate { .. }
        | Error::MinterRate { .. }
        | Error::ReportRate { .. }
        | Error::CiTokenRate { .. }
        | Error::CallsExceeded { .. }
        | Error::MintCeiling { .. } => GrpcStatus::ResourceExhausted,
        Error::NativeGrpc
        | Error::ConnectJson
        | Error::Compressed { .. }
        | Error::NotFound { .. }
        | Error::Misdirected { .. }
        | Error::Unregistered { .. }
        | Error::UpstreamUnset
        | Error::AuditTree(AuditTreeFault::KeysNotSet)
        | Error::MethodNotAllowed { .. }
        | Error::Conflict { .. } => GrpcStatus::Unimplemented,
        Error::BodyTimeout { .. } | Error::Deadline => GrpcStatus::DeadlineExceeded,
        // Neither to be repeated nor to be helped by another token.
        Error::UpstreamMissing { .. } | Error::OriginToken { .. } => GrpcStatus::FailedPrecondition,
        Error::Origin { .. }
        | Error::Unavailable { .. }
        | Error::Forge { .. }
        | Error::Misconfigured { .. }
        | Error::AuditTree(AuditTreeFault::Behind { .. })
        | Error::UpstreamRefused { .. } => GrpcStatus::Unavailable,
    }
}

/// The gRPC message: the sentences that the stock client matches exactly, where it has one.
fn grpc_message(error: &Error) -> String {
    match error {
        Error::Credential(CredentialError::Missing) => "JWT token is missing".into(),
        // What has no form at all is malformed to the stock client too.
        Error::Credential(CredentialError::Malformed(_) | CredentialError::NoForm) => {
            "Token is invalid".into()
        }
        Error::Credential(CredentialError::Expired(_)) => "JWT token has expired".into(),
        // With its space at the end.
        Error::Credential(CredentialError::Stale) => "Fail to parse JWT token ".into(),
        _ => error.public(),
    }
}

/// The detail that clients of the control plane know such refusals by: its own reason for the
/// case, and the gateway's code.
fn detail(error: &Error) -> Option<Detail> {
    let reason = match error {
        Error::Credential(CredentialError::PeopleDenied | CredentialError::PersonManages) => {
            "forbidden"
        }
        Error::Credential(_) | Error::JobToken(_) => "UNAUTHORIZED",
        Error::Denied(_) | Error::AddressNotAllowed => "forbidden",
        _ => return None,
    };
    let code = match error {
        Error::Credential(CredentialError::NoForm) => "credential_malformed",
        _ => error.code(),
    };
    Some(grpc_status::error_info(reason, code))
}

/// The `error` word of RFC 6749, section 5.2 and RFC 7009, section 2.2.1 for an error.
fn oauth_word(error: &Error) -> &'static str {
    match error {
        Error::Credential(_) | Error::TooManyFailures { .. } => "invalid_client",
        // A job token is no client's credential: it is what a token is asked for with (RFC 8693).
        Error::JobToken(_) => "invalid_grant",
        Error::Invalid {
            code: "unsupported_token_type",
            ..
        } => "unsupported_token_type",
        Error::Invalid {
            code: "unsupported_grant_type",
            ..
        } => "unsupported_grant_type",
        Error::Invalid {
            code: "audience_invalid",
            ..
        } => "invalid_target",
        Error::Denied(_) | Error::AddressNotAllowed => "unauthorized_client",
        Error::Unavailable { .. } | Error::Misconfigured { .. } => "temporarily_unavailable",
        _ => "invalid_request",
    }
}

#[cfg(test)]
mod tests;
