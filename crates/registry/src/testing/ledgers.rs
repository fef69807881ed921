//! The Ledgers of the test world: every command is noted, and answered as the test wants it.

use postern_ledger::{
    AddTrustRuleCommand, CheckpointCommand, ClearUpstreamAnswer, ClearUpstreamCommand, EditCommand,
    FederationCommand, GivenCalls, LimitsCommand, ListTrustRulesCommand, ListUpstreamsCommand,
    NoteCommand, PauseCommand, PolicyCommand, ReadActivityCommand, ReadUpstreamCommand,
    RebuildCommand, ReleaseAnswer, ReleaseCommand, RemoveTrustRuleCommand, ReserveAnswer,
    ReserveCommand, ResumeCommand, RevokeAnswer, RevokeCommand, SetUpstreamAnswer,
    SetUpstreamCommand, UnreserveCommand,
};

use postern_domain::location::{Jurisdiction, LocationHint};
use postern_domain::name::Label;
use postern_domain::upstream::Reach;

use super::*;

/// Carries out a command of a known type, by way of JSON, as it travels.
fn typed<C: Command, D: Command>(
    command: &C,
    run: impl FnOnce(D) -> Result<D::Answer>,
) -> Result<C::Answer> {
    let text = serde_json::to_string(command).expect("serializes");
    let answer = run(serde_json::from_str(&text).expect("the same command"))?;
    let text = serde_json::to_string(&answer).expect("serializes");
    Ok(serde_json::from_str(&text).expect("the same answer"))
}

impl World {
    /// One call for each question, while there are any.
    fn calls_of(&self, query: &AdmitQuery, token: Option<&TokenFacts>) -> Option<GivenCalls> {
        let conditions = token?.conditions.as_deref()?;
        conditions.calls_per_minute().filter(|_| query.calls)?;
        let granted = self.calls.get().min(1);
        self.calls.set(self.calls.get() - granted);
        Some(GivenCalls {
            granted,
            wait_seconds: if granted == 0 { 7 } else { 0 },
        })
    }

    /// The one upstream credential that there is, where it is for what is asked about.
    fn upstream_of(&self, query: &AdmitQuery, token: Option<&TokenFacts>) -> Option<GivenUpstream> {
        let (asked, token) = (query.upstream.as_ref()?, token?);
        let name = |label: &Option<Label>| label.as_ref().map(|label| label.as_str().to_owned());
        let (project, workflow) = (name(&asked.project), name(&asked.workflow));
        let runs = self.runs.borrow();
        let run = query
            .run
            .and_then(|run| runs.get(&(token.organization.id, run)));
        let (project, workflow) = (project.as_deref(), workflow.as_deref());
        let reach = match run {
            None if asked.is_exact => Reach::of(project, workflow),
            run => Reach::of_call(project, workflow, &token.scope, run),
        };
        let upstream = self.upstream.borrow();
        upstream.clone().filter(|given| given.reach.covers(&reach))
    }
}

