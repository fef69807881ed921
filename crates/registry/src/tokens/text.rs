//! What a person types or pastes to find a token (R48): words, a token's id, or the beginning of one.

use crate::error::{Error, Result};
use postern_domain::beginning::{ids_of_base62, ids_of_text};
use postern_domain::id::TokenId;
use postern_domain::token::{Format, OPAQUE_PREFIX};

/// Longest text of a query, in characters.
pub const MAX_QUERY: usize = 200;
/// Longest text of a body, in characters: that of the longest credential.
pub const MAX_TEXT: usize = 8_192;
/// Most words that are looked for.
pub const MAX_WORDS: usize = 16;
/// Fewest characters of an id that stand for a token.
const MIN_BEGINNING: usize = 4;
/// What prefixes of JWTs begin with, as lists show them.
const JWT_PREFIX: &str = "jwt_";

/// What is searched for; a token must fit all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// Beginnings of words, in lower case of ASCII, each once.
    pub words: Vec<String>,
    /// Where its id lies.
    pub ids: Vec<IdRange>,
    /// The same text as words alone, for names that look like ids; empty where it has no id.
    pub as_words: Vec<String>,
}

/// Ids from one to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdRange {
    /// The first.
    pub first: TokenId,
    /// The last.
    pub last: TokenId,
    /// What the token's prefix says besides.
    pub format: Option<Format>,
}

/// How a list was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FoundBy {
    /// By words.
    Words,
    /// By a whole id.
    Id,
    /// By the beginning of one.
    Prefix,
    /// By a secret.
    Secret,
}

impl IdRange {
    /// One id.
    pub fn one(id: TokenId) -> Self {
        Self {
            first: id,
            last: id,
            format: None,
        }
    }

    /// Whether it is a whole id, and not the beginning of a visible part that happens to be whole.
    fn is_id(&self) -> bool {
        self.first == self.last && self.format.is_none()
    }
}

impl Search {
    /// The token of this id.
    pub fn one(id: TokenId) -> Self {
        Self {
            words: Vec::new(),
            ids: vec![IdRange::one(id)],
            as_words: Vec::new(),
        }
    }

    /// What it finds where no token has the ids.
    pub fn instead(&self) -> Option<Self> {
        (!self.as_words.is_empty()).then(|| Self {
            words: self.as_words.clone(),
            ..Self::default()
        })
    }

    /// Whether it is a whole id, and nothing else.
    pub fn names_one(&self) -> bool {
        self.words.is_empty() && matches!(self.ids[..], [range] if range.is_id())
    }

    /// How it finds.
    pub fn found_by(&self) -> FoundBy {
        match self.ids.first() {
            None => FoundBy::Words,
            Some(range) if range.is_id() => FoundBy::Id,
            Some(_) => FoundBy::Prefix,
        }
    }

    /// Reads what has no secret in it.
    ///
    /// # Errors
    /// `Invalid` where nothing could fit.
    pub fn parse(text: &str, field: &str) -> Result<Self> {
        let wrong = |detail: String| Error::invalid("search_invalid", detail);
        let mut search = Self::default();
        for term in text.split_ascii_whitespace() {
            let found = range(bare(term));
            match found.or_else(|| range_within(term).map(Ok)) {
                Some(Ok(range)) => search.ids.push(range),
                Some(Err(TooShort)) => {
                    return Err(wrong(format!(
                        "the prefix of a token has at least {MIN_BEGINNING} characters behind \
                         `{OPAQUE_PREFIX}` or `{JWT_PREFIX}`"
                    )));
                }
                None => search.words.extend(words(term)),
            }
        }
        search.words.sort();
        search.words.dedup();
        if !search.ids.is_empty() {
            search.as_words = words(text).collect();
            search.as_words.sort();
            search.as_words.dedup();
            search.as_words.truncate(MAX_WORDS);
        }
        if search == Self::default() {
            return Err(wrong(format!("`{field}` must have a letter or a digit")));
        }
        if search.words.len() + search.ids.len() > MAX_WORDS {
            return Err(wrong(format!(
                "`{field}` can have at most {MAX_WORDS} words"
            )));
        }
        Ok(search)
    }
}

/// The words of a text, as those of a token are told apart: at every character of ASCII that is no
/// letter or digit.
fn words(text: &str) -> impl Iterator<Item = String> {
    let ends = |letter: char| letter.is_ascii() && !letter.is_ascii_alphanumeric();
    let words = text.split(ends).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase)
}

/// A beginning that too many tokens could have.
struct TooShort;

/// A term without what a sentence, a quotation or JSON puts around it.
fn bare(term: &str) -> &str {
    let around = |c: char| !c.is_alphanumeric();
    let term = term.trim_start_matches(around);
    // The visible part of a key may end so.
    term.trim_end_matches(|c: char| c != '_' && around(c))
}

/// An id, or the beginning of one, within a term, as logs have it: `org-token:pst_0ur4e3zI`.
fn range_within(term: &str) -> Option<IdRange> {
    let beginnings = [OPAQUE_PREFIX, JWT_PREFIX].into_iter();
    let mut places = beginnings.flat_map(|beginning| term.match_indices(beginning));
    let prefix = places.find_map(|(place, _)| {
        let before = term.get(..place)?.chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            return None;
        }
        let run = term.get(place..)?;
        let outside = |c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-';
        let run = run.split(outside).next()?;
        range(run).and_then(core::result::Result::ok)
    });
    let no_id = |c: char| !c.is_ascii_hexdigit() && c != '-';
    let mut pieces = term.split(no_id).map(|piece| piece.trim_matches('-'));
    prefix.or_else(|| pieces.find_map(whole))
}

/// A whole id, with hyphens or without.
fn whole(text: &str) -> Option<IdRange> {
    let with_hyphens = match text.len() {
        32 => {
            let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
            let ends = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
            ends.map(|(from, to)| part(from, to)).join("-")
        }
        _ => text.to_owned(),
    };
    TokenId::parse(&with_hyphens).ok().map(IdRange::one)
}

/// The ids that a text stands for which is one id, or the beginning of one; `None` for any other text.
pub fn named_range(text: &str) -> Option<IdRange> {
    range(text).and_then(core::result::Result::ok)
}

/// The ids that a term stands for; `None` where it is no id, nor the beginning of one.
fn range(term: &str) -> Option<core::result::Result<IdRange, TooShort>> {
    // As people cut them.
    let term = term.trim_end_matches(['.', '\u{2026}', '*']);
    if let Ok(id) = TokenId::parse(term) {
        return Some(Ok(IdRange::one(id)));
    }
    let (rest, format) = match (
        term.strip_prefix(OPAQUE_PREFIX),
        term.strip_prefix(JWT_PREFIX),
    ) {
        (Some(rest), _) => (rest, Format::Opaque),
        (_, Some(rest)) => (rest, Format::Jwt),
        _ => return None,
    };
    let found = match format {
        // The end of the id part may be there too.
        Format::Opaque => ids_of_base62(rest.strip_suffix('_').unwrap_or(rest)),
        Format::Jwt => ids_of_text(&rest.to_ascii_lowercase()),
    };
    let (first, last) = found?;
    if rest.len() < MIN_BEGINNING {
        return Some(Err(TooShort));
    }
    Some(Ok(IdRange {
        first,
        last,
        format: Some(format),
    }))
}

#[cfg(test)]
mod tests;
