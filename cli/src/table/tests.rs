//! Tables at several widths, with wide characters, colours and cut names.

use super::*;
use serde_json::json;
use unicode_width::UnicodeWidthStr;

const COLUMNS: [Column; 3] = [
    Column::new("name", 0, 6, |row, _| member(row, "name").into()),
    Column::new("created_at", 2, 0, |row, look| {
        look.moment(row, "created_at").into()
    }),
    Column::new("status", 1, 0, |row, look| {
        match member(row, "status").as_str() {
            "" => look.absent("none", Tone::Quiet),
            text => Cell::new(text, Tone::Good),
        }
    }),
];

fn look(width: Option<usize>, form: Form) -> Look {
    let now = DateTime::parse_from_rfc3339("2026-11-29T12:00:00Z").unwrap();
    let screen = Screen {
        width,
        ..Screen::NONE
    };
    Look {
        form,
        now: now.with_timezone(&Utc),
        screen,
    }
}

fn rows() -> [Value; 2] {
    [
        json!({ "name": "shop-release-2026", "created_at": "2026-11-29T09:00:00Z", "status": "ok" }),
        json!({ "name": "\u{6771}\u{4eac}", "created_at": "2026-12-01T12:00:00Z" }),
    ]
}

#[test]
fn without_a_terminal_a_table_is_whole() {
    let drawn = draw(&COLUMNS, &rows(), &look(None, Form::Whole), false);
    let expected = "\
NAME               CREATED AT               STATUS
shop-release-2026  2026-11-29 09:00:00 UTC  ok
\u{6771}\u{4eac}               2026-12-01 12:00:00 UTC  none
";
    assert_eq!(drawn.text, expected);
    assert!(drawn.left_out.is_empty());
}

#[test]
fn a_terminal_gets_what_it_has_room_for() {
    for (width, expected, left_out) in [
        (
            40,
            "NAME               CREATED AT  STATUS\n\
             shop-release-2026  3 h ago     ok\n\
             \u{6771}\u{4eac}               in 2 days   none\n",
            &[][..],
        ),
        (
            30,
            "NAME        CREATED AT  STATUS\n\
             shop-rele…  3 h ago     ok\n\
             \u{6771}\u{4eac}        in 2 days   none\n",
            &[],
        ),
        (
            16,
            "NAME      STATUS\n\
             shop-re…  ok\n\
             \u{6771}\u{4eac}      none\n",
            &["created_at"],
        ),
    ] {
        let drawn = draw(&COLUMNS, &rows(), &look(Some(width), Form::Near), false);
        assert_eq!(drawn.text, expected, "{width}");
        assert_eq!(drawn.left_out, left_out);
        let widest = drawn.text.lines().map(UnicodeWidthStr::width).max();
        assert!(widest <= Some(width), "{widest:?}");
    }
}

#[test]
fn colours_change_no_width() {
    let mut look = look(Some(40), Form::Near);
    let plain = draw(&COLUMNS, &rows(), &look, false).text;
    look.screen.colour = true;
    let coloured = draw(&COLUMNS, &rows(), &look, false).text;
    assert_ne!(coloured, plain);
    let mut stripped = coloured;
    for code in ["\x1b[1m", "\x1b[32m", "\x1b[2m", "\x1b[0m"] {
        stripped = stripped.replace(code, "");
    }
    assert_eq!(stripped, plain);
}

#[test]
fn texts_are_cut_at_what_a_terminal_draws() {
    for (text, width, expected) in [
        ("release", 7, "release"),
        ("release", 6, "relea…"),
        ("\u{6771}\u{4eac}x", 4, "\u{6771}…"),
        ("e\u{301}te\u{301}", 2, "e\u{301}…"),
    ] {
        assert_eq!(cut(text, width), expected, "{text} {width}");
    }
}
