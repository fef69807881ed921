//! Where `stream` may stand, and what it becomes.

use super::{TABLE, compile, mistakes, route};

#[test]
fn a_body_streams_only_where_the_row_says_so() {
    for (written, streams) in [("", false), ("false", false), ("true", true)] {
        let source = compile("routes.toml", &route(&[("stream", written)])).expect(written);
        assert!(source.contains(&format!("stream: {streams}")), "{source}");
    }
}

#[test]
fn one_route_of_the_shipped_table_streams() {
    let source = compile("routes.toml", TABLE).expect("no mistakes");
    assert_eq!(source.matches("stream: true").count(), 1);
}

#[test]
fn what_has_no_body_or_is_read_does_not_stream() {
    type Row<'a> = (&'a [(&'a str, &'a str)], &'a str);
    let rows: [Row<'_>; 3] = [
        (&[("stream", "\"yes\"")], "expected a boolean"),
        (
            &[
                ("stream", "true"),
                ("method", "\"GET\""),
                ("effect", "\"read\""),
            ],
            "a GET has no body that could stream: remove `stream`",
        ),
        (
            &[
                ("stream", "true"),
                ("workflow", "{ pointer = \"/workflow\" }"),
            ],
            "is read to its end: remove `stream`",
        ),
    ];
    for (row, expected) in rows {
        let told = mistakes(&route(row));
        assert!(told[0].contains(expected), "{told:?}");
    }
}
