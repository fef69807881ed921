//! Unary calls of the attestation service, by gRPC-Web or native gRPC. Repeats nothing, and reads no answer without a
//! bound in size and time.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, TE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use postern_wire::grpc_answer::{Ending, from_headers, read};
use postern_wire::grpc_web::{frame, single_message};

use crate::bridge::{Code, MAX_ANSWER};
use crate::connect::{self, Http};
use crate::fail::{Failure, Kind, Outcome, cause};
use crate::problem;
use crate::settings::Settings;

const SERVICE: &str = "/controlplane.v1.AttestationService";
const CONNECT: Duration = Duration::from_secs(10);
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("postern-cli/", env!("CARGO_PKG_VERSION")));
const WEB: HeaderValue = HeaderValue::from_static("application/grpc-web+proto");
const NATIVE: HeaderValue = HeaderValue::from_static("application/grpc");
const ORGANIZATION: HeaderName = HeaderName::from_static("postern-organization");
const X_GRPC_WEB: HeaderName = HeaderName::from_static("x-grpc-web");
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const REQUEST_ID: &str = "x-request-id";

/// Which protocol is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// gRPC-Web, to a gateway.
    Web,
    /// Native gRPC, to a bridge.
    Native,
}

/// Whom to call, how, and with what.
pub struct Caller {
    http: Http<Full<Bytes>>,
    settings: Settings,
    way: Way,
}

/// An answer that was read whole.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    trailers: Option<HeaderMap>,
}

impl Caller {
    /// Connects when first used.
    ///
    /// # Errors
    /// As [`connect::client`].
    pub fn new(way: Way, settings: Settings) -> Outcome<Self> {
        let (ca, timeout) = (settings.ca.as_deref(), CONNECT.min(settings.timeout));
        let http = match way {
            Way::Web => connect::client(ca, timeout)?,
            Way::Native => connect::http2_client(ca, timeout)?,
        };
        Ok(Self {
            http,
            settings,
            way,
        })
    }

    /// Makes a call, and gives the message of its answer.
    ///
    /// # Errors
    /// A kind for each gRPC status; `Unavailable` without one.
    pub async fn call(&self, method: &str, message: &[u8]) -> Outcome<Vec<u8>> {
        let request = self.request(method, message)?;
        let timeout = self.settings.timeout;
        let answer = tokio::time::timeout(timeout, self.answer(request)).await;
        let answer = answer.map_err(|_| {
            let message = format!("{method}: no answer within {} s", timeout.as_secs());
            Failure::new(Kind::Unavailable, message)
        })??;
        let (message, ending) = self.read(&answer)?;
        match ending.status {
            0 => Ok(message),
            _ => Err(failure(method, &ending, &answer.headers)),
        }
    }

