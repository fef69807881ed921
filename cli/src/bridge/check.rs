//! What a bridge asks the gateway before it says that it is ready: whether a gateway answers there, and whether it
//! accepts the token that the clients of this environment will send. Shows the token to the gateway alone.

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode};
use postern_domain::token::OPAQUE_PREFIX;
use postern_wire::jwt::API_TOKEN_AUDIENCE;
use serde_json::Value;
use tokio::time::Instant;

use crate::api::{Answer, Api};
use crate::fail::{Failure, Kind, Outcome};
use crate::job::Claims;
use crate::output::remark;
use crate::problem;
use crate::settings::{Environment, bearer, trimmed, variable};
use crate::text::plain;

/// Where clients have their tokens: the stock one, and ours.
const VARIABLES: [&str; 2] = ["CHAINLOOP_TOKEN", "POSTERN_TOKEN"];
/// Between two looks at a gateway that is waited for.
const PAUSE: Duration = Duration::from_millis(500);

/// A token that clients will send, and where it was found.
pub struct Token {
    variable: &'static str,
    text: String,
}

impl Token {
    /// The token in the environment, if it is one that a gateway has given: others, such as the job token of a CI
    /// system, cannot be asked about.
    ///
    /// # Errors
    /// `Configuration` for a variable that is not UTF-8.
    pub fn find(environment: Environment<'_>) -> Outcome<Option<Self>> {
        for name in VARIABLES {
            let Some(text) = variable(environment, name)? else {
                continue;
            };
            let text = trimmed(&text).to_owned();
            let found = Self {
                variable: name,
                text,
            };
            return Ok(Some(found).filter(Self::is_of_a_gateway));
        }
        Ok(None)
    }

    fn is_of_a_gateway(&self) -> bool {
        if self.text.starts_with(OPAQUE_PREFIX) {
            return true;
        }
        let claims = Claims::parse(&self.text, self.variable);
        claims.is_ok_and(|claims| claims.audiences() == [API_TOKEN_AUDIENCE])
    }

    /// As the header that carries it; `None` for what no header can carry.
    pub fn authorization(&self) -> Option<HeaderValue> {
        bearer(&self.text).ok()
    }
}

/// How a gateway has answered.
enum Readiness {
    Ready,
    /// It is one, and says that something behind it does not answer. Calls may go well all the same.
    Unready,
}

/// Waits until the gateway is ready, for `wait` at most. One that answers and says that it is not ready is no reason not
/// to begin: what it lacks, not every call needs.
///
/// # Errors
/// `Unavailable` where no gateway answers, or one that is misconfigured.
pub async fn gateway(api: &Api, wait: Duration) -> Outcome {
    let began = Instant::now();
    loop {
        let left = wait.saturating_sub(began.elapsed());
        // Somebody who waits for so long does not wait for a silent answer longer.
        let seen = match wait.is_zero() {
            true => readiness(api).await,
            false => tokio::time::timeout(left.max(PAUSE), readiness(api))
                .await
                .unwrap_or_else(|_| Err(silent())),
        };
        if matches!(seen, Ok(Readiness::Ready)) {
            return Ok(());
        }
        if began.elapsed() >= wait {
            seen?;
            remark(
                "the gateway is not ready: a part that it needs does not answer, and calls may fail",
            );
            return Ok(());
        }
        tokio::time::sleep(PAUSE.min(left)).await;
    }
}

fn silent() -> Failure {
    Failure::new(Kind::Unavailable, "the gateway does not answer")
}

async fn readiness(api: &Api) -> Outcome<Readiness> {
    let answer = api.answer(Method::GET, "/readyz", None).await?;
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let status = body.as_ref().and_then(|body| body.get("status"));
    let has_parts = body
        .as_ref()
        .is_some_and(|body| body.get("dependencies").is_some());
    match (answer.status, status.and_then(Value::as_str)) {
        (StatusCode::OK, Some("ready")) => Ok(Readiness::Ready),
        (_, Some(_)) if has_parts => Ok(Readiness::Unready),
        _ => Err(problem::failure(
            answer.status,
            &answer.headers,
            &answer.body,
        )),
    }
}

/// Has the token introspected with itself, which counts as a use of it.
///
/// # Errors
/// `Credential` for a token that the gateway refuses. Where it cannot be asked, for another reason, the clients will
/// hear of that.
pub async fn token(api: &Api, token: &Token) -> Outcome {
    let form = [("token", token.text.as_str())];
    let answer = api.form("/oauth/introspect", &form).await?;
    let refused = |why: &str| {
        let message = format!("the gateway refuses the token in {}: {why}", token.variable);
        Err(Failure::new(Kind::Credential, message)
            .hint("create a new token; --no-check starts the bridge all the same"))
    };
    match (answer.status, is_active(&answer)) {
        (StatusCode::OK, Some(true)) => Ok(()),
        (StatusCode::OK, Some(false)) => refused("it is not active"),
        (StatusCode::UNAUTHORIZED, _) => match answer.done() {
            Err(failure) if failure.kind == Kind::Credential => refused(&failure.message),
            _ => Ok(()),
        },
        (status, _) => {
            let variable = token.variable;
            remark(&plain(&format!(
                "the token in {variable} was not checked: the gateway answered HTTP {}",
                status.as_u16()
            )));
            Ok(())
        }
    }
}

fn is_active(answer: &Answer) -> Option<bool> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    body.get("active")?.as_bool()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn jwt(audience: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let claims = format!(r#"{{"aud":{audience}}}"#);
        format!("{}.{}.{}", part("{}"), part(&claims), part("s"))
    }

    #[test]
    fn only_tokens_of_a_gateway_are_asked_about() {
        let ours = jwt(r#"["api-token-auth.chainloop"]"#);
        let rows: [(Option<&str>, Option<&str>, Option<&str>); 8] = [
            // CHAINLOOP_TOKEN, POSTERN_TOKEN, whose is checked
            (None, None, None),
            (Some("pst_a"), None, Some("CHAINLOOP_TOKEN")),
            (Some("pst_a"), Some("pst_b"), Some("CHAINLOOP_TOKEN")),
            (None, Some(" pst_b\n"), Some("POSTERN_TOKEN")),
            (Some(&ours), None, Some("CHAINLOOP_TOKEN")),
            // A job token, and a person's: the one in the other variable is not what clients send.
            (
                Some(&jwt(r#""https://gate.example/acme""#)),
                Some("pst_b"),
                None,
            ),
            (Some(&jwt(r#"["user-auth.chainloop"]"#)), None, None),
            // An administrator key.
            (
                None,
                Some("only-for-local-trials-only-for-local-trials"),
                None,
            ),
        ];
        for (chainloop, postern, expected) in rows {
            let environment = |name: &str| {
                let text = match name {
                    "CHAINLOOP_TOKEN" => chainloop,
                    _ => postern,
                };
                text.map(OsString::from)
            };
            let found = Token::find(&environment).unwrap();
            let found = found.map(|token| (token.variable, token.text));
            let text = chainloop.or(postern).unwrap_or_default().trim();
            let expected = expected.map(|variable| (variable, text.to_owned()));
            assert_eq!(found, expected, "{chainloop:?} {postern:?}");
        }
    }
}
