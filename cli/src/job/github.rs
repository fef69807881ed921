//! Asks GitHub Actions for the token of this job, as its own toolkit does: a GET of the URL that the runner gives to a
//! job with `id-token: write`, with the runner's credential, and the audience behind it. Forgejo has the same.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION};
use http::uri::Scheme;
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use serde_json::Value;

use crate::address::is_this_machine;
use crate::connect;
use crate::fail::{Failure, Kind, Outcome, cause};
use crate::settings::{Environment, variable};
use crate::text::encoded;

const URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const CREDENTIAL: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
/// Longest answer, in bytes: far more than a token and what stands around it.
const MAX_ANSWER: usize = 64 * 1024;
const CONNECT: Duration = Duration::from_secs(10);

/// Where the runner lets this job ask, and with what.
pub struct Runner {
    url: String,
    credential: String,
}

impl Runner {
    /// The one in the environment, if both of its variables are there.
    pub fn find(environment: Environment<'_>) -> Outcome<Option<Self>> {
        let url = variable(environment, URL)?;
        let credential = variable(environment, CREDENTIAL)?;
        let both = url.zip(credential);
        Ok(both.map(|(url, credential)| Self { url, credential }))
    }

    /// The token of this job for an audience.
    ///
    /// # Errors
    /// `Configuration` for an address that the credential must not be sent to; `Unavailable` without a token.
    pub async fn token(&self, audience: &str, timeout: Duration) -> Outcome<String> {
        let request = self.request(audience)?;
        // The forge is no gateway: `--ca` says nothing about it.
        let http = connect::client::<Empty<Bytes>>(None, CONNECT.min(timeout))?;
        let asked = async {
            let answer = http
                .request(request)
                .await
                .map_err(|error| no_token(cause(&error)))?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await;
            let body = body.map_err(|error| no_token(format!("its answer broke off: {error}")))?;
            Ok((head.status, body.to_bytes()))
        };
        let late = |_| no_token(format!("no answer within {} s", timeout.as_secs()));
        let (status, body) = tokio::time::timeout(timeout, asked).await.map_err(late)??;
        token_in(status, &body)
    }

    fn request(&self, audience: &str) -> Outcome<Request<Empty<Bytes>>> {
        let wrong = |why: &str| {
            let message = format!("{URL} {why}");
            Failure::new(Kind::Configuration, message)
        };
        // Runners write a query already.
        let mark = if self.url.contains('?') { '&' } else { '?' };
        let url = format!("{}{mark}audience={}", self.url, encoded(audience));
        let url: Uri = url.parse().map_err(|_| wrong("is no URL"))?;
        let host = url.host().ok_or_else(|| wrong("is no URL"))?;
        let encrypted = url.scheme() == Some(&Scheme::HTTPS);
        if !encrypted && !is_this_machine(host) {
            return Err(wrong(
                "is not https://: the runner's credential would travel unencrypted",
            ));
        }
        let authorization = HeaderValue::try_from(format!("Bearer {}", self.credential));
        let mut authorization = authorization.map_err(|_| {
            let message = format!("{CREDENTIAL} has characters that no credential has");
            Failure::new(Kind::Configuration, message)
        })?;
        authorization.set_sensitive(true);
        let request = Request::get(url)
            .header(AUTHORIZATION, authorization)
            .header(ACCEPT, "application/json")
            .body(Empty::new());
        request.map_err(|error| Failure::new(Kind::Other, error))
    }
}

fn no_token(why: String) -> Failure {
    Failure::new(
        Kind::Unavailable,
        format!("GitHub gave this job no token: {why}"),
    )
}

/// The `value` of a good answer. What else it says is not repeated.
fn token_in(status: StatusCode, body: &[u8]) -> Outcome<String> {
    if status != StatusCode::OK {
        return Err(no_token(format!("HTTP {}", status.as_u16())));
    }
    let answer: Option<Value> = serde_json::from_slice(body).ok();
    let token = answer
        .as_ref()
        .and_then(|answer| answer.get("value")?.as_str());
    let token = token.filter(|token| !token.is_empty());
    token
        .map(str::to_owned)
        .ok_or_else(|| no_token("its answer has no `value`".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runner(url: &str) -> Runner {
        Runner {
            url: url.to_owned(),
            credential: "c".to_owned(),
        }
    }

    #[test]
    fn the_audience_stands_behind_the_runners_url() {
        for (url, expected) in [
            (
                "https://run.example/token?api-version=2.0",
                "https://run.example/token?api-version=2.0&audience=https%3A%2F%2Fgate.example%2Facme",
            ),
            (
                "http://127.0.0.1:1/token",
                "http://127.0.0.1:1/token?audience=https%3A%2F%2Fgate.example%2Facme",
            ),
        ] {
            let request = runner(url).request("https://gate.example/acme").unwrap();
            assert_eq!(request.uri(), expected);
            assert_eq!(request.headers()[AUTHORIZATION], "Bearer c");
        }
    }

    #[test]
    fn the_runners_credential_goes_over_https_only() {
        for (url, why) in [
            ("http://run.example/token?a=b", "is not https://"),
            ("/token", "is no URL"),
            ("not a url", "is no URL"),
        ] {
            let failure = runner(url).request("a").unwrap_err();
            assert_eq!(failure.kind, Kind::Configuration);
            assert!(failure.message.contains(why), "{failure:?}");
        }
    }

    #[test]
    fn answers_without_a_token() {
        for (status, body, why) in [
            (403, r#"{"value":"t"}"#, "HTTP 403"),
            (302, "", "HTTP 302"),
            (200, "<html>", "no `value`"),
            (200, r#"{"value":""}"#, "no `value`"),
            (200, r#"{"count":1}"#, "no `value`"),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let failure = token_in(status, body.as_bytes()).unwrap_err();
            assert!(failure.message.contains(why), "{failure:?}");
            assert_eq!(failure.kind, Kind::Unavailable);
        }
        let good = br#"{"count":1,"value":"a.b.c"}"#;
        assert_eq!(token_in(StatusCode::OK, good).unwrap(), "a.b.c");
    }
}
