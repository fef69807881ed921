//! Four REST routes under `/v1`, as an attestation API has them that is not the
//! control plane: they share nothing with the RPCs but the call log. Verifies no
//! token: it wants to see one.
//!
//! Each names its project and workflow elsewhere: in the body, in the path, in
//! query and header. Those that write say in their answer what they have read
//! there, so that a gateway's reading can be compared with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::calls::{MAX_BODY, MAX_UPLOAD};
use crate::digest::sha256_hex;

/// Attestations kept: beyond this one is forgotten, so that a load test does not
/// fill the memory.
const MAX_ATTESTATIONS: usize = 1000;

/// Stored documents by project, workflow and digest.
#[derive(Clone, Default)]
struct Attestations(Arc<Mutex<Stored>>);

type Stored = BTreeMap<(String, String, String), Bytes>;

impl Attestations {
    fn lock(&self) -> std::sync::MutexGuard<'_, Stored> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The routes, over a memory of their own.
pub(crate) fn routes() -> Router {
    let attestations = "/v1/projects/{project}/workflows/{workflow}/attestations";
    let uploads = "/v1/projects/{project}/workflows/{workflow}/uploads";
    Router::new()
        .route("/v1/runs", post(begin))
        .route(attestations, post(store))
        .route(
            uploads,
            put(upload).layer(DefaultBodyLimit::max(MAX_UPLOAD)),
        )
        .route("/v1/attestations/{digest}", get(read))
        .with_state(Attestations::default())
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

#[derive(Deserialize)]
struct Begin {
    workflow: Workflow,
}

#[derive(Deserialize)]
struct Workflow {
    project: String,
    name: String,
}

async fn begin(headers: HeaderMap, body: Bytes) -> Response {
    if let Some(refusal) = stranger(&headers) {
        return refusal;
    }
    match serde_json::from_slice::<Begin>(&body) {
        Ok(Begin { workflow }) => {
            let run = json!({
                "id": Uuid::new_v4().to_string(),
                "project": workflow.project,
                "workflow": workflow.name,
            });
            answer(StatusCode::CREATED, &run)
        }
        Err(error) => fail(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

async fn store(
    State(attestations): State<Attestations>,
    Path((project, workflow)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(refusal) = stranger(&headers) {
        return refusal;
    }
    if body.is_empty() {
        return fail(StatusCode::UNPROCESSABLE_ENTITY, "the attestation is empty");
    }
    let digest = format!("sha256:{}", sha256_hex(&body));
    let stored = json!({ "digest": digest, "project": project, "workflow": workflow });
    let mut attestations = attestations.lock();
    attestations.insert((project, workflow, digest), body);
    if attestations.len() > MAX_ATTESTATIONS {
        attestations.pop_first();
    }
    answer(StatusCode::CREATED, &stored)
}

/// Keeps nothing: it shows that a gateway can let a body pass piece by piece.
async fn upload(headers: HeaderMap, body: Bytes) -> Response {
    match stranger(&headers) {
        Some(refusal) => refusal,
        None => answer(StatusCode::CREATED, &json!({ "bytes": body.len() })),
    }
}

async fn read(
    State(attestations): State<Attestations>,
    Path(digest): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = stranger(&headers) {
        return refusal;
    }
    // Names are labels, which no query escapes.
    let project = query
        .as_deref()
        .unwrap_or_default()
        .split('&')
        .find_map(|pair| pair.strip_prefix("project="))
        .unwrap_or_default();
    let workflow = headers
        .get("attestation-workflow")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if digest == "latest" {
        // Elsewhere: what a gateway must not follow for its caller.
        let location = format!("/v1/attestations/sha256:0?project={project}");
        return (StatusCode::FOUND, [(LOCATION, location)]).into_response();
    }
    let key = (project.to_owned(), workflow.to_owned(), digest);
    match attestations.lock().get(&key) {
        Some(document) => ([(CONTENT_TYPE, "application/json")], document.clone()).into_response(),
        None => fail(StatusCode::NOT_FOUND, "no such attestation"),
    }
}

/// The answer to who shows no token.
fn stranger(headers: &HeaderMap) -> Option<Response> {
    let bearer = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    match bearer {
        Some(token) if !token.is_empty() => None,
        _ => Some(fail(StatusCode::UNAUTHORIZED, "a token is missing")),
    }
}

fn fail(status: StatusCode, error: &str) -> Response {
    answer(status, &json!({ "error": error }))
}

fn answer(status: StatusCode, body: &serde_json::Value) -> Response {
    let headers = [(CONTENT_TYPE, "application/json")];
    (status, headers, body.to_string()).into_response()
}
