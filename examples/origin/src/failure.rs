//! Why a call failed, in the control plane's words, and the two forms it is
//! told in: a gRPC status with a machine-readable reason, and a JSON object for
//! plain HTTP. Decides nothing.

use std::collections::HashMap;

use axum::http::StatusCode;
use prost::Message as _;
use serde::Serialize;
use tonic::{Code, Status};

/// A failure of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The gRPC code.
    pub(crate) code: Code,
    /// A word for programs; empty where upstream gives none.
    pub(crate) reason: &'static str,
    /// In words.
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(code: Code, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
        }
    }

    /// The HTTP status that upstream gives for this code.
    pub(crate) fn http_status(&self) -> StatusCode {
        match self.code {
            Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => {
                StatusCode::BAD_REQUEST
            }
            Code::Unauthenticated => StatusCode::UNAUTHORIZED,
            Code::PermissionDenied => StatusCode::FORBIDDEN,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
            Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
            Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// `{"code": 404, "reason": "…", "message": "…", "metadata": {}}`.
    pub(crate) fn json(&self) -> impl Serialize + '_ {
        serde_json::json!({
            "code": self.http_status().as_u16(),
            "reason": self.reason,
            "message": self.message,
            "metadata": {},
        })
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        if failure.reason.is_empty() {
            return Self::new(failure.code, failure.message);
        }
        let info = ErrorInfo {
            reason: failure.reason.to_owned(),
            domain: String::new(),
            metadata: HashMap::new(),
        };
        let details = RpcStatus {
            code: failure.code.into(),
            message: failure.message.clone(),
            details: vec![prost_types::Any {
                type_url: "type.googleapis.com/google.rpc.ErrorInfo".to_owned(),
                value: info.encode_to_vec(),
            }],
        };
        Self::with_details(
            failure.code,
            failure.message,
            details.encode_to_vec().into(),
        )
    }
}

/// `google.rpc.Status`: what `grpc-status-details-bin` holds.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RpcStatus {
    /// The gRPC code.
    #[prost(int32, tag = "1")]
    pub code: i32,
    /// In words.
    #[prost(string, tag = "2")]
    pub message: String,
    /// For programs.
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<prost_types::Any>,
}

/// `google.rpc.ErrorInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ErrorInfo {
    /// What went wrong, as a constant.
    #[prost(string, tag = "1")]
    pub reason: String,
    /// Who says so; upstream leaves it empty.
    #[prost(string, tag = "2")]
    pub domain: String,
    /// More about it.
    #[prost(map = "string, string", tag = "3")]
    pub metadata: HashMap<String, String>,
}

/// The reason in a status, if it has one.
pub fn reason(status: &Status) -> Option<String> {
    let details = RpcStatus::decode(status.details()).ok()?.details;
    let info = details
        .iter()
        .find(|detail| detail.type_url.ends_with("/google.rpc.ErrorInfo"))?;
    Some(ErrorInfo::decode(info.value.as_slice()).ok()?.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_travels_in_the_details() {
        let failure = Failure::new(Code::NotFound, "not found", "workflow run not found");
        let status = Status::from(failure.clone());
        assert_eq!(
            (status.code(), status.message()),
            (failure.code, &*failure.message)
        );
        let details = RpcStatus::decode(status.details()).unwrap();
        assert_eq!((details.code, &*details.message), (5, &*failure.message));
        assert_eq!(reason(&status).as_deref(), Some("not found"));
    }

    #[test]
    fn no_reason_no_details() {
        let status = Status::from(Failure::new(Code::InvalidArgument, "", "bad"));
        assert!(status.details().is_empty());
        assert_eq!(reason(&status), None);
    }

    #[test]
    fn json_has_all_four_members() {
        let failure = Failure::new(
            Code::Unauthenticated,
            "UNAUTHORIZED",
            "JWT token is missing",
        );
        assert_eq!(
            serde_json::to_value(failure.json()).unwrap(),
            serde_json::json!({
                "code": 401, "reason": "UNAUTHORIZED", "message": "JWT token is missing", "metadata": {},
            })
        );
    }
}
