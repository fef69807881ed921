//! Attestation calls byte by byte: messages, gRPC-Web frames, and the two shapes of a gRPC-Web answer. For calls that
//! the real client would not make; it is `postern_origin::client`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_origin::proto::{
    AttestationServiceCancelRequest, AttestationServiceInitRequest, AttestationServiceInitResponse,
    AttestationServiceStoreRequest, AttestationStateServiceInitializedRequest,
    FindOrCreateWorkflowRequest,
};
use prost::Message as _;

use crate::gateway::Gateway;
use crate::http::{Answer, Call};

/// Path of the call.
pub const FIND_OR_CREATE: &str = "/controlplane.v1.AttestationService/FindOrCreateWorkflow";
/// Path of the call.
pub const INIT: &str = "/controlplane.v1.AttestationService/Init";
/// Path of the call.
pub const STORE: &str = "/controlplane.v1.AttestationService/Store";
/// Path of the call.
pub const CANCEL: &str = "/controlplane.v1.AttestationService/Cancel";
/// Path of the call, which writes and names a run.
pub const GET_UPLOAD_CREDS: &str = "/controlplane.v1.AttestationService/GetUploadCreds";
/// Path of the call, which reads and names a run.
pub const INITIALIZED: &str = "/controlplane.v1.AttestationStateService/Initialized";

/// The media type of frames as they are.
pub const BINARY: &str = "application/grpc-web+proto";
/// The media type of frames in base64.
pub const TEXT: &str = "application/grpc-web-text+proto";

/// A gRPC-Web call with a whole frame around the message, on the first isolate.
pub fn call(gateway: &Gateway, path: &str, token: &str, message: &[u8]) -> Call {
    call_on(gateway, 0, path, token, message)
}

/// The same on that isolate.
pub fn call_on(gateway: &Gateway, isolate: u16, path: &str, token: &str, message: &[u8]) -> Call {
    anonymous(gateway, isolate, path, frame(0, message)).bearer(token)
}

/// A gRPC-Web call with this body and without a credential.
pub fn anonymous(gateway: &Gateway, isolate: u16, path: &str, body: Vec<u8>) -> Call {
    gateway
        .call_on(isolate, "POST", path)
        .header("content-type", BINARY)
        .header("x-grpc-web", "1")
        .from("10.9.8.7")
        .body(body)
}

/// A frame: flag, length, content.
pub fn frame(flag: u8, content: &[u8]) -> Vec<u8> {
    let mut frame = vec![flag];
    frame.extend(
        u32::try_from(content.len())
            .expect("a short message")
            .to_be_bytes(),
    );
    frame.extend(content);
    frame
}

/// `FindOrCreateWorkflowRequest` and, with its first fields equal, `AttestationServiceInitRequest`.
pub fn names(project: &str, workflow: &str) -> Vec<u8> {
    find_or_create(project, workflow).encode_to_vec()
}

/// A message of FindOrCreateWorkflow.
pub fn find_or_create(project: &str, workflow: &str) -> FindOrCreateWorkflowRequest {
    FindOrCreateWorkflowRequest {
        project_name: project.to_owned(),
        workflow_name: workflow.to_owned(),
        ..Default::default()
    }
}

/// A message of Init.
pub fn init(project: &str, workflow: &str) -> AttestationServiceInitRequest {
    AttestationServiceInitRequest {
        project_name: project.to_owned(),
        workflow_name: workflow.to_owned(),
        ..Default::default()
    }
}

/// A message of Store.
pub fn store(run: &str, bundle: &[u8]) -> AttestationServiceStoreRequest {
    AttestationServiceStoreRequest {
        workflow_run_id: run.to_owned(),
        attestation_bundle: bundle.to_vec(),
        ..Default::default()
    }
}

/// A message that says nothing but which run: of GetUploadCreds and of Initialized.
pub fn about(run: &str) -> Vec<u8> {
    AttestationStateServiceInitializedRequest {
        workflow_run_id: run.to_owned(),
    }
    .encode_to_vec()
}

