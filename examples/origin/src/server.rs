//! Puts the calls and the `/debug` routes on one port: gRPC over cleartext HTTP/2, gRPC-Web over
//! HTTP/1.1 or HTTP/2, plain HTTP. It listens on loopback only, since it verifies no token.

use std::future::{Future, IntoFuture as _, pending};
use std::io;
use std::time::Duration;

use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tonic_web::GrpcWebLayer;

use crate::assertion::{Verifier, require};
use crate::calls::{CallLog, record};
use crate::service::{self, Shared};
use crate::{debug, plain, rest, session};

/// How long calls in flight may still take once the end was asked for.
const GRACE: Duration = Duration::from_secs(2);

/// Serves a fresh, empty origin on `listener` until `shutdown` resolves.
///
/// Calls in flight may finish within two seconds. Fails with `InvalidInput`
/// when the listener is not bound to a loopback address.
pub async fn serve(
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_requiring(listener, None, shutdown).await
}

/// As [`serve`]; with a verifier, only calls that carry a good assertion are
/// answered.
pub async fn serve_requiring(
    listener: TcpListener,
    verifier: Option<Verifier>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    until(listener, app(verifier), shutdown).await
}

/// Serves these routes on `listener` until `shutdown` resolves, and those in flight a little longer.
pub(crate) async fn until(
    listener: TcpListener,
    app: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        let message =
            format!("refusing to serve on {address}: the sample origin verifies no token");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let (stopping, stopped) = oneshot::channel();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        shutdown.await;
        // Nobody listens any more only when serving has ended already.
        let _ = stopping.send(());
    });
    tokio::select! {
        ended = server.into_future() => ended,
        () = out_of_grace(stopped) => Ok(()),
    }
}

fn app(verifier: Option<Verifier>) -> Router {
    let (state, calls) = (Shared::default(), CallLog::default());
    let mut rpcs = service::routes(&state)
        .into_axum_router()
        .layer(GrpcWebLayer::new())
        .merge(plain::routes(state.clone()))
        .merge(rest::routes());
    if let Some(verifier) = verifier {
        rpcs = rpcs.layer(middleware::from_fn_with_state(verifier, require));
    }
    // Outermost, so that it sees requests as they came.
    let rpcs = rpcs.layer(middleware::from_fn_with_state(calls.clone(), record));
    let sources = debug::Sources::new(move || vec![state.clone()]);
    debug::routes(sources, calls)
        .merge(session::routes())
        .merge(rpcs)
}

async fn out_of_grace(stopped: oneshot::Receiver<()>) {
    if stopped.await.is_err() {
        return pending().await;
    }
    tokio::time::sleep(GRACE).await;
}
