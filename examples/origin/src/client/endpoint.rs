//! A server to call in either protocol, gRPC-Web or native gRPC (HTTP/2 without TLS), behind one type,
//! so that a sequence of calls is written once. Shows the token to nobody but the server.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderName, HeaderValue, Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tonic::Status;
use tonic::body::Body;
use tonic_web::GrpcWebClientService;
use tower_service::Service;

use super::transport::{Transport, unreachable};
use super::{ConnectError, Wire, base, bearer};

/// The organization that a person means.
const ORGANIZATION: HeaderName = HeaderName::from_static("chainloop-organization");

/// A server, a protocol and a credential, for the clients of all services.
#[derive(Clone)]
pub struct Endpoint {
    way: Way,
    base: Uri,
    bearer: HeaderValue,
    organization: HeaderValue,
}

#[derive(Clone)]
enum Way {
    Web(GrpcWebClientService<Transport>),
    Native(Client<HttpConnector, Body>),
}

impl Endpoint {
    /// gRPC-Web at `http://host:port`. Connects when first used.
    ///
    /// # Errors
    ///
    /// When the address or the token cannot be used.
    pub fn web(url: &str, token: &str, wire: Wire) -> Result<Self, ConnectError> {
        let way = Way::Web(GrpcWebClientService::new(Transport::new(wire)));
        Self::new(way, url, token)
    }

    /// Native gRPC at `http://host:port`. Connects when first used.
    ///
    /// # Errors
    ///
    /// When the address or the token cannot be used.
    pub fn native(url: &str, token: &str) -> Result<Self, ConnectError> {
        let mut http = Client::builder(TokioExecutor::new());
        Self::new(Way::Native(http.http2_only(true).build_http()), url, token)
    }

    fn new(way: Way, url: &str, token: &str) -> Result<Self, ConnectError> {
        Ok(Self {
            way,
            base: base(url)?,
            bearer: bearer(token)?,
            // The stock command line always sends the header.
            organization: HeaderValue::from_static(""),
        })
    }

    /// The same for another organization, which counts for people.
    ///
    /// # Errors
    ///
    /// When the name cannot stand in a header.
    pub fn of(mut self, organization: &str) -> Result<Self, ConnectError> {
        let value = organization.parse();
        self.organization = value.map_err(|_| ConnectError::Organization)?;
        Ok(self)
    }

    /// The client of a service: give its `with_origin`.
    pub fn client<C>(&self, with_origin: impl FnOnce(Self, Uri) -> C) -> C {
        with_origin(self.clone(), self.base.clone())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl Service<Request<Body>> for Endpoint {
    type Response = Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.bearer.clone());
        headers.insert(ORGANIZATION, self.organization.clone());
        match self.way.clone() {
            Way::Web(mut web) => Box::pin(async move {
                let answer = web.call(request).await?;
                Ok(answer.map(Body::new))
            }),
            Way::Native(native) => Box::pin(async move {
                let answer = native.request(request).await.map_err(unreachable)?;
                Ok(answer.map(Body::new))
            }),
        }
    }
}
