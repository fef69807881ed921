//! The listening side: HTTP/2 without TLS, known in advance ("h2c, prior knowledge"), as gRPC
//! clients speak it to an insecure endpoint. HTTP/1.1 and TLS get a line that says what is wrong.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};

use super::call::Bridge;
use crate::accept;

/// Longest list of request headers, in bytes, as HTTP/2 counts them (RFC 9113 section 6.5.2).
pub const MAX_HEADERS: u32 = 32 * 1024;
/// Most connections at once; further ones wait to be accepted.
pub const MAX_CONNECTIONS: usize = 256;
/// How long a new connection may stay silent.
const HELLO: Duration = Duration::from_secs(10);
/// How often a connection is asked whether its other end is still there, and for how long.
const PING: Duration = Duration::from_secs(30);
/// How long calls in flight have to end when the bridge is told to.
const GRACE: Duration = Duration::from_secs(2);
/// The first byte of a TLS handshake.
const TLS_HANDSHAKE: u8 = 0x16;
/// The first bytes of HTTP/2 known in advance (RFC 9113 section 3.4).
const HTTP_2: [u8; 3] = *b"PRI";

/// Serves calls until `stop`, then lets those in flight end, for two seconds.
pub async fn serve(
    listener: TcpListener,
    bridge: Arc<Bridge>,
    max_streams: u32,
    stop: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let _open = accept::until(stop, listener, MAX_CONNECTIONS, |stream| {
        connection(stream, Arc::clone(&bridge), max_streams, graceful.watcher())
    })
    .await;
    bridge.local.stop();
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
}

async fn connection(stream: TcpStream, bridge: Arc<Bridge>, max_streams: u32, watcher: Watcher) {
    let mut first = HTTP_2;
    match tokio::time::timeout(HELLO, stream.peek(&mut first)).await {
        Ok(Ok(1..)) => {}
        _ => return,
    }
    if let Some(note) = not_http_2(first) {
        bridge.log.note(note);
        return;
    }
    // Small answers must not wait for more.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let bridge = Arc::clone(&bridge);
        async move { Ok::<_, Infallible>(bridge.handle(request).await) }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(max_streams)
        .max_header_list_size(MAX_HEADERS)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .serve_connection(TokioIo::new(stream), service);
    // Callers that hang up are no news, and no other error of a connection is ours.
    let _ = watcher.watch(connection).await;
}

/// What to tell about a client that begins so.
fn not_http_2(first: [u8; 3]) -> Option<&'static str> {
    match first {
        HTTP_2 => None,
        [TLS_HANDSHAKE, ..] => Some(
            "a client began with TLS, which the bridge does not speak: \
             tell it that the endpoint is insecure (--insecure)",
        ),
        _ => Some("a client did not speak HTTP/2: the bridge is for native gRPC only"),
    }
}
