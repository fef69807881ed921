//! TLS to the gateway: which certificates count, and HTTP/2 where both ends speak it.

use std::convert::Infallible;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use postern_cli::bridge::Log;
use postern_cli::fail::Kind;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::NamedTempFile;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tonic::Code;

use crate::support::{Bridge, find, message, options, trailer};

/// A gateway with TLS, for commands and for native gRPC.
pub struct Secure {
    pub url: String,
    ca: NamedTempFile,
    /// Calls over HTTP/2.
    modern: Arc<AtomicUsize>,
    calls: Arc<AtomicUsize>,
}

/// A file with a certificate authority, and what it issued to this host.
fn certificates(host: &str) -> (NamedTempFile, ServerConfig) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(authority.pem().as_bytes()).unwrap();

    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (file, config)
}

impl Secure {
    async fn start(alpn: &[&str]) -> Self {
        Self::start_for("127.0.0.1", alpn).await
    }

    /// One whose certificate is for this host, wherever it listens.
    pub async fn start_for(host: &str, alpn: &[&str]) -> Self {
        let (ca, mut config) = certificates(host);
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let (modern, calls) = (Arc::default(), Arc::default());
        let secure = Self {
            url,
            ca,
            modern: Arc::clone(&modern),
            calls: Arc::clone(&calls),
        };
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let Ok(socket) = acceptor.accept(socket).await else {
                    continue;
                };
                let (modern, calls) = (Arc::clone(&modern), Arc::clone(&calls));
                let service = service_fn(move |request: Request<Incoming>| {
                    calls.fetch_add(1, Ordering::Relaxed);
                    if request.version() == Version::HTTP_2 {
                        modern.fetch_add(1, Ordering::Relaxed);
                    }
                    answer(request)
                });
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                tokio::spawn(async move {
                    let _ = builder
                        .serve_connection(TokioIo::new(socket), service)
                        .await;
                });
            }
        });
        secure
    }

    pub fn ca(&self) -> &str {
        self.ca.path().to_str().unwrap()
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let is_grpc = request.method() == "POST";
    request.into_body().collect().await.unwrap();
    if !is_grpc {
        let page = r#"{"tokens":[],"next_cursor":null}"#;
        return Ok(Response::new(Full::from(page)));
    }
    let body = [message("release"), trailer("grpc-status: 0\r\n")].concat();
    let response = Response::builder().header("content-type", "application/grpc-web+proto");
    Ok(response.body(Full::from(body)).unwrap())
}

#[tokio::test]
async fn a_private_authority_over_http_2_and_http_1() {
    for (alpn, modern) in [(&["h2", "http/1.1"][..], 2), (&["http/1.1"], 0), (&[], 0)] {
        let gateway = Secure::start(alpn).await;
        let bridge = Bridge::start(&gateway.url, &["--ca", gateway.ca()]).await;
        let mut client = bridge.client().await;
        for _ in 0..2 {
            assert_eq!(find(&mut client).await.unwrap(), "release", "{alpn:?}");
        }
        assert_eq!(gateway.calls.load(Ordering::Relaxed), 2);
        assert_eq!(gateway.modern.load(Ordering::Relaxed), modern, "{alpn:?}");
    }
}

#[tokio::test]
async fn a_certificate_of_nobody_known_is_refused() {
    let gateway = Secure::start(&["h2"]).await;
    let (other, _) = certificates("127.0.0.1");
    let other = other.path().to_str().unwrap();
    for flags in [&[][..], &["--ca", other]] {
        let bridge = Bridge::start(&gateway.url, flags).await;
        let status = find(&mut bridge.client().await).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        let certificate = status.message().contains("invalid peer certificate");
        assert!(certificate, "{flags:?}: {status:?}");
    }
    // The name counts too.
    let url = gateway.url.replace("127.0.0.1", "localhost");
    let bridge = Bridge::start(&url, &["--ca", gateway.ca()]).await;
    let status = find(&mut bridge.client().await).await.unwrap_err();
    assert!(
        status.message().contains("not valid for name"),
        "{status:?}"
    );
    assert_eq!(gateway.calls.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn files_without_certificates_are_refused() {
    let empty = NamedTempFile::new().unwrap();
    let mut broken = NamedTempFile::new().unwrap();
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    broken.write_all(pem.as_bytes()).unwrap();
    for file in [
        "/no/such/file",
        empty.path().to_str().unwrap(),
        broken.path().to_str().unwrap(),
    ] {
        let options = options("https://g.example", &["--ca", file]);
        let bridge = options.bridge(Log::new(std::io::sink(), false));
        let failure = bridge.err().expect(file);
        assert_eq!(failure.kind, Kind::Configuration);
        assert!(failure.message.contains(file), "{failure:?}");
    }
}
