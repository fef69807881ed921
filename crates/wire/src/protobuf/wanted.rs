//! Finds strings, bytes and messages in a message of which everything is here, in messages within
//! it too.

use postern_domain::rpc::Path;

use super::{MAX_FIELDS, MAX_VALUES, ProtobufError, Value, fields};

/// A field that is looked for, by the numbers from the outer message inwards.
#[derive(Debug)]
pub struct Wanted<'m> {
    path: Path,
    /// The values found, in wire order; of a singular field the last one counts, as at the
    /// origin. That holds across several occurrences of the messages around it, which the origin
    /// merges.
    found: Vec<&'m [u8]>,
}

impl<'m> Wanted<'m> {
    /// A field of strings, bytes or messages. An empty path is found nowhere.
    pub fn new(path: Path) -> Self {
        Self {
            path,
            found: Vec::new(),
        }
    }

    /// The last value, empty where absent.
    pub fn last(&self) -> &'m [u8] {
        self.found.last().copied().unwrap_or_default()
    }

    /// Every value, in wire order.
    pub fn all(&self) -> &[&'m [u8]] {
        &self.found
    }

    /// The value, where there is exactly one.
    pub fn only(&self) -> Option<&'m [u8]> {
        match self.found.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }

    /// The value of a singular string, empty where absent.
    ///
    /// # Errors
    /// [`ProtobufError::Utf8`], for any of the values: the origin would refuse the message.
    pub fn text(&self) -> Result<&'m str, ProtobufError> {
        let mut texts = self.found.iter().map(|bytes| core::str::from_utf8(bytes));
        let last = texts.try_fold("", |_, text| text);
        last.map_err(|_| ProtobufError::Utf8)
    }

    fn take(&mut self, value: Value<'m>) -> Result<(), ProtobufError> {
        match value {
            Value::Bytes(_) if self.found.len() >= MAX_VALUES => Err(ProtobufError::Repeated),
            Value::Bytes(bytes) => {
                self.found.push(bytes);
                Ok(())
            }
            _ => Err(ProtobufError::OtherType),
        }
    }
}

/// Finds fields in one pass. The whole message is read, so that a fault behind the last wanted
/// field is found too. Messages are entered as deep as a path leads and no deeper; what lies beside
/// the paths is skipped by its length.
///
/// # Errors
/// The first fault of the message, more than [`MAX_FIELDS`] fields, or a wanted field that is of
/// another type or there too often.
pub fn find<'m>(message: &'m [u8], wanted: &mut [Wanted<'m>]) -> Result<(), ProtobufError> {
    let mut left = MAX_FIELDS;
    walk(message, &[], wanted, &mut left)
}

/// `left` = how many fields may still be walked.
fn walk<'m>(
    message: &'m [u8],
    above: &[u32],
    wanted: &mut [Wanted<'m>],
    left: &mut usize,
) -> Result<(), ProtobufError> {
    for field in fields(message) {
        let (number, value) = field?;
        *left = left.checked_sub(1).ok_or(ProtobufError::Fields)?;
        let mut inside: Option<Path> = None;
        for want in wanted.iter_mut() {
            let path = want.path;
            let Some([first, deeper @ ..]) = path.strip_prefix(above) else {
                continue;
            };
            if *first != number {
                continue;
            }
            if deeper.is_empty() {
                want.take(value)?;
            } else if matches!(value, Value::Bytes(_)) {
                inside = path.get(..=above.len());
            } else {
                return Err(ProtobufError::OtherType);
            }
        }
        if let (Some(above), Value::Bytes(bytes)) = (inside, value) {
            walk(bytes, above, wanted, left)?;
        }
    }
    Ok(())
}
