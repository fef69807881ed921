//! Each mistake as a row: what is written, and what the build says of it. And the table that is
//! shipped.

mod stream;

use super::compile;

const TABLE: &str = include_str!("../../../routes.toml");

/// A row with these lines in the place of the ones that it would have.
fn route(changes: &[(&str, &str)]) -> String {
    let mut lines = vec![
        ("method", "\"POST\""),
        ("path", "\"/v1/projects/{project}/workflows/{workflow}/x\""),
        ("policies", "[\"cas_artifact:create\"]"),
        ("effect", "\"write\""),
        ("project", "{ path = \"project\" }"),
        ("workflow", "{ path = \"workflow\" }"),
    ];
    for &(key, value) in changes {
        lines.retain(|(known, _)| *known != key);
        if !value.is_empty() {
            lines.push((key, value));
        }
    }
    let lines = lines
        .iter()
        .map(|(key, value)| format!("{key} = {value}\n"));
    format!("[[route]]\n{}", lines.collect::<String>())
}

fn mistakes(text: &str) -> Vec<String> {
    compile("routes.toml", text).expect_err(text)
}

#[test]
fn the_shipped_table_and_an_empty_one_compile() {
    let source = compile("routes.toml", TABLE).expect("no mistakes");
    assert_eq!(source.matches("Route {").count(), 4);
    for piece in [
        r#"Segment::Literal("v1"), Segment::Literal("projects"), Segment::Parameter("project")"#,
        r#"Place::Pointer(&["workflow", "project"])"#,
        r#"Place::Header("attestation-workflow")"#,
        r#"Place::Query("project")"#,
        r#"policies: &["workflow_run:read", "cas_artifact:read"]"#,
    ] {
        assert!(source.contains(piece), "{piece} is not in {source}");
    }
    for (narrower, narrow) in [("", "Denied"), ("\"allow\"", "Any")] {
        let text = route(&[("project", ""), ("workflow", ""), ("narrower", narrower)]);
        let source = compile("routes.toml", &text).expect("no mistakes");
        assert!(
            source.contains(&format!("narrow: Narrow::{narrow}")),
            "{source}"
        );
    }
    assert_eq!(source.matches("narrow: Narrow::Named").count(), 4);
    let none = compile("routes.toml", "# no routes\n").expect("no mistakes");
    assert!(!none.contains("Route {"));
}

