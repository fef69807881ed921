//! The Ledgers behind their port: each command with its actor, which is taken from the permit.

use super::*;

impl Platform {
    /// Sends a command with a permit, whose holder the Ledger looks at once more. INVARIANT
    /// (permission is a value): a permit of another organization goes nowhere.
    async fn permitted<C: Serialize, A: DeserializeOwned>(
        &self,
        permit: &Permit,
        organization: &Named<id::Organization>,
        name: &str,
        command: &C,
    ) -> Result<A> {
        check(permit, organization.id)?;
        self.command(permit.actor(), organization, name, command)
            .await
    }

    /// Sends a command to a Ledger.
    async fn command<C: Serialize, A: DeserializeOwned>(
        &self,
        actor: Actor,
        organization: &Named<id::Organization>,
        name: &str,
        command: &C,
    ) -> Result<A> {
        let call = ledger_client::command(&self.env, organization, actor, name, command);
        self.timed(call).await
    }
}

impl Ledgers for Platform {
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

    async fn bind(
        &self,
        organization: &Named<id::Organization>,
        command: &BindCommand,
    ) -> Result<Option<TokenFacts>> {
        let actor = Actor::Token(command.token);
        self.command(actor, organization, "bind", command).await
    }

    async fn mint(&self, permit: &Permit, command: &MintCommand) -> Result<MintAnswer> {
        let organization = &command.facts.organization;
        self.permitted(permit, organization, "mint", command).await
    }

    async fn revoke(
        &self,
        permit: &Permit,
        organization: &Named<id::Organization>,
        command: &RevokeCommand,
    ) -> Result<RevokeAnswer> {
        self.permitted(permit, organization, "revoke", command)
            .await
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
        self.command(Actor::NotAToken, organization, "leak", command)
            .await
    }

    async fn release(
        &self,
        permit: &Permit,
        organization: &Named<id::Organization>,
        command: &ReleaseCommand,
    ) -> Result<ReleaseAnswer> {
        self.permitted(permit, organization, "release", command)
            .await
    }

    async fn rotate(&self, permit: &Permit, command: &RotateCommand) -> Result<RotateAnswer> {
        let organization = &command.mint.facts.organization;
        self.permitted(permit, organization, "rotate", command)
            .await
    }

    async fn revoke_many(
        &self,
        permit: &Permit,
        organization: &Named<id::Organization>,
        command: &RevokeManyCommand,
    ) -> Result<RevokeManyAnswer> {
        self.permitted(permit, organization, "revoke-many", command)
            .await
    }

    async fn record_run(
        &self,
        permit: &Permit,
        organization: &Named<id::Organization>,
        command: &RunCommand,
    ) -> Result<RunAnswer> {
        self.permitted(permit, organization, "run", command).await
    }

    async fn note(
        &self,
        permit: &Permit,
        organization: &Named<id::Organization>,
        command: &NoteCommand,
    ) -> Result<()> {
        self.permitted(permit, organization, "note", command).await
    }

    async fn refuse(
        &self,
        actor: Actor,
        organization: &Named<id::Organization>,
        command: &RefusalCommand,
    ) -> Result<()> {
        self.command(actor, organization, "refuse", command).await
    }

    async fn change_limits(
        &self,
        permit: &Permit,
        organization: &Named<id::Organization>,
        command: &LimitsCommand,
    ) -> Result<LimitsAnswer> {
        self.permitted(permit, organization, "limits", command)
            .await
    }

    async fn checkpoint(
        &self,
        permit: &Permit,
        organization: &Named<id::Organization>,
        command: &CheckpointCommand,
    ) -> Result<Signed> {
        self.permitted(permit, organization, "checkpoint", command)
            .await
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
