//! Requests and answers between the gateway and a Ledger: each side prints and parses with this
//! file. During a deployment the sides may be of two versions, so nothing here changes its meaning.

mod claim;

use core::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use postern_domain::id::{OrganizationId, RunId, TokenId, UpstreamId, WorkflowId};
use postern_domain::name::Label;
use postern_domain::standing::{Actor, Inactive};

use self::claim::{claim, print_claim};
use crate::done::Stop;
use crate::{Admission, AdmitQuery, KeptQuery, UpstreamQuery};

/// The header that names a command's actor: the id of the token that the command is for. A command
/// without it is for no token ([`Actor::NotAToken`]).
pub const ACTOR: &str = "postern-actor";
/// The header that carries the name of the organization by which a call came to the Ledger.
pub const ORGANIZATION_NAME: &str = "organization-name";

/// Behind names: they are exact.
const EXACT: &str = ".exact";

/// The answer is the usual one, and has no body.
const USUAL: u16 = 204;
/// The answer is in the body.
const ANSWERED: u16 = 200;
/// The actor is not active; the body says why.
const INACTIVE: u16 = 401;
/// The name that the call came by is another organization's.
const MISDIRECTED: u16 = 421;
/// The Ledger is being rebuilt. To an earlier release a failure like any other.
const REBUILDING: u16 = 503;

/// A request to an object of the class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Whether a token lives.
    Admit(AdmitQuery),
    /// Whether the name that this came by is the organization's.
    Confirm,
    /// The facts of a token in whatever state.
    Describe(TokenId),
    /// Copies of events.
    Kept(KeptQuery),
    /// Whether objects can be reached, and how many Ledgers D1 refuses. Asked of one that belongs to
    /// no organization.
    Ping,
    /// Tells the object that is asked [`Call::Ping`] that D1 refuses this organization's Ledger.
    Conflict(OrganizationId),
    /// A message of this name, as JSON in the body.
    Command(String),
}

/// Why a request is not a call of the Ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misread {
    /// There is nothing of this name.
    Unknown,
    /// Its parts cannot be read.
    Malformed,
}

impl Misread {
    /// The status that says so.
    pub fn status(self) -> u16 {
        match self {
            Self::Unknown => 404,
            Self::Malformed => 400,
        }
    }
}

impl Call {
    /// Whether it is sent with POST. The others are questions, sent with GET.
    pub fn posts(&self) -> bool {
        matches!(self, Self::Conflict(_) | Self::Command(_))
    }

    /// Reads a request.
    ///
    /// # Errors
    /// Why it is not one.
    pub fn parse(posted: bool, path: &str) -> Result<Self, Misread> {
        let mut parts = path.trim_start_matches('/').split('/');
        let verb = parts.next().unwrap_or_default();
        if posted {
            return match verb {
                "" => Err(Misread::Unknown),
                "conflict" => id(parts.next(), OrganizationId::parse).map(Self::Conflict),
                name => Ok(Self::Command(name.to_owned())),
            };
        }
        match verb {
            "use" | "look" => Ok(Self::Admit(AdmitQuery {
                token: id(parts.next(), TokenId::parse)?,
                facts: parts.next() == Some("facts"),
                run: parts.next().and_then(|id| RunId::parse(id).ok()),
                claim: claim(parts.next())?,
                pin: parts.next() == Some("pin"),
                shown: parts.next().and_then(|id| WorkflowId::parse(id).ok()),
                upstream: parts.next().map(upstream).transpose()?,
                counts: verb == "use",
            })),
            "name" => Ok(Self::Confirm),
            "describe" => id(parts.next(), TokenId::parse).map(Self::Describe),
            "events" => {
                let mut number = || {
                    let text = parts.next().ok_or(Misread::Malformed)?;
                    text.parse().map_err(|_| Misread::Malformed)
                };
                Ok(Self::Kept(KeptQuery {
                    after: number()?,
                    up_to: number()?,
                }))
            }
            "ping" => Ok(Self::Ping),
            _ => Err(Misread::Unknown),
        }
    }
}

fn id<T, E>(part: Option<&str>, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, Misread> {
    part.and_then(|text| parse(text).ok())
        .ok_or(Misread::Malformed)
}

/// The path, without the slash that it begins with.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admit(query) => admit(query, f),
            Self::Confirm => f.write_str("name"),
            Self::Describe(token) => write!(f, "describe/{token}"),
            Self::Kept(KeptQuery { after, up_to }) => write!(f, "events/{after}/{up_to}"),
            Self::Ping => f.write_str("ping"),
            Self::Conflict(organization) => write!(f, "conflict/{organization}"),
            Self::Command(name) => f.write_str(name),
        }
    }
}

/// `use/{token}`, then as much of `/facts/{run}/{claim}/pin/{workflow}/{upstream}` as is asked for,
/// with `state` and `-` for what is not.
fn admit(query: &AdmitQuery, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let verb = if query.counts { "use" } else { "look" };
    write!(f, "{verb}/{}", query.token)?;
    let upstream = query.upstream.as_ref();
    let more = query.claim.is_some() || query.pin || upstream.is_some();
    if query.facts || query.run.is_some() || more {
        f.write_str(if query.facts { "/facts" } else { "/state" })?;
    }
    match query.run {
        Some(run) => write!(f, "/{run}")?,
        None if more => f.write_str("/-")?,
        None => {}
    }
    if more {
        match &query.claim {
            Some(claim) => print_claim(claim, f)?,
            None => f.write_str("/-")?,
        }
    }
    match (query.pin, query.shown) {
        (false, _) if upstream.is_some() => f.write_str("/-/-")?,
        (false, _) => {}
        (true, None) if upstream.is_some() => f.write_str("/pin/-")?,
        (true, None) => f.write_str("/pin")?,
        (true, Some(workflow)) => write!(f, "/pin/{workflow}")?,
    }
    upstream.map_or(Ok(()), |upstream| print_upstream(upstream, f))
}

