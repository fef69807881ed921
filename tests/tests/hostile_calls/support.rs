//! The wires that are spoken, and calls in each of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_system_tests::http::{Answer, Call};
use postern_system_tests::organization::Minted;
use postern_system_tests::rpc::{self, BINARY, TEXT};
use postern_system_tests::suite::Suite;
use serde_json::Value;

pub const CONNECT: &str = "application/proto";

pub const NOT_CONFINED: &str = "operation not allowed: the request must name the project and, for a workflow-scoped token, the workflow that the token is for";

/// A protocol, as this file speaks it.
#[derive(Debug, Clone, Copy)]
pub enum Wire {
    Binary,
    Text,
    Connect,
}

pub const WIRES: [Wire; 3] = [Wire::Binary, Wire::Text, Wire::Connect];

impl Wire {
    pub fn media(self) -> &'static str {
        match self {
            Self::Binary => BINARY,
            Self::Text => TEXT,
            Self::Connect => CONNECT,
        }
    }

    /// The body of a request with this message.
    pub fn body(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Binary => rpc::frame(0, message),
            Self::Text => STANDARD.encode(rpc::frame(0, message)).into_bytes(),
            Self::Connect => message.to_vec(),
        }
    }

    /// The body that the origin gets of it.
    pub fn arriving(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Binary | Self::Connect => rpc::frame(0, message),
            Self::Text => self.body(message),
        }
    }

    /// Asserts that the gate refused in this protocol, with this gRPC status and sentence.
    #[track_caller]
    pub fn refused(self, what: &str, answer: &Answer, code: i32, sentence: &str) {
        if matches!(self, Self::Connect) {
            let (status, word) = match code {
                3 => (400, "invalid_argument"),
                7 => (403, "permission_denied"),
                8 => (429, "resource_exhausted"),
                12 => (501, "unimplemented"),
                16 => (401, "unauthenticated"),
                code => panic!("no row for {code}"),
            };
            assert_eq!(answer.status, status, "{what}: {}", answer.text());
            let error = answer.json(status);
            let told = (error["code"].as_str(), error["message"].as_str());
            assert_eq!(told, (Some(word), Some(sentence)), "{what}");
        } else {
            let told = answer.header("grpc-message");
            assert_eq!(
                (what, self.media(), told),
                (what, self.media(), Some(sentence))
            );
            answer.refused(code, sentence);
            assert_eq!(answer.header("content-type"), Some(self.media()), "{what}");
        }
    }

    /// Asserts that the origin answered, and well.
    #[track_caller]
    pub fn accepted(self, what: &str, answer: &Answer) {
        if matches!(self, Self::Connect) {
            assert_eq!(answer.status, 200, "{what}: {}", answer.text());
            assert_eq!(answer.header("content-type"), Some(CONNECT), "{what}");
        } else {
            answer.accepted();
        }
    }
}

/// A token for `shop`/`release`.
pub async fn release_token(suite: &Suite) -> Minted {
    let organization = suite.organization().await;
    organization
        .mint_for_release(&suite.gateway, "opaque")
        .await
}

/// A call without a credential.
pub fn anonymous(suite: &Suite, wire: Wire, path: &str, body: Vec<u8>) -> Call {
    let call = rpc::anonymous(&suite.gateway, 0, path, body).without("content-type");
    call.header("content-type", wire.media())
}

/// The one call that reached the origin since the last reset.
pub async fn arrived(suite: &Suite, what: &str) -> Value {
    let calls = suite.origin.calls().await;
    let [call] = calls.as_slice() else {
        panic!("{what}: one call reaches the origin, not {calls:#?}")
    };
    call.clone()
}
