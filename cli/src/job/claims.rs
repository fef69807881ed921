//! What a job token says of its job, read without verifying: to fill in a rule, and to see for whom the token was
//! made before it is sent anywhere. Decides nothing; the gateway verifies.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_domain::secret::Secret;
use serde_json::Value;

use crate::fail::{Failure, Kind, Outcome};
use postern_wire::job::JobToken as Form;

/// What a token claims.
#[derive(Debug)]
pub struct Claims(Value);

impl Claims {
    /// Reads the claims of a text. The signature may be cut off: nothing here looks at it, and what is left can stand in
    /// a log.
    ///
    /// # Errors
    /// `Usage` for what is no job token.
    pub fn parse(text: &str, from: &str) -> Outcome<Self> {
        let mut parts = text.split('.');
        let (header, payload) = (parts.next(), parts.next());
        let (Some(_), Some(payload), true) = (header, payload, parts.count() <= 1) else {
            return Err(wrong(from, &"the token has not three parts"));
        };
        let payload = URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
        let claims = serde_json::from_slice(&payload).ok();
        let claims = claims.filter(Value::is_object).map(Self);
        claims.ok_or_else(|| wrong(from, &"its claims cannot be read"))
    }

    /// A claim as text; some issuers write ids as numbers.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) if number.is_u64() => Some(number.to_string()),
            _ => None,
        }
    }

    /// For whom it was made.
    pub fn audiences(&self) -> Vec<&str> {
        match self.0.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

/// A whole job token, and the claims in it.
#[derive(Debug)]
pub struct JobToken {
    text: Secret,
    claims: Claims,
}

impl JobToken {
    /// Reads a text. `from` says where it was, for errors, which never hold any of it.
    ///
    /// # Errors
    /// `Usage` for what the gateway would not read as a job token.
    pub fn parse(text: String, from: &str) -> Outcome<Self> {
        let text = Secret::new(text);
        Form::parse(&text).map_err(|fault| wrong(from, &fault))?;
        let claims = Claims::parse(text.expose(), from)?;
        Ok(Self { text, claims })
    }

    /// The token, to be sent to the gateway and to nobody else.
    pub fn secret(&self) -> &str {
        self.text.expose()
    }

    /// What it claims.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }
}

fn wrong(from: &str, why: &dyn std::fmt::Display) -> Failure {
    let message = format!("{from} holds no job token: {why}");
    Failure::new(Kind::Usage, message)
        .hint("give what the CI system signed for the job, a JWT, and nothing else")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    /// A token with these claims, signed by nobody.
    pub fn token(claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = part(&json!({ "alg": "RS256", "kid": "k1", "typ": "JWT" }));
        let signature = URL_SAFE_NO_PAD.encode([7; 256]);
        format!("{header}.{}.{signature}", part(claims))
    }

    #[test]
    fn claims_are_read_as_texts() {
        let claims = json!({ "iss": "https://a.example", "repository_id": "74", "project_id": 20, "ref": "", "aud": ["x", "y"] });
        let token = JobToken::parse(token(&claims), "-").unwrap().claims;
        for (name, expected) in [
            ("iss", Some("https://a.example")),
            ("repository_id", Some("74")),
            ("project_id", Some("20")),
            ("ref", None),
            ("none", None),
        ] {
            assert_eq!(token.text(name).as_deref(), expected, "{name}");
        }
        assert_eq!(token.audiences(), ["x", "y"]);
    }

    #[test]
    fn claims_are_read_without_the_signature_and_from_nothing_else() {
        let whole = token(&json!({ "iss": "https://a.example" }));
        let (unsigned, _) = whole.rsplit_once('.').unwrap();
        for text in [whole.as_str(), unsigned] {
            let claims = Claims::parse(text, "-").unwrap();
            assert_eq!(claims.text("iss").as_deref(), Some("https://a.example"));
        }
        let failure = JobToken::parse(unsigned.to_owned(), "-").unwrap_err();
        assert!(failure.message.contains("three parts"), "{failure:?}");
        for (text, why) in [
            ("hunter2", "three parts"),
            ("a.b.c.d", "three parts"),
            ("a.hunter2", "cannot be read"),
            ("a.WzFd", "cannot be read"),
        ] {
            let failure = Claims::parse(text, "-").unwrap_err();
            assert!(failure.message.contains(why), "{text}: {failure:?}");
            assert!(!failure.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn what_is_no_job_token_is_refused_without_a_word_of_it() {
        let mut cut = token(&json!({ "iss": "https://a.example" }));
        cut.truncate(cut.len() - 100);
        let no_issuer = token(&json!({ "aud": "x" }));
        for (text, why) in [
            ("hunter2", "three parts"),
            ("hunter2.b", "three parts"),
            (&cut, "signature"),
            (&no_issuer, "iss"),
        ] {
            let failure = JobToken::parse(text.to_owned(), "standard input").unwrap_err();
            assert_eq!(failure.kind, Kind::Usage);
            assert!(
                failure
                    .message
                    .starts_with("standard input holds no job token: ")
            );
            assert!(failure.message.contains(why), "{failure:?}");
            assert!(!failure.to_string().contains("hunter2"));
        }
    }
}
