//! REST requests against the table of routes: which route a path is, and what the request names,
//! read as the origin will read it. What two readers could read differently is refused; nothing is
//! decided here.

mod json;
mod path;
mod query;

use core::fmt;

pub use json::MAX_DEPTH;
pub(crate) use path::decode;
pub use path::{Parameters, RouteMatch, find};

use super::forwarding::nominated;
use postern_domain::route::{Place, Route, Source};

/// Longest body that is read for an identity in it, in bytes.
pub const MAX_BODY: usize = super::grpc_web::MAX_BODY;

/// Longest name, in bytes.
const MAX_NAME: usize = 255;

/// What a request names, as its route says where; absent is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteNames {
    /// The organization.
    pub organization: Option<String>,
    /// The project.
    pub project: Option<String>,
    /// The workflow.
    pub workflow: Option<String>,
    /// The run.
    pub run: Option<String>,
}

/// Why it cannot be told what a request names. Each sentence says where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestError {
    /// The identity is not where it must be.
    Missing {
        /// What is missing.
        what: &'static str,
        /// Where it belongs.
        place: String,
    },
    /// It is there more than once, or in a spelling that some take for the same.
    Ambiguous {
        /// What is not clear.
        what: &'static str,
        /// Where it belongs.
        place: String,
    },
    /// It is there, and no name.
    NoName {
        /// What is wrong.
        what: &'static str,
        /// Where it is.
        place: String,
    },
    /// A workflow without the project that it would be of.
    WorkflowAlone,
    /// The query has a parameter that the route does not know.
    UnknownParameter(String),
    /// The query has a parameter twice.
    RepeatedParameter(String),
    /// The query is not decodable, or has a `;` where parameters are listed.
    Query,
    /// The query has a key with a control character.
    ControlCharacter,
    /// The query or the body has a name that frameworks take another method from.
    MethodOverride,
    /// The body is not JSON, or nested too deep.
    Body(String),
}

impl RestError {
    /// The stable word for problem documents.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } | Self::WorkflowAlone => "identity_missing",
            Self::Ambiguous { .. } => "identity_ambiguous",
            Self::NoName { .. } => "identity_invalid",
            Self::UnknownParameter(_)
            | Self::RepeatedParameter(_)
            | Self::Query
            | Self::ControlCharacter => "query_invalid",
            Self::MethodOverride => "method_override",
            Self::Body(_) => "body_unreadable",
        }
    }
}

impl fmt::Display for RestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { what, place } => write!(f, "the {what} is missing: give it in {place}"),
            Self::Ambiguous { what, place } => write!(
                f,
                "the {what} must be given once, in {place} and in no other spelling of it"
            ),
            Self::NoName { what, place } => write!(
                f,
                "the {what} in {place} is no name: at most {MAX_NAME} bytes of text, without \
                 control characters and `/\\?#%;`, and not only dots"
            ),
            Self::WorkflowAlone => f.write_str("a workflow without its project names nothing"),
            Self::UnknownParameter(name) => write!(f, "the query has no parameter `{name}`"),
            Self::RepeatedParameter(name) => {
                write!(f, "the parameter `{name}` appears twice")
            }
            Self::Query => f.write_str(
                "the query has an escape that does not decode to text, or a `;` that is not \
                 written as `%3B`",
            ),
            Self::ControlCharacter => {
                f.write_str("the query has a control character in the name of a parameter")
            }
            Self::MethodOverride => f.write_str(
                "`_method` and its like never pass: send the request with the method itself",
            ),
            Self::Body(why) => write!(f, "the body cannot be read: {why}"),
        }
    }
}

/// Where a request's parts come from.
pub struct Parts<'a> {
    /// The parameters of the path.
    pub parameters: &'a Parameters,
    /// The query as it came, without its `?`.
    pub query: &'a str,
    /// A header's value by its name in lower case, several joined by a comma.
    pub header: &'a dyn Fn(&str) -> Option<String>,
    /// The body, where the route reads it; empty else.
    pub body: &'a [u8],
}

/// Reads what a request names.
///
/// # Errors
/// The first thing that is missing, ambiguous or unreadable.
pub fn named(route: &Route, parts: &Parts<'_>) -> Result<RouteNames, RestError> {
    query::guard(parts.query)?;
    if let Some(known) = route.query {
        query::only(parts.query, known)?;
    }
    let wanted = [
        ("organization", route.organization),
        ("project", route.project),
        ("workflow", route.workflow),
        ("run", route.run),
    ];
    let mut found = [None, None, None, None];
    if route.inspects_body() {
        found = json::strings(
            parts.body,
            wanted.map(|(what, source)| (what, pointer(source))),
        )?;
    }
    for ((what, source), slot) in wanted.into_iter().zip(&mut found) {
        let Some(source) = source else { continue };
        let place = || describe(source.place);
        let value = match source.place {
            Place::Path(name) => parts.parameters.get(name).map(str::to_owned),
            Place::Header(name) => {
                header(name, parts.header).map_err(|()| RestError::Ambiguous {
                    what,
                    place: place(),
                })?
            }
            Place::Query(name) => query::value(parts.query, name),
            Place::Pointer(_) => slot.take(),
        };
        *slot = match value {
            Some(value) if is_name(&value) => Some(value),
            Some(_) => {
                return Err(RestError::NoName {
                    what,
                    place: place(),
                });
            }
            None if source.optional => None,
            None => {
                return Err(RestError::Missing {
                    what,
                    place: place(),
                });
            }
        };
    }
    let [organization, project, workflow, run] = found;
    if workflow.is_some() && project.is_none() {
        return Err(RestError::WorkflowAlone);
    }
    Ok(RouteNames {
        organization,
        project,
        workflow,
        run,
    })
}

fn pointer(source: Option<Source>) -> Option<&'static [&'static str]> {
    match source?.place {
        Place::Pointer(tokens) => Some(tokens),
        _ => None,
    }
}

/// A place in words.
fn describe(place: Place) -> String {
    match place {
        Place::Path(name) => format!("the path as `{{{name}}}`"),
        Place::Header(name) => format!("the header `{name}`"),
        Place::Query(name) => format!("the query as `{name}`"),
        Place::Pointer(tokens) => format!("the body at `/{}`", tokens.join("/")),
    }
}

/// A header that must come once: the runtime joins several by a comma, which no name has. Servers
/// that hand headers on as variables take `_` for `-`, so the other spelling must not be there;
/// and what `Connection` nominates would not reach the origin.
fn header(name: &str, value: &dyn Fn(&str) -> Option<String>) -> Result<Option<String>, ()> {
    let twin = name.replace('-', "_");
    if twin != name && value(&twin).is_some() {
        return Err(());
    }
    let connection = value("connection").unwrap_or_default();
    let dropped = nominated(&connection).any(|nominated| nominated == name);
    match value(name) {
        Some(value) if dropped || value.contains(',') => Err(()),
        value => Ok(value),
    }
}

/// Whether a text can stand for a project, workflow or run: nothing in it that a reader of paths
/// could take apart, once more decoded or not.
fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len())
        && !text.bytes().all(|b| b == b'.')
        && !text
            .chars()
            .any(|c| c.is_control() || matches!(c, '/' | '\\' | '?' | '#' | '%' | ';' | '\u{fffd}'))
}

#[cfg(test)]
mod tests;
