//! Upstream credentials: bearer texts that operators store, and that the origin is sent in place of
//! the caller's own (R42). What one is for, when one is kept that was replaced, and what of it may
//! be shown.

mod seal;

pub use seal::{Broken, SEAL_NONCE_BYTES, Sealed, Unsealed, open, seal};

use core::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::audit::hex;
use super::decide::RunFacts;
use super::name::Label;
use super::scope::Scope;
use super::secret::Secret;

/// Longest credential, in bytes.
pub const MAX_CREDENTIAL: usize = 8_192;
/// For how long one that was replaced is kept for runs that began under it, where nothing is asked
/// for, in seconds.
pub const DEFAULT_KEEP_SECONDS: u32 = 7_200;
/// For how long one can be kept, in seconds.
pub const MAX_KEEP_SECONDS: u32 = 86_400;
/// How many hex digits of a credential's SHA-256 are shown.
const DIGEST_DIGITS: usize = 16;

/// Why a text is no credential. It says nothing of the text but its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoCredential {
    /// It is empty.
    Empty,
    /// It is too long.
    TooLong,
    /// It has a character that a bearer token cannot have.
    Characters,
}

impl fmt::Display for NoCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("must not be empty"),
            Self::TooLong => write!(f, "must be at most {MAX_CREDENTIAL} characters long"),
            Self::Characters => f.write_str(
                "must be visible ASCII characters, without spaces and line ends: give the token \
                 alone, without `Bearer`",
            ),
        }
    }
}

/// The text of a credential, as it stands behind `Bearer`.
#[derive(Debug)]
pub struct Credential(Secret);

impl Credential {
    /// Takes a text over. The text is wiped also where it is refused.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(text: String) -> Result<Self, NoCredential> {
        let secret = Secret::new(text);
        let bytes = secret.expose().as_bytes();
        match bytes {
            [] => Err(NoCredential::Empty),
            bytes if bytes.len() > MAX_CREDENTIAL => Err(NoCredential::TooLong),
            bytes if bytes.iter().all(u8::is_ascii_graphic) => Ok(Self(secret)),
            _ => Err(NoCredential::Characters),
        }
    }

    /// The text. INVARIANT (secrets have no Display): only to seal it, to send it to the origin, and
    /// to take it out of what the origin answers.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// What may be shown of it: the first 16 hex digits of its SHA-256.
    pub fn digest(&self) -> Digest {
        let mut digits = hex(&Sha256::digest(self.expose().as_bytes()));
        digits.truncate(DIGEST_DIGITS);
        Digest(digits)
    }
}

/// The beginning of a credential's SHA-256, in hex: by it people can tell which one is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// A digest as a store has it.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a credential is for: the organization, a project of it, or a workflow of that project, by
/// their names, as calls name them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "level", rename_all = "lowercase", deny_unknown_fields)]
pub enum Reach {
    /// The whole organization.
    Organization,
    /// A project, with all its workflows.
    Project {
        /// The project.
        project: Label,
    },
    /// One workflow.
    Workflow {
        /// Its project.
        project: Label,
        /// The workflow.
        workflow: Label,
    },
}

impl Reach {
    /// The reach of these names. A text that no project or workflow can be called is as good as
    /// none: no credential is set for it.
    pub fn of(project: Option<&str>, workflow: Option<&str>) -> Self {
        let label = |text: Option<&str>| Label::parse(text?).ok();
        match (label(project), label(workflow)) {
            (None, _) => Self::Organization,
            (Some(project), None) => Self::Project { project },
            (Some(project), Some(workflow)) => Self::Workflow { project, workflow },
        }
    }

    /// What a call is about: a run's own workflow; what it names otherwise; and where it names
    /// nothing, or less than its token is for, that.
    pub fn of_call(
        project: Option<&str>,
        workflow: Option<&str>,
        scope: &Scope,
        run: Option<&RunFacts>,
    ) -> Self {
        if let Some(run) = run {
            return Self::of(Some(&run.project), Some(&run.workflow));
        }
        let is_label = |text: &&str| Label::parse(text).is_ok();
        let own = scope.project().map(|project| project.name.as_str());
        let project = project.filter(is_label).or(own);
        let of_own = scope.workflow().filter(|_| project == own);
        let of_own = of_own.map(|workflow| workflow.name.as_str());
        Self::of(project, workflow.filter(is_label).or(of_own))
    }

    /// The name of the project, where there is one.
    pub fn project(&self) -> Option<&str> {
        match self {
            Self::Organization => None,
            Self::Project { project } | Self::Workflow { project, .. } => Some(project.as_str()),
        }
    }

    /// The name of the workflow, where there is one.
    pub fn workflow(&self) -> Option<&str> {
        match self {
            Self::Organization | Self::Project { .. } => None,
            Self::Workflow { workflow, .. } => Some(workflow.as_str()),
        }
    }

