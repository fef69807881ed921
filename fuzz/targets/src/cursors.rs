//! Cursors of lists, which callers hand back.

use postern_wire::cursor::{Cursor, EventCursor};

/// A cursor that is read is one that could have been written, and is written so again.
pub fn cursors(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(cursor) = Cursor::parse(&text) {
        assert_eq!(
            Cursor::parse(&cursor.print()),
            Some(cursor.clone()),
            "{text}"
        );
        assert_eq!(cursor.id.len(), 36);
    }
    if let Some(cursor) = EventCursor::parse(&text) {
        assert_eq!(cursor.print(), text, "two texts of one cursor");
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    [
        "5:00000000-0000-0000-0000-000000000001",
        "-5:00000000-0000-0000-0000-000000000001",
        "1900000000000/7",
        "0/9007199254740991",
        "+5/7",
        "5/07",
        ":",
    ]
    .map(|text| URL_SAFE_NO_PAD.encode(text).into_bytes())
    .to_vec()
}
