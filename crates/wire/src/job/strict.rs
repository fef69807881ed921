//! JSON of strangers: objects with bounds on size, depth and number of values, in which no name is there
//! twice at any depth, because two readers could each believe another one.

use core::cell::Cell;
use core::fmt;
use std::collections::HashSet;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonFault {
    /// It has too many bytes.
    TooLong,
    /// It is not UTF-8.
    NotUtf8,
    /// It is no JSON, or something follows it.
    NotJson,
    /// It is no object.
    NotAnObject,
    /// A name is there twice in one object.
    Twice,
    /// It is nested too deeply.
    TooDeep,
    /// It has too many values.
    TooMany,
}

impl fmt::Display for JsonFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "is too long",
            Self::NotUtf8 => "is not UTF-8",
            Self::NotJson => "is not JSON",
            Self::NotAnObject => "is no JSON object",
            Self::Twice => "has a name twice in one object",
            Self::TooDeep => "is nested too deeply",
            Self::TooMany => "has too many values",
        })
    }
}

/// How much is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Most bytes.
    pub(super) bytes: usize,
    /// Most levels of objects and lists; the object itself is the first.
    pub(super) depth: usize,
    /// Most values on all levels.
    pub(super) values: usize,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Whole(i64),
    /// Beyond 64 bits, or with a fraction or an exponent.
    Number(f64),
    Text(String),
    List(Vec<Value>),
    Object(Object),
}

/// An object.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Object(Vec<(String, Value)>);

impl Object {
    /// The value of this name; `None` where it is not there, or `null`.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let found = self.0.iter().find(|(own, _)| own == name);
        found
            .map(|(_, value)| value)
            .filter(|value| **value != Value::Null)
    }

    /// Whether the name is there, `null` or not.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| own == name)
    }

    /// The text of this name; `None` where it is not there, or no text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Reads an object.
///
/// # Errors
/// [`JsonFault`].
pub(super) fn object(bytes: &[u8], bounds: Bounds) -> Result<Object, JsonFault> {
    if bytes.len() > bounds.bytes {
        return Err(JsonFault::TooLong);
    }
    let text = core::str::from_utf8(bytes).map_err(|_| JsonFault::NotUtf8)?;
    let fault = Cell::new(None);
    let left = Cell::new(bounds.values);
    let walk = Walk {
        depth: bounds.depth,
        left: &left,
        fault: &fault,
    };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = walk
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    match value {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(JsonFault::NotAnObject),
        Err(_) => Err(fault.get().unwrap_or(JsonFault::NotJson)),
    }
}

/// Reads one value, with what is left of the bounds.
#[derive(Clone, Copy)]
struct Walk<'b> {
    depth: usize,
    left: &'b Cell<usize>,
    fault: &'b Cell<Option<JsonFault>>,
}

impl Walk<'_> {
    fn refuse<E: de::Error>(self, fault: JsonFault) -> E {
        self.fault.set(Some(fault));
        E::custom(fault)
    }

    /// What is inside of a list or an object.
    fn inside<E: de::Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1);
        let depth = depth.ok_or_else(|| self.refuse(JsonFault::TooDeep))?;
        Ok(Self { depth, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.left.get().checked_sub(1);
        let left = left.ok_or_else(|| self.refuse(JsonFault::TooMany))?;
        self.left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Whole(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "too large to be read as anything"
        )]
        let large = number as f64;
        Ok(i64::try_from(number).map_or(Value::Number(large), Value::Whole))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(inside)? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let (mut object, mut names) = (Object::default(), HashSet::new());
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(self.refuse(JsonFault::Twice));
            }
            let value = map.next_value_seed(inside)?;
            object.0.push((name, value));
        }
        Ok(Value::Object(object))
    }
}