    /// Whether what is for this is for the other as well.
    pub fn covers(&self, other: &Self) -> bool {
        match self {
            Self::Organization => true,
            Self::Project { project } => other.project() == Some(project.as_str()),
            Self::Workflow { .. } => self == other,
        }
    }

    /// This and everything that covers it, from narrow to wide.
    pub fn widening(&self) -> Vec<Self> {
        let mut all = vec![self.clone()];
        if let Self::Workflow { project, .. } = self {
            let project = project.clone();
            all.push(Self::Project { project });
        }
        if *self != Self::Organization {
            all.push(Self::Organization);
        }
        all
    }
}

/// As audit rows name it: `organization`, `project:shop`, `workflow:shop/release`.
impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization => f.write_str("organization"),
            Self::Project { project } => write!(f, "project:{}", project.as_str()),
            Self::Workflow { project, workflow } => {
                write!(f, "workflow:{}/{}", project.as_str(), workflow.as_str())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;
    use crate::scope::Named;

    #[test]
    fn r42_a_credential_is_visible_ascii() {
        for good in ["a", "eyJ.a-b_c~+/=", &"x".repeat(MAX_CREDENTIAL)] {
            assert!(Credential::parse(good.to_owned()).is_ok());
        }
        let rows = [
            (String::new(), NoCredential::Empty),
            ("x".repeat(MAX_CREDENTIAL + 1), NoCredential::TooLong),
            ("x".repeat(100_000), NoCredential::TooLong),
            ("a b".to_owned(), NoCredential::Characters),
            ("a\n".to_owned(), NoCredential::Characters),
            ("a\r\nx-evil: 1".to_owned(), NoCredential::Characters),
            ("\u{7f}".to_owned(), NoCredential::Characters),
            ("é".to_owned(), NoCredential::Characters),
        ];
        for (text, expected) in rows {
            let refused = Credential::parse(text).expect_err("refused");
            assert_eq!(refused, expected);
            assert!(!refused.to_string().contains("x-evil"));
        }
    }

    #[test]
    fn r42_only_a_digest_is_shown() {
        let credential = Credential::parse("abc".to_owned()).expect("good");
        // FIPS 180-2, appendix B.1.
        assert_eq!(credential.digest().as_str(), "ba7816bf8f01cfea");
        assert_eq!(format!("{credential:?}"), "Credential(Secret)");
    }

    fn run(project: &str, workflow: &str) -> RunFacts {
        RunFacts {
            project: project.to_owned(),
            workflow: workflow.to_owned(),
            workflow_id: None,
            upstream: None,
        }
    }

    fn named<K>(name: &str) -> Named<K> {
        Named {
            id: Id::from_u128(1),
            name: name.to_owned(),
        }
    }

    #[test]
    fn r42_what_a_call_is_about() {
        let narrow = Scope::Workflow {
            project: named("shop"),
            workflow: named("release"),
        };
        let project = Scope::Project {
            project: named("shop"),
        };
        let wide = Scope::Organization;
        let of_run = run("shop", "nightly");
        type Row<'a> = (
            Option<&'a str>,
            Option<&'a str>,
            &'a Scope,
            Option<&'a RunFacts>,
            &'a str,
        );
        let rows: [Row<'_>; 11] = [
            (None, None, &wide, None, "organization"),
            (None, None, &project, None, "project:shop"),
            (None, None, &narrow, None, "workflow:shop/release"),
            (Some("shop"), None, &narrow, None, "workflow:shop/release"),
            (Some("cart"), None, &narrow, None, "project:cart"),
            (Some("cart"), Some("a"), &wide, None, "workflow:cart/a"),
            (None, Some("a"), &wide, None, "organization"),
            (None, Some("a"), &project, None, "workflow:shop/a"),
            (
                Some("No Label"),
                None,
                &narrow,
                None,
                "workflow:shop/release",
            ),
            (Some("No Label"), Some("a"), &wide, None, "organization"),
            (
                Some("cart"),
                Some("a"),
                &wide,
                Some(&of_run),
                "workflow:shop/nightly",
            ),
        ];
        for (project, workflow, scope, run, expected) in rows {
            let reach = Reach::of_call(project, workflow, scope, run);
            assert_eq!(reach.to_string(), expected);
        }
    }

    #[test]
    fn r42_the_narrowest_comes_first() {
        let all = Reach::of(Some("shop"), Some("release")).widening();
        let names: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(
            names,
            ["workflow:shop/release", "project:shop", "organization"]
        );
        for (index, wide) in all.iter().enumerate() {
            for (other, narrow) in all.iter().enumerate() {
                assert_eq!(wide.covers(narrow), other <= index, "{wide} {narrow}");
            }
        }
        let cart = Reach::of(Some("cart"), None);
        assert!(!cart.covers(&Reach::of(Some("shop"), Some("release"))));
    }
}
