//! A plain request for nothing that is there: the control plane's HTTP port says 404, where the layer
//! that speaks gRPC-Web would say that it is no such call.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// Where plain HTTP finds something.
const PLAIN: [&str; 7] = [
    "/auth/",
    "/discover/",
    "/download/",
    "/infoz",
    "/openapi.yaml",
    "/prom/",
    "/statusz",
];

/// Middleware: lets calls through, and plain requests for what is there.
pub(super) async fn not_found(request: Request, next: Next) -> Response {
    let content_type = request.headers().get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let is_call = content_type.is_some_and(|value| value.starts_with("application/grpc"));
    let path = request.uri().path();
    if is_call || PLAIN.iter().any(|plain| path.starts_with(plain)) {
        return next.run(request).await;
    }
    (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
}
