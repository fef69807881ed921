//! D1 in the gateway's own terms. D1 cannot bind 64-bit integers: whole numbers go as doubles, and
//! all of them are below 2^53.

use js_sys::{JSON, Reflect};
use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use worker::{D1Database, D1PreparedStatement, Env};

use postern_domain::time::Timestamp;
use postern_registry::error::{Error, Result};

/// A value for a `?` of a statement.
pub enum Bind {
    Text(String),
    Number(f64),
    Null,
}

impl Bind {
    pub fn text(value: impl ToString) -> Self {
        Self::Text(value.to_string())
    }

    pub fn maybe(value: Option<impl ToString>) -> Self {
        value.map_or(Self::Null, Self::text)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "timestamps and counts lie within 2^53"
    )]
    pub fn whole(value: i64) -> Self {
        Self::Number(value as f64)
    }

    pub fn time(value: Timestamp) -> Self {
        Self::whole(value.as_millis())
    }

    pub fn maybe_time(value: Option<Timestamp>) -> Self {
        value.map_or(Self::Null, Self::time)
    }

    pub fn number(value: u32) -> Self {
        Self::Number(f64::from(value))
    }
}

/// As SQLite itself takes it, for the tests of statements.
#[cfg(test)]
impl rusqlite::ToSql for Bind {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        match self {
            Self::Text(text) => text.to_sql(),
            Self::Number(number) => number.to_sql(),
            Self::Null => rusqlite::types::Null.to_sql(),
        }
    }
}

/// The database.
pub fn database(env: &Env) -> Result<D1Database> {
    env.d1("DB").map_err(failed)
}

/// A statement with its values.
pub fn statement(
    database: &D1Database,
    sql: &str,
    values: Vec<Bind>,
) -> worker::Result<D1PreparedStatement> {
    let values: Vec<JsValue> = values
        .into_iter()
        .map(|value| match value {
            Bind::Text(text) => JsValue::from_str(&text),
            Bind::Number(number) => JsValue::from_f64(number),
            Bind::Null => JsValue::NULL,
        })
        .collect();
    database.prepare(sql).bind(&values)
}

/// All rows of a query.
pub async fn rows<T: DeserializeOwned>(env: &Env, sql: &str, values: Vec<Bind>) -> Result<Vec<T>> {
    let text = rows_as_json(env, sql, values).await?;
    serde_json::from_str(&text).map_err(failed)
}

/// All rows of several queries, which go to D1 together.
pub async fn rows_of_all<T: DeserializeOwned>(
    env: &Env,
    queries: Vec<(String, Vec<Bind>)>,
) -> Result<Vec<T>> {
    // As one text where it is one: see below.
    let queries = match <[_; 1]>::try_from(queries) {
        Ok([(sql, values)]) => return rows(env, &sql, values).await,
        Err(queries) => queries,
    };
    let database = database(env)?;
    let statements = queries
        .into_iter()
        .map(|(sql, values)| statement(&database, &sql, values).map_err(failed));
    let statements: Vec<D1PreparedStatement> = statements.collect::<Result<_>>()?;
    let mut all = Vec::new();
    for answer in database.batch(statements).await.map_err(failed)? {
        all.extend(answer.results::<T>().map_err(failed)?);
    }
    Ok(all)
}

/// The rows as one text: every field of every row would be a call out of the module.
async fn rows_as_json(env: &Env, sql: &str, values: Vec<Bind>) -> Result<String> {
    let statement = statement(&database(env)?, sql, values).map_err(failed)?;
    let answer = statement.inner().all().map_err(thrown)?;
    let answer = JsFuture::from(answer).await.map_err(thrown)?;
    json_of(&answer).map_err(thrown)
}

/// The rows of an answer as JSON.
pub fn json_of(answer: &JsValue) -> core::result::Result<String, JsValue> {
    let rows = Reflect::get(answer, &"results".into())?;
    Ok(JSON::stringify(&rows)?.as_string().unwrap_or_default())
}

/// Runs a single insert. `conflict` answers for a broken unique constraint, told the columns.
pub async fn insert(
    env: &Env,
    sql: &str,
    values: Vec<Bind>,
    conflict: impl Fn(&str) -> Error,
) -> Result<()> {
    let database = database(env)?;
    let statement = statement(&database, sql, values).map_err(failed)?;
    match statement.run().await {
        Ok(_) => Ok(()),
        Err(error) => {
            let text = error.to_string();
            match text.split_once("UNIQUE constraint failed: ") {
                Some((_, columns)) => Err(conflict(columns)),
                None => Err(failed(text)),
            }
        }
    }
}

fn thrown(error: JsValue) -> Error {
    failed(worker::Error::from(error))
}

/// D1 did not answer, or not as it should.
pub fn failed(error: impl core::fmt::Display) -> Error {
    Error::unavailable(format!("D1: {error}"))
}
