//! Puts strict mode on its two ports: the control plane, as the sample origin has it, and the
//! artifact store. Listens on loopback only, since `/debug` hands out tokens.

use std::future::Future;
use std::io;

use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic_web::GrpcWebLayer;

use super::cas::{Store, routes as store_routes};
use super::door::door;
use super::guard::{guard, guard_plain};
use super::not_found::not_found;
use super::{Strict, debug, routes, service};
use crate::calls::{CallLog, record};
use crate::service::Shared;
use crate::{debug as about_calls, plain, server, session};

/// Serves a control plane on `listener` and its artifact store on `store`, until `shutdown` resolves.
///
/// # Errors
///
/// As [`crate::serve`], of either port.
pub async fn serve_strict(
    listener: TcpListener,
    store: TcpListener,
    strict: Strict,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stop, stopped) = watch::channel(false);
    let ended = |mut stopped: watch::Receiver<bool>| async move {
        // Nobody can say so any more only when all of this is over.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    let (key, falsified) = {
        let mut world = strict.lock();
        world
            .mint
            .set_store(format!("http://{}", store.local_addr()?));
        (world.mint.verifying_key(), world.falsified.clone())
    };
    let control_plane = server::until(listener, app(&strict), ended(stopped.clone()));
    let artifacts = server::until(
        store,
        store_routes(&Store::new(key, falsified)),
        ended(stopped),
    );
    tokio::spawn(async move {
        shutdown.await;
        let _ = stop.send(true);
    });
    tokio::try_join!(control_plane, artifacts).map(|_| ())
}

fn app(strict: &Strict) -> Router {
    let calls = CallLog::default();
    let guarded = middleware::from_fn_with_state(strict.clone(), guard);
    let discover = middleware::from_fn_with_state(strict.clone(), guard_plain);
    let rpcs = service::routes(strict)
        .into_axum_router()
        // Inside the layer that speaks gRPC-Web, so that its refusals are told in that as well.
        .layer(guarded)
        .layer(GrpcWebLayer::new())
        .merge(plain::open_routes())
        .merge(plain::discover_route(Shared::default()).layer(discover))
        .merge(routes::routes(strict.clone()));
    let rpcs = rpcs
        .layer(middleware::from_fn(not_found))
        .layer(middleware::from_fn_with_state(calls.clone(), record))
        // Nothing is recorded of what is not let in.
        .layer(middleware::from_fn_with_state(strict.clone(), door));
    let all = strict.clone();
    about_calls::routes(about_calls::Sources::new(move || all.states()), calls)
        .merge(debug::routes(strict.clone()))
        .merge(session::routes())
        .merge(rpcs)
}

impl Strict {
    /// What each organization has.
    fn states(&self) -> Vec<Shared> {
        let world = self.lock();
        let all = world.organizations.values();
        all.map(|organization| organization.state.clone()).collect()
    }
}
