//! How lists are written: a table for people, or names, CSV and JSON for programs (`-o`), and which
//! columns of it (`--columns`).

use std::io::IsTerminal as _;

use chrono::Utc;
use serde_json::Value;

use crate::fail::{Failure, Kind, Outcome};
use crate::nearest::did_you_mean;
use crate::output::{print, print_json, remark};
use crate::table::{Column, Form, Look, draw};
use crate::terminal::Screen;
use crate::text::member;

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people; on a terminal as wide as it is, with the columns that it has room for
    Table,
    /// Every column, whole
    Wide,
    /// Names alone, one on each line
    Name,
    /// Every column, with moments as the API has them (RFC 4180)
    Csv,
    /// The gateway's own objects, one on each line
    Jsonl,
    /// The gateway's own objects
    Json,
}

/// Flags of every list.
#[derive(Debug, Clone, clap::Args)]
pub struct Shape {
    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    pub output: Format,

    /// Only these columns of a table or of CSV, in this order, such as name,expires_at
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub columns: Vec<String>,
}

/// What a list is of.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    /// Its columns, in the order in which tables have them.
    pub columns: &'static [Column],
    /// The column that is the name of a row; none for rows that have no name.
    pub name: Option<&'static str>,
}

impl Shape {
    /// A table without further wishes.
    pub const TABLE: Self = Self {
        output: Format::Table,
        columns: Vec::new(),
    };

    /// Whether the gateway's own objects are wanted.
    pub fn is_json(&self) -> bool {
        matches!(self.output, Format::Json | Format::Jsonl)
    }

    /// Whether people read it.
    pub fn is_table(&self) -> bool {
        matches!(self.output, Format::Table | Format::Wide)
    }

    /// Refuses columns that the list does not have, before anything is asked or done.
    ///
    /// # Errors
    /// `Usage`, with the columns that there are.
    pub fn check(&self, listed: Listed) -> Outcome {
        self.chosen(listed).map(|_| ())
    }

    fn chosen(&self, listed: Listed) -> Outcome<Vec<Column>> {
        let column = |name: &str| {
            let found = listed.columns.iter().find(|column| column.name == name);
            found.copied()
        };
        let names = || listed.columns.iter().map(|column| column.name);
        if self.output == Format::Name {
            let name = listed.name.and_then(column).ok_or_else(|| {
                Failure::new(Kind::Usage, "this list has no names")
                    .hint("give columns instead: -o csv --columns NAMES")
            })?;
            return match self.columns.is_empty() {
                true => Ok(vec![name]),
                false => Err(unshaped()),
            };
        }
        if self.columns.is_empty() {
            return Ok(listed.columns.to_vec());
        }
        if self.is_json() {
            return Err(unshaped());
        }
        let read = |given: &String| {
            let name = given.trim().to_lowercase().replace(['-', ' '], "_");
            column(&name).ok_or_else(|| {
                let all = names().collect::<Vec<_>>().join(", ");
                let near = did_you_mean(&name, names());
                let near = near.map(|near| near + " ").unwrap_or_default();
                Failure::new(Kind::Usage, format!("there is no column `{given}`"))
                    .hint(format!("{near}columns: {all}"))
            })
        };
        self.columns.iter().map(read).collect()
    }

    /// The list as text.
    ///
    /// # Errors
    /// `Usage` for columns that the list does not have.
    pub fn text(&self, listed: Listed, rows: &[Value], screen: Screen) -> Outcome<String> {
        Ok(self.drawn(listed, rows, screen)?.0)
    }

    /// The same, and the columns that had no room.
    fn drawn(&self, listed: Listed, rows: &[Value], screen: Screen) -> Outcome<(String, String)> {
        let columns = self.chosen(listed)?;
        let all = !self.columns.is_empty();
        let look = |form: Form, screen: Screen| Look {
            form,
            now: Utc::now(),
            screen,
        };
        let text = match self.output {
            Format::Json => format!("{:#}\n", Value::Array(rows.to_vec())),
            Format::Jsonl => rows.iter().map(|row| format!("{row}\n")).collect(),
            Format::Name => names(&columns, rows, &look(Form::Raw, Screen::NONE)),
            Format::Csv => csv(&columns, rows, &look(Form::Raw, Screen::NONE)),
            Format::Table | Format::Wide if rows.is_empty() => String::new(),
            Format::Wide => {
                let screen = Screen {
                    width: None,
                    ..screen
                };
                draw(&columns, rows, &look(Form::Whole, screen), true).text
            }
            Format::Table => {
                let form = match screen.width {
                    Some(_) => Form::Near,
                    None => Form::Whole,
                };
                let drawn = draw(&columns, rows, &look(form, screen), all);
                return Ok((drawn.text, drawn.left_out.join(", ")));
            }
        };
        Ok((text, String::new()))
    }

    /// Writes a list. `none` says on stderr that it is empty, where people read it.
    ///
    /// # Errors
    /// `Usage` for columns that the list does not have.
    pub fn print(&self, listed: Listed, rows: &[Value], none: &str) -> Outcome {
        let screen = Screen::stdout();
        let (text, left_out) = self.drawn(listed, rows, screen)?;
        if rows.is_empty() && !self.is_json() && self.output != Format::Csv {
            remark(none);
            return Ok(());
        }
        print(&text)?;
        if !left_out.is_empty() && std::io::stderr().is_terminal() {
            remark(&format!(
                "not shown, for want of room: {left_out} (-o wide, --columns)"
            ));
        }
        Ok(())
    }