impl Ledgers for World {
    async fn place(&self, id: OrganizationId, near: Option<LocationHint>) -> Result<()> {
        let jurisdiction = id.jurisdiction().map_or("anywhere", Jurisdiction::word);
        let near = near.map_or("anywhere", LocationHint::word);
        self.note(format!("place {jurisdiction} {near}"));
        match self.ledger_down.get() {
            true => Err(Error::unavailable("the Ledger is down")),
            false => Ok(()),
        }
    }

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
            facts: kept
                .filter(|kept| query.facts || kept.facts.revision != query.revision)
                .map(|kept| kept.facts.clone()),
            calls: self.calls_of(&query, kept.map(|kept| &kept.facts)),
            run: run.and_then(|key| self.runs.borrow().get(&key).cloned()),
            pin: self.learned_pin.get().filter(|_| query.pin),
            delta: None,
            upstream: self.upstream_of(&query, kept.map(|kept| &kept.facts)),
            paused: self.pause.borrow().is_some(),
        })
    }

    async fn send<C: Command>(&self, _: &Grant, command: &C) -> Result<C::Answer> {
        match C::NAME {
            MintCommand::NAME => typed(command, |command| self.mint(command)),
            EditCommand::NAME => typed(command, |command| Ok(self.edit(&command))),
            RotateCommand::NAME => typed(command, |command| self.rotate(command)),
            RevokeCommand::NAME => typed(command, |command: RevokeCommand| {
                self.note(format!("revoke {}", command.token));
                let tokens = self.tokens.borrow();
                let is_known = tokens.contains_key(&command.token);
                Ok(match is_known {
                    true => RevokeAnswer::Revoked {
                        at: self.now(),
                        final_in_ms: 0,
                    },
                    false => RevokeAnswer::Unknown,
                })
            }),
            RevokeManyCommand::NAME => typed(command, |command| self.revoke_many(command)),
            ReleaseCommand::NAME => typed(command, |command: ReleaseCommand| {
                self.note(format!("release {}", command.token));
                Ok(ReleaseAnswer::Released)
            }),
            NoteCommand::NAME => typed(command, |command: NoteCommand| {
                let target = command.target.unwrap_or_default();
                self.note(format!("note {} {target}", command.action.name()));
                Ok(())
            }),
            LimitsCommand::NAME => typed(command, |command: LimitsCommand| {
                Ok(self.change_limits(&command, None))
            }),
            FederationCommand::NAME => typed(command, |command: FederationCommand| {
                Ok(self.change_limits(&command.limits, Some(command.federated_only)))
            }),
            PolicyCommand::NAME => typed(command, |command: PolicyCommand| {
                let only = Some(command.federated_only);
                *self.policy.borrow_mut() = command.policy;
                Ok(self.change_limits(&command.limits, only))
            }),
            PauseCommand::NAME => typed(command, |command| Ok(self.pause(command))),
            ResumeCommand::NAME => typed(command, |_: ResumeCommand| Ok(self.resume())),
            CheckpointCommand::NAME => typed(command, |command| self.checkpoint(&command)),
            SetUpstreamCommand::NAME => typed(command, |command: SetUpstreamCommand| {
                if self.upstreams_lost.get() {
                    return Err(Error::unavailable("the answer is lost"));
                }
                if self.upstreams_full.get() {
                    return Ok(SetUpstreamAnswer::TooMany { limit: 1_000 });
                }
                self.note(format!(
                    "set upstream {} {}",
                    command.reach, command.keep_ms
                ));
                let state = UpstreamState {
                    reach: command.reach.clone(),
                    digest: command.digest.clone(),
                    set_at: self.now(),
                    set_by: command.set_by.clone(),
                    replaced: None,
                };
                self.set_upstreams.borrow_mut().push(command);
                *self.upstream_state.borrow_mut() = Some(state.clone());
                Ok(SetUpstreamAnswer::Set(state))
            }),
            ClearUpstreamCommand::NAME => typed(command, |command: ClearUpstreamCommand| {
                self.note(format!("clear upstream {}", command.reach));
                Ok(match self.upstream_state.take() {
                    Some(_) => ClearUpstreamAnswer::Cleared,
                    None => ClearUpstreamAnswer::Unset,
                })
            }),
            ListUpstreamsCommand::NAME => typed(command, |_: ListUpstreamsCommand| {
                self.note("list upstreams");
                Ok(self.upstream_state.borrow().iter().cloned().collect())
            }),
            ReserveCommand::NAME => typed(command, |command: ReserveCommand| {
                let ReserveCommand {
                    ceiling, lasts_ms, ..
                } = command;
                self.running()?;
                self.note(format!("reserve {ceiling} {lasts_ms}"));
                Ok(match self.no_room.get() {
                    true => ReserveAnswer::CeilingReached { ceiling },
                    false => ReserveAnswer::Reserved,
                })
            }),
            UnreserveCommand::NAME => typed(command, |_: UnreserveCommand| {
                self.note("unreserve");
                Ok(())
            }),
            RebuildCommand::NAME => typed(command, |command| self.rebuild(command)),
            ReadUpstreamCommand::NAME => typed(command, |command: ReadUpstreamCommand| {
                self.note(format!("read upstream {}", command.reach));
                Ok(self.upstream_state.borrow().clone())
            }),
            ReadActivityCommand::NAME => typed(command, |command: ReadActivityCommand| {
                let of = command
                    .token
                    .map_or("all".to_owned(), |token| token.to_string());
                let hidden = if command.hides_system {
                    ", no system tokens"
                } else {
                    ""
                };
                self.note(format!("read activity {of} {}{hidden}", command.days));
                Ok(self.activity.borrow().clone())
            }),
            AddTrustRuleCommand::NAME => typed(command, |command| Ok(self.add_rule(command))),
            RemoveTrustRuleCommand::NAME => {
                typed(command, |command| Ok(self.remove_rule(&command)))
            }
            ListTrustRulesCommand::NAME => typed(command, |_: ListTrustRulesCommand| {
                self.note("list trust rules");
                Ok(self.trust_rules.borrow().clone())
            }),
            other => panic!("nobody sends `{other}` with a grant"),
        }
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
        self.described.borrow_mut().push(token);
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

    async fn exchange(
        &self,
        organization: &Named<id::Organization>,
        command: &ExchangeCommand,
    ) -> Result<ExchangeAnswer> {
        self.note(format!("exchange {}", organization.name));
        self.confirm(organization).await?;
        self.exchanged.borrow_mut().push(command.clone());
        self.exchange_answer
            .borrow()
            .clone()
            .map_or_else(|| Err(Error::unavailable("the Ledger is down")), Ok)
    }

    async fn refuse(
        &self,
        _: Actor,
        _: &Named<id::Organization>,
        command: &RefusalCommand,
    ) -> Result<()> {
        let target = command.target.as_deref().unwrap_or("mint");
        self.note(format!("refused {} {target}", command.outcome));
        match self.ledger_down.get() {
            true => Err(Error::unavailable("the Ledger is down")),
            false => Ok(()),
        }
    }

    async fn offline_failures(&self) -> Result<[u64; 2]> {
        self.note("offline failures");
        Ok([3, 5])
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
