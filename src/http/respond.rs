//! The one place that turns errors into wire answers. There is no catch-all: a new error does not
//! compile until someone has chosen its statuses, here and in docs/API.md.

use serde::Serialize;
use wasm_bindgen::JsValue;

use super::incoming::Incoming;
use crate::log::RequestLog;
use crate::platform::http_date;
use postern_registry::error::{CredentialError, Error};
use postern_registry::oauth;
use postern_wire::grpc_status::{self, Detail};
use postern_wire::grpc_web::{GrpcStatus, encode_message};
use postern_wire::method;
use postern_wire::problem::{self, Problem};
use postern_wire::{conditional, connect};

/// The HTTP status of an error in JSON answers.
fn http_status(error: &Error) -> u16 {
    match error {
        Error::Credential(_) => 401,
        Error::Denied(_) | Error::CrossSite | Error::ServiceWorker => 403,
        Error::Invalid { .. } => 400,
        Error::NotFound { .. } | Error::Misdirected { .. } | Error::Unregistered { .. } => 404,
        Error::MethodNotAllowed { .. } => 405,
        Error::BodyTimeout { .. } => 408,
        Error::Conflict { .. } => 409,
        Error::BodyTooLarge { .. } => 413,
        Error::MediaType { .. }
        | Error::Compressed { .. }
        | Error::NativeGrpc
        | Error::ConnectJson => 415,
        Error::MintRate { .. }
        | Error::MinterRate { .. }
        | Error::ReportRate { .. }
        | Error::MintCeiling { .. }
        | Error::TooManyFailures { .. } => 429,
        Error::Origin { .. } => 502,
        Error::Unavailable { .. } | Error::Misconfigured { .. } => 503,
        Error::Deadline => 504,
    }
}

/// The gRPC status of an error (R34): 16 and 7 for denials, 14 for what may pass, never 13,
/// which stock clients repeat for three minutes.
fn status_of(error: &Error) -> GrpcStatus {
    match error {
        // The brake too: stock clients repeat a call after RESOURCE_EXHAUSTED.
        Error::Credential(_) | Error::TooManyFailures { .. } => GrpcStatus::Unauthenticated,
        Error::Denied(_) | Error::CrossSite | Error::ServiceWorker => GrpcStatus::PermissionDenied,
        Error::Invalid { .. } | Error::MediaType { .. } => GrpcStatus::InvalidArgument,
        Error::BodyTooLarge { .. }
        | Error::MintRate { .. }
        | Error::MinterRate { .. }
        | Error::ReportRate { .. }
        | Error::MintCeiling { .. } => GrpcStatus::ResourceExhausted,
        Error::NativeGrpc
        | Error::ConnectJson
        | Error::Compressed { .. }
        | Error::NotFound { .. }
        | Error::Misdirected { .. }
        | Error::Unregistered { .. }
        | Error::MethodNotAllowed { .. }
        | Error::Conflict { .. } => GrpcStatus::Unimplemented,
        Error::BodyTimeout { .. } | Error::Deadline => GrpcStatus::DeadlineExceeded,
        Error::Origin { .. } | Error::Unavailable { .. } | Error::Misconfigured { .. } => {
            GrpcStatus::Unavailable
        }
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
        // With its trailing space, percent-encoded so that no header parser drops it.
        Error::Credential(CredentialError::Stale) => "Fail to parse JWT token ".into(),
        _ => error.public(),
    }
}

/// The detail that clients of the control plane know such refusals by: its own reason for the
/// case, and the gateway's code.
fn detail(error: &Error) -> Option<Detail> {
    let reason = match error {
        Error::Credential(_) => "UNAUTHORIZED",
        Error::Denied(_) => "forbidden",
        _ => return None,
    };
    let code = match error {
        Error::Credential(CredentialError::NoForm) => "credential_malformed",
        _ => error.code(),
    };
    Some(grpc_status::error_info(reason, code))
}

/// What an answer carries.
#[derive(Debug)]
pub enum Content {
    Json(String),
    /// Newline-delimited JSON, read piece by piece as the client takes it.
    Lines(web_sys::ReadableStream),
}

/// An answer that is no refusal.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Content,
    /// Answers with a secret must not be kept anywhere.
    pub no_store: bool,
    /// The way in that the caller took is going away (RFC 9745).
    pub deprecated: bool,
}

impl Answer {
    /// An answer with this value as its body.
    ///
    /// # Errors
    /// When the value does not serialize.
    pub fn new(status: u16, value: &impl Serialize) -> Result<Self, Error> {
        Ok(Self {
            status,
            body: Content::Json(serde_json::to_string(value).map_err(Error::unavailable)?),
            no_store: false,
            deprecated: false,
        })
    }

