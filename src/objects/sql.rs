//! SQLite of a Durable Object in the gateway's own terms. Rows are read through checked calls,
//! because those of a cursor can throw past Rust.

use serde::de::DeserializeOwned;
use worker::{SqlStorage, SqlStorageValue};

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

/// Whole numbers as doubles: what JavaScript has, and exact below 2^53.
#[expect(
    clippy::cast_precision_loss,
    reason = "timestamps and sequences lie within 2^53"
)]
pub fn number(value: i64) -> SqlStorageValue {
    SqlStorageValue::Float(value as f64)
}
