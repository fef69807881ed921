//! Members of a JSON body by RFC 6901 pointers. A body that two readers could read differently on a
//! pointer's way is refused: a key twice, or once more in another case or with a control character
//! or space at its end, as some readers take any case and some end a text at NUL. The way leads
//! through objects only: what one element of a list names, the request as a whole does not.

use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{RestError, describe};
use crate::forwarding::is_method_override;
use postern_domain::route::Place;

/// Deepest nesting of a body that is read.
pub const MAX_DEPTH: usize = 64;

/// What is looked for: in words, and where.
type Wanted = (&'static str, Option<&'static [&'static str]>);

/// The texts at the pointers; `None` where there is no pointer or nothing at it.
///
/// # Errors
/// `Body`, `Ambiguous`, or `NoName` for something else than a string.
pub fn strings<const N: usize>(
    body: &[u8],
    wanted: [Wanted; N],
) -> Result<[Option<String>; N], RestError> {
    let mut state = State {
        wanted,
        found: [const { None }; N],
        fault: None,
    };
    let mut reader = serde_json::Deserializer::from_slice(body);
    let ways = wanted
        .iter()
        .enumerate()
        .filter_map(|(slot, (_, tokens))| tokens.map(|rest| Way { slot, rest }))
        .collect();
    let walk = Walk {
        state: &mut state,
        ways,
        depth: 0,
    };
    let read = walk.deserialize(&mut reader).and_then(|()| reader.end());
    match (state.fault, read) {
        (Some(fault), _) => Err(fault),
        (None, Err(error)) => Err(RestError::Body(error.to_string())),
        (None, Ok(())) => Ok(state.found),
    }
}

struct State<const N: usize> {
    wanted: [Wanted; N],
    found: [Option<String>; N],
    /// Why reading was given up, where it was not the JSON.
    fault: Option<RestError>,
}

/// A pointer, as far as it has not been followed yet.
struct Way {
    slot: usize,
    rest: &'static [&'static str],
}

/// Reads one value.
struct Walk<'s, const N: usize> {
    state: &'s mut State<N>,
    /// The pointers that lead to this value or through it.
    ways: Vec<Way>,
    depth: usize,
}

impl<const N: usize> Walk<'_, N> {
    /// Gives up for a reason of our own.
    fn fail<E: serde::de::Error>(
        &mut self,
        slot: usize,
        fault: fn(&'static str, String) -> RestError,
    ) -> E {
        if let Some((what, Some(tokens))) = self.state.wanted.get(slot).copied() {
            self.state.fault = Some(fault(what, describe(Place::Pointer(tokens))));
        }
        E::custom("refused")
    }

    /// A value that is neither text nor object: where a pointer ends here, there is no name.
    fn other<E: serde::de::Error>(mut self) -> Result<(), E> {
        match self.ways.iter().find(|way| way.rest.is_empty()) {
            Some(&Way { slot, .. }) => {
                Err(self.fail(slot, |what, place| RestError::NoName { what, place }))
            }
            None => Ok(()),
        }
    }

    fn deeper<E: serde::de::Error>(&self) -> Result<usize, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format_args!(
                "nested deeper than {MAX_DEPTH} levels"
            )));
        }
        Ok(self.depth + 1)
    }
}

impl<'de, const N: usize> DeserializeSeed<'de> for Walk<'_, N> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Walk<'_, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.other()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.other()
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        self.other()
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.other()
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.other()
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        for way in self.ways.iter().filter(|way| way.rest.is_empty()) {
            if let Some(slot) = self.state.found.get_mut(way.slot) {
                *slot = Some(text.to_owned());
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let depth = self.deeper()?;
        loop {
            let element = Walk {
                state: &mut *self.state,
                ways: Vec::new(),
                depth,
            };
            if list.next_element_seed(element)?.is_none() {
                return self.other();
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let depth = self.deeper()?;
        // Which of the first tokens have been met.
        let mut met: Vec<String> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if self.depth == 0 && is_method_override(&key) {
                self.state.fault = Some(RestError::MethodOverride);
                return Err(serde::de::Error::custom("refused"));
            }
            let first = |way: &Way| way.rest.first().copied();
            let odd = key.chars().any(char::is_control);
            let like = self
                .ways
                .iter()
                .find(|way| odd || first(way).is_some_and(|token| same(token.trim(), key.trim())));
            if let Some(&Way { slot, .. }) = like {
                let exact = self.ways.iter().any(|way| first(way) == Some(&*key));
                if !exact || met.contains(&key) {
                    return Err(self.fail(slot, |what, place| RestError::Ambiguous { what, place }));
                }
            }
            let ways = self.ways.iter().filter_map(|way| {
                let (token, rest) = way.rest.split_first()?;
                (*token == key).then_some(Way {
                    slot: way.slot,
                    rest,
                })
            });
            let value = Walk {
                ways: ways.collect(),
                state: &mut *self.state,
                depth,
            };
            map.next_value_seed(value)?;
            if like.is_some() {
                met.push(key);
            }
        }
        self.other()
    }
}

/// Whether two names are one to a reader that does not mind case.
fn same(one: &str, other: &str) -> bool {
    fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
        text.chars()
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase)
    }
    folded(one).eq(folded(other))
}
