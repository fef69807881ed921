//! `/oauth/introspect` and `/oauth/revoke`. Tokens are taken from the form in the body alone, never
//! from the query string, where logs would keep them.

use std::rc::Rc;

use super::brake::slow;
use super::{Answer, Notes, Request};
use crate::authenticate::{About, admit, present};
use crate::body::{Upload, receive};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::oauth;
use crate::ports::Ports;
use postern_domain::caller::Caller;
use postern_ledger::Purpose;
use zeroize::Zeroizing;

/// Largest form, in bytes: the longest credential and a hint.
const MAX_FORM: usize = 16 * 1024;
/// The media type of forms.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// Tells a caller about the token in the form (RFC 7662).
///
/// # Errors
/// As [`oauth::introspect`]; whatever is wrong with the credential or the form.
pub async fn introspect<U, P>(
    request: &Request<'_>,
    upload: &U,
    config: &Config,
    ports: &P,
    notes: &mut Notes,
) -> Result<Answer>
where
    U: Upload,
    U::Content: Into<Vec<u8>>,
    P: Ports,
{
    let authorization = request.header("authorization");
    let entered = async {
        let presented = Rc::new(present(authorization.as_deref(), config, ports.now())?);
        let (form, read) = receive(upload, MAX_FORM).await?;
        let form = Zeroizing::new(form.into());
        let purpose = (Purpose::Manage, request.address(config));
        let (about, known) = (About::Nothing, &mut notes.token);
        let admitted = admit(&presented, about, purpose, read, known, ports).await?;
        Ok((admitted.caller, form))
    };
    let (caller, form) = match entered.await {
        Ok(entered) => entered,
        Err(error) => return Err(slow(error, request.bucket(config), ports).await),
    };
    notes.caller = Some((caller.clone(), ports.now()));
    let token = token(request, &form)?;
    Answer::secret(
        200,
        &oauth::introspect(&caller, &token, config, ports).await?,
    )
}

/// Revokes the token in the form (RFC 7009): to hold it is all that it takes.
///
/// # Errors
/// As [`oauth::revoke_own`]; whatever is wrong with the form.
pub async fn revoke<U, P>(
    request: &Request<'_>,
    upload: &U,
    config: &Config,
    ports: &P,
) -> Result<Answer>
where
    U: Upload,
    U::Content: Into<Vec<u8>>,
    P: Ports,
{
    let (form, _) = receive(upload, MAX_FORM).await?;
    let token = token(request, &Zeroizing::new(form.into()))?;
    // The actor is the token itself, once it is known.
    let from = request.requester(config, &Caller::Administrator(None));
    oauth::revoke_own(&token, from, config, ports).await?;
    Answer::secret(200, &serde_json::json!({}))
}

/// The one `token` of the form; `token_type_hint` is read past, as the standards allow.
fn token(request: &Request<'_>, form: &[u8]) -> Result<Zeroizing<String>> {
    if request.media_type() != FORM {
        return Err(Error::MediaType { expected: FORM });
    }
    request.plain(form)?;
    let mut tokens = form_urlencoded::parse(form).filter(|(name, _)| name == "token");
    match (tokens.next(), tokens.next()) {
        (Some((_, token)), None) if !token.is_empty() => Ok(Zeroizing::new(token.into_owned())),
        _ => Err(Error::invalid(
            "token_parameter",
            "the form must have one `token`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sent;
    use super::*;

    #[test]
    fn a_form_has_exactly_one_token() {
        let wrong = Some("token_parameter");
        let rows = [
            ("token=a", Ok("a")),
            ("token=a%20b+c", Ok("a b c")),
            ("token_type_hint=access_token&token=a", Ok("a")),
            ("token=a&x=1&x=2", Ok("a")),
            ("", Err(wrong)),
            ("token=", Err(wrong)),
            ("Token=a", Err(wrong)),
            ("token=a&token=a", Err(wrong)),
            ("token=a&%74oken=b", Err(wrong)),
            ("token=&token=a", Err(wrong)),
        ];
        for (form, expected) in rows {
            let sent = Sent::new("POST", "/oauth/revoke?token=q").with("content-type", FORM);
            let read = token(&sent.request(), form.as_bytes());
            let read = read.as_ref().map(|token| token.as_str());
            assert_eq!(read.map_err(|error| Some(error.code())), expected, "{form}");
        }
    }

    #[test]
    fn a_form_is_declared_and_arrives_as_it_was_written() {
        let rows = [
            (vec![], "unsupported_media_type"),
            (
                vec![("content-type", "application/json")],
                "unsupported_media_type",
            ),
            (
                vec![("content-type", FORM), ("content-encoding", "gzip")],
                "body_compressed",
            ),
        ];
        for (headers, code) in rows {
            let mut sent = Sent::new("POST", "/oauth/revoke");
            for (name, value) in headers {
                sent = sent.with(name, value);
            }
            let read = token(&sent.request(), b"token=a");
            assert_eq!(read.map_err(|error| error.code()), Err(code));
        }
    }
}
