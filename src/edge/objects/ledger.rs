//! The Ledger: one Durable Object for each organization, the single writer of whether its tokens
//! live and in which order things happened. Refuses to know what time a token's holder thinks it
//! is, or what the token may do.
//!
//! INVARIANT (one writer for each organization): each command checks and writes without awaiting,
//! so no other command can come between; only then does it wait for D1.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;

use worker::{
    DurableObject, Env, Method, Request, Response, Result, SqlStorage, State, durable_object,
};

use super::ledger_storage::{self as storage, Head};
use super::outbox::Outbox;
use crate::app::ledger::{
    Admission, AuditRow, Effect, Liveness, MintAnswer, MintCommand, RevokeAnswer, RevokeCommand,
    RunCommand, TokenRow,
};
use crate::domain::audit::{Action, Event, Link, Origin, hex, link};
use crate::domain::id::{Id, RunId, TokenId};
use crate::domain::time::Timestamp;
use crate::domain::token::TokenFacts;
use crate::edge::log;
use crate::edge::platform::{config, now};

/// How long after a change the alarm looks for what no command has delivered, and after a failed
/// delivery tries again.
const ALARM_MS: i64 = 2_000;

/// The object. Its memory holds nothing that its SQLite does not.
#[durable_object(alarm)]
pub struct Ledger {
    state: State,
    env: Env,
    db: SqlStorage,
    /// A panic in one call leaves these as they were or as they became; both are true of the
    /// SQLite that they describe, so the next call may go on with them.
    memory: AssertUnwindSafe<Memory>,
}

#[derive(Default)]
struct Memory {
    outbox: Outbox,
    /// Whether the tables are known to exist.
    exists: Cell<bool>,
    /// Whether tokens left pending by an earlier process have been dealt with.
    recovered: Cell<bool>,
    /// When the alarm is due, as far as this process knows. A due alarm is not moved: under
    /// steady traffic it would never ring.
    alarm_due: Cell<i64>,
}

impl DurableObject for Ledger {
    fn new(state: State, env: Env) -> Self {
        let db = state.storage().sql();
        Self {
            state,
            env,
            db,
            memory: AssertUnwindSafe(Memory::default()),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let path = request.path();
        let mut parts = path.trim_start_matches('/').split('/');
        match (request.method(), parts.next()) {
            (Method::Get, Some("admit")) => {
                let token = parts.next().and_then(|id| TokenId::parse(id).ok());
                let facts = parts.next() == Some("facts");
                let run = parts.next().and_then(|id| RunId::parse(id).ok());
                match token {
                    Some(token) => self.admit(token, facts, run),
                    None => Response::error("malformed", 400),
                }
            }
            (Method::Get, Some("ping")) => Response::empty().map(|answer| answer.with_status(204)),
            (Method::Post, Some("mint")) => {
                let command: MintCommand = request.json().await?;
                Response::from_json(&self.mint(command).await?)
            }
            (Method::Post, Some("revoke")) => {
                let command: RevokeCommand = request.json().await?;
                Response::from_json(&self.revoke(command).await?)
            }
            (Method::Post, Some("run")) => {
                let command: RunCommand = request.json().await?;
                self.record_run(&command).await?;
                Response::from_json(&())
            }
            _ => Response::error("unknown", 404),
        }
    }

    async fn alarm(&self) -> Result<Response> {
        self.memory.alarm_due.set(0);
        if self.exists()? {
            self.recover()?;
            if let Err(cause) = self
                .memory
                .outbox
                .deliver(&self.env, &self.db, i64::MAX)
                .await
            {
                log::failure("ledger.alarm", &cause);
                self.set_alarm().await?;
            }
        }
        Response::empty()
    }
}

impl Ledger {
    /// Answers 204 for a live token when nothing else was asked, and an [`Admission`] otherwise.
    fn admit(&self, token: TokenId, facts: bool, run: Option<RunId>) -> Result<Response> {
        let unknown = || {
            Response::from_json(&Admission {
                liveness: Liveness::Unknown,
                facts: None,
                run: None,
            })
        };
        if !self.exists()? {
            return unknown();
        }
        let Some(state) = storage::token_state(&self.db, token)? else {
            return unknown();
        };
        let liveness = match state {
            storage::State::Live => Liveness::Live,
            // Not born yet: its minter has no answer, so nobody holds it.
            storage::State::Pending => Liveness::Unknown,
            storage::State::Revoked => Liveness::Revoked,
        };
        if liveness == Liveness::Live && !facts && run.is_none() {
            return Response::empty().map(|answer| answer.with_status(204));
        }
        let live = liveness == Liveness::Live;
        let facts = if facts && live {
            storage::token(&self.db, token)?.map(|stored| stored.facts)
        } else {
            None
        };
        let run = match run {
            Some(run) if live => storage::run(&self.db, run)?,
            _ => None,
        };
        Response::from_json(&Admission {
            liveness,
            facts,
            run,
        })
    }

    async fn mint(&self, command: MintCommand) -> Result<MintAnswer> {
        self.prepare_write()?;
        let now = now();
        let facts = &command.facts;
        if storage::name_taken(&self.db, facts, now)? {
            return Ok(MintAnswer::NameTaken);
        }
        let ceiling = command.ceiling;
        if ceiling > 0 && !facts.is_system && storage::living(&self.db, now)? >= i64::from(ceiling)
        {
            return Ok(MintAnswer::CeilingReached { ceiling });
        }
        let mut head = storage::head(&self.db)?;
        let audit = self.event(&mut head, now, Action::TokenMint, facts, &command.origin)?;
        let insert = Effect::InsertToken(Box::new(TokenRow {
            facts: facts.clone(),
            description: command.description.clone(),
            created_at: command.created_at,
            created_by: command.created_by.clone(),
            minted_by: command.minted_by,
        }));
        storage::insert_pending(&self.db, facts)?;
        storage::set_head(&self.db, &head)?;
        let entry = storage::push(&self.db, &[insert, audit])?;
        self.set_alarm().await?;

        match self.memory.outbox.deliver(&self.env, &self.db, entry).await {
            Ok(()) => {
                storage::make_live(&self.db, facts.id)?;
                Ok(MintAnswer::Minted)
            }
            Err(cause) => {
                self.abandon(facts, &command.origin)?;
                self.set_alarm().await?;
                Ok(MintAnswer::RecordUnavailable { cause })
            }
        }
    }

