//! Plain HTTP under `/debug`, for tests and for curious people: what came in,
//! which runs there are, the bundles byte for byte. Shows no credential.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::calls::{CallLog, unix_ms};
use crate::service::Shared;
use crate::state::Run;

/// Longest delay that can be asked for: one hour.
const MAX_DELAY_MS: u64 = 3_600_000;

/// Where runs are: in one state, or in one for each organization.
#[derive(Clone)]
pub(crate) struct Sources(Arc<dyn Fn() -> Vec<Shared> + Send + Sync>);

impl Sources {
    /// What this says each time.
    pub(crate) fn new(all: impl Fn() -> Vec<Shared> + Send + Sync + 'static) -> Self {
        Self(Arc::new(all))
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sources(…)")
    }
}

/// The routes; every path starts with `/debug/`.
pub(crate) fn routes(state: Sources, calls: CallLog) -> Router {
    let about_calls = Router::new()
        .route("/debug/calls", get(list_calls))
        .route("/debug/reset", post(reset))
        .route("/debug/delay", post(delay))
        .route("/debug/errors", post(errors))
        .with_state(calls);
    let about_state = Router::new()
        .route("/debug/runs", get(list_runs))
        .route("/debug/bundles/{run}", get(bundle))
        .with_state(state);
    about_calls.merge(about_state)
}

#[derive(Serialize)]
struct RunView {
    id: String,
    project: String,
    project_id: String,
    workflow: String,
    workflow_id: String,
    organization: String,
    status: &'static str,
    reason: String,
    digest: Option<String>,
    authorization_sha256: String,
    created_at_ms: u64,
    finished_at_ms: Option<u64>,
}

impl From<&Run> for RunView {
    fn from(run: &Run) -> Self {
        Self {
            id: run.id.to_string(),
            project: run.workflow.project.clone(),
            project_id: run.workflow.project_id.to_string(),
            workflow: run.workflow.name.clone(),
            workflow_id: run.workflow.id.to_string(),
            organization: run.organization.name.clone(),
            status: run.status.as_str_name().trim_start_matches("RUN_STATUS_"),
            reason: run.reason.clone(),
            digest: run.bundle.as_ref().map(|bundle| bundle.digest()),
            authorization_sha256: run.authorization_sha256.clone(),
            created_at_ms: unix_ms(run.created_at),
            finished_at_ms: run.finished_at.map(unix_ms),
        }
    }
}

/// How long to hold back each answer.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Delay {
    ms: u64,
}

/// Where gRPC-Web errors have their status.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Errors {
    shape: Shape,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Shape {
    /// In the headers, without a body.
    Headers,
    /// In a trailer frame, which is the whole body.
    Frame,
}

async fn list_calls(State(calls): State<CallLog>) -> Response {
    json(&calls.all())
}

async fn reset(State(calls): State<CallLog>) -> StatusCode {
    calls.clear();
    StatusCode::NO_CONTENT
}

async fn delay(State(calls): State<CallLog>, body: Bytes) -> Response {
    match serde_json::from_slice::<Delay>(&body) {
        Ok(delay) if delay.ms <= MAX_DELAY_MS => {
            calls.set_delay_ms(delay.ms);
            json(&delay)
        }
        Ok(_) => (
            StatusCode::BAD_REQUEST,
            format!("`ms` is more than {MAX_DELAY_MS}\n"),
        )
            .into_response(),
        Err(error) => (
            StatusCode::BAD_REQUEST,
            format!("not `{{\"ms\": N}}`: {error}\n"),
        )
            .into_response(),
    }
}

async fn errors(State(calls): State<CallLog>, body: Bytes) -> Response {
    match serde_json::from_slice::<Errors>(&body) {
        Ok(errors) => {
            calls.set_errors_in_a_frame(errors.shape == Shape::Frame);
            json(&errors)
        }
        Err(error) => (
            StatusCode::BAD_REQUEST,
            format!("not `{{\"shape\": \"headers\"}}` or `\"frame\"`: {error}\n"),
        )
            .into_response(),
    }
}

async fn list_runs(State(sources): State<Sources>) -> Response {
    let mut runs: Vec<RunView> = Vec::new();
    for state in sources.0() {
        runs.extend(state.lock().runs().map(RunView::from));
    }
    runs.sort_by_key(|run| run.created_at_ms);
    json(&runs)
}

async fn bundle(State(sources): State<Sources>, Path(run): Path<String>) -> Response {
    let Ok(id) = Uuid::parse_str(&run) else {
        return (StatusCode::BAD_REQUEST, "the run id is no UUID\n").into_response();
    };
    let bytes = sources.0().iter().find_map(|state| {
        let state = state.lock();
        let bundle = state.run(id)?.bundle.as_ref()?;
        Some(bundle.bytes().to_vec())
    });
    match bytes {
        Some(bytes) => ([(CONTENT_TYPE, "application/json")], bytes).into_response(),
        None => (StatusCode::NOT_FOUND, "no bundle stored for this run\n").into_response(),
    }
}

fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
