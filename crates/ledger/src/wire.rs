//! Requests and answers between the gateway and a Ledger: each side prints and parses with this
//! file. During a deployment the sides may be of two releases, so nothing here changes its meaning.
//!
//! INVARIANT (what is not understood is refused): a message with a command, a part, a member or a
//! word that its reader does not know is refused as a whole, and so are stored facts. A reader that
//! passed over it would do less than was asked, or allow more. docs/STORAGE.md says how a message
//! may change between two releases.

mod claim;
mod reply;

use core::fmt;

use postern_domain::id::{OrganizationId, RunId, TokenId, UpstreamId, WorkflowId};
use postern_domain::name::Label;
use postern_domain::standing::Actor;

use self::claim::{claim, print_claim};
use crate::{AdmitQuery, KeptQuery, UpstreamQuery};

pub use reply::{Reply, Unanswered};

/// The header that names a command's actor: the id of the token that the command is for. A command
/// without it is for no token ([`Actor::NotAToken`]).
pub const ACTOR: &str = "postern-actor";
/// The header that carries the name of the organization by which a call came to the Ledger.
pub const ORGANIZATION_NAME: &str = "organization-name";

/// In place of a part that is not there.
const NONE: &str = "-";
/// Calls are asked for.
const CALLS: &str = "calls";
/// Behind names: they are exact.
const EXACT: &str = ".exact";

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

impl Call {
    /// Whether it is sent with POST. The others are questions, sent with GET.
    pub fn posts(&self) -> bool {
        matches!(self, Self::Conflict(_) | Self::Command(_))
    }

    /// Reads a request. A part too many is one that this release does not know.
    ///
    /// # Errors
    /// Why it is not one.
    pub fn parse(posted: bool, path: &str) -> Result<Self, Misread> {
        let mut parts = path.trim_start_matches('/').split('/');
        let verb = parts.next().unwrap_or_default();
        let call = match (posted, verb) {
            (true, "") => return Err(Misread::Unknown),
            (true, "conflict") => Self::Conflict(id(parts.next(), OrganizationId::parse)?),
            (true, name) => Self::Command(name.to_owned()),
            (false, "use" | "look") => Self::Admit(AdmitQuery {
                counts: verb == "use",
                token: id(parts.next(), TokenId::parse)?,
                facts: word(parts.next(), "facts", "state")?,
                run: maybe(parts.next(), RunId::parse)?,
                claim: claim(parts.next())?,
                pin: word(parts.next(), "pin", NONE)?,
                shown: maybe(parts.next(), WorkflowId::parse)?,
                upstream: match parts.next() {
                    None | Some(NONE) => None,
                    Some(text) => Some(upstream(text)?),
                },
                revision: maybe(parts.next(), str::parse)?.unwrap_or_default(),
                calls: word(parts.next(), CALLS, NONE)?,
            }),
            (false, "name") => Self::Confirm,
            (false, "describe") => Self::Describe(id(parts.next(), TokenId::parse)?),
            (false, "events") => Self::Kept(KeptQuery {
                after: id(parts.next(), str::parse)?,
                up_to: id(parts.next(), str::parse)?,
            }),
            (false, "ping") => Self::Ping,
            (false, _) => return Err(Misread::Unknown),
        };
        match parts.next() {
            None => Ok(call),
            Some(_) => Err(Misread::Malformed),
        }
    }
}

fn id<T, E>(part: Option<&str>, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, Misread> {
    part.and_then(|text| parse(text).ok())
        .ok_or(Misread::Malformed)
}

/// A part that need not be there.
fn maybe<T, E>(
    part: Option<&str>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, Misread> {
    match part {
        None | Some(NONE) => Ok(None),
        part => id(part, parse).map(Some),
    }
}

/// Whether a part is one word; it can only be another one, or not be there.
fn word(part: Option<&str>, yes: &str, no: &str) -> Result<bool, Misread> {
    match part {
        Some(word) if word == yes => Ok(true),
        Some(word) if word != no => Err(Misread::Malformed),
        _ => Ok(false),
    }
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

/// `use/{token}`, then as much of `/facts/{run}/{claim}/pin/{workflow}/{upstream}/{revision}/calls` as is
/// asked for, with `state` and `-` for what is not.
fn admit(query: &AdmitQuery, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let verb = if query.counts { "use" } else { "look" };
    write!(f, "{verb}/{}", query.token)?;
    let upstream = query.upstream.as_ref();
    let terms = query.revision > 0 || query.calls;
    let last = upstream.is_some() || terms;
    let more = query.claim.is_some() || query.pin || last;
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
        (false, _) if last => f.write_str("/-/-")?,
        (false, _) => {}
        (true, None) if last => f.write_str("/pin/-")?,
        (true, None) => f.write_str("/pin")?,
        (true, Some(workflow)) => write!(f, "/pin/{workflow}")?,
    }
    match upstream {
        Some(upstream) => print_upstream(upstream, f)?,
        None if terms => f.write_str("/-")?,
        None => {}
    }
    if terms {
        write!(f, "/{}", query.revision)?;
    }
    match query.calls {
        true => write!(f, "/{CALLS}"),
        false => Ok(()),
    }
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
    let name = |part: Option<&str>| match part {
        Some(NONE) => Ok(None),
        part => id(part, Label::parse).map(Some),
    };
    let names = text.strip_suffix(EXACT);
    let mut parts = names.unwrap_or(text).split('.');
    let query = UpstreamQuery {
        is_exact: names.is_some(),
        project: name(parts.next())?,
        workflow: name(parts.next())?,
        began: match parts.next() {
            Some(NONE) => None,
            part => Some(id(part, UpstreamId::parse)?),
        },
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

#[cfg(test)]
mod messages;
#[cfg(test)]
mod tests;
