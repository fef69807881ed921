//! Where routes have their identities. A place is in every request, reaches the origin as it came,
//! and belongs to one identity.

use super::file::Place as Written;
use super::pattern::Segment;
use postern_wire::forwarding::{is_kept_away, is_method_override};

/// Headers that carry something else already.
const TAKEN: [&str; 11] = [
    "accept",
    "authorization",
    "content-encoding",
    "content-length",
    "content-type",
    "grpc-timeout",
    "host",
    "origin",
    "traceparent",
    "tracestate",
    "user-agent",
];

/// Where an identity is read.
pub struct Source {
    pub place: Place,
    pub optional: bool,
}

/// One of the places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Path(String),
    /// In lower case.
    Header(String),
    Query(String),
    /// The pointer's reference tokens, unescaped.
    Pointer(Vec<String>),
}

/// Names that no reader of queries takes apart, or for another method.
pub fn is_query_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    !name.is_empty() && name.bytes().all(plain) && !is_method_override(name)
}

/// Why another one is refused.
pub fn query_name(name: &str) -> String {
    match is_method_override(name) {
        true => format!("the query parameter `{name}` stands for another method: remove it"),
        false => format!("the query parameter `{name}` must be letters, digits and `-._~`"),
    }
}

/// What the place of an identity is checked against.
pub struct Context<'r> {
    pub what: &'r str,
    pub method: &'r str,
    /// `None` for a pattern that has mistakes of its own.
    pub segments: Option<&'r Vec<Segment>>,
    pub query: Option<&'r [String]>,
}

impl Context<'_> {
    /// Reads the place; `None` with a mistake told.
    pub fn source(&self, written: Written, mistakes: &mut Vec<String>) -> Option<Source> {
        let what = self.what;
        let optional = written.optional;
        let place = match (written.path, written.header, written.query, written.pointer) {
            (Some(name), None, None, None) => self.path(name),
            (None, Some(name), None, None) => self.header(&name),
            (None, None, Some(name), None) => self.query(name),
            (None, None, None, Some(text)) => self.pointer(&text),
            _ => Err(format!(
                "`{what}` must have exactly one of `path`, `header`, `query` and `pointer`"
            )),
        };
        let movable = matches!(place, Ok(Place::Header(_) | Place::Query(_)) | Err(_));
        if optional && (what == "run" || !movable) {
            mistakes.push(format!(
                "`{what}` cannot be optional: only a project or workflow in a header or query can"
            ));
        }
        match place {
            Ok(place) => Some(Source {
                place,
                optional: optional && movable,
            }),
            Err(mistake) => {
                mistakes.push(mistake);
                None
            }
        }
    }

    fn path(&self, name: String) -> Result<Place, String> {
        let parameter = Segment::Parameter(name.clone());
        if self.segments.is_none_or(|all| all.contains(&parameter)) {
            Ok(Place::Path(name))
        } else {
            Err(format!(
                "`{}` is read from `{{{name}}}`, which is not in the path: add it or name another",
                self.what
            ))
        }
    }

    fn header(&self, name: &str) -> Result<Place, String> {
        let name = name.to_ascii_lowercase();
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(format!(
                "`{}`: the header `{name}` must be letters, digits and `-`",
                self.what
            ));
        }
        if is_kept_away(&name) {
            return Err(format!(
                "`{}`: the header `{name}` does not reach the origin (crates/wire/src/forwarding.rs has \
                 the rules): name another",
                self.what
            ));
        }
        if TAKEN.contains(&name.as_str()) {
            return Err(format!(
                "`{}`: the header `{name}` has another meaning: name another",
                self.what
            ));
        }
        Ok(Place::Header(name))
    }

    fn query(&self, name: String) -> Result<Place, String> {
        if !is_query_name(&name) {
            return Err(query_name(&name));
        }
        match self.query {
            None => Err(format!(
                "`{}` is read from the query, so the route must list all parameters that may \
                 occur: add `query = [\"{name}\"]`, with the others that your origin reads",
                self.what
            )),
            Some(known) if !known.contains(&name) => Err(format!(
                "`{}` is read from the parameter `{name}`, which `query` does not have: add it",
                self.what
            )),
            Some(_) => Ok(Place::Query(name)),
        }
    }

    /// RFC 6901.
    fn pointer(&self, text: &str) -> Result<Place, String> {
        let what = self.what;
        if matches!(self.method, "GET" | "DELETE") {
            return Err(format!(
                "`{what}` is read from the body, and a {} has none: name a path parameter, a \
                 header or a query parameter",
                self.method
            ));
        }
        let Some(rest) = text.strip_prefix('/') else {
            return Err(format!(
                "`{what}`: the pointer `{text}` must begin with `/` (RFC 6901)"
            ));
        };
        let escaped = |token: &str| {
            let mut pieces = token.split('~').skip(1);
            pieces.all(|piece| piece.starts_with(['0', '1']))
        };
        if !rest.split('/').all(escaped) {
            return Err(format!(
                "`{what}`: in the pointer `{text}`, `~` must be `~0` and `/` in a name `~1` \
                 (RFC 6901)"
            ));
        }
        let token = |token: &str| token.replace("~1", "/").replace("~0", "~");
        Ok(Place::Pointer(rest.split('/').map(token).collect()))
    }
}

/// The identities of a row beside each other.
pub fn together(named: [bool; 3], sources: [&Option<Source>; 3], mistakes: &mut Vec<String>) {
    let [project, workflow, _] = named;
    if workflow && !project {
        mistakes.push(
            "a `workflow` without a `project` names nothing: say where the project is".to_owned(),
        );
    }
    if let [Some(project), Some(workflow), _] = sources
        && project.optional
        && !workflow.optional
    {
        mistakes.push(
            "`project` is optional and `workflow` is not: a workflow without a project names \
             nothing"
                .to_owned(),
        );
    }
    let words = ["project", "workflow", "run"];
    let given: Vec<_> = words.iter().zip(sources).collect();
    for (at, (word, one)) in given.iter().enumerate() {
        for (other_word, other) in given.iter().skip(at + 1) {
            if let (Some(one), Some(other)) = (one, other)
                && collide(&one.place, &other.place)
            {
                mistakes.push(format!(
                    "`{word}` and `{other_word}` are read from the same place: give each its own"
                ));
            }
        }
    }
}

/// Whether two places are one, or one lies within the other.
fn collide(one: &Place, other: &Place) -> bool {
    match (one, other) {
        (Place::Pointer(one), Place::Pointer(other)) => {
            one.iter().zip(other).all(|(one, other)| one == other)
        }
        (Place::Query(one), Place::Query(other)) => one.eq_ignore_ascii_case(other),
        _ => one == other,
    }
}
