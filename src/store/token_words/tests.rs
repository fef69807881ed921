//! Words of tokens, on the tables that the migrations make: which ones a token has, whoever writes it and
//! whenever, and that the two ways to compare them agree.

use rusqlite::Connection;

use super::*;
use crate::documents::{files, root, text as read};
use crate::query_plans::{plan, record};

/// The migration that makes the index, and how many come before it.
const MIGRATION: usize = 11;
/// Tokens that get their words in it.
const AT_ONCE: usize = 10_000;

fn migrations() -> Vec<String> {
    let files = files(&root().join("migrations"), ".sql");
    files.iter().map(|file| read(file)).collect()
}

/// A token as it is stored.
#[derive(Clone, Copy, Default)]
struct Named<'a> {
    id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    scope: Option<(&'a str, Option<&'a str>)>,
    created_by: &'a str,
    minted_by: Option<&'a str>,
}

fn insert(db: &Connection, token: Named<'_>) {
    let sql = "insert into tokens (id, organization_id, project_id, workflow_id, name, description, \
               format, policies, is_system, created_at, created_by, minted_by) \
               values (?, 'o', ?, ?, ?, ?, 'jwt', '[]', 0, 1, ?, ?)";
    let (project, workflow) = match token.scope {
        Some((project, workflow)) => (Some(project), workflow),
        None => (None, None),
    };
    let values = (
        token.id,
        project,
        workflow,
        token.name,
        token.description,
        token.created_by,
        token.minted_by,
    );
    db.execute(sql, values).expect("a token");
}

fn registry(db: &Connection) {
    db.execute_batch(
        "insert into organizations (id, name, created_at) values ('o', 'acme', 0);
         insert into projects values ('p', 'o', 'shop', 0);
         insert into workflows values ('w', 'p', 'nightly-build', 0);",
    )
    .expect("a registry");
}

fn words_of(db: &Connection, id: &str) -> Vec<String> {
    let sql =
        "select word from token_words where organization_id = 'o' and token_id = ? order by word";
    let mut statement = db.prepare(sql).expect("a statement");
    let rows = statement.query_map([id], |row| row.get(0)).expect("rows");
    rows.map(|word| word.expect("a word")).collect()
}

#[test]
fn the_migration_splits_as_this_file_does() {
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    let migration = migrations().swap_remove(MIGRATION);
    let migration: Vec<&str> = migration
        .lines()
        .filter(|line| !line.starts_with("--"))
        .collect();
    let migration = bare(&migration.join("\n"));
    for token in ["new", "old", "t"] {
        assert!(migration.contains(&bare(&words(token))), "{}", words(token));
    }
    // Every character of ASCII that can be seen and is no letter or digit, once, and none that ends a
    // text of JSON after the first step.
    let mut all: Vec<char> = SEPARATORS.concat().chars().collect();
    all.sort_unstable();
    let others = (0x21..0x7f_u8).map(char::from);
    let others: Vec<char> = others.filter(|c| !c.is_ascii_alphanumeric()).collect();
    assert_eq!(all, others);
    assert!(SEPARATORS[0].starts_with("\"\\"));
    assert!(migration.contains(&format!("limit{AT_ONCE}")));
}

