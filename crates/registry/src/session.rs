//! From a cookie to the person that the control plane knows by it (R23). Every answer that is not
//! exactly what the endpoint promises is refused.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::error::{CredentialError, Error, Result};
use super::ports::{Clock, SessionAnswer, Sessions};
use postern_domain::session::{Membership, Person, UserId};

/// How long an answer is believed, in milliseconds: a session that ends is open for that much
/// longer.
pub const REMEMBERED_MS: i64 = 10_000;
/// How long the endpoint may take, in milliseconds.
pub const TIME_LIMIT_MS: u32 = 2_000;
/// Longest answer that is read, in bytes.
pub const MAX_ANSWER: usize = 64 * 1024;
/// Longest `Cookie` header that is passed on, in bytes.
pub const MAX_COOKIE: usize = 8 * 1024;

#[derive(Deserialize)]
struct Answer {
    user_id: String,
    organizations: Vec<OrganizationRole>,
}

#[derive(Deserialize)]
struct OrganizationRole {
    name: String,
    role: String,
}

/// The person behind a `Cookie` header.
///
/// # Errors
/// `Credential` when the endpoint does not know the session or answers anything else than
/// promised, `Unavailable` when it does not answer, is too slow or has failed.
pub async fn verify<P: Clock + Sessions>(url: &str, cookie: &str, ports: &P) -> Result<Rc<Person>> {
    if cookie.len() > MAX_COOKIE {
        return Err(CredentialError::Refused("cookies longer than any session's").into());
    }
    let key: [u8; 32] = Sha256::digest(cookie.as_bytes()).into();
    if let Some(person) = ports.remembered(&key) {
        return Ok(person);
    }
    let answer = ports.ask(url, cookie).await?;
    let person = Rc::new(read(&answer)?);
    // From after the answer: the clock of some platforms moves with I/O only.
    let until = ports.now().plus_millis(REMEMBERED_MS);
    ports.remember(key, &person, until);
    Ok(person)
}

/// Reads the endpoint's answer.
fn read(answer: &SessionAnswer) -> Result<Person> {
    match answer.status {
        200 => {}
        500..=599 => {
            return Err(Error::unavailable(format!(
                "the session endpoint answered {}",
                answer.status
            )));
        }
        // A redirect is not followed, so it ends here too.
        _ => return Err(CredentialError::Refused("no session, says its endpoint").into()),
    }
    let lie = || CredentialError::Refused("the session endpoint's answer has another shape");
    // All of it: JSON's reader looks at no bytes of what it passes over.
    let text = str::from_utf8(&answer.body).map_err(|_| lie())?;
    let read: Answer = serde_json::from_str(text).map_err(|_| lie())?;
    let mut seen = BTreeSet::new();
    for organization in &read.organizations {
        // Two roles in one organization: which one counts would be a guess.
        if organization.name.is_empty() || !seen.insert(organization.name.as_str()) {
            return Err(lie().into());
        }
    }
    Ok(Person {
        user: UserId::parse(&read.user_id).ok_or_else(lie)?,
        memberships: read
            .organizations
            .into_iter()
            .map(|OrganizationRole { name, role }| Membership {
                organization: name,
                role,
            })
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: &str) -> Result<Person> {
        read(&SessionAnswer {
            status,
            body: body.as_bytes().to_vec(),
        })
    }

    const GOOD: &str = r#"{"user_id":"u1","organizations":[{"name":"acme","role":"admin"}]}"#;

    #[test]
    fn r23_a_good_answer_is_a_person() {
        let person = answered(200, GOOD).expect("a person");
        assert_eq!(person.user.as_str(), "u1");
        let [only] = person.memberships.as_slice() else {
            panic!("one membership")
        };
        assert_eq!(
            (only.organization.as_str(), only.role.as_str()),
            ("acme", "admin")
        );
        // What else a control plane tells of a person is nothing to us.
        let more = GOOD.replacen('{', r#"{"email":"x@example.com","#, 1);
        assert!(answered(200, &more).is_ok());
        assert!(answered(200, r#"{"user_id":"u1","organizations":[]}"#).is_ok());
    }

    #[test]
    fn r23_every_other_status_closes() {
        let no_session = CredentialError::Refused("no session, says its endpoint");
        for status in [201, 204, 206, 301, 302, 307, 308, 400, 401, 403, 404, 429] {
            assert_eq!(answered(status, GOOD), Err(no_session.into()), "{status}");
        }
        for status in [500, 502, 503, 599] {
            let refusal = answered(status, GOOD).expect_err("a failure");
            assert_eq!(refusal.code(), "unavailable", "{status}");
        }
    }

    #[test]
    fn r23_an_answer_that_is_no_text_closes() {
        let (before, rest) = GOOD.split_at(1);
        let body = |more: &[u8]| [before.as_bytes(), more, rest.as_bytes()].concat();
        let answered = |more: &[u8]| {
            read(&SessionAnswer {
                status: 200,
                body: body(more),
            })
        };
        assert!(answered("\"more\":\"\u{e9}\",".as_bytes()).is_ok());
        let lie = CredentialError::Refused("the session endpoint's answer has another shape");
        // Not even where nobody would have read it.
        assert_eq!(answered(b"\"more\":\"\xff\","), Err(lie.into()));
    }

    #[test]
    fn r23_lies_close() {
        let lie = CredentialError::Refused("the session endpoint's answer has another shape");
        for body in [
            "",
            "null",
            "true",
            "[]",
            "{}",
            "<html>welcome</html>",
            r#"{"user_id":"u1"}"#,
            r#"{"organizations":[]}"#,
            r#"{"user_id":null,"organizations":[]}"#,
            r#"{"user_id":7,"organizations":[]}"#,
            r#"{"user_id":"","organizations":[]}"#,
            r#"{"user_id":"a b","organizations":[]}"#,
            r#"{"user_id":"u1","organizations":null}"#,
            r#"{"user_id":"u1","organizations":{"name":"acme","role":"admin"}}"#,
            r#"{"user_id":"u1","organizations":["acme"]}"#,
            r#"{"user_id":"u1","organizations":[{"name":"acme"}]}"#,
            r#"{"user_id":"u1","organizations":[{"name":"","role":"admin"}]}"#,
            r#"{"user_id":"u1","organizations":[{"name":"acme","role":["admin"]}]}"#,
            r#"{"user_id":"u1","user_id":"u2","organizations":[]}"#,
            r#"{"user_id":"u1","organizations":[{"name":"a","role":"viewer"},{"name":"a","role":"owner"}]}"#,
            r#"{"user_id":"u1","organizations":[]} trailing"#,
        ] {
            assert_eq!(answered(200, body), Err(lie.into()), "{body}");
        }
    }
}
