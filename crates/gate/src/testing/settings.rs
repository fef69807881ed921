//! A configuration for tests.

use crate::config::Config;

/// The administrator key of [`config`].
pub const ADMIN: &str = "an-administrator-key-for-tests-0123456789";
const KEY: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// The origin's secret.
const ORIGIN_KEY: &str = "cp:Y3BjcGNwY3BjcGNwY3BjcGNwY3BjcGNwY3BjcGNwY3A";

/// A configuration with everything set, in which every call asks the Ledger.
pub fn config() -> Config {
    Config::read(|name| match name {
        "ORIGIN_URL" => Some("http://127.0.0.1:1".to_owned()),
        "ADMIN_TOKEN" => Some(ADMIN.to_owned()),
        "TOKEN_KEYS" => Some(KEY.to_owned()),
        "ADOPT_KEYS" => Some(ORIGIN_KEY.to_owned()),
        "REVOCATION_LEASE_MS" => Some("0".to_owned()),
        "ANSWER_HEADERS" => Some("on".to_owned()),
        _ => None,
    })
    .expect("a good configuration")
}
