//! The control plane's plain HTTP: `/download`, `/prom`, `/openapi.yaml`, and signing in
//! (`routes/login.rs`). No chain runs in front of `/prom`, `/openapi.yaml` and `/auth`
//! (`internal/server/http.go`).

mod login;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde::Deserialize;

use super::Strict;
use super::guard::plain;
use super::tokens::seconds;
use super::{authentication, jwt};

/// What the chain calls `GET /download`; the map of policies does not have it, so that only owners
/// and admins come through (`internal/service/casredirect.go`, `pkg/authz/authz.go`).
const DOWNLOAD: &str = "CASRedirectService/DownloadRedirect";

/// A document of the same kind as upstream's, of our own text.
const OPENAPI: &str =
    "openapi: 3.0.3\ninfo:\n  title: sample control plane\n  version: v1.106.1\npaths: {}\n";

/// The routes.
pub(super) fn routes(strict: Strict) -> Router {
    Router::new()
        .route("/download/{digest}", get(download))
        .route("/prom/{organization}/metrics", get(metrics))
        .route("/openapi.yaml", get(openapi))
        .merge(login::routes())
        .with_state(strict)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Download {
    /// A bearer, where there is no header: people come back from signing in with it.
    t: String,
}

async fn download(
    State(strict): State<Strict>,
    uri: Uri,
    Path(digest): Path<String>,
    Query(asked): Query<Download>,
    mut headers: HeaderMap,
) -> Response {
    if !headers.contains_key(AUTHORIZATION) {
        let bearer = format!("Bearer {}", asked.t).parse();
        match bearer {
            Ok(bearer) if !asked.t.is_empty() => drop(headers.insert(AUTHORIZATION, bearer)),
            _ => return to_login(&uri.to_string()),
        }
    }
    let url = strict
        .admit(DOWNLOAD, &headers)
        .and_then(|subject| strict.download_url(&subject, &digest));
    match url {
        Ok(url) => (StatusCode::FOUND, [(LOCATION, url)]).into_response(),
        Err(denied) => plain(&denied.into()),
    }
}

fn to_login(back: &str) -> Response {
    let back = login::escape(back);
    let to = format!("/auth/login?callback={back}");
    (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, to)]).into_response()
}

/// Believes a token by its signature, its time and its name of the organization: asks neither the
/// row nor the audience, as upstream (`internal/service/prometheus.go`).
async fn metrics(
    State(strict): State<Strict>,
    Path(organization): Path<String>,
    headers: HeaderMap,
) -> Response {
    let authorization = headers.get(AUTHORIZATION).map(|value| value.as_bytes());
    let Ok(bearer) = authentication::bearer(authorization) else {
        return text(StatusCode::UNAUTHORIZED, "JWT token is missing");
    };
    let now = seconds(std::time::SystemTime::now());
    let world = strict.lock();
    let Ok(claims) = jwt::read(&world.key, bearer, now) else {
        return text(StatusCode::UNAUTHORIZED, "invalid token");
    };
    let claimed = jwt::text(&claims, "org_name");
    if claimed != organization {
        let message = format!(
            "Organization [{claimed}] on API Token does not match the organization in the request"
        );
        return text(StatusCode::BAD_REQUEST, &message);
    }
    let found = world.organization(&organization);
    let Some(found) = found.filter(|found| found.metrics) else {
        let message = "Organization does not have a Prometheus integration activated";
        return text(StatusCode::NOT_FOUND, message);
    };
    let runs = found.state.lock().runs().count();
    let body = format!("# TYPE sample_runs_total counter\nsample_runs_total {runs}\n");
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], body).into_response()
}

async fn openapi() -> Response {
    let headers = [
        ("content-type", "text/yaml; charset=UTF-8"),
        ("x-content-type-options", "nosniff"),
        ("access-control-allow-origin", "*"),
    ];
    (headers, OPENAPI).into_response()
}

/// A line, as Go's `http.Error` writes it.
fn text(status: StatusCode, message: &str) -> Response {
    (status, format!("{message}\n")).into_response()
}
