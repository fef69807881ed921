//! An origin that is not what is measured: reads each request whole, and answers with fixed frames, by the method that
//! is called. It understands no message.

use std::sync::Arc;

use postern_origin::proto::attestation_service_get_contract_response::Result as ContractResult;
use postern_origin::proto::attestation_service_init_response::Result as InitResult;
use postern_origin::proto::{
    AttestationServiceGetContractResponse, AttestationServiceInitResponse, WorkflowItem,
    WorkflowRunItem,
};
use postern_system_tests::rpc;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::load::{Body, Head};

/// The run that every Init begins.
pub const RUN: &str = "6a0b3e6e-7f3b-4d0a-9d0c-3f1f2a4b5c6d";

/// The workflow of that run, which has an id, as at any control plane: so a token for it is bound once, and the Ledger is
/// not asked about it at each Init.
const WORKFLOW: &str = "b1f2a7a4-52a5-4d0e-8f0e-1d6f5b7c9e21";

/// Serves forever on a free port; gives its address.
pub async fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let answers = Arc::new(Answers {
            init: answer(&begun()),
            contract: answer(&contract()),
            status: content("application/json", b"{}"),
            other: answer(&[]),
        });
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&answers)));
        }
    });
    format!("http://{address}")
}

/// The answers, whole.
struct Answers {
    init: Vec<u8>,
    contract: Vec<u8>,
    /// To an open call: the gateway passes on JSON and nothing else.
    status: Vec<u8>,
    other: Vec<u8>,
}

impl Answers {
    /// The one for a request with this head.
    fn to(&self, head: &[u8]) -> &[u8] {
        let calls = |method: &[u8]| head.windows(method.len()).any(|part| part == method);
        if calls(b"/Init ") {
            &self.init
        } else if calls(b"/GetContract ") {
            &self.contract
        } else if calls(b"/statusz ") {
            &self.status
        } else {
            &self.other
        }
    }
}

fn workflow() -> WorkflowItem {
    WorkflowItem {
        id: WORKFLOW.to_owned(),
        ..WorkflowItem::default()
    }
}

/// The message that answers a GetContract.
fn contract() -> Vec<u8> {
    AttestationServiceGetContractResponse {
        result: Some(ContractResult {
            workflow: Some(workflow()),
            ..ContractResult::default()
        }),
    }
    .encode_to_vec()
}

/// The message that answers an Init.
fn begun() -> Vec<u8> {
    let run = WorkflowRunItem {
        id: RUN.to_owned(),
        workflow: Some(Box::new(workflow())),
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
    content("application/grpc-web+proto", &body)
}

/// An answer of this media type and content, whole.
fn content(media_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

async fn serve(mut stream: TcpStream, answers: Arc<Answers>) {
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
        let answer = answers.to(buffer.get(..head.length).unwrap_or_default());
        let mut body = Body::after(&head, &mut buffer);
        while !body.is_whole(&mut buffer) {
            if !matches!(stream.read_buf(&mut buffer).await, Ok(1..)) {
                return;
            }
        }
        if stream.write_all(answer).await.is_err() {
            return;
        }
    }
}
