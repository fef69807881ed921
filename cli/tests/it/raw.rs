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

pub const PATH: &str = "/controlplane.v1.AttestationService/FindOrCreateWorkflow";
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

/// A call whose body is still to be sent.
pub struct Opened {
    pub answer: ResponseFuture,
    pub body: h2::SendStream<Bytes>,
}

/// Sends the head of a call only.
pub async fn open(
    bridge: SocketAddr,
    method: &str,
    content_type: &str,
    more: &[(&str, &str)],
) -> Opened {
    let socket = TcpStream::connect(bridge).await.unwrap();
    let (client, connection) = client::handshake(socket).await.unwrap();
    tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let mut request =
        Request::post(format!("http://bridge{method}")).header("content-type", content_type);
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    let (answer, body) = client
        .send_request(request.body(()).unwrap(), false)
        .unwrap();
    Opened { answer, body }
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
        let piece = piece.unwrap();
        body.flow_control().release_capacity(piece.len()).unwrap();
        data.extend(piece);
    }
    let trailers = body.trailers().await.unwrap();
    (head, data, trailers)
}
