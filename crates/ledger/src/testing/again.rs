//! A database for one execution of a fuzzer after the other: its tables and compiled statements are kept, and its rows are
//! not.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use rusqlite::Connection;

use super::{Sqlite, rows};
use crate::sql::Result;
use crate::store::Store;
use crate::{Row, SqlError, Value};

/// How much of a kept database can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Nothing: it has no tables yet.
    Nothing,
    /// Its tables are being made.
    Making,
    /// All of it.
    Tables,
}

/// A database whose tables are there, and may not be seen before they were made.
#[derive(Debug)]
pub struct Kept {
    seen: Cell<Seen>,
    /// A statement for each table, which empties it.
    emptying: Vec<String>,
}

thread_local! {
    static LAST: RefCell<Option<Sqlite>> = const { RefCell::new(None) };
}

impl Sqlite {
    /// An empty database without tables. It is the one of the last time on this thread, unless somebody still has that.
    pub fn again() -> Self {
        LAST.with_borrow_mut(|last| {
            let kept = last.take().filter(|last| Rc::strong_count(&last.db) == 1);
            let sqlite = kept.unwrap_or_else(made);
            empty(&sqlite);
            last.insert(sqlite).clone()
        })
    }
}

/// A database with all tables.
fn made() -> Sqlite {
    let sqlite = Sqlite::new();
    Store::new(sqlite.clone()).create().expect("tables");
    let tables = "select 'delete from ' || name from sqlite_master where type = 'table'";
    let mut statement = sqlite.db.prepare(tables).expect("a query");
    let emptying = statement.query_map([], |row| row.get(0)).expect("tables");
    let emptying = emptying.map(|name| name.expect("a name")).collect();
    drop(statement);
    let kept = Kept {
        seen: Cell::new(Seen::Tables),
        emptying,
    };
    Sqlite {
        kept: Some(Rc::new(kept)),
        ..sqlite
    }
}

/// Takes the rows out, and has the tables unseen.
fn empty(sqlite: &Sqlite) {
    let Some(kept) = &sqlite.kept else { return };
    let execute = |statement: &str| {
        let mut statement = sqlite.db.prepare_cached(statement).expect("a statement");
        statement.execute([]).expect("carried out");
    };
    if !sqlite.db.is_autocommit() {
        execute("rollback");
    }
    sqlite.fail_after(None);
    if kept.seen.replace(Seen::Nothing) != Seen::Nothing {
        execute("begin");
        kept.emptying
            .iter()
            .for_each(|statement| execute(statement));
        execute("commit");
    }
}

impl Kept {
    /// Carries out a statement as a database would that has no tables before they were made.
    pub fn run(&self, db: &Connection, statement: &str, values: &[Value]) -> Result<Vec<Row>> {
        let run = || rows(db, statement, values).map_err(|error| SqlError(error.to_string()));
        let makes = statement.starts_with("create ") || statement.starts_with("alter ");
        match self.seen.get() {
            Seen::Tables => run(),
            Seen::Nothing if statement.contains("sqlite_master") => Ok(Vec::new()),
            Seen::Nothing if !makes => Err(SqlError(format!("no such table: {statement}"))),
            Seen::Nothing | Seen::Making if makes => {
                self.seen.set(Seen::Making);
                Ok(Vec::new())
            }
            Seen::Nothing | Seen::Making => {
                // What the steps write into tables. The last one writes which of them were taken.
                let rows = run()?;
                if statement.starts_with("insert into schema ") {
                    self.seen.set(Seen::Tables);
                }
                Ok(rows)
            }
        }
    }

    /// The number that a query gives.
    pub fn number(&self, query: &str) -> Option<i64> {
        let is_unseen = self.seen.get() != Seen::Tables;
        (is_unseen && query.contains("sqlite_master")).then_some(0)
    }

    /// What was made in a turn that is taken back was not made.
    pub fn rolled_back(&self, db: &Connection) {
        let mut query = db
            .prepare_cached("select count(*) from schema")
            .expect("a query");
        let steps: i64 = query.query_row([], |row| row.get(0)).expect("a number");
        self.seen.set(match steps {
            0 => Seen::Nothing,
            _ => Seen::Tables,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{mint, minted, open};
    use crate::{MintAnswer, Sql};

    /// What a test can see of a database: its tables by name, and the rows of each that has some.
    fn tables(sql: &Sqlite) -> Vec<(String, i64)> {
        let names =
            "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'";
        let names = sql.run(names, &[]).expect("names");
        let name = |mut row: Row| row.text().expect("a name");
        let count = |name: String| {
            let rows = sql.number(&format!("select count(*) from {name}"));
            (name, rows)
        };
        names.into_iter().map(name).map(count).collect()
    }

    fn mints(sql: &Sqlite) -> Vec<(String, i64)> {
        let mut ledger = open(sql);
        let answer = minted(&mut ledger, 1_000, mint(7, "ci", 1_000));
        assert_eq!(answer, MintAnswer::Minted);
        tables(sql)
    }

    #[test]
    fn a_database_that_is_used_again_is_as_a_new_one() {
        let expected = mints(&Sqlite::new());
        assert!(expected.contains(&("tokens".to_owned(), 1)), "{expected:?}");
        let first = Sqlite::again();
        let at = Rc::as_ptr(&first.db);
        for turn in 0..3 {
            let sql = if turn == 0 {
                first.clone()
            } else {
                Sqlite::again()
            };
            assert_eq!(
                sql.number("select count(*) from sqlite_master where name = 'events'"),
                0
            );
            assert_eq!(tables(&sql), []);
            assert!(sql.run("select id from tokens", &[]).is_err(), "no table");
            assert_eq!(mints(&sql), expected, "turn {turn}");
            // The outbox counts on from its last entry; here it begins anew.
            assert_eq!(
                sql.number("select max(seq) from sqlite_sequence"),
                first_entries()
            );
            assert_eq!(
                Rc::as_ptr(&sql.db) == at,
                turn == 0,
                "the first is held all the time"
            );
        }
    }

    /// How far the outbox of a new database counts for the same command.
    fn first_entries() -> i64 {
        let sql = Sqlite::new();
        mints(&sql);
        sql.number("select max(seq) from sqlite_sequence")
    }

    #[test]
    fn tables_of_a_turn_that_is_taken_back_were_never_made() {
        for statements in [1, 9, 60] {
            let sql = Sqlite::again();
            sql.transact("begin");
            sql.fail_after(Some(statements));
            let mut store = Store::new(sql.clone());
            let created = store.create();
            sql.fail_after(None);
            sql.transact("rollback");
            assert_eq!(created.is_ok(), statements == 60, "{created:?}");
            assert_eq!(tables(&sql), []);
            assert_eq!(Store::new(sql.clone()).exists(), Ok(false));
            let at = Rc::as_ptr(&sql.db);
            drop((sql, store));
            assert_eq!(Rc::as_ptr(&Sqlite::again().db), at, "it is the same one");
        }
    }
}
