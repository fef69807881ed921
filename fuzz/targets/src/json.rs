//! A reader of JSON that keeps what others drop: members that are there twice, in their order. It can then be asked what
//! a reader that takes the first, the last, or any case of a name would find.

use core::fmt;

use serde::de::{
    Deserialize, DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor,
};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A text.
    Text(String),
    /// An object, with everything that stands in it.
    Object(Vec<(String, Node)>),
    /// Anything else.
    Other,
}

/// How a reader takes one of several members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taking {
    /// The first one of the name.
    First,
    /// The last one of the name.
    Last,
    /// The first one of the name in any case, blanks around it left out.
    FirstInAnyCase,
    /// The last one of those.
    LastInAnyCase,
    /// The last one whose name is this, up to a NUL.
    LastUpToNul,
}

/// Every way.
pub const WAYS: [Taking; 5] = [
    Taking::First,
    Taking::Last,
    Taking::FirstInAnyCase,
    Taking::LastInAnyCase,
    Taking::LastUpToNul,
];

/// What a second reader finds where another has read JSON. `None` where it has a number that no float holds: who passes
/// such a member over can read on, and this reader does not.
pub fn second<T: DeserializeOwned>(text: &[u8]) -> Option<T> {
    let read = serde_json::from_slice(text);
    read.map_err(|error| {
        let is_beyond = error.to_string().starts_with("number out of range");
        assert!(is_beyond, "{error}");
    })
    .ok()
}

impl Node {
    /// What such a reader finds at a pointer.
    pub fn at(&self, pointer: &[&str], taking: Taking) -> Option<&Self> {
        let Some((name, rest)) = pointer.split_first() else {
            return Some(self);
        };
        let Self::Object(members) = self else {
            return None;
        };
        let folded = |text: &str| text.trim().to_lowercase();
        let wanted = folded(name);
        let is = |key: &str| match taking {
            Taking::First | Taking::Last => key == *name,
            Taking::FirstInAnyCase | Taking::LastInAnyCase => folded(key) == wanted,
            Taking::LastUpToNul => key.split('\0').next() == Some(name),
        };
        let mut found = members.iter().filter(|(key, _)| is(key));
        let (_, value) = match taking {
            Taking::First | Taking::FirstInAnyCase => found.next(),
            Taking::Last | Taking::LastInAnyCase | Taking::LastUpToNul => found.next_back(),
        }?;
        value.at(rest, taking)
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        while list.next_element::<Node>()?.is_some() {}
        Ok(Node::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Node::Object(members))
    }
}
