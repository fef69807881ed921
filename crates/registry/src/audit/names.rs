//! Names of tokens in the audit log, which has ids and prefixes: who and what a reader means, and what
//! the events that are shown are about (R48).

use std::collections::BTreeMap;

use super::filter::{EventFilter, EventQuery, NamedAs};
use super::view::EventView;
use crate::error::{Error, Result};
use crate::ports::{AuditLog, NamedToken};
use crate::tokens::{IdRange, named_range};
use postern_domain::caller;
use postern_domain::id::OrganizationId;
use postern_domain::token::display_prefix;

/// Most tokens of one name or beginning whose events are listed together.
pub const MAX_NAMED: u32 = 100;

/// Whose log is read, and whether the reader knows of system tokens (R10): to anybody else none has a name,
/// and none is found by one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Log {
    /// Whose.
    pub organization: OrganizationId,
    /// Whether system tokens are tokens to the reader.
    pub with_system: bool,
}

/// The filter that a query means.
///
/// # Errors
/// `NotFound` where no token is called so, `Invalid` where too many are, `Unavailable`.
pub(super) async fn meant<P: AuditLog>(
    query: &EventQuery,
    log: Log,
    ports: &P,
) -> Result<EventFilter> {
    let mut filter = query.filter.clone();
    if let Some(token) = &query.token {
        filter.tokens = match token {
            // Also of a token that was forgotten, which has events all the same.
            NamedAs::Id(range) if range.first == range.last => vec![range.first],
            named => {
                let found = tokens(named, log, ports).await?;
                found.into_iter().map(|token| token.id).collect()
            }
        };
        if filter.tokens.is_empty() {
            return Err(Error::NotFound { what: "token" });
        }
    }
    if let Some(actor) = &query.actor {
        filter.actors = actors(actor, log, ports).await?;
    }
    Ok(filter)
}

/// Words that are a whole actor: nobody's name comes behind them.
const ACTORS: [&str; 6] = [
    caller::ADMINISTRATOR_ACTOR,
    "bootstrap",
    "ci-job",
    "idle-sweep",
    "leak-report",
    "ledger",
];
/// What stands before a name or an id in an actor.
const BEGINNINGS: [&str; 5] = [
    "admin-token:",
    caller::TOKEN_ACTOR,
    "person:",
    "session:",
    "trust-rule:",
];
/// How the dashboard and the command line call an administrator key.
const ADMINISTRATOR_WORDS: &str = "administrator key";

/// How events may name this actor: as it stands there, as people are shown it, or as the token, the
/// administrator key or the person of that name.
async fn actors<P: AuditLog>(actor: &str, log: Log, ports: &P) -> Result<Vec<String>> {
    let is_actor = |text: &str| {
        let begins = BEGINNINGS
            .iter()
            .any(|beginning| text.starts_with(beginning));
        begins || ACTORS.contains(&text)
    };
    let keyed = administrator(actor);
    let whole = keyed.unwrap_or_else(|| actor.to_owned());
    if is_actor(&whole) {
        return Ok(vec![whole]);
    }
    let range = named_range(actor).map(NamedAs::Id);
    let named = range.unwrap_or_else(|| NamedAs::Name(actor.to_owned()));
    let found = tokens(&named, log, ports).await?;
    let tokens = found.iter().map(|token| {
        let prefix = display_prefix(token.format, token.id);
        format!("{}{prefix}", caller::TOKEN_ACTOR)
    });
    // Who is no token is known by what they have done alone.
    let others = [
        format!("{}:{actor}", caller::ADMINISTRATOR_ACTOR),
        format!("person:{actor}"),
        format!("session:{actor}"),
        whole,
    ];
    let others = ports.acted(log.organization, &others).await?;
    let mut all: Vec<String> = tokens.chain(others).collect();
    all.sort();
    all.dedup();
    // A filter without an actor would show everybody's events.
    match all.is_empty() {
        true => Err(Error::NotFound { what: "actor" }),
        false => Ok(all),
    }
}

/// The actor that "administrator key NAME" means.
fn administrator(text: &str) -> Option<String> {
    let words = text.trim();
    let (begin, name) = (
        words.get(..ADMINISTRATOR_WORDS.len())?,
        words.get(ADMINISTRATOR_WORDS.len()..)?,
    );
    if !begin.eq_ignore_ascii_case(ADMINISTRATOR_WORDS) {
        return None;
    }
    match name.trim() {
        "" => Some(caller::ADMINISTRATOR_ACTOR.to_owned()),
        _ if !name.starts_with(' ') => None,
        name => Some(format!("{}:{name}", caller::ADMINISTRATOR_ACTOR)),
    }
}

/// The tokens of this name or beginning.
async fn tokens<P: AuditLog>(
    named: &NamedAs,
    Log {
        organization,
        with_system: system,
    }: Log,
    ports: &P,
) -> Result<Vec<NamedToken>> {
    let limit = MAX_NAMED + 1;
    let found = match named {
        NamedAs::Name(name) => {
            ports
                .tokens_called(organization, name, system, limit)
                .await?
        }
        NamedAs::Id(range) => {
            let found = ports
                .tokens_within(organization, &[*range], system, limit)
                .await?;
            let found = found.into_iter().map(|(_, token)| token);
            found.filter(|token| is_within(*range, token)).collect()
        }
    };
    match found.len() > MAX_NAMED as usize {
        false => Ok(found),
        true => Err(Error::invalid(
            "token_ambiguous",
            format!("more than {MAX_NAMED} tokens are called so: give the id or the prefix of one"),
        )),
    }
}

fn is_within(range: IdRange, token: &NamedToken) -> bool {
    range.format.is_none_or(|format| format == token.format)
}

/// Writes into events the names of the tokens that they are about, with their scope, and of those that made
/// them.
///
/// # Errors
/// `Unavailable`.
pub(super) async fn name<P: AuditLog>(
    events: &mut [EventView],
    Log {
        organization,
        with_system,
    }: Log,
    ports: &P,
) -> Result<()> {
    let mut ranges: Vec<IdRange> = Vec::new();
    for event in events.iter() {
        let actor = event
            .actor
            .strip_prefix(caller::TOKEN_ACTOR)
            .and_then(named_range);
        let token = event.token_id.map(IdRange::one);
        ranges.extend(actor.into_iter().chain(token));
    }
    ranges.sort_by_key(|range| (range.first.as_u128(), range.last.as_u128()));
    ranges.dedup();
    if ranges.is_empty() {
        return Ok(());
    }
    // Two for each range tell that it has more than one.
    let limit = u32::try_from(ranges.len() * 2).unwrap_or(u32::MAX);
    let mut found: BTreeMap<usize, Vec<NamedToken>> = BTreeMap::new();
    for (place, token) in ports
        .tokens_within(organization, &ranges, with_system, limit)
        .await?
    {
        if ranges
            .get(place)
            .is_some_and(|range| is_within(*range, &token))
        {
            found.entry(place).or_default().push(token);
        }
    }
    let only = |wanted: IdRange| {
        let place = ranges.iter().position(|range| *range == wanted)?;
        match found.get(&place)?.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    };
    for event in events {
        if let Some(token) = event.token_id.and_then(|id| only(IdRange::one(id))) {
            event.token_name = Some(token.name.clone());
            event.token_project.clone_from(&token.project);
            event.token_workflow.clone_from(&token.workflow);
        }
        let actor = event
            .actor
            .strip_prefix(caller::TOKEN_ACTOR)
            .and_then(named_range);
        event.actor_name = actor.and_then(only).map(|token| token.name.clone());
    }
    Ok(())
}
