//! What a table of routes must hold to. Nothing can be read in two ways: a request has at most one
//! route, and an identity exactly one place.

use super::Mistake;
use super::file::{Effect, Narrower, Place as Written, Row};
use super::pattern::{self, Segment};
use super::places::{Context, Place, Source, is_query_name, query_name, together};
use postern_domain::policy_text::is_policy;

/// The methods that a route can have. HEAD and OPTIONS are not among them: the gateway answers them.
const METHODS: [&str; 5] = ["DELETE", "GET", "PATCH", "POST", "PUT"];

/// A row that holds to every rule.
pub struct Entry {
    pub method: &'static str,
    pub path: String,
    pub segments: Vec<Segment>,
    /// The methods of all rows of this shape.
    pub allow: String,
    pub policies: Vec<String>,
    pub effect: Effect,
    pub project: Option<Source>,
    pub workflow: Option<Source>,
    pub run: Option<Source>,
    pub narrower: Narrower,
    pub query: Option<Vec<String>>,
    pub stream: bool,
}

/// Checks all rows.
pub fn check(rows: Vec<Row>) -> Result<Vec<Entry>, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let mut entries: Vec<(usize, Entry)> = Vec::new();
    for row in rows {
        let at = row.path.span().start;
        let name = format!("{} {}", row.method, row.path.get_ref());
        let mut found = Vec::new();
        let entry = entry(row, &mut found);
        if let Some(entry) = &entry {
            let other = entries.iter().find(|(_, other)| overlap(other, entry));
            if let Some((_, other)) = other {
                found.push(format!(
                    "a request could be meant for this route or for `{} {}`: keep one of them, \
                     or tell them apart by a literal segment",
                    other.method, other.path
                ));
            }
        }
        let tell = |what| Mistake {
            at,
            what: format!("route `{name}`: {what}"),
        };
        mistakes.extend(found.into_iter().map(tell));
        entries.extend(entry.map(|entry| (at, entry)));
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let mut entries: Vec<Entry> = entries.into_iter().map(|(_, entry)| entry).collect();
    let methods: Vec<String> = entries
        .iter()
        .map(|entry| methods(entry, &entries))
        .collect();
    for (entry, allow) in entries.iter_mut().zip(methods) {
        entry.allow = allow;
    }
    Ok(entries)
}

fn overlap(one: &Entry, other: &Entry) -> bool {
    one.method == other.method
        && one.segments.len() == other.segments.len()
        && one.segments.iter().zip(&other.segments).all(|pair| {
            !matches!(pair, (Segment::Literal(one), Segment::Literal(other)) if one != other)
        })
}

/// The methods of all rows whose patterns are the same but for the names of parameters.
fn methods(entry: &Entry, entries: &[Entry]) -> String {
    let same = |other: &&Entry| {
        other.segments.len() == entry.segments.len()
            && other.segments.iter().zip(&entry.segments).all(|pair| {
                matches!(pair, (Segment::Parameter(_), Segment::Parameter(_))) || pair.0 == pair.1
            })
    };
    let mut methods: Vec<&str> = entries.iter().filter(same).map(|row| row.method).collect();
    methods.sort_unstable();
    methods.join(", ")
}

fn entry(row: Row, mistakes: &mut Vec<String>) -> Option<Entry> {
    let before = mistakes.len();
    let method = METHODS.into_iter().find(|known| *known == row.method);
    if method.is_none() {
        mistakes.push(format!(
            "`method` must be one of {}, in upper case",
            METHODS.join(", ")
        ));
    }
    let method = method.unwrap_or_default();
    if method == "GET" && row.effect == Effect::Write {
        mistakes.push("a GET is a `read`: a route that writes needs another method".to_owned());
    }
    let path = row.path.into_inner();
    let whole = mistakes.len();
    let segments = pattern::read(&path, mistakes);
    let whole = mistakes.len() == whole;
    policies(&row.policies, mistakes);
    if let Some(names) = &row.query {
        query(names, mistakes);
    }
    let mut source = |what: &str, written: Option<Written>| {
        let context = Context {
            what,
            method,
            segments: whole.then_some(&segments),
            query: row.query.as_deref(),
        };
        written.and_then(|written| context.source(written, mistakes))
    };
    let named = [
        row.project.is_some(),
        row.workflow.is_some(),
        row.run.is_some(),
    ];
    let project = source("project", row.project);
    let workflow = source("workflow", row.workflow);
    let run = source("run", row.run);
    together(named, [&project, &workflow, &run], mistakes);
    if row.narrower == Narrower::Allow && named.contains(&true) {
        mistakes.push(
            "`narrower` is for routes that name nothing; this one says where the scope of a token \
             is met: remove it"
                .to_owned(),
        );
    }
    if row.stream {
        stream(method, [&project, &workflow, &run], mistakes);
    }
    (mistakes.len() == before).then_some(Entry {
        method,
        path,
        segments,
        allow: String::new(),
        policies: row.policies,
        effect: row.effect,
        project,
        workflow,
        run,
        narrower: row.narrower,
        query: row.query,
        stream: row.stream,
    })
}

fn stream(method: &str, sources: [&Option<Source>; 3], mistakes: &mut Vec<String>) {
    if method == "GET" {
        mistakes.push("a GET has no body that could stream: remove `stream`".to_owned());
    }
    let in_body = |source: &Source| matches!(source.place, Place::Pointer(_));
    if sources.into_iter().flatten().any(in_body) {
        mistakes.push(
            "a body that says what the request is about is read to its end: remove `stream`"
                .to_owned(),
        );
    }
}

fn policies(policies: &[String], mistakes: &mut Vec<String>) {
    for (at, policy) in policies.iter().enumerate() {
        if !is_policy(policy) {
            mistakes.push(format!(
                "the policy `{policy}` must be `resource:action`, in lower case letters and `_`"
            ));
        }
        if policy.ends_with(":*") {
            mistakes.push(format!(
                "the policy `{policy}` must name one action: `*` is for what tokens hold"
            ));
        }
        if policies.iter().take(at).any(|other| other == policy) {
            mistakes.push(format!("the policy `{policy}` is there twice: remove one"));
        }
    }
}

fn query(names: &[String], mistakes: &mut Vec<String>) {
    for (at, name) in names.iter().enumerate() {
        if !is_query_name(name) {
            mistakes.push(query_name(name));
        }
        if names.iter().take(at).any(|other| other == name) {
            mistakes.push(format!("`query` has `{name}` twice: remove one"));
        }
    }
}