    /// An answer that must not be kept anywhere.
    ///
    /// # Errors
    /// When the value does not serialize.
    pub fn secret(status: u16, value: &impl Serialize) -> Result<Self, Error> {
        Self::new(status, value).map(|answer| Self {
            no_store: true,
            ..answer
        })
    }
}

/// The media type of an export (R35).
pub const NDJSON: &str = "application/x-ndjson";

/// Writes an answer: JSON, or lines of it.
pub fn json(answer: &Answer, incoming: &Incoming) -> Result<web_sys::Response, JsValue> {
    let headers = web_sys::Headers::new()?;
    let content_type = match &answer.body {
        Content::Json(_) => "application/json",
        Content::Lines(_) => NDJSON,
    };
    headers.set("content-type", content_type)?;
    headers.set(
        "cache-control",
        if answer.no_store {
            "no-store"
        } else {
            "private, no-cache"
        },
    )?;
    if answer.deprecated {
        headers.set("deprecation", WORKFLOW_READ_DEPRECATED)?;
    }
    match &answer.body {
        Content::Json(text) => finish(answer.status, &headers, Some(text), incoming),
        Content::Lines(stream) => {
            let init = init(answer.status, &headers, incoming)?;
            web_sys::Response::new_with_opt_readable_stream_and_init(Some(stream), &init)
        }
    }
}

/// Writes a document that is the same for everybody and may be kept as `cache_control` says.
pub fn document(
    body: &str,
    content_type: &str,
    cache_control: &str,
    incoming: &Incoming,
) -> Result<web_sys::Response, JsValue> {
    let headers = web_sys::Headers::new()?;
    headers.set("content-type", content_type)?;
    headers.set("cache-control", cache_control)?;
    finish(200, &headers, Some(body), incoming)
}

/// Writes a JSON document with an entity tag, or 304 to who has it already.
pub fn tagged(body: &str, etag: &str, incoming: &Incoming) -> Result<web_sys::Response, JsValue> {
    let headers = web_sys::Headers::new()?;
    headers.set("etag", etag)?;
    headers.set("cache-control", "private, no-cache")?;
    let known = incoming.header("if-none-match");
    if known.is_some_and(|known| conditional::is_known(&known, etag)) {
        return finish(304, &headers, None, incoming);
    }
    headers.set("content-type", "application/json")?;
    finish(200, &headers, Some(body), incoming)
}

/// Since when management calls with a workflow token are deprecated: the first release,
/// 2026-11-22 in the syntax of RFC 9745.
const WORKFLOW_READ_DEPRECATED: &str = "@1795305600";

/// The answer to OPTIONS, of which every route says that it is none of its methods: which ones are.
/// Without headers of CORS, so that no page of another site may call.
pub fn options(error: &Error, incoming: &Incoming) -> Option<Result<web_sys::Response, JsValue>> {
    let Error::MethodNotAllowed { allow } = error else {
        return None;
    };
    let answer = || {
        let headers = web_sys::Headers::new()?;
        headers.set("allow", &method::allow(allow))?;
        finish(204, &headers, None, incoming)
    };
    (incoming.method == "OPTIONS").then(answer)
}

/// Writes an error as a problem document.
pub fn problem(
    error: &Error,
    incoming: &Incoming,
    log: &mut RequestLog,
) -> Result<web_sys::Response, JsValue> {
    if let Some(answer) = options(error, incoming) {
        return answer;
    }
    log.refused(error);
    let status = http_status(error);
    let mut document = Problem::new(
        status,
        error.code(),
        error.public(),
        incoming.request_id.clone(),
    );
    if incoming.path.starts_with("/oauth/") {
        document.error = Some(oauth::error_word(error));
    }
    problem_document(error, &document, incoming)
}

