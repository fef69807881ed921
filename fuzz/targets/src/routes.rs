//! The table of REST routes, routes.toml: whatever stands there, it is refused with a place, or becomes a row for each
//! route.

/// A text is compiled, or every mistake is named with its line.
pub fn routes(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match postern_routes::compile("routes.toml", &text) {
        Ok(source) => {
            let table: toml::Table = toml::from_str(&text).expect("a second reader takes it");
            let rows = table
                .get("route")
                .map_or(0, |rows| rows.as_array().map_or(1, Vec::len));
            assert_eq!(source.matches("Route {").count(), rows, "{source}");
            assert!(table.keys().all(|key| key == "route"));
        }
        Err(mistakes) => {
            assert!(!mistakes.is_empty());
            let lines = text.lines().count() + 1;
            for mistake in mistakes {
                let (line, what) = mistake
                    .strip_prefix("routes.toml:")
                    .and_then(|rest| rest.split_once(": "))
                    .unwrap_or_else(|| panic!("no place: {mistake}"));
                assert!(
                    (1..=lines).contains(&line.parse().expect("a line")),
                    "{mistake}"
                );
                assert!(!what.is_empty());
            }
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let route = |lines: &str| {
        format!(
            "[[route]]\nmethod = \"POST\"\npath = \"/v1/{{project}}\"\neffect = \"write\"\n{lines}\n"
        )
    };
    let good = route("policies = [\"cas_artifact:create\"]\nproject = { path = \"project\" }");
    let mut seeds = vec![
        include_str!("../../../routes.toml").to_owned(),
        route(
            "policies = []\nproject = { pointer = \"/a~1b/c\", optional = true }\nrun = { query = \"run\" }\nquery = [\"run\"]",
        ),
        route(
            "policies = []\nproject = { header = \"X-Project\" }\nnarrower = \"allow\"\nstream = true",
        ),
        route("policies = [\"*\"]\nproject = { path = \"other\" }"),
        route("policies = []\nproject = { path = \"project\", query = \"p\" }"),
        format!("{good}{good}"),
        "[[route]]".to_owned(),
        "route = 1".to_owned(),
        "\u{feff}".to_owned(),
    ];
    seeds.push(good);
    seeds.into_iter().map(String::into_bytes).collect()
}
