//! What use cases need of the Ledgers: questions, and commands, which take a grant each.

use super::*;

/// The Ledgers, one for each organization. Each knows its organization's name, and refuses what
/// comes by another one: then the answer is `Misdirected`.
pub trait Ledgers {
    /// Has the Ledger of a new organization made where it is to be: in the jurisdiction that the id
    /// tells, near that part of the world. The first question settles this for good.
    ///
    /// # Errors
    /// `Invalid` where the platform keeps nothing in that jurisdiction; `Unavailable`.
    async fn place(&self, organization: OrganizationId, near: Option<LocationHint>) -> Result<()>;
    /// Asks the Ledger of this id whether the name is its organization's. One that has written
    /// nothing yet does not know; the first write names it.
    ///
    /// # Errors
    /// `Misdirected` when it is not; `Unavailable` when the Ledger does not answer.
    async fn confirm(&self, organization: &Named<id::Organization>) -> Result<()>;
    /// # Errors
    /// When the Ledger does not answer; never a guess.
    async fn admit(&self, organization: OrganizationId, query: AdmitQuery) -> Result<Admission>;
    /// Sends a command to the Ledger of the grant's organization, for the grant's actor.
    ///
    /// # Errors
    /// `Credential` when the actor is no longer active; `Misdirected`; `Unavailable` when the
    /// Ledger does not answer: then the command may still have been carried out.
    async fn send<C: Command>(&self, grant: &Grant, command: &C) -> Result<C::Answer>;
    /// Binds a token of an earlier release to what was signed, unless it is bound already; gives
    /// its facts. Needs no permit: the credential was proven, and nothing becomes wider by it.
    ///
    /// # Errors
    /// When the Ledger does not answer.
    async fn bind(
        &self,
        organization: &Named<id::Organization>,
        command: &BindCommand,
    ) -> Result<Option<TokenFacts>>;
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
    /// The same facts, where the token itself was shown: it names its organization by id, so no
    /// name has to be confirmed.
    ///
    /// # Errors
    /// When the Ledger does not answer.
    async fn shown(
        &self,
        organization: OrganizationId,
        token: TokenId,
    ) -> Result<Option<TokenFacts>>;
    /// Revokes or quarantines a token that was found in public. Needs no permit: the report
    /// shows the token itself, which proves that it must not be trusted.
    ///
    /// # Errors
    /// When the Ledger does not answer.
    async fn report_leak(
        &self,
        organization: &Named<id::Organization>,
        command: &LeakCommand,
    ) -> Result<LeakAnswer>;
    /// Gives a verified CI job the token that a trust rule allows. Needs no permit: the job token was
    /// verified, and the Ledger decides by its rules.
    ///
    /// # Errors
    /// `Misdirected`; `Unavailable`: then the token may exist.
    async fn exchange(
        &self,
        organization: &Named<id::Organization>,
        command: &ExchangeCommand,
    ) -> Result<ExchangeAnswer>;
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
    /// How many credentials failed before any organization was known, today and yesterday.
    ///
    /// # Errors
    /// When the object that counts them does not answer.
    async fn offline_failures(&self) -> Result<[u64; 2]>;
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
