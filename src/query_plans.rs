//! Every statement that stands in the source of the shell and the Ledger, planned by SQLite on the tables that the
//! migrations and the Ledger's steps make: each finds its rows by an index. A statement that reads
//! a whole table fails, unless a reason is given.

use std::path::PathBuf;

use rusqlite::types::Null;
use rusqlite::{Connection, Params, params_from_iter};

use crate::documents::{files, root, text};

/// Statements that read a table or an index from one end, by how they begin, and why they may.
const WALKS: &[(&str, &str)] = &[
    (
        "select exists (select 1 from tokens where (revoked_at",
        "asked while bootstrap is open, and ends at the first that lives",
    ),
    (
        "select id, name, mint_ceiling, max_idle_days",
        "hourly, and every organization is to be looked at",
    ),
    (
        "select o.id from organizations o left join checkpoints",
        "hourly, and every organization is to be looked at",
    ),
    (
        "select o.id from organizations o left join audit_notes",
        "hourly, and every organization is to be looked at",
    ),
    (
        "select o.id from organizations o join audit_notes",
        "hourly, and every organization is to be looked at",
    ),
    (
        "select facts from tokens where state = 0",
        "all of an index that holds nothing else",
    ),
    (
        "select count(*) as number from upstreams",
        "where one is set, and there are at most a thousand",
    ),
    (
        "select project, workflow from upstreams where until is null",
        "all of an index that holds nothing else, and there are at most a thousand",
    ),
    (
        "select count(*) as count from (select id from outbox",
        "where a CI job gets a token, and five hundred at most",
    ),
    (
        "select count(*) as count from trust_rules",
        "where one is added, and there are at most two hundred",
    ),
    (
        "select id, rule, created_at, created_by from trust_rules",
        "all of them are told, at most two hundred",
    ),
    (
        "select token, window from call_windows",
        "once for each instance, and a row stays for a minute",
    ),
    ("delete from refusals where hour <", "a row for each code"),
    (
        "select at, operation, reason, token, address",
        "all of them are told, at most two hundred",
    ),
    (
        "select facts, json_extract(facts, '$.name') as name",
        "the tokens of two hundred refused calls, each by its id",
    ),
    (
        "select wanted.value as word",
        "the words of a search, at most sixteen, and a table of one row",
    ),
    (
        "select wanted.value as actor",
        "four actors, each found by its index",
    ),
    (
        "select wanted.key as place",
        "the tokens of a page of events, each found by its key",
    ),
    (
        "select id from tokens where id > (select after",
        "a table of one row",
    ),
    ("update token_words_backfill set after", "one row"),
    ("delete from token_words_backfill", "one row"),
    (
        "select count(*) as looked",
        "what an index has found, at most 100,000 tokens",
    ),
    (
        "select created_at / 3600000 as hour",
        "what an index has found: the creations of two days",
    ),
    (
        "update tokens set quarantined_at = ?3",
        "the list of a page of a rebuild, whose tokens are found by their key",
    ),
    (
        "select id from tokens where state < 2 and not exists",
        "at the end of a rebuild, and every living token is to be looked at",
    ),
    (
        "select outcome, organization, hour, left_out from refusals",
        "a row for each code",
    ),
    (
        "select count(*) as count from sqlite_master",
        "a row for each table",
    ),
    ("select name from sqlite_master", "a row for each table"),
    ("select count(*) as found, coalesce", "a row for each table"),
    ("select full_at from bucket", "one row"),
    ("select version from schema", "one row"),
    (
        "select id, effects from outbox order by id limit",
        "by its key, as far as the limit",
    ),
    (
        "select facts from tokens where state < 2 and is_system = 0",
        "the idle sweep: hourly, and every living token is to be looked at",
    ),
    (
        "select facts, used_at from tokens where state < 2",
        "a bulk revoke: its criteria may be about any living token",
    ),
];

