//! A gRPC-Web client for every service of the control plane: tonic's generated
//! clients over tonic-web's framing, on a plain HTTP/1.1 connection. Speaks no
//! TLS: it is for gateways and origins on the same machine. Shows the token to
//! nobody but the server.

mod endpoint;
mod store;
mod transport;

use std::fmt;

use axum::http::uri::{PathAndQuery, Scheme};
use axum::http::{HeaderValue, Uri};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::{Code, Request, Status};
use tonic_web::GrpcWebClientService;

use crate::proto::attestation_service_client::AttestationServiceClient;

pub use endpoint::Endpoint;
pub use store::Store;
pub use transport::{Transport, Wire};

/// The client of the attestation calls, with the token added to each.
pub type Client = AttestationServiceClient<Channel>;

/// What a generated client calls through.
pub type Channel = InterceptedService<GrpcWebClientService<Transport>, Bearer>;

/// A client for `base_url` (`http://host:port`) that sends
/// `authorization: Bearer <token>` with each call. Connects when first used.
pub fn connect(base_url: &str, token: &str) -> Result<Client, ConnectError> {
    connect_as(base_url, token, Wire::Binary)
}

/// As [`connect`], choosing how messages look on the wire.
pub fn connect_as(base_url: &str, token: &str, wire: Wire) -> Result<Client, ConnectError> {
    let connection = Connection::new(base_url, Some(token), wire)?;
    Ok(connection.client(AttestationServiceClient::with_origin))
}

/// One server and one credential, for the clients of all its services.
///
/// ```
/// use postern_origin::client::{Connection, Wire};
/// use postern_origin::proto::workflow_service_client::WorkflowServiceClient;
///
/// let connection = Connection::new("http://127.0.0.1:8787", Some("token"), Wire::Binary)?;
/// let mut workflows = connection.client(WorkflowServiceClient::with_origin);
/// # let _ = &mut workflows;
/// # Ok::<(), postern_origin::client::ConnectError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Connection {
    channel: Channel,
    base: Uri,
}

impl Connection {
    /// To `base_url` (`http://host:port`), with this token or without any.
    /// Connects when first used.
    pub fn new(base_url: &str, token: Option<&str>, wire: Wire) -> Result<Self, ConnectError> {
        let base = base(base_url)?;
        let framing = GrpcWebClientService::new(Transport::new(wire));
        let bearer = token.map(Bearer::new).transpose()?.unwrap_or(Bearer(None));
        Ok(Self {
            channel: InterceptedService::new(framing, bearer),
            base,
        })
    }

    /// The client of a service: give its `with_origin`.
    pub fn client<C>(&self, with_origin: impl FnOnce(Channel, Uri) -> C) -> C {
        with_origin(self.channel.clone(), self.base.clone())
    }
}

fn base(base_url: &str) -> Result<Uri, ConnectError> {
    let base: Uri = base_url
        .parse()
        .map_err(|_| ConnectError::Url(base_url.to_owned()))?;
    if base.scheme() != Some(&Scheme::HTTP) {
        return Err(ConnectError::Scheme(base_url.to_owned()));
    }
    // `user:password@` would put a secret where it is logged.
    if base
        .authority()
        .is_none_or(|authority| authority.as_str().contains('@'))
        || base.path_and_query().map_or("/", PathAndQuery::as_str) != "/"
    {
        return Err(ConnectError::Url(base_url.to_owned()));
    }
    Ok(base)
}

/// A status in words: `PERMISSION_DENIED (7): operation not allowed`.
pub fn describe(status: &Status) -> String {
    format!(
        "{} ({}): {}",
        code_name(status.code()),
        status.code() as i32,
        status.message()
    )
}

/// Why no client could be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectError {
    /// Not `http://host:port` without user, path and query.
    Url(String),
    /// Another scheme than `http`.
    Scheme(String),
    /// The name of an organization that cannot stand in a header.
    Organization,
    /// The token is empty, or cannot stand in a header. It is not repeated here.
    Token,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => write!(f, "`{url}` is not of the form `http://host:port`"),
            Self::Scheme(url) => write!(
                f,
                "`{url}` does not start with `http://`: this client speaks no TLS"
            ),
            Self::Organization => {
                f.write_str("the name of the organization cannot stand in a header")
            }
            Self::Token => {
                f.write_str("the token is empty or has characters that cannot stand in a header")
            }
        }
    }
}

impl std::error::Error for ConnectError {}

/// Adds the Authorization header, if there is a token.
#[derive(Clone)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Bearer {
    fn new(token: &str) -> Result<Self, ConnectError> {
        let value = bearer(token)?.as_bytes().to_vec();
        let mut value = MetadataValue::try_from(value).map_err(|_| ConnectError::Token)?;
        value.set_sensitive(true);
        Ok(Self(Some(value)))
    }
}

/// The Authorization value for a token.
fn bearer(token: &str) -> Result<HeaderValue, ConnectError> {
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ConnectError::Token);
    }
    let value = HeaderValue::try_from(format!("Bearer {token}"));
    let mut value = value.map_err(|_| ConnectError::Token)?;
    // Keeps HTTP libraries from printing it or putting it into a header table.
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(…)")
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request
                .metadata_mut()
                .insert("authorization", value.clone());
        }
        Ok(request)
    }
}

/// The names of gRPC's own documentation, which tonic has only as prose.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let check = |url: &str, error: Option<fn(String) -> ConnectError>| {
            assert_eq!(
                connect(url, "t").err(),
                error.map(|e| e(url.to_owned())),
                "{url}"
            );
        };
        check("http://127.0.0.1:8787", None);
        check("http://127.0.0.1:8787/", None);
        check("http://localhost", None);
        check("https://gate.example", Some(ConnectError::Scheme));
        check("127.0.0.1:8787", Some(ConnectError::Scheme));
        check("http://127.0.0.1:8787/base", Some(ConnectError::Url));
        check("http://127.0.0.1:8787/?q", Some(ConnectError::Url));
        check("http://user:pw@127.0.0.1:8787", Some(ConnectError::Url));
        check("http://", Some(ConnectError::Url));
        check("", Some(ConnectError::Url));
    }

    #[test]
    fn tokens() {
        for bad in ["", "a b", "a\r\nx: y", "é", " a"] {
            assert_eq!(
                connect("http://localhost", bad).err(),
                Some(ConnectError::Token),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn nobody_sees_the_token() {
        let client = connect("http://localhost", "very-secret").unwrap();
        assert!(!format!("{client:?}").contains("very-secret"));
        let connection =
            Connection::new("http://localhost", Some("very-secret"), Wire::Text).unwrap();
        assert!(!format!("{connection:?}").contains("very-secret"));
    }
}
