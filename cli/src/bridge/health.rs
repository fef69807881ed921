//! `grpc.health.v1`: the bridge's own health under the empty name and its services' names, the
//! gateway's under the names of the services that it carries. The gateway is asked at its
//! `/readyz`, without a credential, by one caller at a time and not more often than once a second.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http::{StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse, health_server};

use super::local::SERVICES;
use crate::connect::Http;

/// The bridge's own services: they answer as long as it does.
const OWN: [&str; 4] = [
    "",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

/// How long an answer of the gateway is taken for the present.
const FRESH: Duration = Duration::from_secs(1);
/// How often a watched status is looked at anew.
const EVERY: Duration = Duration::from_secs(5);
/// Longest time for an answer of the gateway's.
const LIMIT: Duration = Duration::from_secs(5);
/// Longest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// The gateway, asked whether it is ready.
pub struct Gateway {
    http: Http<Empty<Bytes>>,
    readyz: Uri,
    last: Mutex<Option<(Instant, ServingStatus)>>,
    stopping: watch::Sender<bool>,
}

impl Gateway {
    /// Asks at this address.
    pub fn new(http: Http<Empty<Bytes>>, readyz: Uri) -> Self {
        Self {
            http,
            readyz,
            last: Mutex::new(None),
            stopping: watch::Sender::new(false),
        }
    }

    /// Ends what is watched: the bridge takes no more calls.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    async fn status(&self) -> ServingStatus {
        let mut last = self.last.lock().await;
        if let Some((asked, status)) = *last
            && asked.elapsed() < FRESH
        {
            return status;
        }
        let ready = tokio::time::timeout(LIMIT, self.is_ready()).await;
        let status = match ready {
            Ok(Some(true)) => ServingStatus::Serving,
            _ => ServingStatus::NotServing,
        };
        *last = Some((Instant::now(), status));
        status
    }

    /// Whether a gateway answers, and says so: a proxy's page is no gateway. `None` without an
    /// answer that can be read.
    async fn is_ready(&self) -> Option<bool> {
        let response = self.http.get(self.readyz.clone()).await.ok()?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect();
        let body = body.await.ok()?.to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).ok()?;
        Some(status == StatusCode::OK && body.get("status")? == "ready")
    }
}

/// The service.
pub struct Health(Arc<Gateway>);

impl Health {
    /// Answers for itself, and for this gateway.
    pub fn new(gateway: Arc<Gateway>) -> Self {
        Self(gateway)
    }
}

async fn status_of(gateway: &Gateway, service: &str) -> ServingStatus {
    if OWN.contains(&service) {
        ServingStatus::Serving
    } else if SERVICES.contains(&service) {
        gateway.status().await
    } else {
        ServingStatus::ServiceUnknown
    }
}

fn answer(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

#[tonic::async_trait]
impl health_server::Health for Health {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let service = request.into_inner().service;
        match status_of(&self.0, &service).await {
            ServingStatus::ServiceUnknown => {
                Err(Status::not_found("the bridge has no such service"))
            }
            status => Ok(Response::new(answer(status))),
        }
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    /// The status now, and again whenever it is another one, until the caller or the bridge ends.
    /// An unknown name is told so and stays so: the bridge learns no services.
    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let watched = Watched {
            service: request.into_inner().service,
            stopping: self.0.stopping.subscribe(),
            gateway: Arc::clone(&self.0),
            told: None,
        };
        let stream = stream::unfold(Some(watched), |watched| async move {
            let mut watched = watched?;
            Some(match watched.next().await {
                Some(status) => (Ok(answer(status)), Some(watched)),
                None => (Err(Status::unavailable("the bridge is ending")), None),
            })
        });
        Ok(Response::new(Box::pin(stream)))
    }
}

/// One caller's watch.
struct Watched {
    service: String,
    gateway: Arc<Gateway>,
    stopping: watch::Receiver<bool>,
    told: Option<ServingStatus>,
}

impl Watched {
    /// The next status that was not told yet; `None` at the end.
    async fn next(&mut self) -> Option<ServingStatus> {
        loop {
            let stopping = *self.stopping.borrow_and_update();
            let status = match status_of(&self.gateway, &self.service).await {
                ServingStatus::Serving if stopping => ServingStatus::NotServing,
                status => status,
            };
            if self.told != Some(status) {
                self.told = Some(status);
                return Some(status);
            }
            if stopping {
                return None;
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                // The sender lives as long as we do.
                _ = self.stopping.changed() => {}
            }
        }
    }
}
