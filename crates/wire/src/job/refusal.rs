//! Why a job token was refused, in one type, for the log.

use core::fmt;

use super::claims::ClaimFault;
use super::token::{KeyFault, TokenFault};

/// Why a job token was refused before any rule was looked at. Nobody outside learns which it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobRefusal {
    /// It is none.
    Token(TokenFault),
    /// The deployment does not know the issuer that it claims.
    UnknownIssuer,
    /// Its issuer has no key for it.
    Key(KeyFault),
    /// The key does not hold for it.
    Signature,
    /// Its claims do not count here, or not now.
    Claim(ClaimFault),
}

impl fmt::Display for JobRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(fault) => fault.fmt(f),
            Self::UnknownIssuer => f.write_str("`iss` is no issuer that this gateway trusts"),
            Self::Key(fault) => fault.fmt(f),
            Self::Signature => f.write_str("the signature does not hold"),
            Self::Claim(fault) => fault.fmt(f),
        }
    }
}

impl From<TokenFault> for JobRefusal {
    fn from(fault: TokenFault) -> Self {
        Self::Token(fault)
    }
}

impl From<KeyFault> for JobRefusal {
    fn from(fault: KeyFault) -> Self {
        Self::Key(fault)
    }
}

impl From<ClaimFault> for JobRefusal {
    fn from(fault: ClaimFault) -> Self {
        Self::Claim(fault)
    }
}
