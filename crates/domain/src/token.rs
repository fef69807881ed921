//! What a token is. Whether it is active, only the organization's Ledger knows.

use serde::{Deserialize, Serialize};

use super::claims::Claims;
use super::conditions::Conditions;
use super::id::{Organization, TokenId};
use super::name::TokenName;
use super::policy::Policy;
use super::scope::{Named, Scope};
use super::time::Timestamp;
use super::trust::JobFacts;

/// The two token formats of the registry (R2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// An opaque key.
    Opaque,
    /// A JWT.
    Jwt,
}

/// What is kept of a token's secret (R2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "format", rename_all = "lowercase", deny_unknown_fields)]
pub enum Verifier {
    /// HMAC-SHA-256 of the whole key under the pepper `pepper`, in lower case hex.
    Opaque {
        /// The name of the pepper's key.
        pepper: String,
        /// The keyed hash of the key.
        hash: String,
    },
    /// What was signed, and under which key: no other key of the ring proves the token, and nothing
    /// else signed under it. `None` in facts of releases that did not write it down, and of a JWT
    /// that is yet to be signed for a CI job; the Ledger fills it in when such a token is first used under the
    /// first key, or signed. Of a job token that is shown as
    /// it is (R47), the "key" is its issuer's URL, which no key of ours can be called.
    Jwt {
        /// What was signed, and by which key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signed: Option<Signed>,
    },
    /// The claims of a JWT that the origin minted, as they were registered (R39): the signature
    /// proves the token, and its claims must be these on every use, all of them.
    Adopted {
        /// The claims as they were registered.
        claims: Box<Claims>,
    },
}

impl Verifier {
    /// Whether it verifies a job token that is shown as it is: the issuer's URL has what no name of a key has.
    pub fn is_job_token(&self) -> bool {
        matches!(self, Self::Jwt { signed: Some(signed) } if signed.kid.contains("://"))
    }

    /// The format that this verifier verifies.
    pub fn format(&self) -> Format {
        match self {
            Self::Opaque { .. } => Format::Opaque,
            Self::Jwt { .. } | Self::Adopted { .. } => Format::Jwt,
        }
    }
}

/// What a JWT that was minted here was signed as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The name of the key.
    pub kid: String,
    /// SHA-256 of what the signature covers, header and payload as they stand in the token with the
    /// dot between them, in lower case hex.
    pub digest: String,
}

/// The facts of a token, as of one revision.
///
/// INVARIANT (facts never change): those of one revision never do, so they may be cached anywhere,
/// for any time. An edit makes the next revision, which allows no more (`crate::edit`), and what
/// changes without one (its revocation, its use) is not among them. Which revision is the token's,
/// the Ledger says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenFacts {
    /// The id.
    pub id: TokenId,
    /// The name.
    pub name: TokenName,
    /// The organization that it belongs to.
    pub organization: Named<Organization>,
    /// How far it reaches.
    pub scope: Scope,
    /// What proves possession.
    pub verifier: Verifier,
    /// The policies that it holds.
    pub policies: Vec<Policy>,
    /// Whether it is a system token.
    pub is_system: bool,
    /// When the token expires, in whole seconds; `None` = never.
    pub expires_at: Option<Timestamp>,
    /// The CI job that it was given to by a trust rule (R47).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ci_job: Option<Box<JobFacts>>,
    /// From where and how often it can be used (R53); `None` = from everywhere, as often as one
    /// likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Box<Conditions>>,
    /// How often it was edited.
    #[serde(default, skip_serializing_if = "is_first")]
    pub revision: u32,
}

/// Whether it is the revision that a token is created with.
fn is_first(revision: &u32) -> bool {
    *revision == 0
}

