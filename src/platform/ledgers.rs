//! The port of the Ledgers. A command's organization and actor are those of its grant.

use super::*;
use postern_domain::location::LocationHint;
use postern_ledger::{ExchangeAnswer, ExchangeCommand, ReadActivityCommand};

impl Platform {
    /// Sends a command to a Ledger.
    async fn command<C: Command>(
        &self,
        actor: Actor,
        organization: &Named<id::Organization>,
        command: &C,
    ) -> Result<C::Answer> {
        let call = ledger_client::command(&self.env, organization, actor, command);
        self.timed(call).await
    }
}

impl Ledgers for Platform {
    async fn place(&self, organization: OrganizationId, near: Option<LocationHint>) -> Result<()> {
        self.timed(ledger_client::place(&self.env, organization, near))
            .await
    }

    async fn confirm(&self, organization: &Named<id::Organization>) -> Result<()> {
        let Named { id, name } = organization;
        if memory::organization(name) == Some(*id) {
            return Ok(());
        }
        let asked = ledger_client::confirm(&self.env, organization);
        if self.timed(asked).await? {
            memory::remember_organization(name, *id);
        }
        Ok(())
    }

    async fn admit(&self, organization: OrganizationId, query: AdmitQuery) -> Result<Admission> {
        self.timed(ledger_client::admit(&self.env, organization, query))
            .await
    }

    async fn send<C: Command>(&self, grant: &Grant, command: &C) -> Result<C::Answer> {
        self.command(grant.actor(), grant.organization(), command)
            .await
    }

    async fn bind(
        &self,
        organization: &Named<id::Organization>,
        command: &BindCommand,
    ) -> Result<Option<TokenFacts>> {
        let actor = Actor::Token(command.token);
        self.command(actor, organization, command).await
    }

    async fn describe(
        &self,
        organization: &Named<id::Organization>,
        token: TokenId,
    ) -> Result<Option<TokenFacts>> {
        self.timed(ledger_client::describe(&self.env, organization, token))
            .await
    }

    async fn shown(
        &self,
        organization: OrganizationId,
        token: TokenId,
    ) -> Result<Option<TokenFacts>> {
        self.timed(ledger_client::describe(&self.env, organization, token))
            .await
    }

    async fn report_leak(
        &self,
        organization: &Named<id::Organization>,
        command: &LeakCommand,
    ) -> Result<LeakAnswer> {
        self.command(Actor::NotAToken, organization, command).await
    }

    async fn exchange(
        &self,
        organization: &Named<id::Organization>,
        command: &ExchangeCommand,
    ) -> Result<ExchangeAnswer> {
        self.command(Actor::NotAToken, organization, command).await
    }

    async fn refuse(
        &self,
        actor: Actor,
        organization: &Named<id::Organization>,
        command: &RefusalCommand,
    ) -> Result<()> {
        self.command(actor, organization, command).await
    }

    async fn offline_failures(&self) -> Result<[u64; 2]> {
        let asked = ReadActivityCommand {
            token: None,
            days: 2,
            hides_system: false,
        };
        let told = self
            .timed(ledger_client::failures(&self.env, &asked))
            .await?;
        let mut days = told.unwrap_or_default().days.into_iter().rev();
        let mut next = || days.next().map_or(0, |day| day.offline);
        Ok([next(), next()])
    }

    async fn kept_events(
        &self,
        organization: &Named<id::Organization>,
        query: KeptQuery,
    ) -> Result<Vec<(u64, Row)>> {
        self.timed(ledger_client::events(&self.env, organization, query))
            .await
    }
}
