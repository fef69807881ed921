//! REST routes of the origin, as data: which requests, which policies, and where they name what
//! they are about. A request without a row is not served.

mod builtin;

use super::rpc::{Access, Effect, Narrow};

pub use builtin::{ARTIFACT_DOWNLOAD, BUILT_IN, OF_PEOPLE};

/// A route.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// Method and pattern as they are written in the table; the name in logs.
    pub name: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    /// The path, segment by segment.
    pub segments: &'static [Segment],
    /// The methods of all routes of this pattern, as `Allow` lists them.
    pub allow: &'static str,
    /// Who can use it at all.
    pub access: Access,
    /// The policies that the token must hold, all of them. None = its scope alone decides.
    pub policies: &'static [&'static str],
    /// Whether it changes anything.
    pub effect: Effect,
    /// Where the organization is named, by its name; it must be the token's own.
    pub organization: Option<Source>,
    /// Where the project is named.
    pub project: Option<Source>,
    /// Never without a project.
    pub workflow: Option<Source>,
    /// Where the run is named.
    pub run: Option<Source>,
    /// What tokens for a project or workflow may do with it.
    pub narrow: Narrow,
    /// The only query parameters that may occur, each at most once; `None` = any, as they come.
    pub query: Option<&'static [&'static str]>,
    /// What the origin answers here; any other answer is refused.
    pub answers: Answers,
    /// Whether a user token of the control plane means anything here (R44).
    pub people: bool,
    /// Whether its body is streamed to the origin before it is complete, which weakens R40; the
    /// operator chose it.
    pub stream: bool,
}

/// What the origin may answer on a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answers {
    /// Anything but a redirect.
    Content,
    /// JSON, or nothing.
    Json,
    /// Anything, a redirect too.
    Elsewhere,
    /// Anything, a redirect and the cookies of signing in too (R45).
    SignIn,
    /// The same, at the end of signing in: the person's token is in the address of the redirect.
    SignedIn,
}

impl Answers {
    /// Whether it is about signing in.
    pub fn signs_in(self) -> bool {
        matches!(self, Self::SignIn | Self::SignedIn)
    }
}

/// A segment of a path pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Segment {
    /// Compared byte by byte.
    Literal(&'static str),
    /// Any text that is safe as a name; decoded once.
    Parameter(&'static str),
    /// The digest of an artifact: `sha256:` and 64 digits of lower case hex.
    Digest(&'static str),
}

/// Where an identity is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source {
    /// The place.
    pub place: Place,
    /// Whether a request may leave it out. It then names nothing, which is wider.
    pub optional: bool,
}

/// The one place of an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// A parameter of the path.
    Path(&'static str),
    /// A header, by its name in lower case.
    Header(&'static str),
    /// A query parameter.
    Query(&'static str),
    /// A member of the JSON body: the reference tokens of an RFC 6901 pointer, unescaped.
    Pointer(&'static [&'static str]),
}

impl Route {
    /// Whether the body must be read to know what the request names.
    pub fn inspects_body(&self) -> bool {
        [self.project, self.workflow, self.run]
            .into_iter()
            .flatten()
            .any(|source| matches!(source.place, Place::Pointer(_)))
    }

    /// Whether an identity is read from this header.
    pub fn reads_header(&self, name: &str) -> bool {
        [self.organization, self.project, self.workflow, self.run]
            .into_iter()
            .flatten()
            .any(|source| matches!(source.place, Place::Header(own) if own == name))
    }
}
