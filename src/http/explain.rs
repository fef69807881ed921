//! `POST /explain`: what would be decided on a call of the credential that asks. A credential that
//! the call itself would refuse is refused here in the same words.

use std::rc::Rc;

use super::incoming::Incoming;
use super::request_fields::{bucket, is_json, plain};
use super::respond::Answer;
use crate::brake;
use crate::log::RequestLog;
use crate::platform::{Platform, now};
use postern_registry::authenticate::present;
use postern_registry::body::receive;
use postern_registry::config::Config;
use postern_registry::error::{Error, Result};
use postern_registry::explain::explain;

/// Largest question, in bytes.
const MAX_QUESTION: usize = 16 * 1024;

/// Answers a question.
pub async fn handle(
    incoming: &Incoming,
    config: &Config,
    platform: &Platform,
    log: &mut RequestLog,
) -> Result<Answer> {
    if incoming.method != "POST" {
        return Err(Error::MethodNotAllowed { allow: "POST" });
    }
    log.operation = Some("explain");
    let authorization = incoming.header("authorization");
    let explained = async {
        let presented = Rc::new(present(authorization.as_deref(), config, now())?);
        if !is_json(incoming) {
            return Err(Error::MediaType {
                expected: "application/json",
            });
        }
        let (question, read) = receive(incoming, MAX_QUESTION).await?;
        plain(incoming, &question.bytes)?;
        explain(&presented, &question.bytes, read, config, platform).await
    };
    match explained.await {
        Ok(explanation) => Answer::secret(200, &explanation),
        Err(error) => Err(brake::slow(&platform.env, bucket(incoming, config), error).await),
    }
}
