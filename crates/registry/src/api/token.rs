//! `/oauth/token`: a job token in, a token of the gateway out (RFC 8693). The job token is taken from the
//! form in the body alone, never from the query string, where logs would keep it.

use core::fmt;
use std::rc::Rc;

use serde::Serialize;

use super::brake::slow;
use super::oauth::FORM;
use super::{Answer, Notes, Request};
use crate::body::{Upload, receive};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::exchange::{self, Presenting};
use crate::ports::Ports;
use postern_domain::caller::Caller;
use postern_domain::secret::Secret;
use postern_domain::token::Format;
use postern_wire::job::MAX_JOB_TOKEN;
use zeroize::Zeroizing;

/// Largest form, in bytes: the longest job token, and the other parameters.
const MAX_FORM: usize = MAX_JOB_TOKEN + 4 * 1024;
/// The one grant that is served (RFC 8693, section 2.1).
const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// What a job token can be called (RFC 8693, section 3): both mean the same here.
const SUBJECT_TYPES: [&str; 2] = [
    "urn:ietf:params:oauth:token-type:jwt",
    "urn:ietf:params:oauth:token-type:id_token",
];
/// What is given: an opaque key by the first name, and a JWT by the second (RFC 8693, section 3).
const GIVEN: [&str; 2] = [
    "urn:ietf:params:oauth:token-type:access_token",
    "urn:ietf:params:oauth:token-type:jwt",
];

/// The answer (RFC 8693, section 2.2.1).
#[derive(Serialize)]
struct Issued<'a> {
    access_token: &'a str,
    issued_token_type: &'static str,
    token_type: &'static str,
    /// Seconds.
    expires_in: i64,
    /// The policies, separated by spaces.
    scope: String,
}

/// What the form says.
struct Form {
    subject_token: Secret,
    format: Format,
    audience: Option<String>,
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form")
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

/// Exchanges the job token in the form.
///
/// # Errors
/// As [`exchange::exchange`], `TooManyFailures` in place of what could be a guess; whatever is wrong with the
/// form.
pub async fn exchange<U, P>(
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
    let (form, _) = receive(upload, MAX_FORM).await?;
    let form = form_of(request, &Zeroizing::new(form.into()))?;
    let named = request.header("postern-organization");
    // The Ledger names the rule in place of the actor.
    let requester = request.requester(config, &Caller::Administrator(None));
    let asked = Presenting {
        token: &form.subject_token,
        named: named.as_deref(),
        requester: &requester,
    };
    let given = {
        let wanted = (form.format, form.audience.as_deref());
        exchange::exchange(asked, wanted, config, ports).await
    };
    let given = match given {
        Ok(given) => given,
        Err(error) => return Err(slow(error, request.bucket(config), ports).await),
    };
    let now = ports.now();
    let facts = &given.facts;
    notes.caller = Some((Caller::Token(Rc::clone(facts)), now));
    let end = facts.expires_at.unwrap_or(now);
    let policies: Vec<&str> = facts.policies.iter().map(|one| one.as_str()).collect();
    Answer::secret(
        200,
        &Issued {
            access_token: given.token.expose(),
            issued_token_type: match form.format {
                Format::Opaque => GIVEN[0],
                Format::Jwt => GIVEN[1],
            },
            token_type: "Bearer",
            expires_in: end.since(now).max(0) / 1000,
            scope: policies.join(" "),
        },
    )
}

/// Reads the form. A parameter that is there twice is refused (RFC 6749, section 3.2); one that is not known
/// is passed over, as the standard says, but for those that would change what is given.
fn form_of(request: &Request<'_>, body: &[u8]) -> Result<Form> {
    if request.media_type() != FORM {
        return Err(Error::MediaType { expected: FORM });
    }
    request.plain(body)?;
    let one = |name: &'static str| -> Result<Option<Zeroizing<String>>> {
        let mut found = form_urlencoded::parse(body).filter(|(key, _)| key == name);
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some((_, value)), None) if value.is_empty() => Ok(None),
            (Some((_, value)), None) => Ok(Some(Zeroizing::new(value.into_owned()))),
            (Some(_), Some(_)) => Err(wrong(format!("the form has `{name}` more than once"))),
        }
    };
    let must = |name: &'static str, values: &[&str]| match one(name)? {
        Some(value) if values.contains(&value.as_str()) => Ok(()),
        _ => Err(wrong(format!(
            "`{name}` must be `{}`",
            values.join("` or `")
        ))),
    };
    if one("grant_type")?.is_none_or(|grant| *grant != GRANT) {
        return Err(Error::invalid(
            "unsupported_grant_type",
            format!("`grant_type` must be `{GRANT}`"),
        ));
    }
    must("subject_token_type", &SUBJECT_TYPES)?;
    let requested = one("requested_token_type")?;
    if requested.is_some() {
        must("requested_token_type", &GIVEN)?;
    }
    let format = match requested {
        Some(requested) if *requested == GIVEN[1] => Format::Jwt,
        _ => Format::Opaque,
    };
    for name in ["actor_token", "resource", "scope"] {
        if one(name)?.is_some() {
            return Err(wrong(format!(
                "leave `{name}` out: the trust rule says what the job gets"
            )));
        }
    }
    let subject = one("subject_token")?;
    let subject = subject.ok_or_else(|| wrong("`subject_token` must be the job token".into()))?;
    Ok(Form {
        subject_token: Secret::new(subject.as_str().to_owned()),
        format,
        audience: one("audience")?.map(|audience| audience.as_str().to_owned()),
    })
}

