//! What becomes of a token that was found in public.

use serde::{Deserialize, Serialize};

/// What an organization wants done with a token found in public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnLeak {
    /// Revoke it. A system token is quarantined instead (R10).
    Revoke,
    /// Quarantine it until it is released or revoked.
    Quarantine,
}

impl OnLeak {
    /// The word in the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Revoke => "revoke",
            Self::Quarantine => "quarantine",
        }
    }
}