/// The string literals of Rust source, with their escapes undone. Raw strings hold no statement
/// here.
fn literals(source: &str) -> Vec<String> {
    let code = source.lines().map(|line| match line.trim_start() {
        comment if comment.starts_with("//") => "",
        _ => line,
    });
    let code = code.collect::<Vec<_>>().join("\n").replace("'\"'", "");
    let mut found = Vec::new();
    let mut rest = code.chars().peekable();
    while let Some(character) = rest.next() {
        if character != '"' {
            continue;
        }
        let mut literal = String::new();
        while let Some(character) = rest.next() {
            match character {
                '"' => break,
                '\\' => match rest.next() {
                    Some('\n') => while rest.next_if(|next| next.is_whitespace()).is_some() {},
                    Some(escaped) => literal.push(escaped),
                    None => {}
                },
                character => literal.push(character),
            }
        }
        found.push(literal);
    }
    found
}

/// Statements that are whole as they stand.
fn statements(sources: &[PathBuf]) -> Vec<String> {
    let verbs = ["select ", "insert ", "update ", "delete "];
    let mut found: Vec<String> = sources
        .iter()
        .flat_map(|file| {
            let source = text(file);
            literals(source.split("#[cfg(test)]").next().unwrap_or(&source))
        })
        .filter(|text| verbs.iter().any(|verb| text.starts_with(verb)) && !text.contains('{'))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// A database with the tables that the migrations make.
pub fn record() -> Connection {
    let db = Connection::open_in_memory().expect("a database");
    for file in files(&root().join("migrations"), ".sql") {
        db.execute_batch(&text(&file))
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
    db
}

/// A database with the tables that the objects make.
pub fn objects() -> Connection {
    let db = Connection::open_in_memory().expect("a database");
    for file in [
        "crates/ledger/src/store/schema.rs",
        "src/objects/limiter.rs",
    ] {
        for step in literals(&text(&root().join(file))) {
            if step.starts_with("create ") || step.starts_with("alter ") {
                db.execute_batch(&step)
                    .unwrap_or_else(|error| panic!("{step}: {error}"));
            }
        }
    }
    db
}

/// The plan of a statement, line by line.
pub fn plan(db: &Connection, sql: &str, values: impl Params) -> Vec<String> {
    let mut statement = db
        .prepare(&format!("explain query plan {sql}"))
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    let lines = statement.query_map(values, |row| row.get(3));
    lines
        .expect("a plan")
        .map(|line| line.expect("a row"))
        .collect()
}

/// The lines of a plan that read from one end to the other.
fn walks(db: &Connection, sql: &str) -> Vec<String> {
    let parameters = db.prepare(sql).map(|statement| statement.parameter_count());
    let nulls = vec![Null; parameters.unwrap_or_else(|error| panic!("{sql}: {error}"))];
    let mut lines = plan(db, sql, params_from_iter(nulls));
    lines.retain(|line| line.starts_with("SCAN") && !line.starts_with("SCAN CONSTANT ROW"));
    lines
}

#[test]
fn every_statement_finds_its_rows_by_an_index() {
    let mut unused: Vec<&str> = WALKS.iter().map(|(begins, _)| *begins).collect();
    let mut wrong = Vec::new();
    for (folder, db, least) in [
        ("src/store", record(), 8),
        ("src/objects", objects(), 3),
        ("crates/ledger/src", objects(), 25),
    ] {
        let mut sources = files(&root().join(folder), ".rs");
        let tests = [
            "tests.rs",
            "testing.rs",
            "/testing/",
            "/tests/",
            "/rules/",
            "/histories",
        ];
        sources.retain(|file| {
            // Below the root: what lies above it may be called anything.
            let inside = file.strip_prefix(root()).expect("a file of ours");
            let inside = inside.to_string_lossy();
            !tests.iter().any(|part| inside.contains(part))
        });
        let statements = statements(&sources);
        assert!(statements.len() >= least, "{folder}: {}", statements.len());
        for sql in statements {
            let walked = walks(&db, &sql);
            if walked.is_empty() {
                continue;
            }
            match WALKS.iter().find(|(begins, _)| sql.starts_with(begins)) {
                Some((begins, _)) => unused.retain(|other| other != begins),
                None => wrong.push(format!("{sql}\n    {}", walked.join("\n    "))),
            }
        }
    }
    assert!(wrong.is_empty(), "no index serves:\n{}", wrong.join("\n"));
    assert_eq!(unused, Vec::<&str>::new(), "these walk no more");
}