#[test]
fn r48_a_token_has_the_words_of_what_people_call_it() {
    let rows: [(Named<'_>, &[&str]); 7] = [
        (
            Named {
                name: "CI-Release_2 \"x\"\\y's",
                ..Named::default()
            },
            &["2", "ci", "release", "s", "x", "y"],
        ),
        (
            Named {
                name: "a",
                description: Some("b, the (c) of b\tand\u{1}d\n100%"),
                ..Named::default()
            },
            &["100", "a", "and", "b", "c", "of", "the", "u0001d"],
        ),
        (
            Named {
                name: "\u{c9}clair \u{65e5}\u{672c}",
                scope: Some(("p", Some("w"))),
                ..Named::default()
            },
            &[
                "build",
                "nightly",
                "shop",
                "\u{c9}clair",
                "\u{65e5}\u{672c}",
            ],
        ),
        (
            Named {
                name: "a",
                created_by: "admin-token:Alice",
                ..Named::default()
            },
            &["a", "alice"],
        ),
        (
            Named {
                name: "a",
                created_by: "session:u-7",
                ..Named::default()
            },
            &["7", "a", "u"],
        ),
        (
            Named {
                name: "a",
                created_by: "org-token:pst_1613acTH",
                minted_by: Some("minter"),
                ..Named::default()
            },
            &["a", "deployer"],
        ),
        (
            Named {
                name: "a",
                created_by: "admin-token",
                ..Named::default()
            },
            &["a"],
        ),
    ];
    for (token, expected) in rows {
        let db = record();
        registry(&db);
        insert(
            &db,
            Named {
                id: "minter",
                name: "Deployer",
                ..Named::default()
            },
        );
        insert(&db, Named { id: "t", ..token });
        assert_eq!(words_of(&db, "t"), expected, "{}", token.name);
        // A second delivery changes nothing, and a token that is forgotten leaves nothing behind.
        let again =
            "insert into tokens select * from tokens where id = 't' on conflict (id) do nothing";
        assert_eq!(db.execute(again, []), Ok(0));
        db.execute("delete from tokens where id = 't'", [])
            .expect("a delete");
        assert_eq!(words_of(&db, "t"), Vec::<String>::new());
        assert_eq!(words_of(&db, "minter"), ["deployer"]);
    }
}

/// Carries out the hourly event's part once; tells whether it went on.
fn run(db: &Connection, limit: usize) -> bool {
    let [advance, finish] = ADVANCE;
    db.execute(&fill(), [limit]).expect("words");
    let advanced = db.execute(advance, [limit]).expect("a step");
    db.execute(finish, []).expect("the end");
    advanced > 0
}

#[test]
fn r48_tokens_from_before_get_their_words_in_pieces() {
    let (migrations, fresh) = (migrations(), record());
    registry(&fresh);
    // Few enough for the migration, and more.
    for count in [0, 3, AT_ONCE, AT_ONCE + 7] {
        let db = Connection::open_in_memory().expect("a database");
        db.execute_batch(&migrations[..MIGRATION].join("\n"))
            .expect("migrations");
        registry(&db);
        let many = "with recursive n (i) as (select 1 union all select i + 1 from n where i < ?) \
                    insert into tokens (id, organization_id, name, format, policies, is_system, \
                    created_at, created_by) \
                    select printf('%08x', i), 'o', 'ci ' || i, 'jwt', '[]', 0, i, 'a' from n where i <= ?";
        db.execute(many, [count, count]).expect("tokens");
        db.execute_batch(&migrations[MIGRATION..].join("\n"))
            .expect("the rest");
        let waiting = |db: &Connection| {
            let sql = "select count(*) from token_words_backfill";
            db.query_row(sql, [], |row| row.get::<_, i64>(0))
                .expect("a count")
        };
        let indexed = |db: &Connection| {
            let sql = "select count(*) from token_words where word = 'ci'";
            db.query_row(sql, [], |row| row.get::<_, usize>(0))
                .expect("a count")
        };
        assert_eq!(indexed(&db), count.min(AT_ONCE), "{count}");
        assert_eq!(waiting(&db), i64::from(count >= AT_ONCE), "{count}");
        // One that comes meanwhile, before and behind the place that is reached.
        for id in ["00000000", "ffffffff"] {
            insert(
                &db,
                Named {
                    id,
                    name: "CI",
                    ..Named::default()
                },
            );
        }
        let mut runs = 0;
        while run(&db, 5) {
            runs += 1;
            assert!(runs < 5, "{count}: it does not end");
        }
        assert_eq!(indexed(&db), count + 2, "{count}");
        assert_eq!(waiting(&db), 0, "{count}");
        assert!(!run(&db, 5), "nothing is left to do");
    }
}

#[test]
fn words_are_counted_and_filled_in_by_keys() {
    let db = record();
    let counts = plan(&db, COUNTS, ("o", "[]", 1)).join("; ");
    let by_key = "SEARCH token_words USING PRIMARY KEY (organization_id=? AND word>? AND word<?)";
    assert!(counts.contains(by_key), "{counts}");
    let filled = plan(&db, &fill(), [1]).join("; ");
    assert!(filled.contains("SEARCH tokens USING"), "{filled}");
    assert!(
        !filled.contains("SCAN t ") && !filled.contains("SCAN tokens"),
        "{filled}"
    );
    let trigger = format!(
        "delete from token_words where organization_id = 'o' and token_id = 't' and word in \
         (select word.value from tokens t, {} where t.id = 't')",
        words("t")
    );
    let deleted = plan(&db, &trigger, []).join("; ");
    assert!(
        deleted.contains("PRIMARY KEY (organization_id=? AND word=? AND token_id=?)"),
        "{deleted}"
    );
}

#[test]
fn the_rarest_word_leads_where_it_is_rare_and_nobody_waits() {
    let count = |word: &str, found, waiting| Count {
        word: word.to_owned(),
        found,
        waiting,
    };
    let all = COUNTED + 1;
    let rows = [
        (vec![], None),
        (vec![count("a", 0, 0)], Some("a")),
        (vec![count("a", 7, 0), count("b", 3, 0)], Some("b")),
        (vec![count("a", all, 0), count("b", COUNTED, 0)], Some("b")),
        (vec![count("a", all, 0)], None),
        (vec![count("a", 1, 1)], None),
    ];
    for (counts, expected) in rows {
        assert_eq!(choose(counts).as_deref(), expected);
    }
}