    fn request(&self, method: &str, message: &[u8]) -> Outcome<Request<Full<Bytes>>> {
        let path = format!("{SERVICE}/{method}");
        let path = path
            .parse()
            .map_err(|error| Failure::new(Kind::Other, error))?;
        let framed = frame(message).map_err(|error| Failure::new(Kind::Other, error))?;
        let mut request = Request::new(Full::from(framed));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.settings.gateway.url(path)?;
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, AGENT);
        match self.way {
            Way::Web => {
                headers.extend(self.settings.headers.iter().cloned());
                headers.insert(CONTENT_TYPE, WEB);
                headers.insert(ACCEPT, WEB);
                headers.insert(X_GRPC_WEB, HeaderValue::from_static("1"));
            }
            Way::Native => {
                headers.insert(CONTENT_TYPE, NATIVE);
                headers.insert(TE, HeaderValue::from_static("trailers"));
            }
        }
        let timeout = format!("{}S", self.settings.timeout.as_secs().min(99_999_999));
        if let Ok(timeout) = HeaderValue::try_from(timeout) {
            headers.insert(GRPC_TIMEOUT, timeout);
        }
        if let Some(authorization) = &self.settings.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        if let Some(organization) = &self.settings.organization {
            headers.insert(ORGANIZATION, organization.clone());
        }
        Ok(request)
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Outcome<Answer> {
        let answer = self.http.request(request).await;
        let answer = answer.map_err(|error| self.unreachable(cause(&error)))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body =
            body.map_err(|error| self.unreachable(format!("its answer broke off: {error}")))?;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            trailers: body.trailers().cloned(),
            body: body.to_bytes(),
        })
    }

    /// The message, and how the call ended. Both protocols have the status in the head where there is no message.
    fn read(&self, answer: &Answer) -> Outcome<(Vec<u8>, Ending)> {
        let stranger = || problem::failure(answer.status, &answer.headers, &answer.body);
        if let Some(ending) = in_headers(&answer.headers) {
            return Ok((Vec::new(), ending));
        }
        let content_type = answer.headers.get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let is_grpc = content_type.is_some_and(|text| text.starts_with("application/grpc"));
        if answer.status != StatusCode::OK || !is_grpc {
            return Err(stranger());
        }
        match self.way {
            Way::Web => {
                let (message, ending) = read(&answer.body).map_err(|_| stranger())?;
                Ok((message.unwrap_or_default().to_vec(), ending))
            }
            Way::Native => {
                let ending = answer.trailers.as_ref().and_then(in_headers);
                let ending = ending.ok_or_else(stranger)?;
                let message: &[u8] = match answer.body.is_empty() {
                    true => &[],
                    false => single_message(&answer.body).map_err(|_| stranger())?,
                };
                Ok((message.to_vec(), ending))
            }
        }
    }

    fn unreachable(&self, why: String) -> Failure {
        let (what, hint) = match self.way {
            Way::Web => (
                "gateway",
                "check POSTERN_URL, and that the gateway can be reached from here",
            ),
            Way::Native => ("bridge", "start one: postern bridge -- postern attest …"),
        };
        let message = format!("the {what} {} gave no answer: {why}", self.settings.gateway);
        Failure::new(Kind::Unavailable, message).hint(hint)
    }
}

fn in_headers(headers: &HeaderMap) -> Option<Ending> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    Some(from_headers(
        text("grpc-status")?,
        text("grpc-message"),
        text("grpc-status-details-bin"),
    ))
}

/// A refused call: `Init: PERMISSION_DENIED (7): …`.
fn failure(method: &str, ending: &Ending, headers: &HeaderMap) -> Failure {
    let code = Code(ending.status);
    let request = headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok());
    let request = request.map_or_else(String::new, |id| format!(" (request {id})"));
    let message = format!(
        "{method}: {} ({}): {}{request}",
        code.name(),
        code.0,
        ending.message
    );
    let failure = Failure::new(kind(code), message);
    match code {
        Code::UNAUTHENTICATED => failure.hint(
            "check POSTERN_TOKEN: the token may be revoked or expired, or belong to another gateway",
        ),
        _ => failure,
    }
}

fn kind(code: Code) -> Kind {
    match code.0 {
        16 => Kind::Credential,
        7 => Kind::NotAllowed,
        5 => Kind::NotFound,
        8 => Kind::Limit,
        3 | 6 | 9 | 10 | 11 | 12 => Kind::Refused,
        _ => Kind::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_an_exit_code_and_one_line() {
        let headers = HeaderMap::from_iter([(
            HeaderName::from_static(REQUEST_ID),
            HeaderValue::from_static("r1"),
        )]);
        for (status, kind, line) in [
            (
                16,
                Kind::Credential,
                "Init: UNAUTHENTICATED (16): no (request r1)",
            ),
            (
                7,
                Kind::NotAllowed,
                "Init: PERMISSION_DENIED (7): no (request r1)",
            ),
            (5, Kind::NotFound, "Init: NOT_FOUND (5): no (request r1)"),
            (
                8,
                Kind::Limit,
                "Init: RESOURCE_EXHAUSTED (8): no (request r1)",
            ),
            (
                9,
                Kind::Refused,
                "Init: FAILED_PRECONDITION (9): no (request r1)",
            ),
            (
                14,
                Kind::Unavailable,
                "Init: UNAVAILABLE (14): no (request r1)",
            ),
            (77, Kind::Unavailable, "Init: UNNAMED (77): no (request r1)"),
        ] {
            let ending = from_headers(&status.to_string(), Some("no"), None);
            let told = failure("Init", &ending, &headers);
            assert_eq!((told.kind, told.message.as_str()), (kind, line));
            assert_eq!(told.hint.is_some(), status == 16);
        }
    }
}
