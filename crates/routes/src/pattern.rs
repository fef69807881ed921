//! Path patterns. They are compared byte by byte, and never match the gateway's own paths.

/// First segments that are the gateway's own.
const RESERVED: [&str; 17] = [
    ".well-known",
    "auth",
    "cas",
    "discover",
    "download",
    "explain",
    "healthz",
    "infoz",
    "leaks",
    "oauth",
    "openapi.json",
    "openapi.yaml",
    "org",
    "orgs",
    "prom",
    "readyz",
    "statusz",
];

/// Beginnings of first segments that are the gateway's own.
const RESERVED_BEGINNINGS: [&str; 2] = ["controlplane.v1.", "dashboard"];

/// Longest pattern, in bytes, and most segments of one.
const MAX_PATH: usize = 512;
const MAX_SEGMENTS: usize = 32;

/// A segment of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    Literal(String),
    Parameter(String),
}

/// Reads a path pattern.
pub fn read(path: &str, mistakes: &mut Vec<String>) -> Vec<Segment> {
    let Some(rest) = path.strip_prefix('/') else {
        mistakes.push("`path` must begin with `/`".to_owned());
        return Vec::new();
    };
    if path.len() > MAX_PATH || rest.split('/').count() > MAX_SEGMENTS {
        mistakes.push(format!(
            "`path` must have at most {MAX_PATH} bytes and {MAX_SEGMENTS} segments"
        ));
    }
    let mut segments = Vec::new();
    for text in rest.split('/') {
        match segment(text) {
            Err(mistake) => mistakes.push(mistake),
            Ok(segment)
                if matches!(segment, Segment::Parameter(_)) && segments.contains(&segment) =>
            {
                mistakes.push(format!("the parameter `{text}` occurs twice: rename one"));
            }
            Ok(segment) => segments.push(segment),
        }
    }
    match segments.first() {
        Some(Segment::Parameter(_)) => mistakes.push(
            "`path` must begin with a literal segment: a parameter there would take the gateway's own \
             routes"
                .to_owned(),
        ),
        Some(Segment::Literal(first)) if is_reserved(first) => mistakes.push(format!(
            "`/{first}` is the gateway's own: begin with another segment"
        )),
        _ => {}
    }
    segments
}

fn is_reserved(first: &str) -> bool {
    // In any case: who reads `/Org/` takes it for ours.
    let first = first.to_ascii_lowercase();
    RESERVED.contains(&first.as_str())
        || RESERVED_BEGINNINGS
            .iter()
            .any(|beginning| first.starts_with(beginning))
}

fn segment(text: &str) -> Result<Segment, String> {
    // RFC 3986, `pchar` without escapes, and without `;`, which some servers cut segments at.
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(&b);
    if text.is_empty() {
        return Err("`path` has an empty segment: remove the doubled or trailing `/`".to_owned());
    }
    if text == "." || text == ".." || text.to_ascii_lowercase().contains("%2e") {
        return Err(format!("`{text}` is a way to other paths: remove it"));
    }
    if text.contains(['{', '}']) {
        let name = text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        return match name {
            Some(name) if is_parameter(name) => Ok(Segment::Parameter(name.to_owned())),
            _ => Err(format!(
                "`{text}` must be a whole segment `{{name}}`, the name of lower case letters, \
                 digits and `_`"
            )),
        };
    }
    if text.bytes().all(plain) {
        Ok(Segment::Literal(text.to_owned()))
    } else {
        Err(format!(
            "`{text}` is compared byte by byte: write letters, digits and `-._~!$&'()*+,=:@`, \
             neither escapes nor a query"
        ))
    }
}

fn is_parameter(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    name.bytes().all(inner) && name.starts_with(|c: char| c.is_ascii_lowercase())
}
