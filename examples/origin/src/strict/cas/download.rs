//! `GET /download/{digest}?t=CREDENTIAL`: an artifact in plain HTTP
//! (`app/artifact-cas/internal/service/download.go` of the control plane). The credential stands in
//! the query, since links have it there.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_DISPOSITION;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde::Deserialize;

use super::store::{Store, need};
use crate::digest::sha256_hex;

/// The route.
pub(super) fn routes(store: Store) -> Router {
    Router::new()
        .route("/download/{digest}", get(download))
        .with_state(store)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    t: String,
    filename: String,
}

async fn download(
    State(store): State<Store>,
    Path(digest): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    if asked.t.is_empty() {
        return plain(StatusCode::UNAUTHORIZED, "missing token");
    }
    let Ok(credential) = store.believe(&asked.t) else {
        return plain(StatusCode::UNAUTHORIZED, "invalid token");
    };
    let Some(hex) = sha256(&digest) else {
        return plain(StatusCode::BAD_REQUEST, "invalid digest");
    };
    if let Err(failure) = need(&credential, "downloader") {
        return plain(StatusCode::UNAUTHORIZED, &failure.message);
    }
    let Some(found) = store.find(&credential.organization, hex) else {
        return plain(StatusCode::NOT_FOUND, "artifact not found");
    };
    let got = sha256_hex(&found.bytes);
    if got != hex {
        let message = format!("checksums mismatch: got: {got}, want: {hex}");
        return plain(StatusCode::UNAUTHORIZED, &message);
    }
    let mut response = store.answer(hex, &found);
    let name = if asked.filename.is_empty() {
        found.file_name
    } else {
        asked.filename
    };
    // A name that cannot stand in a header is left out.
    let disposition = format!("attachment; filename={name}").parse();
    if let Ok(disposition) = disposition {
        response
            .headers_mut()
            .insert(CONTENT_DISPOSITION, disposition);
    }
    response
}

/// The hex of a digest `sha256:…`.
fn sha256(digest: &str) -> Option<&str> {
    let hex = digest.strip_prefix("sha256:")?;
    let good = hex.len() == 64
        && hex
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    good.then_some(hex)
}

fn plain(status: StatusCode, message: &str) -> Response {
    (status, format!("{message}\n")).into_response()
}
