//! What verifying a job token needs of the world (R47): documents that everybody can read, and the
//! platform's answer to whether a signature holds.

use core::fmt;

use postern_wire::job::Question;

/// Why there is no document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotFetched {
    /// The answer has another status than 200: a redirect too, which is not followed.
    Status(u16),
    /// There is no answer, none in time, or one that is too long; in words for the log.
    Failed(String),
}

impl fmt::Display for NotFetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "it answered with status {status}"),
            Self::Failed(cause) => f.write_str(cause),
        }
    }
}

/// The issuers of job tokens and the forges behind them, and the platform's cryptography.
pub trait JobKeys {
    /// What stands at a URL of an issuer or a forge, in at most `limit` bytes, within some seconds. No
    /// credential goes there.
    ///
    /// # Errors
    /// [`NotFetched`].
    async fn fetch_public(&self, url: &str, limit: usize) -> Result<Vec<u8>, NotFetched>;
    /// Whether a public key holds for a message and a signature. A key that cannot be imported, an
    /// exception and no answer in time are a no.
    async fn holds(&self, question: &Question) -> bool;
    /// Returns after so many milliseconds, and not before.
    async fn pause(&self, ms: u32);
    /// Writes down that keys could not be fetched, where the call goes on without.
    fn keys_failed(&self, cause: &str);
}
