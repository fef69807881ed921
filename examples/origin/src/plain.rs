//! The three calls that plain HTTP reaches: `GET /infoz`, `GET /statusz` and
//! `GET /discover/{digest}`, with JSON answers in which no member is left out,
//! and errors as JSON objects. Everything else of upstream's HTTP port is not
//! here.

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Path, Query, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tonic::Code;

use crate::caller::Caller;
use crate::failure::Failure;
use crate::proto::{CursorPaginationRequest, ReferrerItem, ReferrerServiceDiscoverPrivateRequest};
use crate::service::{Shared, VERSION, discover};

/// The routes.
pub(crate) fn routes(state: Shared) -> Router {
    open_routes().merge(discover_route(state))
}

/// Those that ask nobody who they are.
pub(crate) fn open_routes() -> Router {
    Router::new()
        .route("/infoz", get(infoz))
        .route("/statusz", get(statusz))
}

/// The one that does.
pub(crate) fn discover_route(state: Shared) -> Router {
    Router::new()
        .route("/discover/{digest}", get(discovered))
        .with_state(state)
}

/// What may stand in the query of `/discover/{digest}`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Discover {
    kind: String,
    #[serde(rename = "pagination.cursor")]
    cursor: String,
    #[serde(rename = "pagination.limit")]
    limit: i32,
    project_name: String,
    project_version: String,
}

/// What may stand in the query of `/statusz`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Statusz {
    /// `1` or `true`: whether what the origin needs must answer too.
    readiness: String,
}

async fn infoz() -> Response {
    json(
        StatusCode::OK,
        &json!({
            "loginURL": "",
            "version": VERSION,
            "chartVersion": "",
            "restrictedOrgCreation": false,
            "uiDashboardUrl": "",
        }),
    )
}

async fn statusz(query: Result<Query<Statusz>, QueryRejection>) -> Response {
    match query {
        // It needs nothing, so it is ready whenever it answers.
        Ok(Query(asked)) if ["", "0", "1", "false", "true"].contains(&&*asked.readiness) => {
            json(StatusCode::OK, &json!({}))
        }
        Ok(_) => failed(&codec("readiness is neither true nor false")),
        Err(error) => failed(&codec(&error.to_string())),
    }
}

async fn discovered(
    State(state): State<Shared>,
    known: Option<Extension<(Caller, Shared)>>,
    Path(digest): Path<String>,
    headers: HeaderMap,
    query: Result<Query<Discover>, QueryRejection>,
) -> Response {
    let answer = async {
        // Before anything is read, as upstream. Strict mode knows the caller already.
        let (caller, state) = match known {
            Some(Extension(known)) => known,
            None => {
                let authorization = headers.get(AUTHORIZATION).map(|v| v.as_bytes());
                (Caller::from_authorization(authorization)?, state)
            }
        };
        let Query(asked) = query.map_err(|error| codec(&error.to_string()))?;
        let asked = ReferrerServiceDiscoverPrivateRequest {
            digest,
            kind: asked.kind,
            pagination: Some(CursorPaginationRequest {
                cursor: asked.cursor,
                limit: asked.limit,
            }),
            project_name: asked.project_name,
            project_version: asked.project_version,
        };
        discover(&state, &caller, &asked)
    };
    match answer.await {
        Ok(found) => {
            let next = found.pagination.unwrap_or_default().next_cursor;
            let body = json!({
                "result": found.result.as_ref().map(referrer),
                "pagination": { "nextCursor": next },
            });
            json(StatusCode::OK, &body)
        }
        Err(failure) => failed(&failure),
    }
}

fn referrer(item: &ReferrerItem) -> Value {
    let references: Vec<Value> = item.references.iter().map(referrer).collect();
    json!({
        "digest": item.digest,
        "kind": item.kind,
        "downloadable": item.downloadable,
        "references": references,
        "createdAt": item.created_at.as_ref().map(ToString::to_string),
        "metadata": item.metadata,
        "annotations": item.annotations,
    })
}

/// What upstream says of a query that it cannot read.
fn codec(message: &str) -> Failure {
    Failure::new(Code::InvalidArgument, "CODEC", message)
}

fn failed(failure: &Failure) -> Response {
    json(failure.http_status(), &failure.json())
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => (status, [(CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
