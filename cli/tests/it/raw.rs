//! Calls in HTTP/2 by hand, for what a gRPC client does not show or would not send.

use std::net::SocketAddr;

use bytes::Bytes;
use h2::RecvStream;
use h2::client::{self, ResponseFuture};
use http::response::Parts;
use http::{HeaderMap, Request};
use tokio::net::TcpStream;

/// Head, data and trailers of an answer.
pub type Answer = (Parts, Vec<u8>, Option<HeaderMap>);

const METHOD: &str = "http://bridge/controlplane.v1.AttestationService/FindOrCreateWorkflow";

/// A call without a message.
pub async fn call(bridge: SocketAddr) -> Answer {
    call_with(bridge, "application/grpc", b"").await
}

pub async fn call_with(bridge: SocketAddr, content_type: &str, body: &[u8]) -> Answer {
    let request = Request::post(METHOD).header("content-type", content_type);
    read(send(bridge, request.body(()).unwrap(), body).await).await
}

/// A call with that `grpc-timeout`.
pub async fn call_within(bridge: SocketAddr, timeout: &str) -> Answer {
    let request = Request::post(METHOD)
        .header("content-type", "application/grpc")
        .header("grpc-timeout", timeout);
    read(send(bridge, request.body(()).unwrap(), b"").await).await
}

/// The body of an answer, as it comes.
pub async fn stream(bridge: SocketAddr) -> RecvStream {
    let request = Request::post(METHOD).header("content-type", "application/grpc");
    let response = send(bridge, request.body(()).unwrap(), b"").await;
    response.await.unwrap().into_body()
}

async fn send(bridge: SocketAddr, request: Request<()>, body: &[u8]) -> ResponseFuture {
    let socket = TcpStream::connect(bridge).await.unwrap();
    let (client, connection) = client::handshake(socket).await.unwrap();
    tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let (response, mut sending) = client.send_request(request, false).unwrap();
    sending
        .send_data(Bytes::copy_from_slice(body), true)
        .unwrap();
    response
}

async fn read(response: ResponseFuture) -> Answer {
    let (head, mut body) = response.await.unwrap().into_parts();
    let mut data = Vec::new();
    while let Some(piece) = body.data().await {
        data.extend(piece.unwrap());
    }
    let trailers = body.trailers().await.unwrap();
    (head, data, trailers)
}
