//! The shape of routes.toml. Unknown keys and wrong types are errors; what values mean is not known
//! here.

use serde::Deserialize;
use toml::Spanned;

use super::Mistake;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "route")]
    routes: Vec<Row>,
}

/// A `[[route]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    pub method: String,
    pub path: Spanned<String>,
    pub policies: Vec<String>,
    pub effect: Effect,
    pub project: Option<Place>,
    pub workflow: Option<Place>,
    pub run: Option<Place>,
    #[serde(default)]
    pub narrower: Narrower,
    pub query: Option<Vec<String>>,
    #[serde(default)]
    pub stream: bool,
}

/// Whether the route changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    Read,
    Write,
}

/// What tokens for a project or workflow may do with a route that names nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Narrower {
    #[default]
    Deny,
    Allow,
}

/// Where an identity sits: one of the four.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    pub path: Option<String>,
    pub header: Option<String>,
    pub query: Option<String>,
    pub pointer: Option<String>,
    #[serde(default)]
    pub optional: bool,
}

/// Reads the rows.
pub fn read(text: &str) -> Result<Vec<Row>, Mistake> {
    toml::from_str::<File>(text)
        .map(|file| file.routes)
        .map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let from = text.get(..at).map_or(0, |before| {
                before.rfind('\n').map_or(0, |newline| newline + 1)
            });
            let line = text.get(from..).and_then(|rest| rest.lines().next());
            let what = format!("{}: in `{}`", error.message(), line.unwrap_or_default());
            Mistake { at, what }
        })
}