fn wrong(detail: String) -> Error {
    Error::invalid("token_request_invalid", detail)
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sent;
    use super::*;

    const GOOD: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
        &subject_token=a.b.c&subject_token_type=urn:ietf:params:oauth:token-type:jwt";

    fn read(form: &str) -> core::result::Result<(String, Option<String>), &'static str> {
        let sent = Sent::new("POST", "/oauth/token?subject_token=q").with("content-type", FORM);
        let read = form_of(&sent.request(), form.as_bytes());
        read.map(|form| (form.subject_token.expose().to_owned(), form.audience))
            .map_err(|error| error.code())
    }

    #[test]
    fn r47_the_form_of_an_exchange() {
        let good = |audience: Option<&str>| Ok(("a.b.c".to_owned(), audience.map(str::to_owned)));
        let wrong = Err("token_request_invalid");
        let id_token = GOOD.replace("token-type:jwt", "token-type:id_token");
        let rows = [
            (GOOD.to_owned(), good(None)),
            (id_token, good(None)),
            (format!("{GOOD}&audience=x"), good(Some("x"))),
            (format!("{GOOD}&audience="), good(None)),
            (format!("{GOOD}&later=1&later=2"), good(None)),
            (
                format!("{GOOD}&requested_token_type={}", GIVEN[0]),
                good(None),
            ),
            (format!("{GOOD}&requested_token_type=urn:x"), wrong.clone()),
            (format!("{GOOD}&subject_token=d"), wrong.clone()),
            (format!("{GOOD}&audience=x&audience=y"), wrong.clone()),
            (format!("{GOOD}&scope=all"), wrong.clone()),
            (format!("{GOOD}&actor_token=x"), wrong.clone()),
            (format!("{GOOD}&resource=x"), wrong.clone()),
            (GOOD.replace("a.b.c", ""), wrong.clone()),
            (
                GOOD.replace("token-type:jwt", "token-type:saml2"),
                wrong.clone(),
            ),
            (GOOD.replace("&subject_token_type", "&x"), wrong),
            (
                GOOD.replace("token-exchange", "password"),
                Err("unsupported_grant_type"),
            ),
            (String::new(), Err("unsupported_grant_type")),
        ];
        for (form, expected) in rows {
            assert_eq!(read(&form), expected, "{form}");
        }
    }

    #[test]
    fn a_form_is_declared_and_arrives_as_it_was_written() {
        let json = Sent::new("POST", "/oauth/token").with("content-type", "application/json");
        let error = form_of(&json.request(), GOOD.as_bytes()).map_err(|error| error.code());
        assert_eq!(error.err(), Some("unsupported_media_type"));
        let gzip = Sent::new("POST", "/oauth/token")
            .with("content-type", FORM)
            .with("content-encoding", "gzip");
        let error = form_of(&gzip.request(), GOOD.as_bytes()).map_err(|error| error.code());
        assert_eq!(error.err(), Some("body_compressed"));
    }
}