/// Writes a problem document that somebody else has filled.
pub fn problem_document(
    error: &Error,
    document: &Problem,
    incoming: &Incoming,
) -> Result<web_sys::Response, JsValue> {
    let headers = web_sys::Headers::new()?;
    headers.set("content-type", problem::CONTENT_TYPE)?;
    headers.set("cache-control", "no-store")?;
    match error {
        Error::Credential(CredentialError::Missing) => {
            headers.set("www-authenticate", r#"Bearer realm="postern""#)?;
        }
        Error::Credential(_) => {
            let challenge = format!(
                r#"Bearer realm="postern", error="invalid_token", error_description="{}""#,
                error.public().replace(['`', '"'], "'")
            );
            headers.set("www-authenticate", &challenge)?;
        }
        Error::MethodNotAllowed { allow } => headers.set("allow", &method::allow(allow))?,
        Error::Compressed { .. } => headers.set("accept-encoding", "identity")?,
        Error::MintRate {
            limit,
            retry_after_seconds,
        } => rate_headers(&headers, "mint", *limit, *retry_after_seconds)?,
        Error::MinterRate {
            limit,
            retry_after_seconds,
        } => rate_headers(&headers, "minter", *limit, *retry_after_seconds)?,
        Error::TooManyFailures {
            retry_after_seconds,
            ..
        } => headers.set("retry-after", &retry_after_seconds.to_string())?,
        Error::ReportRate {
            limit,
            retry_after_seconds,
        } => rate_headers(&headers, "report", *limit, *retry_after_seconds)?,
        Error::Unavailable { .. } | Error::Origin { .. } => headers.set("retry-after", "1")?,
        _ => {}
    }
    let body =
        serde_json::to_string(document).map_err(|error| JsValue::from_str(&error.to_string()))?;
    finish(document.status, &headers, Some(&body), incoming)
}

/// `Retry-After` (RFC 9110) and the RateLimit fields (draft-ietf-httpapi-ratelimit-headers).
fn rate_headers(
    headers: &web_sys::Headers,
    name: &str,
    limit: u32,
    retry_after_seconds: u32,
) -> Result<(), JsValue> {
    headers.set("retry-after", &retry_after_seconds.to_string())?;
    headers.set("ratelimit-policy", &format!(r#""{name}";q={limit};w=3600"#))?;
    headers.set(
        "ratelimit",
        &format!(r#""{name}";r=0;t={retry_after_seconds}"#),
    )
}

/// Writes an error in gRPC-Web: HTTP 200, status and message in the headers, no body (R34).
pub fn grpc(
    error: &Error,
    content_type: &str,
    incoming: &Incoming,
    log: &mut RequestLog,
) -> Result<web_sys::Response, JsValue> {
    log.refused(error);
    let status = status_of(error) as u8;
    log.grpc_status = Some(status);
    let mut message = encode_message(&grpc_message(error));
    if message.ends_with(' ') {
        message.truncate(message.len() - 1);
        message.push_str("%20");
    }
    let headers = web_sys::Headers::new()?;
    headers.set("content-type", content_type)?;
    headers.set("cache-control", "no-store")?;
    if matches!(error, Error::Compressed { .. }) {
        headers.set("grpc-accept-encoding", "identity")?;
    }
    headers.set("grpc-status", &status.to_string())?;
    headers.set("grpc-message", &message)?;
    if let Some(detail) = detail(error) {
        let details = grpc_status::encode(status, &grpc_message(error), &detail);
        headers.set("grpc-status-details-bin", &details)?;
    }
    finish(200, &headers, None, incoming)
}

/// Writes an error in Connect: its HTTP status, and JSON (R34).
pub fn connect(
    error: &Error,
    incoming: &Incoming,
    log: &mut RequestLog,
) -> Result<web_sys::Response, JsValue> {
    log.refused(error);
    let status = status_of(error) as u8;
    log.grpc_status = Some(status);
    let details: Vec<Detail> = detail(error).into_iter().collect();
    let (http, body) = connect::error(u32::from(status), &grpc_message(error), &details);
    // A codec or method that is not served has HTTP's own status, as the protocol demands.
    let http = match error {
        Error::ConnectJson | Error::MediaType { .. } | Error::MethodNotAllowed { .. } => {
            http_status(error)
        }
        _ => http,
    };
    let headers = web_sys::Headers::new()?;
    headers.set("content-type", "application/json")?;
    if matches!(error, Error::Compressed { .. }) {
        headers.set("accept-encoding", "identity")?;
    }
    headers.set("cache-control", "no-store")?;
    if let Error::MethodNotAllowed { allow } = error {
        headers.set("allow", &method::allow(allow))?;
    }
    finish(http, &headers, Some(&body), incoming)
}

fn finish(
    status: u16,
    headers: &web_sys::Headers,
    body: Option<&str>,
    incoming: &Incoming,
) -> Result<web_sys::Response, JsValue> {
    let init = init(status, headers, incoming)?;
    web_sys::Response::new_with_opt_str_and_init(body, &init)
}

fn init(
    status: u16,
    headers: &web_sys::Headers,
    incoming: &Incoming,
) -> Result<web_sys::ResponseInit, JsValue> {
    headers.set("x-request-id", &incoming.request_id)?;
    headers.set("x-content-type-options", "nosniff")?;
    // Clients hold their clocks against it; not every runtime adds one.
    headers.set("date", &http_date())?;
    let init = web_sys::ResponseInit::new();
    init.set_status(status);
    init.set_headers(headers);
    Ok(init)
}
