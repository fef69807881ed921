//! Sets of ids, and waiting for a moment.

use std::collections::BTreeSet;
use std::time::Duration;

use postern_system_tests::life::now;
use postern_system_tests::organization::Minted;

pub const ISOLATES: u16 = 4;

pub const FORMATS: [&str; 2] = ["opaque", "jwt"];

pub fn ids<'a>(tokens: impl IntoIterator<Item = &'a Minted>) -> BTreeSet<String> {
    tokens.into_iter().map(|token| token.id.clone()).collect()
}

/// Waits until a moment is past, and a little more.
pub async fn past(moment: i64) {
    let left = u64::try_from(moment - now()).unwrap_or(0);
    tokio::time::sleep(Duration::from_millis(left + 50)).await;
}