    /// Writes an answer whole where JSON is wanted, and the list in it otherwise.
    ///
    /// # Errors
    /// `Usage` for columns that the list does not have.
    pub fn print_of(&self, whole: &Value, listed: Listed, rows: &[Value], none: &str) -> Outcome {
        match self.output {
            Format::Json => print_json(whole),
            _ => self.print(listed, rows, none),
        }
    }

    /// The same list on stderr, whatever is written to stdout.
    ///
    /// # Errors
    /// Never; as `print`.
    pub fn remark_table(listed: Listed, rows: &[Value]) -> Outcome {
        let text = Self::TABLE.text(listed, rows, Screen::NONE)?;
        remark(text.trim_end());
        Ok(())
    }
}

/// A table of these rows for stdout, as `-o table` draws it.
///
/// # Errors
/// Never for a list with columns.
pub fn table(listed: Listed, rows: &[Value]) -> Outcome<String> {
    Shape::TABLE.text(listed, rows, Screen::stdout())
}

fn unshaped() -> Failure {
    let message =
        "--columns is for tables and CSV: -o json and jsonl have the gateway's own objects";
    Failure::new(Kind::Usage, message)
}

fn names(columns: &[Column], rows: &[Value], look: &Look) -> String {
    let mut text = String::new();
    for (row, column) in rows
        .iter()
        .flat_map(|row| columns.iter().map(move |it| (row, it)))
    {
        text.push_str(&(column.cell)(row, look).text);
        text.push('\n');
    }
    text
}

fn csv(columns: &[Column], rows: &[Value], look: &Look) -> String {
    let heading = columns.iter().map(|column| column.name.to_owned());
    let mut text = record(heading);
    for row in rows {
        text.push_str(&record(
            columns.iter().map(|column| (column.cell)(row, look).text),
        ));
    }
    text
}

fn record(fields: impl Iterator<Item = String>) -> String {
    let fields: Vec<String> = fields.map(field).collect();
    format!("{}\r\n", fields.join(","))
}

/// What begins a formula, also in the width of East Asian letters, which spreadsheets fold.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// A field that no spreadsheet takes for a formula: names are chosen by others. It is quoted where a
/// `;` stands in it too, which separates fields in many countries.
fn field(text: String) -> String {
    let text = match text.starts_with(FORMULA) {
        true => format!("'{text}"),
        false => text,
    };
    match text.contains([',', ';', '"']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

/// The text of a member as the cell of a column.
pub fn of(row: &Value, name: &str) -> crate::table::Cell {
    member(row, name).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const LISTED: Listed = Listed {
        columns: &[
            Column::new("name", 0, 8, |row, _| of(row, "name")),
            Column::new("created_at", 1, 0, |row, look| {
                look.moment(row, "created_at").into()
            }),
        ],
        name: Some("name"),
    };

    fn shape(output: Format, columns: &[&str]) -> Shape {
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        Shape { output, columns }
    }

    fn written(output: Format, columns: &[&str]) -> String {
        let rows = [
            json!({ "name": "=a,\"b\"", "created_at": "2026-11-22T01:14:20.641Z" }),
            json!({ "name": "c\u{1b}" }),
        ];
        let text = shape(output, columns).text(LISTED, &rows, Screen::NONE);
        text.unwrap()
    }

    #[test]
    fn every_format() {
        for (output, columns, expected) in [
            (
                Format::Csv,
                &[][..],
                "name,created_at\r\n\"'=a,\"\"b\"\"\",2026-11-22T01:14:20.641Z\r\nc\\u{1b},\r\n",
            ),
            (
                Format::Csv,
                &["Created-At"],
                "created_at\r\n2026-11-22T01:14:20.641Z\r\n\r\n",
            ),
            (Format::Name, &[], "=a,\"b\"\nc\\u{1b}\n"),
            (
                Format::Jsonl,
                &[],
                "{\"created_at\":\"2026-11-22T01:14:20.641Z\",\"name\":\"=a,\\\"b\\\"\"}\n{\"name\":\"c\\u001b\"}\n",
            ),
            (
                Format::Table,
                &["created_at", "name"],
                "CREATED AT               NAME\n2026-11-22 01:14:20 UTC  =a,\"b\"\n                         c\\u{1b}\n",
            ),
        ] {
            assert_eq!(written(output, columns), expected);
        }
    }

    #[test]
    fn no_field_is_a_formula_wherever_fields_end() {
        for (text, expected) in [
            ("a;=1+1", "\"a;=1+1\""),
            ("a,=1+1", "\"a,=1+1\""),
            ("=1+1", "'=1+1"),
            ("-1;2", "\"'-1;2\""),
            ("\u{ff1d}1+1", "'\u{ff1d}1+1"),
            ("\u{ff0b}1", "'\u{ff0b}1"),
            ("\u{ff0d}1", "'\u{ff0d}1"),
            ("\u{ff20}a", "'\u{ff20}a"),
            ("a=b", "a=b"),
        ] {
            assert_eq!(field(text.to_owned()), expected, "{text}");
        }
    }

    #[test]
    fn columns_that_there_are_not() {
        let check = |output, columns: &[&str], listed| {
            let failure = shape(output, columns).check(listed).unwrap_err();
            assert_eq!(failure.kind, Kind::Usage);
            format!("{failure}")
        };
        assert_eq!(
            check(Format::Table, &["nmae"], LISTED),
            "postern: there is no column `nmae`\n  hint: did you mean `name`? columns: name, created_at"
        );
        assert!(check(Format::Json, &["name"], LISTED).contains("for tables and CSV"));
        let nameless = Listed {
            name: None,
            ..LISTED
        };
        assert!(check(Format::Name, &[], nameless).contains("no names"));
    }
}
