//! The SQLite of a Durable Object, as the Ledger's machine asks for it. Cursors whose calls could throw past
//! Rust are not used: every row is taken through a checked call.

use worker::{SqlStorage, SqlStorageValue};

use postern_ledger::{Row, Sql, SqlError, Value};

/// The object's database.
pub struct Storage(SqlStorage);

impl Storage {
    /// The database of an object's storage.
    pub fn new(sql: SqlStorage) -> Self {
        Self(sql)
    }
}

impl Sql for Storage {
    fn run(&self, statement: &str, values: &[Value]) -> Result<Vec<Row>, SqlError> {
        let values: Vec<SqlStorageValue> = values.iter().map(bound).collect();
        let cursor = self.0.exec(statement, values).map_err(failed)?;
        let row = |columns: worker::Result<Vec<SqlStorageValue>>| {
            let columns = columns.map_err(failed)?.into_iter().map(read);
            Ok(Row::from(columns.collect::<Result<Vec<Value>, _>>()?))
        };
        cursor.raw().map(row).collect()
    }
}

/// Whole numbers as doubles: what JavaScript has, and exact below 2^53.
#[expect(
    clippy::cast_precision_loss,
    reason = "timestamps and sequences lie within 2^53"
)]
fn bound(value: &Value) -> SqlStorageValue {
    match value {
        Value::Null => SqlStorageValue::Null,
        Value::Integer(number) => SqlStorageValue::Float(*number as f64),
        Value::Text(text) => SqlStorageValue::String(text.clone()),
    }
}

fn read(value: SqlStorageValue) -> Result<Value, SqlError> {
    match value {
        SqlStorageValue::Null => Ok(Value::Null),
        SqlStorageValue::Integer(number) => Ok(Value::Integer(number)),
        SqlStorageValue::String(text) => Ok(Value::Text(text)),
        SqlStorageValue::Boolean(_) | SqlStorageValue::Float(_) | SqlStorageValue::Blob(_) => {
            Err(SqlError("a column of no kind of ours".to_owned()))
        }
    }
}

fn failed(error: impl core::fmt::Display) -> SqlError {
    SqlError(error.to_string())
}