/// `/{project}.{workflow}.{id}`, and `.exact` if so; `-` for what there is not: no label is called so.
fn print_upstream(query: &UpstreamQuery, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let name = |label: &Option<Label>| label.as_ref().map_or("-", Label::as_str).to_owned();
    let began = query.began.map_or("-".to_owned(), |id| id.to_string());
    let (project, workflow) = (name(&query.project), name(&query.workflow));
    let exact = if query.is_exact { EXACT } else { "" };
    write!(f, "/{project}.{workflow}.{began}{exact}")
}

fn upstream(text: &str) -> Result<UpstreamQuery, Misread> {
    fn maybe<T, E>(
        part: Option<&str>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Misread> {
        match part {
            Some("-") => Ok(None),
            part => id(part, parse).map(Some),
        }
    }
    let names = text.strip_suffix(EXACT);
    let mut parts = names.unwrap_or(text).split('.');
    let query = UpstreamQuery {
        is_exact: names.is_some(),
        project: maybe(parts.next(), Label::parse)?,
        workflow: maybe(parts.next(), Label::parse)?,
        began: maybe(parts.next(), UpstreamId::parse)?,
    };
    match parts.next() {
        None => Ok(query),
        Some(_) => Err(Misread::Malformed),
    }
}

/// The value of [`ACTOR`]; no header where there is none.
pub fn print_actor(actor: Actor) -> Option<String> {
    actor.token().map(|token| token.to_string())
}

/// Reads the value of [`ACTOR`].
///
/// # Errors
/// When it is not a token's id: such a command is for nobody, and not for no token.
pub fn parse_actor(header: Option<&str>) -> Result<Actor, Misread> {
    match header {
        None => Ok(Actor::NotAToken),
        Some(_) => id(header, TokenId::parse).map(Actor::Token),
    }
}

/// An answer, before it is the platform's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// JSON; empty where the status says all.
    pub body: String,
}

/// Why a reply is not the expected answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// The actor is not active.
    Inactive(Inactive),
    /// The name that the call came by is another organization's.
    Misdirected,
    /// The Ledger is being rebuilt.
    Rebuilding,
    /// Anything else: a failure, which is never a yes.
    Failed(String),
}

impl Reply {
    /// The usual answer.
    pub fn usual() -> Self {
        Self {
            status: USUAL,
            body: String::new(),
        }
    }

    /// An answer in the body.
    ///
    /// # Errors
    /// When it does not serialize.
    pub fn answer(answer: &impl Serialize) -> serde_json::Result<Self> {
        Ok(Self {
            status: ANSWERED,
            body: serde_json::to_string(answer)?,
        })
    }

    /// The answer to [`Call::Admit`]: that a token lives, and nothing else, has no body.
    ///
    /// # Errors
    /// When it does not serialize.
    pub fn admission(admission: &Admission) -> serde_json::Result<Self> {
        match *admission == Admission::LIVE {
            true => Ok(Self::usual()),
            false => Self::answer(admission),
        }
    }

    /// The answer to [`Call::Confirm`]: whether the name is known to be the organization's, or nothing
    /// was written yet. The status says it.
    pub fn confirmation(known: bool) -> Self {
        match known {
            true => Self {
                status: ANSWERED,
                body: "known".to_owned(),
            },
            false => Self::usual(),
        }
    }

    /// The answer to a call that was not carried out. A failure of the database has no answer.
    ///
    /// # Errors
    /// What failed.
    pub fn stop(stop: &Stop) -> Result<Self, String> {
        match stop {
            Stop::Inactive(why) => Ok(Self {
                status: INACTIVE,
                body: serde_json::to_string(why).map_err(|error| error.to_string())?,
            }),
            Stop::Misdirected => Ok(Self {
                status: MISDIRECTED,
                body: String::new(),
            }),
            Stop::Rebuilding => Ok(Self {
                status: REBUILDING,
                body: String::new(),
            }),
            Stop::Failed(error) => Err(error.to_string()),
        }
    }

    /// Reads the answer to a command or a question.
    ///
    /// # Errors
    /// See [`Unanswered`].
    pub fn read<A: DeserializeOwned>(&self) -> Result<A, Unanswered> {
        match self.status {
            ANSWERED => self.json(),
            _ => Err(self.unanswered()),
        }
    }

    /// Reads the answer to a call whose usual answer has no body; `None` is that.
    ///
    /// # Errors
    /// See [`Unanswered`].
    pub fn read_unless_usual<A: DeserializeOwned>(&self) -> Result<Option<A>, Unanswered> {
        match self.status {
            USUAL => Ok(None),
            _ => self.read().map(Some),
        }
    }

    /// Reads the answer to [`Call::Confirm`].
    ///
    /// # Errors
    /// See [`Unanswered`].
    pub fn read_confirmation(&self) -> Result<bool, Unanswered> {
        match self.status {
            ANSWERED => Ok(true),
            USUAL => Ok(false),
            _ => Err(self.unanswered()),
        }
    }

    fn unanswered(&self) -> Unanswered {
        match self.status {
            INACTIVE => self
                .json()
                .map_or_else(|failed| failed, Unanswered::Inactive),
            MISDIRECTED => Unanswered::Misdirected,
            REBUILDING => Unanswered::Rebuilding,
            status => Unanswered::Failed(format!("status {status}")),
        }
    }

    fn json<A: DeserializeOwned>(&self) -> Result<A, Unanswered> {
        serde_json::from_str(&self.body).map_err(|error| Unanswered::Failed(error.to_string()))
    }
}

#[cfg(test)]
mod tests;
