//! The MintLimiter: one Durable Object for each client address, a token bucket that survives
//! restarts (R26). The address itself is not stored; the object's name is its identity. A full
//! bucket stores nothing, so addresses leave nothing behind.

use worker::{DurableObject, Env, Method, Request, Response, Result, State, durable_object};

use super::sql::Storage;
use crate::platform::now;
use postern_domain::bucket::{Empty, FullAt, Rate};
use postern_ledger::{Row, Sql as _, SqlError, Value};

/// The object.
#[durable_object(alarm)]
pub struct MintLimiter {
    state: State,
    db: Storage,
}

impl DurableObject for MintLimiter {
    fn new(state: State, _env: Env) -> Self {
        let db = Storage::new(state.storage().sql());
        Self { state, db }
    }

    /// `POST /take/<per hour>`: 204, or 429 with the wait in whole seconds as the body.
    /// `POST /give-back/<per hour>`: 204.
    async fn fetch(&self, request: Request) -> Result<Response> {
        let path = request.path();
        let mut parts = path.trim_start_matches('/').split('/');
        let verb = parts.next();
        let rate = parts
            .next()
            .and_then(|text| text.parse().ok())
            .and_then(Rate::per_hour);
        match (request.method(), verb, rate) {
            (Method::Post, Some("take"), Some(rate)) => match rate.take(self.bucket()?, micros()) {
                Ok(taken) => {
                    self.store(taken.full_at).await?;
                    done()
                }
                Err(Empty {
                    retry_after_seconds,
                }) => Response::ok(retry_after_seconds.to_string())
                    .map(|answer| answer.with_status(429)),
            },
            (Method::Post, Some("give-back"), Some(rate)) => {
                if let Some(bucket) = self.bucket()? {
                    self.store(rate.give_back(bucket)).await?;
                }
                done()
            }
            _ => Response::error("unknown", 404),
        }
    }

    /// The bucket is full, or will be: then there is nothing to keep.
    async fn alarm(&self) -> Result<Response> {
        match self.bucket()? {
            Some(FullAt(full_at)) if full_at > micros() => self.set_alarm(full_at).await?,
            _ => self.state.storage().delete_all().await?,
        }
        Response::empty()
    }
}

impl MintLimiter {
    fn bucket(&self) -> Result<Option<FullAt>> {
        let tables = "select count(*) as count from sqlite_master where name = 'bucket'";
        if self.number(tables)? != Some(1) {
            return Ok(None);
        }
        Ok(self.number("select full_at from bucket")?.map(FullAt))
    }

    async fn store(&self, bucket: FullAt) -> Result<()> {
        let schema = "create table if not exists bucket \
                      (only integer primary key check (only = 0), full_at integer not null) strict";
        self.run(schema, &[])?;
        let query = "insert into bucket (only, full_at) values (0, ?) \
                     on conflict (only) do update set full_at = excluded.full_at";
        self.run(query, &[Value::Integer(bucket.0)])?;
        self.set_alarm(bucket.0).await
    }

    /// The number that a query gives, if it gives a row.
    fn number(&self, query: &str) -> Result<Option<i64>> {
        let row = self.run(query, &[])?.into_iter().next();
        row.map(|mut row| row.integer()).transpose().map_err(failed)
    }

    fn run(&self, query: &str, values: &[Value]) -> Result<Vec<Row>> {
        self.db.run(query, values).map_err(failed)
    }

    async fn set_alarm(&self, full_at: i64) -> Result<()> {
        let wait_ms = ((full_at - micros()) / 1_000 + 1).max(1);
        self.state.storage().set_alarm(wait_ms).await
    }
}

fn failed(SqlError(cause): SqlError) -> worker::Error {
    worker::Error::RustError(cause)
}

fn micros() -> i64 {
    now().as_millis() * 1_000
}

fn done() -> Result<Response> {
    Response::empty().map(|answer| answer.with_status(204))
}
