//! What the machine asks of a database: one SQLite, one statement at a time, rows of plain values.

use core::fmt;

use postern_domain::time::Timestamp;

/// A value that is bound to a statement or read from a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// SQL's null.
    Null,
    /// A whole number. All of ours lie within 2^53, so they survive a trip through JavaScript.
    Integer(i64),
    /// A text.
    Text(String),
}

/// Why a statement was not carried out, or what it gave could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError(pub String);

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for SqlError {}

/// A stored text that cannot be read is as good as none.
impl From<serde_json::Error> for SqlError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// What the machine's calls give.
pub type Result<T> = core::result::Result<T, SqlError>;

/// A SQLite database with one writer. An implementation stores all that one synchronous turn of the
/// machine has written, or nothing of it.
pub trait Sql {
    /// Carries out one statement and gives its rows.
    ///
    /// # Errors
    /// Why the database did not carry it out.
    fn run(&self, statement: &str, values: &[Value]) -> Result<Vec<Row>>;
}

/// A row, read column by column in the order of the statement.
#[derive(Debug)]
pub struct Row(std::vec::IntoIter<Value>);

impl From<Vec<Value>> for Row {
    fn from(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }
}

impl Row {
    /// The next column, a number.
    ///
    /// # Errors
    /// When it is something else, as for all of these.
    pub fn integer(&mut self) -> Result<i64> {
        self.maybe_integer()?.ok_or_else(|| wrong("no number"))
    }

    /// The next column, a number or null.
    ///
    /// # Errors
    /// When it is a text.
    pub fn maybe_integer(&mut self) -> Result<Option<i64>> {
        match self.0.next() {
            Some(Value::Integer(number)) => Ok(Some(number)),
            Some(Value::Null) => Ok(None),
            _ => Err(wrong("no number")),
        }
    }

    /// The next column, a text.
    ///
    /// # Errors
    /// When it is something else.
    pub fn text(&mut self) -> Result<String> {
        self.maybe_text()?.ok_or_else(|| wrong("no text"))
    }

    /// The next column, a text or null.
    ///
    /// # Errors
    /// When it is a number.
    pub fn maybe_text(&mut self) -> Result<Option<String>> {
        match self.0.next() {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            _ => Err(wrong("no text")),
        }
    }

    /// The next column, a moment or null.
    ///
    /// # Errors
    /// When it is a text.
    pub fn maybe_time(&mut self) -> Result<Option<Timestamp>> {
        Ok(self.maybe_integer()?.map(Timestamp::from_millis))
    }
}

fn wrong(what: &str) -> SqlError {
    SqlError(format!("a stored column is {what}"))
}

/// A text as a value.
pub(crate) fn text(value: impl ToString) -> Value {
    Value::Text(value.to_string())
}

/// A text that may be absent.
pub(crate) fn maybe_text(value: Option<impl ToString>) -> Value {
    value.map_or(Value::Null, text)
}

/// A moment as a value.
pub(crate) fn time(value: Timestamp) -> Value {
    Value::Integer(value.as_millis())
}

/// A moment that may be absent.
pub(crate) fn maybe_time(value: Option<Timestamp>) -> Value {
    value.map_or(Value::Null, time)
}

/// A count or number of an event. What is beyond the range of a column is beyond every row.
pub(crate) fn count(value: u64) -> Value {
    Value::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}
