//! What the audit log that anyone can check needs of the world: the tree, checkpoints that are kept, and
//! witnesses (R54).

use super::*;
use postern_ledger::{TreeAnswer, TreeStep};

/// A checkpoint that public keys verify, as the record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredNote {
    /// How many events it covers.
    pub size: u64,
    /// When it was signed.
    pub at: Timestamp,
    /// The note as it was signed.
    pub note: String,
    /// The lines of witnesses that have cosigned it.
    pub cosignatures: Vec<String>,
}

/// What a witness has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// The tree of an organization's log, and the checkpoints of it. Nothing of it needs a permit but to be
/// shown: what is written is signed, and is the same whoever asks for it.
pub trait PublicLog {
    /// Asks the organization's Ledger something of its tree.
    ///
    /// # Errors
    /// When the Ledger does not answer.
    async fn tree(&self, organization: OrganizationId, step: TreeStep) -> Result<TreeAnswer>;
    /// The record's events in their order, behind `after` and up to `up_to`, at most `limit`.
    ///
    /// # Errors
    /// When the record does not answer.
    async fn log_rows(
        &self,
        organization: OrganizationId,
        after: u64,
        up_to: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Row)>>;
    /// Checkpoints of less than `before` events, the largest first, at most `limit`.
    ///
    /// # Errors
    /// When the record does not answer.
    async fn notes(
        &self,
        organization: OrganizationId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<StoredNote>>;
    /// Keeps a checkpoint, unless there is one of its size.
    ///
    /// # Errors
    /// When the record does not answer.
    async fn keep_note(
        &self,
        organization: OrganizationId,
        size: u64,
        at: Timestamp,
        note: &str,
    ) -> Result<()>;
    /// The size of the largest checkpoint that a witness has cosigned; 0 = none.
    ///
    /// # Errors
    /// When the record does not answer.
    async fn cosigned(&self, organization: OrganizationId, witness: &str) -> Result<u64>;
    /// Keeps what a witness has signed: its name and its line.
    ///
    /// # Errors
    /// When the record does not answer.
    async fn keep_cosignature(
        &self,
        organization: OrganizationId,
        size: u64,
        signed: (&str, &str),
        at: Timestamp,
    ) -> Result<()>;
    /// Shows a checkpoint to the witness at this URL, and waits a few seconds.
    ///
    /// # Errors
    /// Why it did not answer.
    async fn show_witness(
        &self,
        url: &str,
        body: &str,
    ) -> core::result::Result<WitnessAnswer, String>;
}
