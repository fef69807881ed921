//! The sample origin in this process, and what it saw. What did not arrive is as important as what did, so cases ask
//! for the calls since a reset.

use std::io;
use std::time::Duration;

use postern_origin::assertion::Verifier;
use postern_origin::strict::{Strict, serve_strict};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::http::{Call, Http};

/// A running origin.
pub struct Origin {
    /// `http://host:port`.
    pub url: String,
    http: Http,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<io::Result<()>>,
}

impl Origin {
    /// Starts an empty one on a free port.
    pub async fn start() -> Self {
        Self::with(None).await
    }

    /// Starts one that answers only what this verifier believes.
    pub async fn demanding(verifier: Verifier) -> Self {
        Self::with(Some(verifier)).await
    }

    /// Starts a stock control plane: one that believes only tokens that `strict` makes. The second is the address of
    /// its artifact store.
    pub async fn strict(strict: &Strict) -> (Self, String) {
        let (listener, url) = listen().await;
        let (store, store_url) = listen().await;
        let (stop, stopped) = oneshot::channel();
        let served = serve_strict(listener, store, strict.clone(), async {
            let _ = stopped.await;
        });
        (Self::running(url, stop, tokio::spawn(served)), store_url)
    }

    async fn with(verifier: Option<Verifier>) -> Self {
        let (listener, url) = listen().await;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(postern_origin::serve_requiring(listener, verifier, async {
            let _ = stopped.await;
        }));
        Self::running(url, stop, task)
    }

    fn running(url: String, stop: oneshot::Sender<()>, task: JoinHandle<io::Result<()>>) -> Self {
        Self {
            url,
            http: Http::new(),
            stop: Some(stop),
            task,
        }
    }

    /// Forgets the calls so far.
    pub async fn reset(&self) {
        assert_eq!(self.call("POST", "/debug/reset").send().await.status, 204);
    }

    /// Holds every answer back.
    pub async fn delay(&self, delay: Duration) {
        let delay = json!({ "ms": u64::try_from(delay.as_millis()).expect("a short delay") });
        assert_eq!(
            self.call("POST", "/debug/delay")
                .json(&delay)
                .send()
                .await
                .status,
            200
        );
    }

    /// Where gRPC-Web errors have their status from now on: in the `headers`, or in a trailer `frame`.
    pub async fn errors(&self, shape: &str) {
        let call = self.call("POST", "/debug/errors");
        let answer = call.json(&json!({ "shape": shape })).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// A gRPC-Web call past the gateway, to compare with.
    pub fn post(&self, path: &str, frames: Vec<u8>) -> Call {
        self.call("POST", path)
            .header("content-type", crate::rpc::BINARY)
            .header("x-grpc-web", "1")
            .body(frames)
    }

    /// The calls since the last reset, as they arrived.
    pub async fn calls(&self) -> Vec<Value> {
        list(&self.call("GET", "/debug/calls").send().await.json(200))
    }

    /// The paths of the calls since the last reset.
    pub async fn paths(&self) -> Vec<String> {
        let calls = self.calls().await;
        let path = |call: &Value| call["path"].as_str().expect("a path").to_owned();
        calls.iter().map(path).collect()
    }

    /// Asserts that nothing has arrived since the last reset.
    pub async fn assert_untouched(&self, why: &str) {
        let calls = self.calls().await;
        assert!(
            calls.is_empty(),
            "{why}: this reached the origin: {calls:#?}"
        );
    }

    /// Asserts that since the last reset nothing has arrived but the gate's own questions about runs.
    pub async fn assert_only_asked_for_runs(&self, why: &str) {
        let mut calls = self.calls().await;
        calls.retain(|call| call["path"] != "/controlplane.v1.WorkflowRunService/View");
        assert!(
            calls.is_empty(),
            "{why}: this reached the origin: {calls:#?}"
        );
    }

    /// All runs, oldest first.
    pub async fn runs(&self) -> Vec<Value> {
        list(&self.call("GET", "/debug/runs").send().await.json(200))
    }

    /// A run.
    pub async fn run(&self, id: &str) -> Value {
        let runs = self.runs().await;
        let found = runs.into_iter().find(|run| run["id"] == id);
        found.unwrap_or_else(|| panic!("the origin has no run {id}"))
    }

    /// The bundle of a run, byte for byte.
    pub async fn bundle(&self, run: &str) -> Vec<u8> {
        let answer = self
            .call("GET", &format!("/debug/bundles/{run}"))
            .send()
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.body.to_vec()
    }

    /// Makes a cookie known to the session endpoint.
    pub async fn sign_in(&self, cookie: &str, user: &str, organizations: &[(&str, &str)]) {
        let organizations: Vec<Value> = organizations
            .iter()
            .map(|(name, role)| json!({ "name": name, "role": role }))
            .collect();
        let known = json!({ "cookie": cookie, "user_id": user, "organizations": organizations });
        let call = self.call("POST", "/debug/sessions").json(&known);
        assert_eq!(call.send().await.status, 201);
    }

    /// Ends all sessions.
    pub async fn sign_out(&self) {
        let call = self.call("DELETE", "/debug/sessions");
        assert_eq!(call.send().await.status, 204);
    }

    /// Has the session endpoint behave so, as `POST /debug/session-mode` takes it.
    pub async fn session_mode(&self, mode: &Value) {
        let call = self.call("POST", "/debug/session-mode").json(mode);
        let answer = call.send().await;
        assert_eq!(answer.status, 204, "{}", answer.text());
    }

    /// How often the session endpoint has been asked.
    pub async fn session_calls(&self) -> u64 {
        let calls = self.call("GET", "/debug/session-calls").send().await;
        calls.json(200).as_u64().expect("a number")
    }

    fn call(&self, method: &str, path: &str) -> Call {
        Call::new(&self.http, method, &format!("{}{path}", self.url))
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.task.abort();
    }
}

/// A free port of this machine, and its address.
async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().expect("a list").clone()
}
