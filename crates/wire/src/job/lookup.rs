//! The public API of a forge, asked for the ids of a repository: where, and what its answer says.

use core::fmt;

use postern_domain::trust::{Forge, ForgeId, Identity, Issuer, JobText};

use super::strict::{Bounds, JsonFault, Object, Value, object};

/// Longest answer of a forge, in bytes.
pub const MAX_FORGE_ANSWER: usize = 64 * 1024;
const ANSWER: Bounds = Bounds {
    bytes: MAX_FORGE_ANSWER,
    depth: 8,
    values: 4_096,
};
/// Longest name that is asked for, in bytes, and most parts of one of GitLab's: 20 groups and the project.
const MAX_NAME: usize = 512;
const MAX_PARTS: usize = 21;
const GITHUB_HOST: &str = "token.actions.githubusercontent.com";

/// Why a forge is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupError {
    /// No repository can have this name.
    Name,
    /// Where the issuer's forge has its API, nobody knows.
    NoApi,
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "`repository` must be owner and name, such as `acme/shop`",
            Self::NoApi => {
                "repositories of this issuer cannot be looked up: give a job token of one instead"
            }
        })
    }
}

/// Why an answer says no ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForgeFault {
    /// It is not what it must be.
    Json(JsonFault),
    /// A member is missing, or is no id or name.
    Member(&'static str),
    /// It is about another repository.
    Other,
}

impl fmt::Display for ForgeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(fault) => write!(f, "the answer {fault}"),
            Self::Member(name) => write!(f, "the answer has no `{name}` that can be read"),
            Self::Other => f.write_str("the answer is about another repository"),
        }
    }
}

/// A question to a forge: which ids has the repository of this name?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskForge {
    forge: Forge,
    repository: String,
    url: String,
}

impl AskForge {
    /// The question for a repository of an issuer's forge. What of the name goes into the URL is letters,
    /// digits and `-._`.
    ///
    /// # Errors
    /// [`LookupError`].
    pub fn new(issuer: &Issuer, repository: &str) -> Result<Self, LookupError> {
        let base = api(issuer).ok_or(LookupError::NoApi)?;
        let forge = issuer.forge();
        if !is_name(forge, repository) {
            return Err(LookupError::Name);
        }
        let url = match forge {
            Forge::GitHub => format!("{base}/repos/{repository}"),
            _ => format!("{base}/projects/{}", repository.replace('/', "%2F")),
        };
        Ok(Self {
            forge,
            repository: repository.to_owned(),
            url,
        })
    }

    /// Where the answer is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Reads it: the repository's name as the forge writes it, and what its jobs are known by.
    ///
    /// # Errors
    /// [`ForgeFault`].
    pub fn read(&self, answer: &[u8]) -> Result<(String, Identity), ForgeFault> {
        let answer = object(answer, ANSWER).map_err(ForgeFault::Json)?;
        let (name, identity) = match self.forge {
            Forge::GitHub => (
                text(&answer, "full_name")?,
                Identity::Repository {
                    repository_id: id(&answer, "id", "id")?,
                    repository_owner_id: id(inside(&answer, "owner")?, "id", "owner.id")?,
                },
            ),
            _ => (
                text(&answer, "path_with_namespace")?,
                Identity::Project {
                    project_id: id(&answer, "id", "id")?,
                    namespace_id: id(inside(&answer, "namespace")?, "id", "namespace.id")?,
                },
            ),
        };
        if !name.eq_ignore_ascii_case(&self.repository) {
            return Err(ForgeFault::Other);
        }
        Ok((name, identity))
    }
}

/// The API of an issuer's forge; `None` where it is none that is known.
fn api(issuer: &Issuer) -> Option<String> {
    let url = issuer.url().trim_end_matches('/');
    let (scheme, rest) = url.split_once("://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    match issuer.forge() {
        // With the name of an enterprise behind it, too.
        Forge::GitHub if host == GITHUB_HOST => Some("https://api.github.com".to_owned()),
        // An enterprise under a host of its own.
        Forge::GitHub if host.ends_with(".ghe.com") => {
            let own = host.strip_prefix("token.actions.")?;
            Some(format!("{scheme}://api.{own}"))
        }
        // GitHub Enterprise Server.
        Forge::GitHub if format!("{path}/").starts_with("_services/token/") => {
            Some(format!("{scheme}://{host}/api/v3"))
        }
        Forge::GitLab => Some(format!("{url}/api/v4")),
        Forge::GitHub | Forge::Other => None,
    }
}

/// Whether a repository can have this name: parts of letters, digits and `-._`, two of them at GitHub.
fn is_name(forge: Forge, name: &str) -> bool {
    let parts = name.split('/').count();
    let enough = match forge {
        Forge::GitHub => parts == 2,
        _ => (2..=MAX_PARTS).contains(&parts),
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    let is_part = |part: &str| !["", ".", ".."].contains(&part) && part.bytes().all(plain);
    enough && name.len() <= MAX_NAME && name.split('/').all(is_part)
}

fn text(object: &Object, name: &'static str) -> Result<String, ForgeFault> {
    let text = object
        .text(name)
        .filter(|text| JobText::parse(text).is_ok());
    text.map(str::to_owned).ok_or(ForgeFault::Member(name))
}

fn inside<'o>(object: &'o Object, name: &'static str) -> Result<&'o Object, ForgeFault> {
    match object.get(name) {
        Some(Value::Object(inside)) => Ok(inside),
        _ => Err(ForgeFault::Member(name)),
    }
}

fn id(object: &Object, name: &str, told: &'static str) -> Result<ForgeId, ForgeFault> {
    let id = match object.get(name) {
        Some(Value::Whole(number)) => u64::try_from(*number).ok().and_then(ForgeId::new),
        _ => None,
    };
    id.ok_or(ForgeFault::Member(told))
}
