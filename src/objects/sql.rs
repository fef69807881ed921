//! SQLite of a Durable Object in the gateway's own terms. Rows are read through checked calls,
//! because those of a cursor can throw past Rust.

use serde::de::DeserializeOwned;
use worker::{SqlStorage, SqlStorageValue};

use postern_domain::time::Timestamp;

/// Runs a statement for its effect.
pub fn run(sql: &SqlStorage, query: &str, values: Vec<SqlStorageValue>) -> worker::Result<()> {
    sql.exec(query, values).map(|_| ())
}

/// All rows of a query.
pub fn rows<T: DeserializeOwned>(
    sql: &SqlStorage,
    query: &str,
    values: Vec<SqlStorageValue>,
) -> worker::Result<Vec<T>> {
    sql.exec(query, values)?.to_array()
}

/// The first row of a query.
pub fn first<T: DeserializeOwned>(
    sql: &SqlStorage,
    query: &str,
    values: Vec<SqlStorageValue>,
) -> worker::Result<Option<T>> {
    Ok(rows(sql, query, values)?.into_iter().next())
}

pub fn text(value: impl ToString) -> SqlStorageValue {
    SqlStorageValue::String(value.to_string())
}

/// Whole numbers as doubles: what JavaScript has, and exact below 2^53.
#[expect(
    clippy::cast_precision_loss,
    reason = "timestamps and sequences lie within 2^53"
)]
pub fn number(value: i64) -> SqlStorageValue {
    SqlStorageValue::Float(value as f64)
}

pub fn time(value: Timestamp) -> SqlStorageValue {
    number(value.as_millis())
}

pub fn maybe_time(value: Option<Timestamp>) -> SqlStorageValue {
    value.map_or(SqlStorageValue::Null, time)
}

pub fn maybe_text(value: Option<impl ToString>) -> SqlStorageValue {
    value.map_or(SqlStorageValue::Null, text)
}