impl TokenFacts {
    /// Whether the token has expired at `now` (R7). A token is refused from the very
    /// moment it expires at.
    pub fn expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether the facts of a JWT that was minted here do not say what was signed (see
    /// [`Verifier::Jwt`]).
    pub fn unbound(&self) -> bool {
        matches!(self.verifier, Verifier::Jwt { signed: None })
    }

    /// Whether what proves the token is the job token itself, of which the origin knows nothing (R47).
    pub fn is_job_token(&self) -> bool {
        self.ci_job.is_some() && self.verifier.is_job_token()
    }

    /// Whether the origin minted the token, and it was only registered here (R39).
    pub fn adopted(&self) -> bool {
        matches!(self.verifier, Verifier::Adopted { .. })
    }

    /// Whether the origin keeps the credential to the project that its scope names: whether its
    /// own claims name that project, so that a call may be left to the origin in which the gateway
    /// cannot see to it.
    ///
    /// An adopted token that was narrowed to a project which its claims do not name is one of the
    /// whole organization to the origin.
    pub fn project_known_to_origin(&self) -> bool {
        if self.is_job_token() {
            return false;
        }
        match (&self.verifier, self.scope.project()) {
            // The claims of a token minted here name its whole scope.
            (Verifier::Jwt { .. }, _) | (Verifier::Adopted { .. }, None) => true,
            (Verifier::Adopted { claims }, Some(project)) => claims.names_project(project.id),
            // The origin cannot read an opaque key.
            (Verifier::Opaque { .. }, _) => false,
        }
    }

    /// The short form that lists, audit and dashboard show (R21): enough of the token's public
    /// part to find it by, nothing of its secret.
    pub fn display_prefix(&self) -> String {
        display_prefix(self.verifier.format(), self.id)
    }
}

/// See [`TokenFacts::display_prefix`].
pub fn display_prefix(format: Format, id: TokenId) -> String {
    match format {
        Format::Opaque => {
            let id = base62_id(id);
            format!("{OPAQUE_PREFIX}{}", id.get(..8).unwrap_or(&id))
        }
        Format::Jwt => {
            let id = id.to_string();
            format!("jwt_{}", id.get(..8).unwrap_or(&id))
        }
    }
}

/// What every opaque key begins with.
///
/// Secret scanners in the field search for it: CHANGING IT ORPHANS EVERY KEY IN USE.
pub const OPAQUE_PREFIX: &str = "pst_";

/// Digits of the public id in an opaque key: the least that hold 128 bits in base 62.
pub const OPAQUE_ID_DIGITS: usize = 22;

/// The base 62 alphabet, in the order of digit values.
pub const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `value` in exactly `width` base 62 digits, most significant first; higher digits are dropped.
pub fn base62(mut value: u128, width: usize) -> String {
    let mut digits = vec![b'0'; width];
    for digit in digits.iter_mut().rev() {
        if let Some(&symbol) = BASE62.get((value % 62) as usize) {
            *digit = symbol;
        }
        value /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

/// The public id as it stands in an opaque key.
pub fn base62_id(id: TokenId) -> String {
    base62(id.as_u128(), OPAQUE_ID_DIGITS)
}

#[cfg(test)]
mod tests {
    use super::super::id::Id;
    use super::*;

    fn facts() -> TokenFacts {
        TokenFacts {
            id: Id::from_u128(1),
            name: TokenName::generated(&Id::from_u128(1)),
            organization: Named {
                id: Id::from_u128(2),
                name: "acme".to_owned(),
            },
            scope: Scope::Organization,
            verifier: Verifier::Jwt { signed: None },
            policies: Vec::new(),
            is_system: false,
            expires_at: Some(Timestamp::from_millis(5_000)),
            ci_job: None,
            conditions: None,
            revision: 0,
        }
    }

    #[test]
    fn display_prefix_is_the_visible_start_of_the_token() {
        let id = Id::from_u128(u128::MAX);
        assert_eq!(base62_id(id), "7n42DGM5Tflk9n8mt7Fhc7");
        assert_eq!(display_prefix(Format::Opaque, id), "pst_7n42DGM5");
        assert_eq!(display_prefix(Format::Jwt, id), "jwt_ffffffff");
    }

    #[test]
    fn r39_whether_the_origin_knows_the_project() {
        let project = |id| Named {
            id: Id::from_u128(id),
            name: "shop".to_owned(),
        };
        let workflow = |id| Scope::Workflow {
            project: project(id),
            workflow: Named {
                id: Id::from_u128(9),
                name: "release".to_owned(),
            },
        };
        let claiming = |id: Option<u128>| Verifier::Adopted {
            claims: Box::new(Claims {
                project_id: id.map(|id| project(id).id.to_string()),
                ..Claims::default()
            }),
        };
        let empty = Verifier::Adopted {
            claims: Box::new(Claims {
                project_id: Some(String::new()),
                ..Claims::default()
            }),
        };
        let opaque = Verifier::Opaque {
            pepper: "k1".to_owned(),
            hash: String::new(),
        };
        let rows = [
            (opaque, workflow(3), false),
            (Verifier::Jwt { signed: None }, workflow(3), true),
            (claiming(None), Scope::Organization, true),
            (claiming(Some(3)), workflow(3), true),
            (
                claiming(Some(3)),
                Scope::Project {
                    project: project(3),
                },
                true,
            ),
            (claiming(None), workflow(3), false),
            (empty, workflow(3), false),
            (
                claiming(None),
                Scope::Project {
                    project: project(3),
                },
                false,
            ),
            (claiming(Some(4)), workflow(3), false),
        ];
        for (verifier, scope, expected) in rows {
            let facts = TokenFacts {
                verifier: verifier.clone(),
                scope: scope.clone(),
                ..facts()
            };
            assert_eq!(
                facts.project_known_to_origin(),
                expected,
                "{verifier:?} {scope:?}"
            );
        }
    }

    /// Facts are kept forever: what an earlier release has written must be read by this one.
    #[test]
    fn the_serialized_forms_are_pinned() {
        let rows = [
            (Verifier::Jwt { signed: None }, r#"{"format":"jwt"}"#),
            (
                Verifier::Jwt {
                    signed: Some(Signed {
                        kid: "k1".to_owned(),
                        digest: "ff".to_owned(),
                    }),
                },
                r#"{"format":"jwt","signed":{"kid":"k1","digest":"ff"}}"#,
            ),
            (
                Verifier::Opaque {
                    pepper: "k1".to_owned(),
                    hash: "00".to_owned(),
                },
                r#"{"format":"opaque","pepper":"k1","hash":"00"}"#,
            ),
            (
                Verifier::Adopted {
                    claims: Box::new(Claims {
                        jti: Some("j".to_owned()),
                        aud: vec!["a".to_owned()],
                        exp: Some(7),
                        org_id: Some(String::new()),
                        digest: "ff".to_owned(),
                        ..Claims::default()
                    }),
                },
                r#"{"format":"adopted","claims":{"jti":"j","aud":["a"],"exp":7,"org_id":"","digest":"ff"}}"#,
            ),
        ];
        for (verifier, text) in rows {
            assert_eq!(serde_json::to_string(&verifier).ok().as_deref(), Some(text));
            assert_eq!(serde_json::from_str::<Verifier>(text).ok(), Some(verifier));
        }
    }

    #[test]
    fn r7_a_token_is_dead_from_the_moment_it_expires_at() {
        let mut facts = facts();
        assert!(!facts.expired(Timestamp::from_millis(4_999)));
        assert!(facts.expired(Timestamp::from_millis(5_000)));
        facts.expires_at = None;
        assert!(!facts.expired(super::super::time::LATEST));
    }
}
