//! What was given of tokens that may make only so many calls a minute (R53), for the next instance.

use postern_domain::id::TokenId;

use super::Store;
use crate::calls::Window;
use crate::sql::{self, Result, Sql, SqlError};

impl<S: Sql> Store<S> {
    /// What earlier instances have written.
    pub fn call_windows(&self) -> Result<Vec<(TokenId, Window)>> {
        self.rows("select token, window from call_windows", &[], |row| {
            let id = row.text()?;
            let token = TokenId::parse(&id).map_err(|_| SqlError(format!("`{id}` is no id")))?;
            Ok((token, serde_json::from_str(&row.text()?)?))
        })
    }

    /// Writes the window of a token; one in which nothing counts is deleted.
    pub fn set_call_window(&self, token: TokenId, window: &Window) -> Result<()> {
        if window.is_empty() {
            let query = "delete from call_windows where token = ?";
            return self.run(query, &[sql::text(token)]);
        }
        let query = "insert into call_windows (token, window) values (?, ?) \
                     on conflict (token) do update set window = excluded.window";
        let values = [sql::text(token), sql::text(serde_json::to_string(window)?)];
        self.run(query, &values)
    }
}