#[test]
fn good_rows_compile() {
    let rows: [&[(&str, &str)]; 10] = [
        &[],
        &[("policies", "[]")],
        &[("effect", "\"read\"")],
        &[
            ("run", "{ path = \"run\" }"),
            ("path", "\"/a/{project}/{workflow}/{run}\""),
        ],
        &[("workflow", "")],
        &[("workflow", ""), ("narrower", "\"deny\"")],
        &[("workflow", ""), ("project", ""), ("narrower", "\"allow\"")],
        &[
            ("workflow", "{ query = \"w\", optional = true }"),
            ("query", "[\"w\", \"x\"]"),
        ],
        &[("workflow", "{ pointer = \"/a~1b/~0c\" }")],
        &[("path", "\"/organizations/{project}/{workflow}/Tags:copy\"")],
    ];
    for row in rows {
        let text = route(row);
        assert_eq!(compile("routes.toml", &text).err(), None, "{text}");
    }
    let unescaped = compile("routes.toml", &route(rows[8])).expect("no mistakes");
    assert!(unescaped.contains(r#"&["a/b", "~c"]"#), "{unescaped}");
}

#[test]
fn each_mistake_is_told_with_its_line_and_what_to_do() {
    let rows: [(&[(&str, &str)], &str); 59] = [
        (&[("polices", "[]")], "unknown field `polices`"),
        (&[("method", "")], "missing field `method`"),
        (&[("policies", "")], "missing field `policies`"),
        (&[("effect", "")], "missing field `effect`"),
        (&[("effect", "\"delete\"")], "unknown variant `delete`"),
        (
            &[("narrower", "true")],
            "wanted string or table: in `narrower = true`",
        ),
        (&[("method", "\"post\"")], "in upper case"),
        (
            &[("method", "\"HEAD\"")],
            "must be one of DELETE, GET, PATCH, POST, PUT",
        ),
        (&[("method", "\"GET\"")], "a GET is a `read`"),
        (
            &[("path", "\"v1/{project}/{workflow}\"")],
            "must begin with `/`",
        ),
        (&[("path", "\"\"")], "must begin with `/`"),
        (&[("path", "\"/\"")], "empty segment"),
        (
            &[("path", "\"/v1//{project}/{workflow}\"")],
            "empty segment",
        ),
        (
            &[("path", "\"/v1/{project}/{workflow}/\"")],
            "empty segment",
        ),
        (
            &[("path", "\"/v1/../{project}/{workflow}\"")],
            "a way to other paths",
        ),
        (
            &[("path", "\"/v1/./{project}/{workflow}\"")],
            "a way to other paths",
        ),
        (
            &[("path", "\"/v1/%2E%2e/{project}/{workflow}\"")],
            "a way to other paths",
        ),
        (
            &[("path", "\"/v1/%41/{project}/{workflow}\"")],
            "neither escapes nor a query",
        ),
        (
            &[("path", "\"/v1/a;b/{project}/{workflow}\"")],
            "neither escapes nor a query",
        ),
        (
            &[("path", "\"/v1/{project}/{workflow}?x=1\"")],
            "must be a whole segment",
        ),
        (
            &[("path", "\"/v1/x?y/{project}/{workflow}\"")],
            "neither escapes nor a query",
        ),
        (
            &[("path", "\"/v1/a\\\\b/{project}/{workflow}\"")],
            "neither escapes nor a query",
        ),
        (
            &[("path", "\"/v1/é/{project}/{workflow}\"")],
            "neither escapes nor a query",
        ),
        (
            &[("path", "\"/v1/{Project}/{workflow}\"")],
            "must be a whole segment `{name}`",
        ),
        (
            &[("path", "\"/v1/{}/{workflow}\"")],
            "must be a whole segment `{name}`",
        ),
        (
            &[("path", "\"/v1/x-{project}/{workflow}\"")],
            "must be a whole segment `{name}`",
        ),
        (
            &[("path", "\"/v1/{project}/{project}/{workflow}\"")],
            "occurs twice",
        ),
        (
            &[("path", "\"/{project}/{workflow}\"")],
            "begin with a literal segment",
        ),
        (
            &[("path", "\"/org/{project}/{workflow}\"")],
            "`/org` is the gateway's own",
        ),
        (
            &[("path", "\"/ORGS/{project}/{workflow}\"")],
            "`/ORGS` is the gateway's own",
        ),
        (
            &[("path", "\"/dashboards/{project}/{workflow}\"")],
            "is the gateway's own",
        ),
        (
            &[("path", "\"/controlplane.v1.X/{project}/{workflow}\"")],
            "is the gateway's own",
        ),
        (
            &[("path", "\"/.well-known/{project}/{workflow}\"")],
            "is the gateway's own",
        ),
        (
            &[("policies", "[\"cas_artifact\"]")],
            "must be `resource:action`",
        ),
        (
            &[("policies", "[\"CAS:create\"]")],
            "must be `resource:action`",
        ),
        (
            &[("policies", "[\"cas_artifact:*\"]")],
            "must name one action",
        ),
        (&[("policies", "[\"a:b\", \"a:b\"]")], "is there twice"),
        (&[("project", "")], "a `workflow` without a `project`"),
        (
            &[("project", "{ path = \"projekt\" }")],
            "`{projekt}`, which is not in the path",
        ),
        (
            &[("project", "{ }")],
            "exactly one of `path`, `header`, `query` and `pointer`",
        ),
        (
            &[("project", "{ path = \"project\", query = \"p\" }")],
            "exactly one of",
        ),
        (
            &[("project", "{ cookie = \"p\" }")],
            "unknown field `cookie`",
        ),
        (
            &[("project", "{ path = \"project\", optional = true }")],
            "cannot be optional",
        ),
        (
            &[
                ("project", "{ query = \"p\", optional = true }"),
                ("query", "[\"p\"]"),
            ],
            "`workflow` is not",
        ),
        (
            &[("project", "{ path = \"workflow\" }")],
            "read from the same place",
        ),
        (
            &[("project", "{ header = \"X Y\" }")],
            "must be letters, digits and `-`",
        ),
        (
            &[("project", "{ header = \"Authorization\" }")],
            "has another meaning",
        ),
        (
            &[("project", "{ header = \"X-Forwarded-For\" }")],
            "does not reach the origin",
        ),
        (
            &[("project", "{ query = \"a&b\" }")],
            "must be letters, digits and `-._~`",
        ),
        (&[("project", "{ query = \"p\" }")], "add `query = [\"p\"]`"),
        (
            &[("workflow", "{ query = \"w\", optional = true }")],
            "must list all parameters that may occur",
        ),
        (&[("query", "[\"_method\"]")], "stands for another method"),
        (
            &[("project", "{ header = \"X-User-Id\" }")],
            "does not reach the origin",
        ),
        (
            &[("project", "{ header = \"X-Auth-Project\" }")],
            "does not reach the origin",
        ),
        (
            &[("project", "{ query = \"p\" }"), ("query", "[\"q\"]")],
            "`query` does not have",
        ),
        (&[("query", "[\"q\", \"q\"]")], "`query` has `q` twice"),
        (
            &[("project", "{ pointer = \"a/b\" }")],
            "must begin with `/` (RFC 6901)",
        ),
        (&[("project", "{ pointer = \"/a~2\" }")], "`~` must be `~0`"),
        (&[("narrower", "\"allow\"")], "for routes that name nothing"),
    ];
    for (changes, expected) in rows {
        let text = format!("# first line\n{}", route(changes));
        let told = mistakes(&text);
        assert_eq!(told.len(), 1, "{text}\n{told:?}");
        assert!(told[0].contains(expected), "{text}\n{told:?}");
        let line = told[0].strip_prefix("routes.toml:").expect("the file");
        let line: usize = line
            .split(':')
            .next()
            .expect("a line")
            .parse()
            .expect("a number");
        let written = text.lines().nth(line - 1).expect("a line of the file");
        let blamed = changes[0].0;
        let whole = written.starts_with("path") || written == "[[route]]";
        assert!(whole || written.starts_with(blamed), "{line}: {told:?}");
    }
}

#[test]
fn bodies_are_not_where_a_get_or_delete_has_its_identity() {
    for method in ["\"GET\"", "\"DELETE\""] {
        let text = route(&[
            ("method", method),
            ("effect", "\"read\""),
            ("project", "{ pointer = \"/project\" }"),
        ]);
        assert!(
            mistakes(&text)[0].contains("is read from the body"),
            "{text}"
        );
    }
}

#[test]
fn one_pointer_must_not_lie_in_another() {
    let text = route(&[
        ("project", "{ pointer = \"/about\" }"),
        ("workflow", "{ pointer = \"/about/workflow\" }"),
    ]);
    assert!(mistakes(&text)[0].contains("read from the same place"));
}

#[test]
fn a_run_is_never_optional() {
    let text = route(&[
        ("run", "{ query = \"run\", optional = true }"),
        ("query", "[\"run\"]"),
    ]);
    assert!(mistakes(&text)[0].contains("`run` cannot be optional"));
}

#[test]
fn two_routes_for_one_request_are_refused() {
    let one = |path: &str, method: &str| {
        route(&[
            ("method", method),
            ("path", path),
            ("project", ""),
            ("workflow", ""),
        ])
    };
    for (first, second, fine) in [
        ("\"/a/b\"", "\"/a/b\"", false),
        ("\"/a/{x}\"", "\"/a/{y}\"", false),
        ("\"/a/{x}\"", "\"/a/b\"", false),
        ("\"/a/{x}/c\"", "\"/a/b/{y}\"", false),
        ("\"/a/{x}/c\"", "\"/a/{x}/d\"", true),
        ("\"/a/{x}\"", "\"/a/{x}/d\"", true),
        ("\"/a/b\"", "\"/a/B\"", true),
    ] {
        let text = one(first, "\"POST\"") + &one(second, "\"POST\"");
        let compiled = compile("routes.toml", &text);
        assert_eq!(compiled.is_ok(), fine, "{first} {second}");
        if let Err(told) = compiled {
            assert!(told[0].contains("could be meant for"), "{told:?}");
            assert!(told[0].starts_with("routes.toml:10: "), "{told:?}");
        }
        let text = one(first, "\"POST\"") + &one(second, "\"PUT\"");
        assert!(compile("routes.toml", &text).is_ok(), "{first} {second}");
    }
    let text = one("\"/a/{x}\"", "\"POST\"")
        + &one("\"/a/{y}\"", "\"PUT\"")
        + &one("\"/a/b\"", "\"DELETE\"");
    let source = compile("routes.toml", &text).expect("no mistakes");
    assert_eq!(
        source.matches(r#"allow: "POST, PUT""#).count(),
        2,
        "{source}"
    );
    assert_eq!(source.matches(r#"allow: "DELETE""#).count(), 1, "{source}");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text =
        route(&[("method", "\"TRACE\""), ("project", "")]) + &route(&[("policies", "[\"x\"]")]);
    let told = mistakes(&text);
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(
        told[0].starts_with("routes.toml:2: route `TRACE /v1/projects/"),
        "{told:?}"
    );
}

#[test]
fn what_is_no_toml_is_refused() {
    for text in [
        "[[route]",
        "route = 1",
        "[[routes]]\n",
        "[[route]]\nmethod = \"GET\"\nmethod = \"PUT\"",
    ] {
        assert!(mistakes(text)[0].starts_with("routes.toml:"), "{text}");
    }
}
