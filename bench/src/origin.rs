//! An origin that is not what is measured: reads each request whole, and answers with fixed frames. It understands no
//! message.

use postern_origin::proto::attestation_service_init_response::Result as InitResult;
use postern_origin::proto::{AttestationServiceInitResponse, WorkflowRunItem};
use postern_system_tests::rpc;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::load::{Body, Head};

/// The run that every Init begins.
pub const RUN: &str = "6a0b3e6e-7f3b-4d0a-9d0c-3f1f2a4b5c6d";

/// Serves forever on a free port; gives its address.
pub async fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let (plain, begun) = (answer(&[]), answer(&begun()));
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, plain.clone(), begun.clone()));
        }
    });
    format!("http://{address}")
}

/// The message that answers an Init.
fn begun() -> Vec<u8> {
    let run = WorkflowRunItem {
        id: RUN.to_owned(),
        ..WorkflowRunItem::default()
    };
    AttestationServiceInitResponse {
        result: Some(InitResult {
            workflow_run: Some(run),
            ..InitResult::default()
        }),
    }
    .encode_to_vec()
}

fn answer(message: &[u8]) -> Vec<u8> {
    let body = [
        rpc::frame(0, message),
        rpc::frame(0x80, b"grpc-status: 0\r\n"),
    ]
    .concat();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/grpc-web+proto\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), &body].concat()
}

async fn serve(mut stream: TcpStream, plain: Vec<u8>, begun: Vec<u8>) {
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::with_capacity(1 << 16);
    loop {
        let head = loop {
            if let Some(head) = Head::parse(&buffer) {
                break head;
            }
            if !matches!(stream.read_buf(&mut buffer).await, Ok(1..)) {
                return;
            }
        };
        let init = buffer
            .get(..head.length)
            .is_some_and(|head| head.windows(6).any(|part| part == b"/Init "));
        let mut body = Body::after(&head, &mut buffer);
        while !body.is_whole(&mut buffer) {
            if !matches!(stream.read_buf(&mut buffer).await, Ok(1..)) {
                return;
            }
        }
        let answer = if init { &begun } else { &plain };
        if stream.write_all(answer).await.is_err() {
            return;
        }
    }
}
