//! Everything that a use case can refuse, each with a stable code, a sentence for the client and
//! the private cause for the log. Which answer each becomes, `error_answer` says.

use postern_domain::decide::Denial;
use postern_domain::trust;
use postern_domain::upstream::Reach;

mod audit;
mod credential;
mod job;
mod unset;

pub use audit::AuditTreeFault;
pub use job::JobFault;

/// Why a credential was refused. INVARIANT (no oracle, R12): whatever an outsider could learn
/// from is [`CredentialError::Refused`], with one sentence for all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialError {
    /// There is none.
    Missing,
    /// Not one Bearer credential of a form that this registry issues.
    Malformed(&'static str),
    /// A text of no form at all: an administrator key that is wrong looks the same.
    NoForm,
    /// It has expired, or is not valid yet.
    Expired(&'static str),
    /// It names us as its issuer, but no key of ours signed it (R6).
    Stale,
    /// A user token of the control plane, where people do not pass (R44).
    PeopleDenied,
    /// A user token of the control plane, shown to the gateway's own API.
    PersonManages,
    /// A text that says it is a job token of an issuer of the deployment, shown to the gateway's own API.
    JobManages,
    /// Unknown, revoked, of another organization, mismatching: only the log says which.
    Refused(&'static str),
}

/// A refusal or failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The credential is missing or refused.
    Credential(CredentialError),
    /// A job token opens nothing (R47). Whoever presents it gets one sentence, whatever the reason is.
    JobToken(JobFault),
    /// The public API of a forge did not say which ids a repository has; the cause is for the log.
    Forge {
        /// The private cause.
        cause: String,
    },
    /// The caller is known and not allowed.
    Denied(Denial),
    /// A write with a browser session that does not come from the gateway's own pages (R23).
    CrossSite,
    /// A script for a service worker outside the dashboard: it could stand in for the gateway's own
    /// pages in the browser that asks (R45).
    ServiceWorker,
    /// A credential that was refused, from an address that has presented too many such.
    TooManyFailures {
        /// When to try again.
        retry_after_seconds: u32,
        /// Why the credential was refused.
        cause: CredentialError,
    },
    /// The request is wrong; `detail` says what to do.
    Invalid {
        /// The stable code.
        code: &'static str,
        /// The sentence.
        detail: String,
    },
    /// What was named does not exist.
    NotFound {
        /// What it is.
        what: &'static str,
    },
    /// A name whose id, as the stores have it, is another organization's: its Ledger says so. To
    /// the client a name that is not registered.
    Misdirected {
        /// The private cause.
        cause: String,
    },
    /// A project or workflow that a token names is not in the registry; `detail` says which.
    Unregistered {
        /// The sentence.
        detail: String,
    },
    /// The path is not for this method.
    MethodNotAllowed {
        /// The methods that there are.
        allow: &'static str,
    },
    /// Something else is in the way.
    Conflict {
        /// The stable code.
        code: &'static str,
        /// The sentence.
        detail: String,
    },
    /// The body is too large.
    BodyTooLarge {
        /// The most bytes.
        limit: usize,
    },
    /// The body was not whole in time.
    BodyTimeout {
        /// How long was waited.
        seconds: u32,
    },
    /// The body has another media type.
    MediaType {
        /// The one that is needed.
        expected: &'static str,
    },
    /// A body or message that arrives compressed; `coding` as its header names it.
    Compressed {
        /// The coding, if it has a name.
        coding: Option<String>,
    },
    /// The caller no longer waits.
    Deadline,
    /// The address has minted too often (R26).
    MintRate {
        /// How many an hour.
        limit: u32,
        /// When to try again.
        retry_after_seconds: u32,
    },
    /// The creator has created too many tokens, from all addresses together.
    MinterRate {
        /// How many an hour.
        limit: u32,
        /// When to try again.
        retry_after_seconds: u32,
    },
    /// The address has reported leaks too often.
    ReportRate {
        /// How many an hour.
        limit: u32,
        /// When to try again.
        retry_after_seconds: u32,
    },
    /// A trust rule, or all of an organization, have given too many tokens to CI jobs (R47).
    CiTokenRate {
        /// How many an hour.
        limit: u32,
        /// When to try again.
        retry_after_seconds: u32,
    },
    /// The token cannot be used from the client's address (R53).
    AddressNotAllowed,
    /// The token has made as many calls within a minute as it may (R53).
    CallsExceeded {
        /// How many a minute.
        limit: u32,
        /// When to try again.
        retry_after_seconds: u32,
    },
    /// The organization has reached its limit of active tokens (R27).
    MintCeiling {
        /// The limit.
        ceiling: u32,
    },
    /// A protocol that cannot reach an edge worker.
    NativeGrpc,
    /// Connect with JSON messages, which cannot be read without their schema.
    ConnectJson,
    /// Something the answer depends on failed; the cause is for the log.
    Unavailable {
        /// The private cause.
        cause: String,
    },
    /// The origin did not answer, or not in its protocol; the cause is for the log.
    Origin {
        /// The private cause.
        cause: String,
    },
    /// No upstream credential is set for exactly what was named.
    UpstreamUnset,
    /// No upstream credential is set for what the call is about (R42).
    UpstreamMissing {
        /// What it is about.
        reach: Reach,
    },
    /// The origin refused the upstream credential, which the caller cannot help; the cause is for the
    /// log.
    UpstreamRefused {
        /// The private cause.
        cause: String,
    },
    /// What the origin has made or ended of its own tokens does not stand here as well (R43); the
    /// cause is for the log.
    OriginToken {
        /// The stable code.
        code: &'static str,
        /// The sentence.
        detail: String,
        /// The private cause.
        cause: String,
    },
    /// The tree over an audit log does not answer (R54).
    AuditTree(AuditTreeFault),
    /// The configuration is wrong; each sentence names a variable.
    Misconfigured {
        /// One sentence for each problem.
        problems: Vec<String>,
    },
}

/// Shorthand for use cases.
pub type Result<T> = core::result::Result<T, Error>;

impl Error {
    /// A wrong request.
    pub fn invalid(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid {
            code,
            detail: detail.into(),
        }
    }

    /// A failed dependency.
    pub fn unavailable(cause: impl core::fmt::Display) -> Self {
        Self::Unavailable {
            cause: cause.to_string(),
        }
    }

    /// Why a credential was refused that could be a guess. A call without any is none: nobody guesses
    /// by saying nothing.
    pub fn guessed(&self) -> Option<CredentialError> {
        match self {
            Self::Credential(CredentialError::Missing) => None,
            Self::Credential(cause) => Some(*cause),
            // Also once its signature holds: which organizations there are could be guessed.
            Self::JobToken(JobFault::Off | JobFault::Passthrough) => None,
            Self::JobToken(_) => Some(CredentialError::Refused("job token")),
            _ => None,
        }
    }

    /// The stable word of the error, as in docs/API.md.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Credential(error) => error.code(),
            Self::JobToken(_) => "job_token_refused",
            Self::Forge { .. } => "forge_unavailable",
            Self::Denied(denial) => denial.code(),
            Self::CrossSite => "cross_site",
            Self::ServiceWorker => "service_worker",
            Self::TooManyFailures { .. } => "too_many_failures",
            Self::Invalid { code, .. }
            | Self::Conflict { code, .. }
            | Self::OriginToken { code, .. } => code,
            Self::NotFound { .. } | Self::Misdirected { .. } => "not_found",
            Self::Unregistered { .. } => "not_registered",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::BodyTimeout { .. } => "body_timeout",
            Self::MediaType { .. } => "unsupported_media_type",
            Self::Compressed { .. } => "body_compressed",
            Self::Deadline => "deadline_exceeded",
            Self::MintRate { .. } => "mint_rate_exceeded",
            Self::MinterRate { .. } => "minter_rate_exceeded",
            Self::ReportRate { .. } => "report_rate_exceeded",
            Self::CiTokenRate { .. } => "ci_token_rate_exceeded",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::CallsExceeded { .. } => "calls_exceeded",
            Self::MintCeiling { .. } => "mint_ceiling_reached",
            Self::NativeGrpc => "native_grpc",
            Self::ConnectJson => "connect_json",
            Self::Unavailable { .. } => "unavailable",
            Self::Origin { .. } => "origin_unavailable",
            Self::UpstreamUnset => "upstream_not_set",
            Self::UpstreamMissing { .. } => "upstream_missing",
            Self::UpstreamRefused { .. } => "upstream_refused",
            Self::AuditTree(fault) => fault.code(),
            Self::Misconfigured { .. } => "misconfigured",
        }
    }

    /// The sentence for the client.
    pub fn public(&self) -> String {
        match self {
            Self::Credential(error) => error.public().to_owned(),
            Self::JobToken(_) => trust::REFUSED.to_owned(),
            Self::Forge { .. } => {
                "the CI system did not say which ids the repository has: try again later, or give a \
                 job token of it instead"
                    .into()
            }
            Self::Denied(denial) => denial.public(),
            Self::CrossSite => "a write with a browser session must come from this site's own \
                                pages, as `application/json`"
                .into(),
            Self::ServiceWorker => "no service worker comes from here: leave `Service-Worker` out".into(),
            Self::TooManyFailures { .. } => {
                "too many refused credentials from this address: try again later, with a good one"
                    .into()
            }
            Self::Invalid { detail, .. }
            | Self::Conflict { detail, .. }
            | Self::OriginToken { detail, .. }
            | Self::Unregistered { detail } => detail.clone(),
            Self::NotFound { what } => format!("no such {what}"),
            Self::Misdirected { .. } => Self::NotFound { what: "organization" }.public(),
            Self::MethodNotAllowed { allow } => format!("use {allow} here"),
            Self::BodyTooLarge { limit } => {
                format!("the body is larger than the {limit} bytes that are read here")
            }
            Self::BodyTimeout { seconds } => {
                format!("the body had not arrived after {seconds} s: send it again, without a pause")
            }
            Self::MediaType { expected } => format!("send the body as `{expected}`"),
            Self::Compressed { coding: Some(coding) } => format!(
                "the body is compressed with `{coding}`, which is not read here: send it uncompressed"
            ),
            Self::Compressed { coding: None } => {
                "the message is compressed, which is not read here: send it uncompressed".into()
            }
            Self::Deadline => "the deadline of the call passed before the origin answered".into(),
            Self::MintRate { limit, retry_after_seconds: wait } => {
                rate("this address can create", *limit, "tokens an hour", *wait)
            }
            Self::MinterRate { limit, retry_after_seconds: wait } => {
                rate("this caller can create", *limit, "tokens an hour", *wait)
            }
            Self::ReportRate { limit, retry_after_seconds: wait } => {
                rate("this address can send", *limit, "reports an hour", *wait)
            }
            Self::CiTokenRate { limit, retry_after_seconds: wait } => {
                let given = "trust rules have given";
                rate(given, *limit, "tokens to CI jobs within an hour", *wait)
            }
            Self::AddressNotAllowed => {
                "this token cannot be used from this address: call from one of its address ranges"
                    .into()
            }
            Self::CallsExceeded { limit, retry_after_seconds: wait } => {
                rate("this token can make", *limit, "calls a minute", *wait)
            }
            Self::MintCeiling { ceiling } => format!(
                "the organization has reached its limit of {ceiling} active tokens: revoke one, \
                 let one expire, or raise the limit"
            ),
            Self::NativeGrpc => {
                "native gRPC cannot reach this gateway: send gRPC-Web, or call through `postern bridge`".into()
            }
            Self::ConnectJson => {
                "JSON messages are not read here: send Connect with `application/proto`, or gRPC-Web".into()
            }
            Self::Unavailable { .. } => {
                "a dependency of this answer is not available: try again".into()
            }
            Self::Origin { .. } => "the origin is not available: try again".into(),
            Self::UpstreamUnset => {
                "no upstream credential is set here: set one with PUT, or ask for a wider scope"
                    .into()
            }
            Self::UpstreamMissing { reach } => unset::missing(reach),
            Self::UpstreamRefused { .. } => {
                "the origin refused the gateway's credential: tell an administrator, who can set \
                 another with `PUT /org/upstream`"
                    .into()
            }
            Self::AuditTree(fault) => fault.public(),
            Self::Misconfigured { .. } => "the gateway's configuration is wrong: see its log".into(),
        }
    }

    /// What only the log may say.
    pub fn private(&self) -> String {
        match self {
            Self::TooManyFailures { cause, .. } => Self::Credential(*cause).private(),
            Self::Credential(error) => error.private().to_owned(),
            Self::JobToken(fault) => fault.to_string(),
            Self::Unavailable { cause }
            | Self::Origin { cause }
            | Self::Forge { cause }
            | Self::Misdirected { cause }
            | Self::OriginToken { cause, .. }
            | Self::UpstreamRefused { cause } => cause.clone(),
            Self::Misconfigured { problems } => problems.join("; "),
            _ => self.public(),
        }
    }
}

/// What is said of a limit that was reached.
fn rate(before: &str, limit: u32, after: &str, wait: u32) -> String {
    format!("{before} {limit} {after}: try again in {wait} s")
}
