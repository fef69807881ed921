//! The documents against the code: what is stored, what can be refused, what is configured. A name
//! that only one of the two has fails a test. Everything is read as text, so that a table or a code
//! cannot be forgotten by forgetting to list it here.

mod calls;
mod failures;
mod findings;
mod map;
mod rules;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

type Names = BTreeSet<String>;

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    text(&root().join(path))
}

/// The text of a file.
pub fn text(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Every file below a folder whose name ends so, in order.
pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .flat_map(|path| match path.is_dir() {
            true => files(&path, ending),
            false => vec![path],
        })
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    found.sort();
    found
}

/// Every source of the shell and of the crates below it.
pub fn sources() -> Vec<PathBuf> {
    let mut all = files(&root().join("src"), ".rs");
    all.extend(files(&root().join("crates"), ".rs"));
    all
}

/// The texts between double quotes. Good enough for the files it is used on.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).step_by(2)
}

/// The texts between backticks, line by line.
fn ticked(text: &str) -> Names {
    text.lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

/// What lies under a heading of a document, down to the next one of its level.
fn section<'t>(document: &'t str, heading: &str) -> &'t str {
    let level = heading.split(' ').next().expect("a heading");
    let start = document.find(&format!("\n{heading}\n")).expect(heading);
    let (_, rest) = document.split_at(start + heading.len() + 2);
    rest.split(&format!("\n{level} ")).next().unwrap_or(rest)
}

/// A stored table with its columns.
struct Table {
    name: String,
    columns: Names,
}

