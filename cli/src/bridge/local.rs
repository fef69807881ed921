//! The calls that the bridge answers itself: health, and reflection for the services that it
//! carries. They need no credential, tell nothing of the gateway but whether it is ready, and
//! nothing of them reaches it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tonic::body::Body as TonicBody;
use tonic::server::NamedService;
use tonic_health::pb::health_server::HealthServer;
use tonic_reflection::server::Builder;

use super::answer::Body;
use super::health::{Gateway, Health};
use super::log::Call;
use super::status::Code;
use crate::fail::{Failure, Kind, Outcome};

/// The services that the bridge carries to the gateway, by their full names.
pub const SERVICES: &[&str] = include!(concat!(env!("OUT_DIR"), "/services.rs"));

/// Their descriptors, with all that these import: a `FileDescriptorSet`.
const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Largest question, in bytes: names.
const MAX_QUESTION: usize = 16 * 1024;

type Answering = Pin<Box<dyn Future<Output = Response<TonicBody>> + Send>>;

/// A service of the bridge's own.
pub struct Service {
    name: &'static str,
    answer: Box<dyn Fn(Request<Incoming>) -> Answering + Send + Sync>,
}

/// All of them.
pub struct Local {
    services: Vec<Service>,
    gateway: Arc<Gateway>,
}

impl Local {
    /// The services, where `gateway` is asked for its health.
    pub fn new(gateway: Arc<Gateway>) -> Outcome<Self> {
        let health = HealthServer::new(Health::new(Arc::clone(&gateway)));
        let reflecting = || {
            Builder::configure()
                .register_encoded_file_descriptor_set(DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let wrong = |error| Failure::new(Kind::Other, format!("reflection: {error}"));
        let v1 = reflecting().build_v1().map_err(wrong)?;
        let v1alpha = reflecting().build_v1alpha().map_err(wrong)?;
        Ok(Self {
            services: vec![
                Service::new(health.max_decoding_message_size(MAX_QUESTION)),
                Service::new(v1.max_decoding_message_size(MAX_QUESTION)),
                Service::new(v1alpha.max_decoding_message_size(MAX_QUESTION)),
            ],
            gateway,
        })
    }

    /// Ends calls that have no end of their own.
    pub fn stop(&self) {
        self.gateway.stop();
    }

    /// The service of a method's path; `None` where the gateway is to answer.
    pub fn service(&self, path: &str) -> Option<&Service> {
        let (service, _) = path.strip_prefix('/')?.split_once('/')?;
        self.services.iter().find(|known| known.name == service)
    }
}

impl Service {
    fn new<S>(service: S) -> Self
    where
        S: tower_service::Service<
                Request<Incoming>,
                Response = Response<TonicBody>,
                Error = Infallible,
            > + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
    {
        let answer = move |request| -> Answering {
            // Services that tonic generates are ready at any time.
            let answering = service.clone().call(request);
            Box::pin(async move {
                match answering.await {
                    Ok(response) => response,
                    Err(never) => match never {},
                }
            })
        };
        Self {
            name: S::NAME,
            answer: Box::new(answer),
        }
    }

    /// Answers a call, and writes its line when the answer is through.
    pub async fn answer(&self, request: Request<Incoming>, mut call: Call) -> Response<Body> {
        let (head, body) = (self.answer)(request).await.into_parts();
        // Its status stands in the head where there is no message.
        if let Some(code) = Code::of(&head.headers) {
            call.ends(code);
        }
        let body = body.map_frame(move |frame| {
            if let Some(code) = frame.trailers_ref().and_then(Code::of) {
                call.ends(code);
            }
            frame
        });
        Response::from_parts(head, body.map_err(Into::into).boxed_unsync())
    }
}
