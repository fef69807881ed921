//! The table as Rust source. Nothing is checked here: what arrives has passed the rules.

use core::fmt::Write as _;

use super::file::{Effect, Narrower};
use super::pattern::Segment;
use super::places::{Place, Source};
use super::rules::Entry;

/// The source of `ROUTES`.
pub fn table(entries: &[Entry]) -> String {
    let mut source = String::from("/// The rows of the table.\npub static ROUTES: &[Route] = &[\n");
    for entry in entries {
        // Writing to a text cannot fail.
        let _ = writeln!(source, "{},", route(entry));
    }
    source.push_str("];\n");
    source
}

fn route(entry: &Entry) -> String {
    let effect = match entry.effect {
        Effect::Read => "Effect::Read",
        Effect::Write => "Effect::Write",
    };
    let names_something = entry.project.is_some() || entry.run.is_some();
    let narrow = match entry.narrower {
        _ if names_something => "Narrow::Named",
        Narrower::Allow => "Narrow::Any",
        Narrower::Deny => "Narrow::Denied",
    };
    let query = match &entry.query {
        Some(names) => format!("Some(&{names:?})"),
        None => "None".to_owned(),
    };
    let segments = list(&entry.segments, |segment| match segment {
        Segment::Literal(text) => format!("Segment::Literal({text:?})"),
        Segment::Parameter(name) => format!("Segment::Parameter({name:?})"),
    });
    format!(
        "Route {{ name: {:?}, method: {:?}, segments: {segments}, allow: {:?}, access: \
         Access::Token, policies: &{:?}, effect: {effect}, \
         organization: None, project: {}, workflow: {}, run: {}, narrow: {narrow}, \
         query: {query}, answers: Answers::Content, people: false, stream: {} }}",
        format!("{} {}", entry.method, entry.path),
        entry.method,
        entry.allow,
        entry.policies,
        source(entry.project.as_ref()),
        source(entry.workflow.as_ref()),
        source(entry.run.as_ref()),
        entry.stream,
    )
}

fn source(source: Option<&Source>) -> String {
    let Some(Source { place, optional }) = source else {
        return "None".to_owned();
    };
    let place = match place {
        Place::Path(name) => format!("Place::Path({name:?})"),
        Place::Header(name) => format!("Place::Header({name:?})"),
        Place::Query(name) => format!("Place::Query({name:?})"),
        Place::Pointer(tokens) => format!("Place::Pointer(&{tokens:?})"),
    };
    format!("Some(Source {{ place: {place}, optional: {optional} }})")
}

fn list<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    let items: Vec<String> = items.iter().map(show).collect();
    format!("&[{}]", items.join(", "))
}