/// Reads `create table` and `alter table … add column` out of text that has SQL in it.
fn tables(text: &str) -> Vec<Table> {
    let bare: String = text
        .lines()
        .map(|line| line.split("--").next().unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n");
    let mut found: Vec<Table> = Vec::new();
    for piece in bare.split("create table ").skip(1) {
        let piece = piece.strip_prefix("if not exists ").unwrap_or(piece);
        let (name, rest) = piece.split_once('(').expect("a list of columns");
        let columns = top_level(rest)
            .iter()
            .filter_map(|column| column.split_whitespace().next())
            .filter(|word| !["check", "unique", "primary"].contains(word))
            .map(str::to_owned)
            .collect();
        let name = name.split_whitespace().next().expect("a name").to_owned();
        found.push(Table { name, columns });
    }
    for piece in bare.split("alter table ").skip(1) {
        let words: Vec<&str> = piece.split_whitespace().take(4).collect();
        let [name, "add", "column", column] = words[..] else {
            panic!("another change of a table than a new column: {words:?}");
        };
        let columns = Names::from([column.to_owned()]);
        let name = name.to_owned();
        found.push(Table { name, columns });
    }
    found
}

/// The parts of a bracketed list, given the text after its opening bracket.
fn top_level(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for letter in text.chars() {
        match letter {
            ')' if depth == 0 => break,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    parts
        .into_iter()
        .filter(|part| !part.trim().is_empty())
        .collect()
}

/// The rows of a document's tables, by the name in their first cell.
fn row<'t>(section: &'t str, name: &str) -> Option<&'t str> {
    let start = format!("| `{name}` |");
    section.lines().find(|line| line.starts_with(&start))
}

/// Every table has a row that names its columns, and no others.
fn hold(section: &str, tables: &[Table]) {
    for Table { name, .. } in tables {
        let row = row(section, name).unwrap_or_else(|| panic!("no row for the table {name}"));
        let columns: Names = tables
            .iter()
            .filter(|table| table.name == *name)
            .flat_map(|table| table.columns.iter().cloned())
            .collect();
        let told = ticked(row);
        for column in &columns {
            assert!(told.contains(column), "{name}.{column} is not in its row");
        }
        for word in &told {
            assert!(
                word == name || columns.contains(word),
                "the row of {name} names `{word}`, which is no column of it"
            );
        }
    }
    let known: Names = tables.iter().map(|table| table.name.clone()).collect();
    let told: Names = section
        .lines()
        .skip_while(|line| !line.starts_with("| table |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .flat_map(|line| ticked(line.split('|').nth(1).unwrap_or_default()))
        .collect();
    assert_eq!(told, known, "tables with a row, and tables that exist");
}

#[test]
fn storage_names_every_table_and_column_of_d1() {
    let storage = read("docs/STORAGE.md");
    let sql: String = files(&root().join("migrations"), ".sql")
        .iter()
        .map(|path| fs::read_to_string(path).expect("a migration"))
        .collect();
    let tables = tables(&sql);
    assert!(tables.len() > 6, "the migrations were not understood");
    hold(section(&storage, "## D1"), &tables);
}

#[test]
fn storage_names_every_table_and_column_of_the_objects() {
    let storage = read("docs/STORAGE.md");
    for (object, path, count) in [
        ("## Ledger", "crates/ledger/src/store/schema.rs", 27),
        ("## MintLimiter", "src/objects/limiter.rs", 1),
    ] {
        let source = read(path).replace("\\\n", "\n");
        let schema: Vec<&str> = quoted(&source)
            .filter(|text| text.starts_with("create table") || text.starts_with("alter table"))
            .collect();
        let tables = tables(&schema.join(";\n"));
        assert_eq!(tables.len(), count, "{path}");
        hold(section(&storage, object), &tables);
    }
    // No other file of the objects makes a table.
    let mut others = files(&root().join("src/objects"), ".rs");
    others.extend(files(&root().join("crates/ledger/src"), ".rs"));
    for path in others {
        let ours = path.ends_with("store/schema.rs") || path.ends_with("limiter.rs");
        let text = fs::read_to_string(&path).expect("a source");
        assert!(ours || !text.contains("create table"), "{}", path.display());
    }
}

#[test]
fn storage_names_every_kv_key() {
    let storage = read("docs/STORAGE.md");
    let kv = section(&storage, "## KV");
    let facts = read("src/store/facts.rs");
    let prefixes: Names = quoted(&facts)
        .filter_map(|text| text.split_once(":{"))
        .map(|(prefix, _)| prefix.to_owned())
        .collect();
    assert_eq!(prefixes.len(), 2, "{prefixes:?}");
    let told: Names = ticked(kv)
        .iter()
        .filter_map(|text| text.strip_suffix('>')?.split_once(":<"))
        .map(|(prefix, _)| prefix.to_owned())
        .collect();
    assert_eq!(told, prefixes);
    // Nobody else has keys of their own, but for the one that is only asked for.
    for path in files(&root().join("src"), ".rs") {
        let text = fs::read_to_string(&path).expect("a source");
        let asks = text.contains(".kv(");
        let known = path.ends_with("documents.rs")
            || path.ends_with("store/facts.rs")
            || path.ends_with("http/readiness.rs");
        assert!(!asks || known, "{} reads or writes KV", path.display());
    }
    assert!(kv.contains("`readiness`"));
}

#[test]
fn storage_names_every_object_and_binding() {
    let storage = read("docs/STORAGE.md");
    let told = ticked(&storage);
    let wrangler = read("wrangler.toml");
    let mut seen = 0;
    for line in wrangler.lines() {
        for key in [
            "class_name = ",
            "binding = ",
            "name = \"LEDGER\"",
            "name = \"MINT_",
        ] {
            if let Some(name) = line.strip_prefix(key).and_then(|_| quoted(line).next())
                && name != "ASSETS"
            {
                seen += 1;
                assert!(told.contains(name), "{name}");
            }
        }
    }
    assert_eq!(
        seen, 6,
        "two stores and two objects, these with a class each"
    );
    for class in ["Ledger", "MintLimiter"] {
        section(&storage, &format!("## {class}"));
    }
}

/// Every word that `Error::code` can answer, from the sources that make errors.
fn codes() -> Names {
    let is_code = |text: &&str| {
        let letter = |b: u8| b.is_ascii_lowercase() || b == b'_';
        !text.is_empty() && text.bytes().all(letter)
    };
    let mut codes = Names::new();
    for path in sources() {
        let ours = path.ends_with("src/documents.rs") || path.ends_with("openapi.rs");
        let name = path.file_name().expect("a name").to_string_lossy();
        if ours || name.contains("tests") || name == "testing.rs" || name == "properties.rs" {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a source");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for start in ["Error::invalid(", "code: \""] {
            let made = text.split(start).skip(1).filter_map(|rest| {
                let rest = match start.ends_with('"') {
                    true => rest,
                    false => rest.trim_start().strip_prefix('"')?,
                };
                rest.split('"').next()
            });
            codes.extend(made.filter(is_code).map(str::to_owned));
        }
        for body in text.split("fn code(&self)").skip(1) {
            let body = body.split("\n    }\n").next().unwrap_or(body);
            let made = body.lines().filter_map(|line| {
                let (_, word) = line.split_once("=> \"")?;
                word.split('"').next()
            });
            codes.extend(made.filter(is_code).map(str::to_owned));
        }
    }
    codes
}

#[test]
fn every_error_code_is_in_the_table_of_the_api_and_the_reverse() {
    let api = read("docs/API.md");
    let told: Vec<String> = section(&api, "## Errors")
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .map(|(code, _)| code.to_owned())
        .collect();
    let once: Names = told.iter().cloned().collect();
    assert_eq!(once.len(), told.len(), "a code has two rows");
    let codes = codes();
    assert!(codes.len() > 40, "the sources were not understood");
    assert_eq!(once, codes);
}

/// Codes that only calls for the origin are answered with.
const ATTESTATION: [&str; 26] = [
    "body_unexpected",
    "body_unreadable",
    "connect_header",
    "connect_json",
    "deadline_exceeded",
    "digest_invalid",
    "grpc_timeout_invalid",
    "identity_ambiguous",
    "identity_invalid",
    "identity_missing",
    "message_unreadable",
    "method_override",
    "native_grpc",
    "not_confined",
    "origin_revoke_failed",
    "origin_token_not_registered",
    "origin_token_unknown",
    "origin_tokens",
    "origin_unavailable",
    "other_organization",
    "other_workflow",
    "project_reference_invalid",
    "unknown_run",
    "upstream_missing",
    "upstream_refused",
    "workflow_replaced",
];

#[test]
fn openapi_has_every_error_code_that_it_can_meet_and_the_reverse() {
    let document: serde_json::Value =
        serde_json::from_str(&read("docs/openapi.json")).expect("the document is JSON");
    let told = document["components"]["schemas"]["ErrorCode"]["enum"]
        .as_array()
        .expect("the codes")
        .iter()
        .filter_map(|code| code.as_str().map(str::to_owned))
        .chain(ATTESTATION.map(str::to_owned))
        .collect::<Names>();
    assert_eq!(told, codes());
}

#[test]
fn operations_has_every_variable_and_the_reverse() {
    let operations = read("docs/OPERATIONS.md");
    let mut source = read("crates/gate/src/config.rs");
    for path in files(&root().join("crates/gate/src/config"), ".rs") {
        if !path.ends_with("tests.rs") {
            source.push_str(&fs::read_to_string(path).expect("a source"));
        }
    }
    let is_name = |text: &&str| {
        let letter = |b: u8| b.is_ascii_uppercase() || b == b'_';
        text.len() > 3 && text.bytes().all(letter)
    };
    let read: Names = quoted(&source).filter(is_name).map(str::to_owned).collect();
    let told: Names = section(&operations, "## Variables")
        .lines()
        .filter(|line| line.starts_with("| `"))
        .flat_map(|line| ticked(line.split('|').nth(1).unwrap_or_default()))
        .collect();
    assert!(read.len() > 10, "{read:?}");
    assert_eq!(told, read);
}
