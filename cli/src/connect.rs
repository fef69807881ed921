//! Connections to the gateway: TCP, a proxy's tunnel where there is one, and TLS, under one time
//! limit, kept for the next call. No certificate is left unchecked.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Uri;
use http_body::Body;
use hyper_rustls::builderstates::WantsProtocols3;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::fail::{Outcome, cause};
use crate::listening::Listening;
use crate::proxy::Proxy;
use crate::trust::Authorities;

/// Longest head of an answer that is read, in bytes.
const MAX_HEAD: u32 = 64 * 1024;

/// How long a connection is kept for the next call: shorter than servers keep theirs, so that few
/// calls meet one that is just being closed.
const IDLE: Duration = Duration::from_secs(15);

/// A pooling client for HTTP/1.1 and, where TLS agrees on it, HTTP/2.
pub type Http<B> = Client<Connector, B>;

/// Builds the client. `ca` names a PEM file whose certificates are then the only roots; without one
/// that is the file of `SSL_CERT_FILE`. Heeds `HTTPS_PROXY` and its kind.
///
/// # Errors
/// `Configuration` for such a file, or a proxy's address, that cannot be used.
pub fn client<B>(ca: Option<&Path>, timeout: Duration) -> Outcome<Http<B>>
where
    B: Body + Send,
    B::Data: Send,
{
    build(ca, timeout, false)
}

/// The same for a server of native gRPC: HTTP/2 alone, without TLS too.
///
/// # Errors
/// As [`client`].
pub fn http2_client<B>(ca: Option<&Path>, timeout: Duration) -> Outcome<Http<B>>
where
    B: Body + Send,
    B::Data: Send,
{
    build(ca, timeout, true)
}

fn build<B>(ca: Option<&Path>, timeout: Duration, only_http2: bool) -> Outcome<Http<B>>
where
    B: Body + Send,
    B::Data: Send,
{
    let environment = |name: &str| std::env::var_os(name);
    let authorities = Authorities::find(ca, &environment);
    let proxy = Proxy::find(&environment)?;
    let config = authorities.tls()?;
    let proxied = proxy.as_ref().map(|proxy| tunnel(proxy, &config));
    let proxied = proxied.map(|tunnel| https(&config).wrap_connector(tunnel));
    let direct = https(&config).wrap_connector(tcp());
    let ways = Ways {
        proxy,
        authorities,
        timeout,
    };
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .http1_max_buf_size(MAX_HEAD as usize)
        .http2_max_header_list_size(MAX_HEAD)
        .http2_only(only_http2)
        .build(Connector {
            direct,
            proxied,
            ways: Arc::new(ways),
        }))
}

fn https(config: &ClientConfig) -> HttpsConnectorBuilder<WantsProtocols3> {
    HttpsConnectorBuilder::new()
        .with_tls_config(config.clone())
        .https_or_http()
        .enable_all_versions()
}

fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp
}

/// The way through a proxy, with TLS to the proxy where its address says so.
fn tunnel(proxy: &Proxy, config: &ClientConfig) -> Tunnel<Direct> {
    let to_proxy = HttpsConnectorBuilder::new()
        .with_tls_config(config.clone())
        .https_or_http()
        // `CONNECT` is written as HTTP/1.1.
        .enable_http1()
        .wrap_connector(tcp());
    let tunnel = Tunnel::new(proxy.url.clone(), to_proxy);
    match &proxy.authorization {
        Some(authorization) => tunnel.with_auth(authorization.clone()),
        None => tunnel,
    }
}

type Direct = HttpsConnector<HttpConnector>;

/// TCP, the tunnel through a proxy and TLS, all within the time limit.
#[derive(Clone)]
pub struct Connector {
    direct: Direct,
    proxied: Option<HttpsConnector<Tunnel<Direct>>>,
    ways: Arc<Ways>,
}

/// Which way calls go, and what to say of it.
struct Ways {
    proxy: Option<Proxy>,
    authorities: Authorities,
    timeout: Duration,
}

impl Ways {
    fn proxy_for(&self, url: &Uri) -> Option<&Proxy> {
        self.proxy.as_ref().filter(|proxy| proxy.is_for(url))
    }

    /// What went wrong, with the proxy or the file of authorities that was in it.
    fn told(&self, url: &Uri, mut told: String) -> String {
        if told.contains("certificate") && self.authorities != Authorities::Public {
            told = format!("{told}; trusted is only {}", self.authorities);
        }
        match self.proxy_for(url) {
            Some(proxy) => format!("through {proxy}: {}", of_tunnel(&told)),
            None => told,
        }
    }
}

/// The library's words on tunnels, for people.
fn of_tunnel(told: &str) -> &str {
    match told.strip_prefix("tunnel error: ") {
        Some("proxy authorization required") => "it asks for a user name and password",
        Some("unsuccessful") => "it refuses to connect to the gateway",
        Some("unexpected end of file") => "it closed the connection",
        Some(other) => other,
        None => told,
    }
}

type Stream = MaybeHttpsStream<MaybeHttpsStream<TokioIo<TcpStream>>>;
type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Connecting<S> = Pin<Box<dyn Future<Output = Result<S, BoxError>> + Send>>;

impl Service<Uri> for Connector {
    type Response = Listening<Stream>;
    type Error = BoxError;
    type Future = Connecting<Listening<Stream>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if let Some(proxied) = &mut self.proxied {
            ready!(proxied.poll_ready(context))?;
        }
        self.direct.poll_ready(context)
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let ways = Arc::clone(&self.ways);
        let through = self
            .proxied
            .as_mut()
            .filter(|_| ways.proxy_for(&url).is_some());
        let connecting: Connecting<Stream> = match through {
            Some(proxied) => Box::pin(proxied.call(url.clone())),
            None => {
                let connecting = self.direct.call(url.clone());
                Box::pin(async move { connecting.await.map(MaybeHttpsStream::Http) })
            }
        };
        Box::pin(async move {
            let timeout = ways.timeout;
            let connected = tokio::time::timeout(timeout, connecting).await;
            let told = match connected {
                Ok(Ok(stream)) => return Ok(Listening::new(stream)),
                Ok(Err(error)) => cause(error.as_ref()),
                Err(_) => format!("no connection within {} s", timeout.as_secs()),
            };
            Err(ways.told(&url, told).into())
        })
    }
}
