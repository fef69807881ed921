//! JSON bodies as rows: what pointers find, and what each trick is refused as.

use super::*;

#[test]
fn bodies_are_followed_by_pointers() {
    for body in [
        r#"{"workflow":{"project":"shop","name":"release"}}"#,
        r#" {"a":[1,{"project":"x","project":"y"}],"workflow":{"x":null,"name":"release","project":"shop"},"z":{"workflow":1,"workflow":2}} "#,
        r#"{"w\u006frkflow":{"pr\u006fject":"sh\u006fp","name":"release"}}"#,
        r#"{"workflow":{"project":"shop","name":"release","n":-1.5e3,"b":true}}"#,
    ] {
        let named = read("body", "", &[], body).expect(body);
        assert_eq!(named.project.as_deref(), Some("shop"), "{body}");
        assert_eq!(named.workflow.as_deref(), Some("release"), "{body}");
    }
}

/// The refusal's kind and what it is about.
fn kind(error: &RestError) -> (&'static str, &'static str) {
    match error {
        RestError::Missing { what, .. } => ("missing", what),
        RestError::Ambiguous { what, .. } => ("ambiguous", what),
        RestError::NoName { what, .. } => ("no name", what),
        RestError::Body(_) => ("body", ""),
        _ => ("other", ""),
    }
}

#[test]
fn bodies_that_two_readers_could_read_differently_are_refused() {
    for (body, expected) in [
        ("", ("body", "")),
        ("{", ("body", "")),
        ("\u{feff}{}", ("body", "")),
        (
            r#"{"workflow":{"project":"shop","name":"release"}} {}"#,
            ("body", ""),
        ),
        (
            r#"{"workflow":{"project":"shop","name":"release",}}"#,
            ("body", ""),
        ),
        (
            r#"{"workflow":{"project":"\ud800","name":"release"}}"#,
            ("body", ""),
        ),
        ("{}", ("missing", "project")),
        ("[]", ("missing", "project")),
        ("\"shop\"", ("missing", "project")),
        (
            r#"[{"workflow":{"project":"shop","name":"release"}}]"#,
            ("missing", "project"),
        ),
        (
            r#"{"workflow":[{"project":"shop","name":"release"}]}"#,
            ("missing", "project"),
        ),
        (r#"{"workflow":"shop"}"#, ("missing", "project")),
        (
            r#"{"workflow":{"project":"shop"}}"#,
            ("missing", "workflow"),
        ),
        (r#"{"workflow/project":"shop"}"#, ("missing", "project")),
        (
            r#"{"workflow":{"project":1,"name":"release"}}"#,
            ("no name", "project"),
        ),
        (
            r#"{"workflow":{"project":null,"name":"release"}}"#,
            ("no name", "project"),
        ),
        (
            r#"{"workflow":{"project":["shop"],"name":"release"}}"#,
            ("no name", "project"),
        ),
        (
            r#"{"workflow":{"project":"shop","name":{"x":"release"}}}"#,
            ("no name", "workflow"),
        ),
        (
            r#"{"workflow":{"project":"","name":"release"}}"#,
            ("no name", "project"),
        ),
        (
            r#"{"workflow":{"project":"a\u0000","name":"release"}}"#,
            ("no name", "project"),
        ),
        (
            r#"{"workflow":{"project":"shop","project":"shop","name":"r"}}"#,
            ("ambiguous", "project"),
        ),
        (
            r#"{"workflow":{"name":"r","project":"shop","name":"s"}}"#,
            ("ambiguous", "workflow"),
        ),
        (
            r#"{"workflow":{"project":"shop","pr\u006fject":"other","name":"r"}}"#,
            ("ambiguous", "project"),
        ),
        (
            r#"{"workflow":{"project":"shop","Project":"other","name":"r"}}"#,
            ("ambiguous", "project"),
        ),
        (
            r#"{"workflow":{"project":"shop","name":"r"},"workflow":{}}"#,
            ("ambiguous", "project"),
        ),
        (
            r#"{"WORKFLOW":1,"workflow":{"project":"shop","name":"r"}}"#,
            ("ambiguous", "project"),
        ),
        // C strings end at NUL, and some readers cut white space off.
        (
            r#"{"workflow":{"project":"shop","project\u0000":"other","name":"r"}}"#,
            ("ambiguous", "project"),
        ),
        (
            r#"{"workflow":{"project\u0000x":"other","project":"shop","name":"r"}}"#,
            ("ambiguous", "project"),
        ),
        (
            r#"{"workflow\u0000":{},"workflow":{"project":"shop","name":"r"}}"#,
            ("ambiguous", "project"),
        ),
        (
            r#"{"workflow":{"project":"shop"," Project ":"other","name":"r"}}"#,
            ("ambiguous", "project"),
        ),
        (
            r#"{"workflow":{"project":"shop","\u001bproject":"other","name":"r"}}"#,
            ("ambiguous", "project"),
        ),
        // A Kelvin sign is a `k` to readers that fold case as Unicode has it.
        (
            "{\"workflow\":{\"project\":\"shop\",\"name\":\"r\"},\"wor\u{212a}flow\":1}",
            ("ambiguous", "project"),
        ),
    ] {
        let error = read("body", "", &[], body).expect_err(body);
        assert_eq!(kind(&error), expected, "{body}: {error}");
    }
    assert!(
        named(
            &ROUTES[3],
            &Parts {
                parameters: &Parameters::default(),
                query: "",
                header: &|_| None,
                body: b"{\"x\":\"\xff\",\"workflow\":{\"project\":\"shop\",\"name\":\"release\"}}",
            }
        )
        .is_err_and(|error| matches!(error, RestError::Body(_)))
    );
}

#[test]
fn another_method_never_passes_in_a_body() {
    for name in ["_method", "_METHOD", "X-HTTP-Method-Override"] {
        let body =
            format!(r#"{{"workflow":{{"project":"shop","name":"release"}},"{name}":"DELETE"}}"#);
        let error = read("body", "", &[], &body).expect_err(name);
        assert_eq!(error, RestError::MethodOverride, "{name}");
        assert_eq!(error.code(), "method_override");
        // Deeper it is data.
        let deep = r#"{"workflow":{"project":"shop","name":"release"},"x":{"_method":1}}"#;
        assert!(read("body", "", &[], deep).is_ok());
    }
}

#[test]
fn depth_is_bounded_where_no_pointer_leads_too() {
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!(r#"{{"x":{open}{close},"workflow":{{"project":"shop","name":"release"}}}}"#)
    };
    assert!(read("body", "", &[], &nested(MAX_DEPTH - 1)).is_ok());
    let error = read("body", "", &[], &nested(MAX_DEPTH)).expect_err("too deep");
    assert!(
        error.to_string().contains("nested deeper than 64 levels"),
        "{error}"
    );
    let error = read("body", "", &[], &nested(1_000_000)).expect_err("too deep");
    assert!(
        error.to_string().contains("nested deeper than 64 levels"),
        "{error}"
    );
}
