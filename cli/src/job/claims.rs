//! What a job token says of its job, read without verifying: to fill in a rule, and to see for whom the token was
//! made before it is sent anywhere. Decides nothing; the gateway verifies.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_domain::secret::Secret;
use serde_json::Value;

use crate::fail::{Failure, Kind, Outcome};
use postern_wire::job::JobToken as Form;

/// A job token, and the claims in it.
#[derive(Debug)]
pub struct JobToken {
    text: Secret,
    claims: Value,
}

impl JobToken {
    /// Reads a text. `from` says where it was, for errors, which never hold any of it.
    ///
    /// # Errors
    /// `Usage` for what the gateway would not read as a job token.
    pub fn parse(text: String, from: &str) -> Outcome<Self> {
        let text = Secret::new(text);
        let wrong = |why: &dyn std::fmt::Display| {
            let message = format!("{from} holds no job token: {why}");
            Failure::new(Kind::Usage, message)
                .hint("give what the CI system signed for the job, a JWT, and nothing else")
        };
        Form::parse(&text).map_err(|fault| wrong(&fault))?;
        let payload = text.expose().split('.').nth(1).unwrap_or_default();
        let payload = URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
        let claims =
            serde_json::from_slice(&payload).map_err(|_| wrong(&"its claims are no JSON"))?;
        Ok(Self { text, claims })
    }

    /// The token, to be sent to the gateway and to nobody else.
    pub fn secret(&self) -> &str {
        self.text.expose()
    }

    /// A claim as text; some issuers write ids as numbers.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.claims.get(name)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) if number.is_u64() => Some(number.to_string()),
            _ => None,
        }
    }

    /// For whom it was made.
    pub fn audiences(&self) -> Vec<&str> {
        match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
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
        let token = JobToken::parse(token(&claims), "-").unwrap();
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
