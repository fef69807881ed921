//! The second form that a gRPC-Web error may have: a body with a trailer frame
//! and nothing else, in place of headers without a body. A gateway meets both,
//! so the origin can be told to give either. Touches no other answer.

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What gRPC says at the end of a call.
const ENDING: [&str; 3] = ["grpc-status", "grpc-message", "grpc-status-details-bin"];

/// Flag of a trailer frame.
const TRAILERS: u8 = 0x80;

/// The answer with its status in a trailer frame, when it is a gRPC-Web answer
/// with its status in the headers; any other as it is.
pub(crate) fn in_a_frame(response: Response) -> Response {
    let content_type = response.headers().get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let text = content_type.is_some_and(|value| value.starts_with("application/grpc-web-text"));
    let web = content_type.is_some_and(|value| value.starts_with("application/grpc-web"));
    if !web || !response.headers().contains_key("grpc-status") {
        return response;
    }
    let (mut head, _) = response.into_parts();
    let mut trailers = Vec::new();
    for name in ENDING {
        if let Some(value) = head.headers.remove(name) {
            trailers.extend([name.as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
    }
    let length = u32::try_from(trailers.len()).unwrap_or(u32::MAX);
    let mut body = vec![TRAILERS];
    body.extend(length.to_be_bytes());
    body.extend(trailers);
    if text {
        body = STANDARD.encode(body).into_bytes();
    }
    head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(head, Body::from(body))
}
