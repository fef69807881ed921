//! Paths against patterns, segment by segment. Nothing is normalized: what is not written as the
//! pattern has it is another path.

use super::is_name;
use crate::digest::Digest;
use postern_domain::route::{Route, Segment};

/// The parameters of a path, decoded.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(&'static str, String)>);

impl Parameters {
    /// A parameter by its name in the pattern.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// What the table has for a request.
#[derive(Debug, PartialEq, Eq)]
pub enum RouteMatch {
    /// No pattern is this path.
    Nothing,
    /// One is, for these methods.
    OtherMethod {
        /// The methods that there are.
        allow: &'static str,
    },
    /// This route, with the parameters of its path.
    Route(&'static Route, Parameters),
}

/// Looks a request up. `path` as it arrived, percent-encoded.
pub fn find(
    routes: impl IntoIterator<Item = &'static Route>,
    method: &str,
    path: &str,
) -> RouteMatch {
    let mut found = RouteMatch::Nothing;
    for route in routes {
        let Some(parameters) = matches(route.segments, path) else {
            continue;
        };
        if route.method == method {
            return RouteMatch::Route(route, parameters);
        }
        found = RouteMatch::OtherMethod { allow: route.allow };
    }
    found
}

fn matches(pattern: &'static [Segment], path: &str) -> Option<Parameters> {
    let mut parameters = Vec::new();
    let mut segments = path.strip_prefix('/')?.split('/');
    for expected in pattern {
        let segment = segments.next()?;
        match *expected {
            Segment::Literal(text) if text == segment => {}
            Segment::Literal(_) => return None,
            Segment::Parameter(name) => {
                let value = decode(segment, false).filter(|value| is_name(value))?;
                parameters.push((name, value));
            }
            Segment::Digest(name) => {
                let value = decode(segment, false)?;
                Digest::parse(&value)?;
                parameters.push((name, value));
            }
        }
    }
    segments.next().is_none().then_some(Parameters(parameters))
}

/// Decodes percent escapes once (RFC 3986, section 2.1), and `+` to a space where a form would
/// have it. `None` for a broken escape and for bytes that are no UTF-8.
pub fn decode(text: &str, form: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => 16 * digit(rest.next()?)? + digit(rest.next()?)?,
            b'+' if form => b' ',
            _ => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}
