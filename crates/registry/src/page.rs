//! Pages of lists: limits and cursors (R20). A cursor that was not written here is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::{Error, Result};
use postern_domain::time::Timestamp;

/// Rows of a page unless the request says otherwise.
pub const DEFAULT_LIMIT: u32 = 100;
/// Most rows of a page (R20).
pub const MAX_LIMIT: u32 = 500;

/// The place after a row: its creation time and id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The time of the last row.
    pub at: Timestamp,
    /// The id of the last row.
    pub id: String,
}

/// Which rows of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The most rows.
    pub limit: u32,
    /// Where the page before ended.
    pub after: Option<Cursor>,
}

impl Cursor {
    /// The cursor's text, which callers hand back unread.
    pub fn print(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}:{}", self.at.as_millis(), self.id))
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (at, id) = text.split_once(':')?;
        let at: i64 = at.parse().ok()?;
        let id = postern_domain::id::TokenId::parse(id).ok()?.to_string();
        Some(Self {
            at: Timestamp::from_millis(at),
            id,
        })
    }
}

/// The place after an event of the audit log: its time and sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The time of the last row.
    pub at: Timestamp,
    /// The number of the last row.
    pub sequence: u64,
}

impl Place {
    /// The text of a cursor.
    pub fn print(self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}/{}", self.at.as_millis(), self.sequence))
    }

    /// Reads a cursor.
    ///
    /// # Errors
    /// `Invalid` for a foreign one.
    pub fn read(text: &str) -> Result<Self> {
        let parse = || {
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
            let (at, sequence) = text.split_once('/')?;
            let place = Self {
                at: Timestamp::from_millis(at.parse().ok()?),
                sequence: sequence.parse().ok()?,
            };
            // One way to write it, and a number that survives a double.
            let own = format!("{}/{}", place.at.as_millis(), place.sequence);
            (own == text && place.sequence < 1 << 53).then_some(place)
        };
        parse().ok_or_else(foreign_cursor)
    }
}

fn foreign_cursor() -> Error {
    Error::invalid(
        "cursor_invalid",
        "`cursor` must be the `next_cursor` of an earlier answer, unchanged",
    )
}

/// Reads `limit` as it stands in a query.
///
/// # Errors
/// `Invalid` outside 1 to [`MAX_LIMIT`].
pub fn limit(text: Option<&str>) -> Result<u32> {
    let Some(text) = text else {
        return Ok(DEFAULT_LIMIT);
    };
    text.parse()
        .ok()
        .filter(|limit| (1..=MAX_LIMIT).contains(limit))
        .ok_or_else(|| Error::invalid("limit_invalid", format!("`limit` must be 1 to {MAX_LIMIT}")))
}

impl Page {
    /// Reads `limit` and `cursor` as they stand in a query.
    ///
    /// # Errors
    /// `Invalid` for limits outside 1 to [`MAX_LIMIT`] and for foreign cursors.
    pub fn parse(limit: Option<&str>, cursor: Option<&str>) -> Result<Self> {
        let limit = self::limit(limit)?;
        let after = match cursor {
            None => None,
            Some(text) => Some(Cursor::parse(text).ok_or_else(foreign_cursor)?),
        };
        Ok(Self { limit, after })
    }

    /// Cuts rows, of which one more than the limit was read, to the page, and tells the cursor
    /// of the next page if there is one.
    pub fn cut<T>(
        &self,
        mut rows: Vec<T>,
        place: impl Fn(&T) -> Cursor,
    ) -> (Vec<T>, Option<String>) {
        let limit = self.limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| place(row).print());
        (rows, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip_and_foreign_ones_are_refused() {
        let cursor = Cursor {
            at: Timestamp::from_millis(5),
            id: "00000000-0000-0000-0000-000000000001".to_owned(),
        };
        let page = Page::parse(None, Some(&cursor.print())).expect("our own cursor");
        assert_eq!(page.after, Some(cursor));
        for text in ["", "x", "NTp4", &URL_SAFE_NO_PAD.encode("5;x"), "é"] {
            let error = Page::parse(None, Some(text)).expect_err(text);
            assert_eq!(error.code(), "cursor_invalid", "{text}");
        }
    }

    #[test]
    fn places_round_trip_and_foreign_ones_are_refused() {
        let place = Place {
            at: Timestamp::from_millis(5),
            sequence: 7,
        };
        assert_eq!(Place::read(&place.print()), Ok(place));
        let written = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let of_a_list = written("5:00000000-0000-0000-0000-000000000001");
        for text in [
            "",
            "5/7",
            "é",
            &of_a_list,
            &written("5/-7"),
            &written("-5/7"),
            &written("5/07"),
            &written("5/7 or 1=1"),
            &written("5/9007199254740992"),
            &format!("{}x", place.print()),
        ] {
            let error = Place::read(text).expect_err(text);
            assert_eq!(error.code(), "cursor_invalid", "{text}");
        }
    }

    #[test]
    fn r20_limits_are_bounded() {
        assert_eq!(Page::parse(None, None).map(|page| page.limit), Ok(100));
        assert_eq!(
            Page::parse(Some("500"), None).map(|page| page.limit),
            Ok(500)
        );
        for text in ["0", "501", "-1", "x", ""] {
            let error = Page::parse(Some(text), None).expect_err(text);
            assert_eq!(error.code(), "limit_invalid", "{text}");
        }
    }

    #[test]
    fn a_page_has_a_cursor_only_when_more_follows() {
        let page = Page {
            limit: 2,
            after: None,
        };
        let place = |n: &i64| Cursor {
            at: Timestamp::from_millis(*n),
            id: n.to_string(),
        };
        assert_eq!(page.cut(vec![3, 2], place), (vec![3, 2], None));
        let (rows, next) = page.cut(vec![3, 2, 1], place);
        assert_eq!(rows, [3, 2]);
        assert_eq!(next, Some(place(&2).print()));
    }
}
