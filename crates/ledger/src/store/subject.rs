//! What ending a token needs of its facts. It is read whatever else is in them: what a later release
//! has stored, and this one would not hand out, can be revoked all the same.

use serde::Deserialize;
use serde::de::IgnoredAny;

use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::token::{Format, TokenFacts, display_prefix};

use crate::sql::{Result, Row};

/// A token that ends.
#[derive(Debug, Clone, Deserialize)]
pub struct Subject {
    pub id: TokenId,
    organization: Organization,
    verifier: Verifier,
    #[serde(default)]
    ci_job: Option<IgnoredAny>,
}

#[derive(Debug, Clone, Deserialize)]
struct Organization {
    id: OrganizationId,
}

#[derive(Debug, Clone, Deserialize)]
struct Verifier {
    format: String,
}

impl Subject {
    /// Out of the facts as they stand in a column.
    pub(super) fn read(row: &mut Row) -> Result<Self> {
        Ok(serde_json::from_str(&row.text()?)?)
    }

    /// The organization that it belongs to.
    pub fn organization(&self) -> OrganizationId {
        self.organization.id
    }

    /// Whether its id comes again when it is asked for again: an adopted token has the origin's, and the
    /// token of a CI job has its job token's.
    pub fn comes_again(&self) -> bool {
        self.verifier.format == ADOPTED || self.ci_job.is_some()
    }

    /// See [`TokenFacts::display_prefix`].
    pub fn display_prefix(&self) -> String {
        let format = match self.verifier.format.as_str() {
            OPAQUE => Format::Opaque,
            _ => Format::Jwt,
        };
        display_prefix(format, self.id)
    }
}

/// What facts call the verifier of an opaque key.
const OPAQUE: &str = "opaque";
/// And that of a token which was registered.
const ADOPTED: &str = "adopted";

impl From<&TokenFacts> for Subject {
    fn from(facts: &TokenFacts) -> Self {
        let format = match (facts.adopted(), facts.verifier.format()) {
            (true, _) => ADOPTED,
            (false, Format::Opaque) => OPAQUE,
            (false, Format::Jwt) => "jwt",
        };
        Self {
            id: facts.id,
            organization: Organization {
                id: facts.organization.id,
            },
            verifier: Verifier {
                format: format.to_owned(),
            },
            ci_job: facts.ci_job.as_ref().map(|_| IgnoredAny),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Value;
    use postern_domain::claims::Claims;
    use postern_domain::scope::Scope;
    use postern_domain::testing::facts;
    use postern_domain::token::Verifier;

    #[test]
    fn it_says_of_a_token_what_its_facts_say() {
        let opaque = Verifier::Opaque {
            pepper: "k1".to_owned(),
            hash: "00".to_owned(),
        };
        let adopted = Verifier::Adopted {
            claims: Box::new(Claims::default()),
        };
        for verifier in [opaque, Verifier::Jwt { signed: None }, adopted] {
            let facts = TokenFacts {
                verifier,
                ..facts(7, Scope::Organization)
            };
            let text = serde_json::to_string(&facts).expect("serializes");
            let stored = Subject::read(&mut Row::from(vec![Value::Text(text)]));
            for subject in [stored.expect("a subject"), Subject::from(&facts)] {
                assert_eq!(subject.id, facts.id);
                assert_eq!(subject.organization(), facts.organization.id);
                assert_eq!(subject.comes_again(), facts.adopted());
                assert_eq!(subject.display_prefix(), facts.display_prefix());
            }
        }
    }
}
