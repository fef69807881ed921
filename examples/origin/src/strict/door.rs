//! A door in front of strict mode, as a proxy for service tokens is one: lets in only what carries one
//! header. Nothing behind it hears of the rest.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::Strict;

impl Strict {
    /// From now on lets in only what carries this header.
    pub fn behind(&self, name: &str, value: &str) {
        self.lock().door = Some((name.to_owned(), value.to_owned()));
    }

    fn lets_in(&self, request: &Request) -> bool {
        let world = self.lock();
        world.door.as_ref().is_none_or(|(name, value)| {
            let shown = request.headers().get(name);
            shown.is_some_and(|shown| shown.as_bytes() == value.as_bytes())
        })
    }
}

/// Middleware in front of everything but `/debug`.
pub(super) async fn door(State(strict): State<Strict>, request: Request, next: Next) -> Response {
    match strict.lets_in(&request) {
        true => next.run(request).await,
        false => (StatusCode::FORBIDDEN, "no service token\n").into_response(),
    }
}
