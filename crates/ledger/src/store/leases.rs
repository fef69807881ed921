//! How long a lease may last that is out: all that a new instance has to know of its predecessor's.

use super::Store;
use crate::sql::{Result, Sql, Value};

impl<S: Sql> Store<S> {
    /// The longest lease that may be out, in milliseconds; 0 = none is.
    pub fn longest_lease(&self) -> Result<u32> {
        let query = "select coalesce(max(longest_ms), 0) as longest from leases";
        Ok(u32::try_from(self.number(query, &[])?).unwrap_or(u32::MAX))
    }

    /// Stores it. Before a lease is granted that is longer, in the same turn.
    pub fn set_longest_lease(&self, ms: u32) -> Result<()> {
        let query = "insert into leases (only, longest_ms) values (0, ?1) \
                     on conflict (only) do update set longest_ms = ?1";
        self.run(query, &[Value::Integer(i64::from(ms))])
    }
}
