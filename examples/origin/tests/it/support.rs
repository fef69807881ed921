//! What the tests share: an origin to start and stop, plain HTTP, and the
//! clients. Asserts nothing but that these work.

use std::io;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::{BodyExt as _, Full};
use postern_origin::client::{self, Client, Connection, Wire};
use postern_origin::proto::attestation_service_client::AttestationServiceClient;
use postern_origin::proto::{
    AttestationServiceInitRequest, AttestationServiceStoreRequest, FindOrCreateWorkflowRequest,
};
use postern_origin::reason;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Code, Status};

pub const TOKEN: &str = "pst_not-verified-here";

pub struct Origin {
    pub url: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Origin {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(postern_origin::serve(listener, async {
            let _ = stopped.await;
        }));
        Self { url, stop, task }
    }

    /// Stops the origin, and fails when that takes long.
    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(5), self.task).await;
        ended.expect("stopping takes too long").unwrap().unwrap();
    }

    pub fn web(&self) -> Client {
        client::connect(&self.url, TOKEN).unwrap()
    }

    pub fn web_text(&self) -> Client {
        client::connect_as(&self.url, TOKEN, Wire::Text).unwrap()
    }

    pub async fn grpc(&self) -> AttestationServiceClient<Channel> {
        AttestationServiceClient::new(self.native().await)
    }

    /// HTTP/2 without TLS, for native gRPC.
    pub async fn native(&self) -> Channel {
        let channel = Channel::from_shared(self.url.clone()).unwrap();
        channel.connect().await.unwrap()
    }

    /// gRPC-Web with this token, for the client of any service.
    pub fn connection(&self, token: &str) -> Connection {
        Connection::new(&self.url, Some(token), Wire::Binary).unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], Vec::new()).await
    }

    pub async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        serde_json::from_slice(&answer.body).unwrap()
    }

    pub async fn calls(&self) -> Vec<Value> {
        self.json("/debug/calls").await.as_array().unwrap().clone()
    }

    pub async fn runs(&self) -> Vec<Value> {
        self.json("/debug/runs").await.as_array().unwrap().clone()
    }

    /// One plain HTTP/1.1 request.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        send(&self.url, method, path, headers, body).await
    }
}

/// One plain HTTP/1.1 request.
pub async fn send(
    base: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{base}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body))).unwrap();
    let http = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .build_http();
    let (head, body) = http.request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: head.status,
        headers: head.headers,
        body,
    }
}

/// A JWT with these claims and a signature that is none: the origin verifies
/// nothing.
pub fn jwt(claims: &Value) -> String {
    let encode = |text: String| URL_SAFE_NO_PAD.encode(text);
    format!(
        "{}.{}.{}",
        encode(r#"{"alg":"HS256"}"#.into()),
        encode(claims.to_string()),
        encode("none".into())
    )
}

/// A JWT of an organization.
pub fn member(organization: &str) -> String {
    jwt(&serde_json::json!({
        "jti": format!("token-of-{organization}"), "org_id": format!("id-of-{organization}"),
        "org_name": organization,
    }))
}

/// Asserts code, message and reason of a refusal; an empty reason is none.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(
    answer: Result<T, Status>,
    code: Code,
    message: &str,
    why: &str,
) {
    let status = answer.unwrap_err();
    assert_eq!((status.code(), status.message()), (code, message));
    assert_eq!(reason(&status).unwrap_or_default(), why, "{status:?}");
}

/// A request with the token that a native gRPC client sends as metadata.
pub fn signed<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request
        .metadata_mut()
        .insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
    request
}

pub fn workflow(project: &str, workflow: &str) -> FindOrCreateWorkflowRequest {
    FindOrCreateWorkflowRequest {
        project_name: project.into(),
        workflow_name: workflow.into(),
        ..Default::default()
    }
}

pub fn new_run(project: &str, workflow: &str) -> AttestationServiceInitRequest {
    AttestationServiceInitRequest {
        project_name: project.into(),
        workflow_name: workflow.into(),
        ..Default::default()
    }
}

pub fn bundle(run: &str, bytes: &[u8]) -> AttestationServiceStoreRequest {
    AttestationServiceStoreRequest {
        workflow_run_id: run.into(),
        attestation_bundle: bytes.into(),
        ..Default::default()
    }
}

/// A workflow and a run of it, begun over gRPC-Web; returns the run's id.
pub async fn begin(client: &mut Client) -> String {
    client
        .find_or_create_workflow(workflow("demo", "release"))
        .await
        .unwrap();
    let begun = client
        .init(new_run("demo", "release"))
        .await
        .unwrap()
        .into_inner();
    begun.result.unwrap().workflow_run.unwrap().id
}

/// A frame of gRPC: flag, length, payload.
pub fn frame(flag: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![flag];
    frame.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
    frame.extend(payload);
    frame
}
