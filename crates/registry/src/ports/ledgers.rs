//! What use cases need of the Ledgers: questions, and commands, which need a permit each.

use super::*;

/// The Ledgers, one for each organization. Each knows its organization's name, and refuses what
/// comes by another one: then the answer is `Misdirected`.
pub trait Ledgers {
    /// Asks the Ledger of this id whether the name is its organization's. One that has written
    /// nothing yet does not know, and belongs to whoever writes first.
    ///
    /// # Errors
    /// `Misdirected` when it is not; `Unavailable` when the Ledger does not answer.
    async fn confirm(&self, organization: &Named<id::Organization>) -> Result<()>;
    /// # Errors
    /// When the Ledger does not answer; never a guess.
    async fn admit(&self, organization: OrganizationId, query: AdmitQuery) -> Result<Admission>;
    /// Binds a token of an earlier release to what was signed, unless it is bound already; gives its
    /// facts. Needs no permit: the credential was proven, and nothing becomes wider by it.
    ///
    /// # Errors
    /// When the Ledger does not answer.
    async fn bind(
        &self,
        organization: &Named<id::Organization>,
        command: &BindCommand,
    ) -> Result<Option<TokenFacts>>;
    /// # Errors
    /// When the Ledger does not answer.
    async fn mint(&self, permit: &Permit, command: &MintCommand) -> Result<MintAnswer>;
    /// # Errors
    /// When the Ledger does not answer.
    async fn revoke(
        &self,
        permit: &Permit,
        organization: &Named<id::Organization>,
        command: &RevokeCommand,
    ) -> Result<RevokeAnswer>;
    /// The facts of a token of this organization in whatever state, pending and revoked ones too;
    /// `None` when it has none such.
    ///
    /// # Errors
    /// When the Ledger does not answer.
    async fn describe(
        &self,
        organization: &Named<id::Organization>,
        token: TokenId,
    ) -> Result<Option<TokenFacts>>;
    /// The same facts, for whoever shows the token itself: it names its organization by id, so no
    /// name has to be right.
    ///
    /// # Errors
    /// When the Ledger does not answer.
    async fn shown(
        &self,
        organization: OrganizationId,
        token: TokenId,
    ) -> Result<Option<TokenFacts>>;
    /// Revokes or quarantines a token that was found in public. Needs no permit: whoever has shown
    /// the token has shown that it must not be trusted.
    ///
    /// # Errors
    /// When the Ledger does not answer.
    async fn report_leak(
        &self,
        organization: &Named<id::Organization>,
        command: &LeakCommand,
    ) -> Result<LeakAnswer>;
    /// # Errors
    /// When the Ledger does not answer.
    async fn release(
        &self,
        permit: &Permit,
        organization: &Named<id::Organization>,
        command: &ReleaseCommand,
    ) -> Result<ReleaseAnswer>;
    /// # Errors
    /// When the Ledger does not answer.
    async fn rotate(&self, permit: &Permit, command: &RotateCommand) -> Result<RotateAnswer>;
    /// # Errors
    /// When the Ledger does not answer.
    async fn revoke_many(
        &self,
        permit: &Permit,
        organization: &Named<id::Organization>,
        command: &RevokeManyCommand,
    ) -> Result<RevokeManyAnswer>;
    /// # Errors
    /// When the Ledger does not answer.
    async fn record_run(
        &self,
        permit: &Permit,
        organization: &Named<id::Organization>,
        command: &RunCommand,
    ) -> Result<RunAnswer>;
    /// Writes down what was done in the record without the Ledger (R35).
    ///
    /// # Errors
    /// When the Ledger does not answer.
    async fn note(
        &self,
        permit: &Permit,
        organization: &Named<id::Organization>,
        command: &NoteCommand,
    ) -> Result<()>;
    /// Writes down that a mint was refused. Needs no permit: there was none.
    ///
    /// # Errors
    /// As the other commands.
    async fn refuse(
        &self,
        actor: Actor,
        organization: &Named<id::Organization>,
        command: &RefusalCommand,
    ) -> Result<()>;
    /// # Errors
    /// When the Ledger does not answer.
    async fn change_limits(
        &self,
        permit: &Permit,
        organization: &Named<id::Organization>,
        command: &LimitsCommand,
    ) -> Result<LimitsAnswer>;
    /// # Errors
    /// When the Ledger does not answer.
    async fn checkpoint(
        &self,
        permit: &Permit,
        organization: &Named<id::Organization>,
        command: &CheckpointCommand,
    ) -> Result<Signed>;
    /// The events of which the Ledger has a copy, in their order, each with its number.
    ///
    /// # Errors
    /// When the Ledger does not answer.
    async fn kept_events(
        &self,
        organization: &Named<id::Organization>,
        query: KeptQuery,
    ) -> Result<Vec<(u64, Row)>>;
}
