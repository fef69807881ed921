//! A project that a message refers to: a message within it, with an id or a name. The origin takes
//! several occurrences as one message.

use super::IdentityError;
use super::named::Project;
use crate::protobuf::{Add, Keep, Kind, MAX_FIELDS, Pause, ProtobufError, Search, Sought};
use crate::protobuf::{Span, Window};

/// What the parts of a reference say. Their faults are told once the message around them was read
/// to its end, since a fault of that message comes first.
#[derive(Debug)]
pub(super) struct Reference<K: Keep> {
    id: Option<K::Text>,
    name: Option<K::Text>,
    fault: Option<ProtobufError>,
    /// How many fields were walked in the parts.
    spent: usize,
    part: Option<Search<K, 2>>,
}

impl<K: Keep> Reference<K> {
    pub fn new() -> Self {
        Self {
            id: None,
            name: None,
            fault: None,
            spent: 0,
            part: None,
        }
    }

    /// A further part is here. Behind a fault none is read.
    pub fn enter(&mut self, part: Span) {
        if self.fault.is_none() {
            let sought = [1, 2].map(|number| Sought::new(number, Kind::Text));
            self.part = Some(Search::new(part, sought, self.spent));
        }
    }

    /// Reads on in the part that was entered; where the window ends first, gives the place of the
    /// byte that it needs.
    pub fn run<'w>(&mut self, window: Window<'w>) -> Option<usize>
    where
        K: Add<'w>,
    {
        let part = self.part.as_mut()?;
        let ended = match part.run(window) {
            Ok(Pause::More(from)) => return Some(from),
            // Nothing in it is entered.
            Ok(Pause::Enter(_) | Pause::End) => Ok(()),
            Err(fault) => Err(fault),
        };
        let part = self.part.take()?;
        self.spent = part.spent;
        self.fault = ended.and_then(|()| self.merge(part.sought)).err();
        None
    }

    fn merge(&mut self, [id, name]: [Sought<K::Text>; 2]) -> Result<(), ProtobufError> {
        if id.is_present() {
            self.id = Some(id.text()?);
        }
        if name.is_present() {
            self.name = Some(name.text()?);
        }
        Ok(())
    }

    /// What the parts say together, where `around` fields were walked around them. The limit of
    /// fields holds for both, and whatever came first is told.
    pub fn finish(self, around: usize) -> Result<Project<K::Text>, IdentityError> {
        if around.saturating_add(self.spent) > MAX_FIELDS {
            return Err(ProtobufError::Fields.into());
        }
        if let Some(fault) = self.fault {
            return Err(fault.into());
        }
        match (self.id, self.name) {
            (Some(_), Some(_)) => Err(IdentityError::Both("id and name of the project")),
            (Some(id), None) => Ok(Project::Id(id)),
            (None, Some(name)) => Ok(Project::Name(name)),
            (None, None) => Ok(Project::Open),
        }
    }
}
