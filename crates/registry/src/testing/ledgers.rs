//! The Ledgers of the test world: every command is noted, and answered as the test wants it.

use super::*;

impl Ledgers for World {
    async fn confirm(&self, organization: &Named<id::Organization>) -> Result<()> {
        if *self.name.borrow() == organization.name {
            return Ok(());
        }
        Err(Error::Misdirected {
            cause: "another organization's name".to_owned(),
        })
    }

    async fn admit(&self, organization: OrganizationId, query: AdmitQuery) -> Result<Admission> {
        self.note("admit");
        self.counted
            .set(self.counted.get() + u32::from(query.counts));
        if self.ledger_down.get() {
            return Err(Error::unavailable("the Ledger is down"));
        }
        let tokens = self.tokens.borrow();
        let kept = tokens
            .get(&query.token)
            .filter(|kept| kept.facts.organization.id == organization);
        let run = query.run.map(|run| (organization, run));
        Ok(Admission {
            liveness: kept.map_or(Liveness::Unknown, |kept| kept.liveness),
            facts: kept.filter(|_| query.facts).map(|kept| kept.facts.clone()),
            run: run.and_then(|key| self.runs.borrow().get(&key).cloned()),
            pin: self.learned_pin.get().filter(|_| query.pin),
            version: query.version.then_some(1),
        })
    }

    async fn bind(
        &self,
        _: &Named<id::Organization>,
        command: &BindCommand,
    ) -> Result<Option<TokenFacts>> {
        let mut tokens = self.tokens.borrow_mut();
        let kept = tokens.get_mut(&command.token);
        Ok(kept.map(|kept| {
            if kept.facts.unbound() {
                kept.facts.verifier = Verifier::Jwt {
                    signed: Some(command.signed.clone()),
                };
            }
            kept.facts.clone()
        }))
    }

    async fn mint(&self, _: &Permit, command: &MintCommand) -> Result<MintAnswer> {
        self.note("mint");
        self.minted.borrow_mut().push(command.clone());
        Ok(self.mint_answer.borrow().clone())
    }

    async fn revoke(
        &self,
        _: &Permit,
        _: &Named<id::Organization>,
        command: &RevokeCommand,
    ) -> Result<RevokeAnswer> {
        self.note(format!("revoke {}", command.token));
        Ok(RevokeAnswer::Unknown)
    }

    async fn describe(
        &self,
        organization: &Named<id::Organization>,
        token: TokenId,
    ) -> Result<Option<TokenFacts>> {
        self.confirm(organization).await?;
        self.shown(organization.id, token).await
    }

    async fn shown(&self, _: OrganizationId, token: TokenId) -> Result<Option<TokenFacts>> {
        self.note("describe");
        if self.ledger_down.get() {
            return Err(Error::unavailable("the Ledger is down"));
        }
        let tokens = self.tokens.borrow();
        Ok(tokens.get(&token).map(|kept| kept.facts.clone()))
    }

    async fn report_leak(
        &self,
        _: &Named<id::Organization>,
        command: &LeakCommand,
    ) -> Result<LeakAnswer> {
        self.note(format!("leak {} {:?}", command.token, command.on_leak));
        let tokens = self.tokens.borrow();
        let liveness = tokens.get(&command.token).map(|kept| kept.liveness);
        Ok(match liveness {
            Some(Liveness::Live) => LeakAnswer::Revoked,
            _ => LeakAnswer::Unchanged,
        })
    }

    async fn release(
        &self,
        _: &Permit,
        _: &Named<id::Organization>,
        command: &ReleaseCommand,
    ) -> Result<ReleaseAnswer> {
        self.note(format!("release {}", command.token));
        Ok(ReleaseAnswer::Released)
    }

    async fn rotate(&self, _: &Permit, command: &RotateCommand) -> Result<RotateAnswer> {
        self.note("rotate");
        self.rotated.borrow_mut().push(command.clone());
        Ok(RotateAnswer::Rotated { description: None })
    }

    async fn revoke_many(
        &self,
        _: &Permit,
        _: &Named<id::Organization>,
        command: &RevokeManyCommand,
    ) -> Result<RevokeManyAnswer> {
        self.note("revoke many");
        self.bulk.borrow_mut().push(command.clone());
        Ok(RevokeManyAnswer::Done {
            tokens: Vec::new(),
            used_in_last_day: 0,
            at: self.now(),
            version: 1,
        })
    }

    async fn record_run(
        &self,
        _: &Permit,
        organization: &Named<id::Organization>,
        command: &RunCommand,
    ) -> Result<RunAnswer> {
        self.note(format!("record {}", command.run));
        if self.ledger_down.get() || self.fails_to_record.get() {
            return Err(Error::unavailable("the Ledger is down"));
        }
        self.runs
            .borrow_mut()
            .insert((organization.id, command.run), command.facts.clone());
        let pin = self.pins.borrow().get(&command.token).copied();
        Ok(RunAnswer {
            pin: pin.or(command.facts.workflow_id),
        })
    }

    async fn note(
        &self,
        _: &Permit,
        _: &Named<id::Organization>,
        command: &NoteCommand,
    ) -> Result<()> {
        let target = command.target.as_deref().unwrap_or_default();
        self.note(format!("note {} {target}", command.action.name()));
        Ok(())
    }

    async fn refuse(
        &self,
        _: Actor,
        _: &Named<id::Organization>,
        command: &RefusalCommand,
    ) -> Result<()> {
        let target = command.target.as_deref().unwrap_or("mint");
        self.note(format!("refused {} {target}", command.outcome));
        Ok(())
    }

    async fn change_limits(
        &self,
        _: &Permit,
        _: &Named<id::Organization>,
        command: &LimitsCommand,
    ) -> Result<LimitsAnswer> {
        let (ceiling, days) = (command.mint_ceiling, command.max_idle_days);
        let changes = serde_json::to_string(&command.changes).expect("serializes");
        self.note(format!("limits {ceiling:?} {days} {changes}"));
        Ok(LimitsAnswer::Changed)
    }

    async fn checkpoint(
        &self,
        _: &Permit,
        _: &Named<id::Organization>,
        command: &CheckpointCommand,
    ) -> Result<Signed> {
        self.note(format!("checkpoint {}", command.keep));
        let checkpoint = Checkpoint {
            organization_id: command.organization,
            sequence: 0,
            link: hex(&GENESIS),
            at: self.now(),
        };
        Ok(checkpoint.sign(&config().root_keys.audit).expect("signs"))
    }

    async fn kept_events(
        &self,
        _: &Named<id::Organization>,
        query: KeptQuery,
    ) -> Result<Vec<(u64, Row)>> {
        self.note(format!("kept {} to {}", query.after, query.up_to));
        let mut kept = self.kept.borrow().clone();
        kept.retain(|(sequence, _)| query.after < *sequence && *sequence <= query.up_to);
        Ok(kept)
    }
}
