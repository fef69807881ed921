//! Cursors of lists as text: where a page ends. A text that was not written here is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use postern_domain::id::TokenId;
use postern_domain::time::Timestamp;

/// The place after a row of a list: its creation time and id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The time of the last row.
    pub at: Timestamp,
    /// The id of the last row.
    pub id: String,
}

impl Cursor {
    /// The cursor's text, which callers hand back unread.
    pub fn print(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}:{}", self.at.as_millis(), self.id))
    }

    /// The cursor of a text; `None` for a foreign one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = decode(text)?;
        let (at, id) = text.split_once(':')?;
        Some(Self {
            at: Timestamp::from_millis(at.parse().ok()?),
            id: TokenId::parse(id).ok()?.to_string(),
        })
    }
}

/// The place after an event of the audit log: its time and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventCursor {
    /// The time of the last row.
    pub at: Timestamp,
    /// The number of the last row.
    pub sequence: u64,
}

impl EventCursor {
    /// The cursor's text.
    pub fn print(self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}/{}", self.at.as_millis(), self.sequence))
    }

    /// The cursor of a text; `None` for a foreign one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = decode(text)?;
        let (at, sequence) = text.split_once('/')?;
        let cursor = Self {
            at: Timestamp::from_millis(at.parse().ok()?),
            sequence: sequence.parse().ok()?,
        };
        // One way to write it, and a number that survives a double.
        let own = format!("{}/{}", cursor.at.as_millis(), cursor.sequence);
        (own == text && cursor.sequence < 1 << 53).then_some(cursor)
    }
}

fn decode(text: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        URL_SAFE_NO_PAD.encode(text)
    }

    #[test]
    fn cursors_round_trip_and_foreign_ones_are_refused() {
        let cursor = Cursor {
            at: Timestamp::from_millis(5),
            id: "00000000-0000-0000-0000-000000000001".to_owned(),
        };
        assert_eq!(Cursor::parse(&cursor.print()), Some(cursor));
        for text in ["", "x", "NTp4", &written("5;x"), "é"] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
    }

    #[test]
    fn cursors_of_events_round_trip_and_foreign_ones_are_refused() {
        let cursor = EventCursor {
            at: Timestamp::from_millis(5),
            sequence: 7,
        };
        assert_eq!(EventCursor::parse(&cursor.print()), Some(cursor));
        for text in [
            "",
            "5/7",
            "é",
            &written("5:00000000-0000-0000-0000-000000000001"),
            &written("5/-7"),
            &written("-5/7"),
            &written("5/07"),
            &written("5/7 or 1=1"),
            &written("5/9007199254740992"),
            &format!("{}x", cursor.print()),
        ] {
            assert_eq!(EventCursor::parse(text), None, "{text}");
        }
    }
}