/// A message of Cancel.
pub fn cancel(run: &str) -> AttestationServiceCancelRequest {
    AttestationServiceCancelRequest {
        workflow_run_id: run.to_owned(),
        trigger: 2,
        reason: "a test".to_owned(),
    }
}

/// Begins a run with this token; gives its id.
pub async fn begin(gateway: &Gateway, token: &str, project: &str, workflow: &str) -> String {
    call(gateway, FIND_OR_CREATE, token, &names(project, workflow))
        .send()
        .await
        .accepted();
    let answer = call(
        gateway,
        INIT,
        token,
        &init(project, workflow).encode_to_vec(),
    )
    .send()
    .await
    .accepted();
    run_of(&answer)
}

/// The id of the run in an answer to Init.
pub fn run_of(answer: &[u8]) -> String {
    let answer = AttestationServiceInitResponse::decode(answer).expect("the answer to Init");
    let result = answer.result.expect("a result");
    result.workflow_run.expect("a run").id
}

/// How a call ended, in gRPC's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// `grpc-status`.
    pub code: i32,
    /// `grpc-message`, decoded.
    pub message: String,
}

impl Answer {
    /// How the call ended, and its message, from either shape of a gRPC-Web answer; both are HTTP 200.
    #[track_caller]
    pub fn ending(&self) -> (Ending, Vec<u8>) {
        assert_eq!(self.status, 200, "{}: {}", self.what, self.text());
        let media = self.header("content-type").unwrap_or_default();
        assert!(
            media.starts_with("application/grpc-web"),
            "{}: the content type is `{media}`",
            self.what
        );
        if let Some(code) = self.header("grpc-status") {
            assert_eq!(
                self.body.len(),
                0,
                "{}: status in the headers, and a body",
                self.what
            );
            let message = percent_decode(self.header("grpc-message").unwrap_or_default());
            return (
                Ending {
                    code: code.parse().expect("a number"),
                    message,
                },
                Vec::new(),
            );
        }
        let decoded;
        let mut rest: &[u8] = if media.starts_with("application/grpc-web-text") {
            decoded = self
                .body
                .chunks(4)
                .flat_map(|group| STANDARD.decode(group).expect("base64"))
                .collect::<Vec<u8>>();
            &decoded
        } else {
            &self.body
        };
        let mut message = Vec::new();
        while let [flag, a, b, c, d, tail @ ..] = rest {
            let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
            let (content, next) = tail.split_at(length);
            if *flag == 0x80 {
                return (trailers(content), message);
            }
            assert_eq!(*flag, 0, "{}: a frame of an unknown kind", self.what);
            message.extend_from_slice(content);
            rest = next;
        }
        panic!("{}: an answer without a status", self.what);
    }

    /// The message of a call that went well.
    #[track_caller]
    pub fn accepted(&self) -> Vec<u8> {
        let (ending, message) = self.ending();
        assert_eq!(
            ending,
            Ending {
                code: 0,
                message: String::new()
            },
            "{}",
            self.what
        );
        message
    }

    /// Asserts that the gate itself refused: HTTP 200, this status and message in the headers, no body.
    #[track_caller]
    pub fn refused(&self, code: i32, message: &str) {
        assert!(
            self.header("grpc-status").is_some(),
            "{}: {} {}",
            self.what,
            self.status,
            self.text()
        );
        let (ending, _) = self.ending();
        assert_eq!(
            ending,
            Ending {
                code,
                message: message.to_owned()
            },
            "{}",
            self.what
        );
    }
}

fn trailers(text: &[u8]) -> Ending {
    let text = String::from_utf8_lossy(text);
    let value = |wanted: &str| {
        text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim()
                .eq_ignore_ascii_case(wanted)
                .then(|| value.trim().to_owned())
        })
    };
    Ending {
        code: value("grpc-status")
            .and_then(|code| code.parse().ok())
            .expect("a status in the trailers"),
        message: percent_decode(&value("grpc-message").unwrap_or_default()),
    }
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (first, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}
