//! Pages of lists: limits and cursors (R20).

pub use postern_wire::cursor::{Cursor, EventCursor};

use super::error::{Error, Result};

/// Rows of a page unless the request says otherwise.
pub const DEFAULT_LIMIT: u32 = 100;
/// Most rows of a page (R20).
pub const MAX_LIMIT: u32 = 500;

/// Which rows of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The most rows.
    pub limit: u32,
    /// Where the page before ended.
    pub after: Option<Cursor>,
}

/// Reads the cursor of a page of the audit log, as it stands in a query.
///
/// # Errors
/// `Invalid` for a foreign one.
pub fn event_cursor(text: &str) -> Result<EventCursor> {
    EventCursor::parse(text).ok_or_else(foreign_cursor)
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
    use postern_domain::time::Timestamp;

    #[test]
    fn foreign_cursors_are_refused() {
        let page = Page::parse(None, Some("x")).expect_err("no cursor");
        let event = event_cursor("x").expect_err("no cursor");
        assert_eq!(
            (page.code(), event.code()),
            ("cursor_invalid", "cursor_invalid")
        );
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