    async fn revoke(&self, command: RevokeCommand) -> Result<RevokeAnswer> {
        if !self.exists()? {
            return Ok(RevokeAnswer::Unknown);
        }
        self.prepare_write()?;
        let Some(stored) = storage::token(&self.db, command.token)? else {
            return Ok(RevokeAnswer::Unknown);
        };
        if stored.facts.is_system && !command.include_system {
            return Ok(RevokeAnswer::Unknown);
        }
        if let (storage::State::Revoked, Some(at)) = (stored.state, stored.revoked_at) {
            return Ok(RevokeAnswer::Revoked { at });
        }
        let at = now();
        let entry = self.bury(&stored.facts, at, Action::TokenRevoke, &command.origin)?;
        self.set_alarm().await?;
        // From here on the token is dead, whatever becomes of the record: the alarm carries it.
        if let Err(cause) = self.memory.outbox.deliver(&self.env, &self.db, entry).await {
            log::failure("ledger.revoke", &cause);
        }
        Ok(RevokeAnswer::Revoked { at })
    }

    async fn record_run(&self, command: &RunCommand) -> Result<()> {
        self.prepare_write()?;
        let organization = match storage::token(&self.db, command.token)? {
            Some(stored) => stored.facts.organization.id,
            None => return Err("a run of an unknown token".into()),
        };
        storage::insert_run(&self.db, command)?;
        storage::push(
            &self.db,
            &[Effect::InsertRun {
                organization,
                run: command.run,
                facts: command.facts.clone(),
                token: command.token,
                at: command.at,
            }],
        )?;
        // The client is waiting for its Init: the alarm carries the row.
        self.set_alarm().await
    }

    /// Kills a token whose mint could not be recorded.
    fn abandon(&self, facts: &TokenFacts, origin: &Origin) -> Result<()> {
        self.bury(facts, now(), Action::TokenMintAbandoned, origin)?;
        Ok(())
    }

    /// Tombstone, audit event and outbox entry in one step.
    fn bury(
        &self,
        facts: &TokenFacts,
        at: Timestamp,
        action: Action,
        origin: &Origin,
    ) -> Result<i64> {
        let mut head = storage::head(&self.db)?;
        head.version += 1;
        let audit = self.event(&mut head, at, action, facts, origin)?;
        storage::bury(&self.db, facts.id, at, head.version)?;
        storage::set_head(&self.db, &head)?;
        storage::push(
            &self.db,
            &[
                Effect::RevokeToken {
                    organization: facts.organization.id,
                    token: facts.id,
                    at,
                    by: origin.actor.clone(),
                },
                audit,
            ],
        )
    }

    /// The next event of the organization's chain; moves the head past it.
    fn event(
        &self,
        head: &mut Head,
        at: Timestamp,
        action: Action,
        facts: &TokenFacts,
        origin: &Origin,
    ) -> Result<Effect> {
        let config = config(&self.env).map_err(|problems| problems.join("; "))?;
        let key = config.root_keys.audit.signing();
        head.sequence += 1;
        let event = Event {
            organization_id: facts.organization.id,
            sequence: u64::try_from(head.sequence).unwrap_or_default(),
            at,
            action,
            token_id: facts.id,
            token_prefix: facts.display_prefix(),
            origin: origin.clone(),
        };
        let content = serde_json::to_string(&event)?;
        let previous = hex(&head.link);
        head.link = link(key, &head.link, &content);
        Ok(Effect::AppendAudit(Box::new(AuditRow {
            event,
            content,
            previous,
            link: Link {
                kid: key.kid().to_owned(),
                mac: hex(&head.link),
            },
        })))
    }

    fn exists(&self) -> Result<bool> {
        if !self.memory.exists.get() {
            self.memory.exists.set(storage::exists(&self.db)?);
        }
        Ok(self.memory.exists.get())
    }

    /// Tables on the first write, and the dead of an earlier process before any other.
    fn prepare_write(&self) -> Result<()> {
        if !self.exists()? {
            storage::create(&self.db)?;
            self.memory.exists.set(true);
            self.memory.recovered.set(true);
        }
        self.recover()
    }

    /// Tokens that were pending when an earlier process ended: nobody has them, nobody gets them.
    fn recover(&self) -> Result<()> {
        if self.memory.recovered.replace(true) {
            return Ok(());
        }
        let origin = Origin {
            actor: "ledger".to_owned(),
            tier: "recovery".to_owned(),
            address: None,
            user_agent: None,
            request_id: Id::<crate::domain::id::Token>::from_u128(0).to_string(),
        };
        for facts in storage::pending(&self.db)? {
            self.abandon(&facts, &origin)?;
        }
        Ok(())
    }

    async fn set_alarm(&self) -> Result<()> {
        let now = now().as_millis();
        if self.memory.alarm_due.get() > now {
            return Ok(());
        }
        self.memory.alarm_due.set(now + ALARM_MS);
        self.state.storage().set_alarm(ALARM_MS).await
    }
}
