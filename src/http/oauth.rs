//! `/oauth/introspect` and `/oauth/revoke`. Tokens are taken from the form in the body alone, never
//! from the query string, where logs would keep them.

use std::rc::Rc;

use super::incoming::Incoming;
use super::request_fields::{bucket, plain, requester};
use super::respond::Answer;
use crate::brake;
use crate::log::RequestLog;
use crate::platform::{Platform, now};
use postern_domain::caller::Caller;
use postern_domain::operation::Operation;
use postern_ledger::Purpose;
use postern_registry::authenticate::{About, admit, present};
use postern_registry::body::receive;
use postern_registry::config::Config;
use postern_registry::error::{Error, Result};
use postern_registry::oauth;
use postern_wire::protocol::media_type;

/// Largest form, in bytes: the longest credential and a hint.
const MAX_FORM: usize = 16 * 1024;

/// Answers a call below `/oauth/`.
pub async fn handle(
    incoming: &Incoming,
    config: &Config,
    platform: &Platform,
    log: &mut RequestLog,
) -> Result<Answer> {
    let introspects = match incoming.path.as_str() {
        "/oauth/introspect" => true,
        "/oauth/revoke" => false,
        _ => return Err(Error::NotFound { what: "route" }),
    };
    if incoming.method != "POST" {
        return Err(Error::MethodNotAllowed { allow: "POST" });
    }
    if introspects {
        log.operation = Some("token.introspect");
        let authorization = incoming.header("authorization");
        let entered = async {
            let presented = Rc::new(present(authorization.as_deref(), config, now())?);
            let (form, read) = receive(incoming, MAX_FORM).await?;
            let form = zeroize::Zeroizing::new(form.bytes);
            let admitted =
                admit(&presented, About::Nothing, Purpose::Manage, read, platform).await?;
            Ok((admitted.caller, form))
        };
        let (caller, form) = match entered.await {
            Ok(entered) => entered,
            Err(error) => {
                return Err(brake::slow(&platform.env, bucket(incoming, config), error).await);
            }
        };
        log.caller(&caller);
        let token = token(incoming, &form)?;
        let answer = oauth::introspect(&caller, &token, config, platform).await?;
        Answer::secret(200, &answer)
    } else {
        log.operation = Some(Operation::TokenRevokeOwn.name());
        let (form, _) = receive(incoming, MAX_FORM).await?;
        let token = token(incoming, &zeroize::Zeroizing::new(form.bytes))?;
        // The actor is the token itself, once it is known.
        let from = requester(incoming, config, &Caller::Administrator);
        oauth::revoke_own(&token, from, config, platform).await?;
        Answer::secret(200, &serde_json::json!({}))
    }
}

/// The `token` of the form; `token_type_hint` is read past, as the standards allow.
fn token(incoming: &Incoming, form: &[u8]) -> Result<zeroize::Zeroizing<String>> {
    let content_type = incoming.header("content-type").unwrap_or_default();
    if media_type(&content_type) != "application/x-www-form-urlencoded" {
        return Err(Error::MediaType {
            expected: "application/x-www-form-urlencoded",
        });
    }
    plain(incoming, form)?;
    let mut tokens = form_urlencoded::parse(form).filter(|(name, _)| name == "token");
    match (tokens.next(), tokens.next()) {
        (Some((_, token)), None) if !token.is_empty() => {
            Ok(zeroize::Zeroizing::new(token.into_owned()))
        }
        _ => Err(Error::invalid(
            "token_parameter",
            "the form must have one `token`",
        )),
    }
}
