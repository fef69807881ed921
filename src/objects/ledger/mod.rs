//! The Ledger: one Durable Object for each organization, the single writer of whether its tokens
//! live and in which order things happened. Refuses to know what time a token's holder thinks it
//! is, or what the token may do. Here: the object and its questions; the commands are beside it.
//!
//! INVARIANT (one writer for each organization): each command checks and writes without awaiting,
//! so no other command can come between; only then does it wait for D1.

mod acting;
mod ceiling;
mod chain;
mod conflicts;
mod events;
mod journal;
mod leak;
mod mint;
mod name;
mod outbox;
mod refusals;
mod revoke;
mod schema;
mod selection;
mod standing;
mod storage;
mod sweep;
mod sync;
mod uses;

use std::cell::Cell;
use std::panic::AssertUnwindSafe;

use worker::{DurableObject, Env, Method, Request, Response, Result, State, durable_object};

use self::acting::{Acting, Done, sent};
use self::conflicts::Conflicts;
use self::name::{Name, misdirected};
use self::outbox::{NEEDED, Outbox};
use self::standing::Store;
use crate::log;
use crate::objects::ledger_client::NAME_HEADER;
use crate::platform::now;
use crate::uses::Uses;
use postern_domain::decide::RunFacts;
use postern_domain::id::{OrganizationId, RunId, TokenId, WorkflowId};
use postern_domain::standing::{Inactive, Standing};
use postern_domain::time::Timestamp;
use postern_domain::token::{TokenFacts, Verifier};
use postern_ledger::{
    Admission, AdmitQuery, BindCommand, Effect, KeptQuery, Liveness, RunAnswer, RunCommand,
};

/// How long after a change the alarm looks for what no command has delivered, and after a failed
/// delivery tries again.
const ALARM_MS: i64 = 2_000;

/// How long uses are collected before they are written (R13). Less than the 10 s after which an
/// idle object loses its memory.
const USES_MS: i64 = 8_000;

/// The object. Its memory holds nothing that its SQLite does not, but for uses of the last
/// seconds.
#[durable_object(alarm)]
pub struct Ledger {
    state: State,
    env: Env,
    db: Store,
    /// A panic in one call leaves these as they were or as they became; both are true of the
    /// SQLite that they describe, so the next call may go on with them.
    memory: AssertUnwindSafe<Memory>,
}

#[derive(Default)]
struct Memory {
    outbox: Outbox,
    uses: Uses,
    name: Name,
    /// Whether the tables are known to exist, and to be those of this release.
    exists: Cell<bool>,
    /// Whether tokens left pending by an earlier process have been dealt with.
    recovered: Cell<bool>,
    /// When the alarm is due, as far as this process knows. A due alarm is not moved back: under
    /// steady traffic it would never ring.
    alarm_due: Cell<i64>,
    /// Of the object that answers `/readyz`: Ledgers that D1 refuses.
    conflicts: Conflicts,
}

impl DurableObject for Ledger {
    fn new(state: State, env: Env) -> Self {
        let db = Store::new(state.storage().sql());
        Self {
            state,
            env,
            db,
            memory: AssertUnwindSafe(Memory::default()),
        }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let path = request.path();
        let by = request.headers().get(NAME_HEADER)?;
        let mut parts = path.trim_start_matches('/').split('/');
        match (request.method(), parts.next()) {
            (Method::Get, Some(verb @ ("use" | "look"))) => {
                let token = parts.next().and_then(|id| TokenId::parse(id).ok());
                let facts = parts.next() == Some("facts");
                let run = parts.next().and_then(|id| RunId::parse(id).ok());
                let version = parts.next() == Some("version");
                let pin = parts.next() == Some("pin");
                match token {
                    Some(token) => {
                        let query = AdmitQuery {
                            token,
                            facts,
                            run,
                            pin,
                            counts: verb == "use",
                            version,
                        };
                        self.admit(query).await
                    }
                    None => Response::error("malformed", 400),
                }
            }
            (Method::Get, Some("name")) => {
                // 200: the name is known to be the organization's; 204: nothing was written yet.
                match (self.is_for(by.as_deref())?, self.name()?) {
                    (false, _) => misdirected(),
                    (true, Some(_)) => Response::ok("known"),
                    (true, None) => Response::empty().map(|answer| answer.with_status(204)),
                }
            }
            (Method::Get, Some("describe")) if !self.is_for(by.as_deref())? => misdirected(),
            (Method::Get, Some("describe")) => {
                match parts.next().and_then(|id| TokenId::parse(id).ok()) {
                    Some(token) => Response::from_json(&self.describe(token)?),
                    None => Response::error("malformed", 400),
                }
            }
            (Method::Get, Some("events")) if !self.is_for(by.as_deref())? => misdirected(),
            (Method::Get, Some("events")) => {
                let mut number = || parts.next().and_then(|text| text.parse().ok());
                match (number(), number()) {
                    (Some(after), Some(up_to)) if self.exists()? => {
                        Response::from_json(&events::kept(&self.db, KeptQuery { after, up_to })?)
                    }
                    (Some(_), Some(_)) => Response::from_json(&[(); 0]),
                    _ => Response::error("malformed", 400),
                }
            }
            (Method::Get, Some("ping")) => match self.memory.conflicts.lately(now()) {
                0 => Response::empty().map(|answer| answer.with_status(204)),
                refused => Response::from_json(&refused),
            },
            (Method::Post, Some("conflict")) => {
                let organization = parts.next().and_then(|id| OrganizationId::parse(id).ok());
                if let Some(organization) = organization {
                    self.memory.conflicts.tell(organization, now());
                }
                Response::empty().map(|answer| answer.with_status(204))
            }
            (Method::Post, Some(name)) => self.carry_out(name, request).await,
            _ => Response::error("unknown", 404),
        }
    }

    async fn alarm(&self) -> Result<Response> {
        self.memory.alarm_due.set(0);
        if self.exists()? {
            self.recover()?;
            self.settle_uses()?;
            self.close_hours()?;
            let delivered = self
                .memory
                .outbox
                .deliver(&self.env, &self.db, i64::MAX, NEEDED)
                .await;
            if let Err(cause) = delivered {
                log::failure("ledger.alarm", &cause);
                self.set_alarm(ALARM_MS).await?;
            }
            self.await_hour().await?;
        }
        Response::empty()
    }
}

impl Ledger {
    /// The commands, each by way of [`Ledger::command`]. `sync` is a question: it is nobody's write.
    async fn carry_out(&self, name: &str, mut request: Request) -> Result<Response> {
        match name {
            "bind" => self.command(request, Self::bind).await,
            "mint" => self.command(request, Self::mint).await,
            "rotate" => self.command(request, Self::rotate).await,
            "revoke" => self.command(request, Self::revoke).await,
            "revoke-many" => self.command(request, Self::revoke_many).await,
            "leak" => self.command(request, Self::report_leak).await,
            "release" => self.command(request, Self::release).await,
            "sweep" => self.command(request, Self::sweep).await,
            "note" => self.command(request, Self::note).await,
            "refuse" => self.command(request, Self::refuse).await,
            "limits" => self.command(request, Self::change_limits).await,
            "checkpoint" => self.command(request, Self::checkpoint).await,
            "run" => self.command(request, Self::record_run).await,
            "sync" => Response::from_json(&self.sync(&sent(&mut request).await?).await?),
            _ => Response::error("unknown", 404),
        }
    }

    /// Answers 204 for a live token when nothing else was asked, and an [`Admission`] otherwise.
    async fn admit(&self, query: AdmitQuery) -> Result<Response> {
        let AdmitQuery {
            token, facts, run, ..
        } = query;
        let now = now();
        let (liveness, standing) = self.liveness(token, now)?;
        if liveness != Liveness::Live {
            return Response::from_json(&Admission {
                liveness,
                ..Admission::LIVE
            });
        }
        let standing = standing.as_ref();
        let expired = standing
            .and_then(|standing| standing.expires_at)
            .is_some_and(|end| end <= now);
        // An expired credential is refused by its holder's end of this question: no use of it.
        if query.counts && !expired {
            self.memory.uses.note(token, 1, now);
            self.set_alarm(USES_MS).await?;
        }
        if !facts && run.is_none() && !query.version && !query.pin {
            return Response::empty().map(|answer| answer.with_status(204));
        }
        // Neither the version nor a plain yes needs them.
        let stored = match facts || run.is_some() {
            true => storage::token(&self.db, token)?.map(|stored| stored.facts),
            false => None,
        };
        // Before an isolate knows a token it asks for its facts: one that was minted here by another
        // organization's name, which earlier releases took, opens nothing.
        if let Some(stored) = &stored
            && !self.is_for(Some(&stored.organization.name))?
        {
            return Response::from_json(&Admission {
                liveness: Liveness::Unknown,
                ..Admission::LIVE
            });
        }
        let (run, pin) = match run {
            Some(run) => self.known_run(run, token, stored.as_ref())?,
            None if query.pin => (None, storage::pin(&self.db, token, None)?),
            None => (None, None),
        };
        // One that is being rotated out ends without another change: it is asked about each time.
        let lasting = standing.is_some_and(|standing| standing.revoked_at.is_none());
        Response::from_json(&Admission {
            liveness,
            facts: stored.filter(|_| facts),
            run,
            pin,
            version: match query.version && lasting {
                true => Some(journal::head(&self.db)?.version),
                false => None,
            },
        })
    }

    /// What is known of a run, and the workflow that the token is for, which a run of it tells.
    fn known_run(
        &self,
        run: RunId,
        token: TokenId,
        facts: Option<&TokenFacts>,
    ) -> Result<(Option<RunFacts>, Option<WorkflowId>)> {
        let run = storage::run(&self.db, run)?;
        let pin = match (&run, facts) {
            (Some(run), Some(facts)) if run.is_of(&facts.scope) => {
                storage::pin(&self.db, token, run.workflow_id)?
            }
            _ => None,
        };
        Ok((run, pin))
    }

    /// Whether a token lives, and what that follows from. Whether it has expired the asker judges by
    /// itself.
    fn liveness(&self, token: TokenId, now: Timestamp) -> Result<(Liveness, Option<Standing>)> {
        if !self.exists()? {
            return Ok((Liveness::Unknown, None));
        }
        let Some(standing) = self.db.standing(token)? else {
            return Ok((Liveness::Unknown, None));
        };
        let liveness = match standing.in_force(now) {
            Ok(()) => Liveness::Live,
            Err(Inactive::Unknown) => Liveness::Unknown,
            Err(Inactive::Revoked | Inactive::Expired) => Liveness::Revoked,
        };
        Ok((liveness, Some(standing)))
    }

    /// The facts of a token in whatever state, pending ones too: D1 shows them already, and what is
    /// shown can be revoked.
    fn describe(&self, token: TokenId) -> Result<Option<TokenFacts>> {
        if !self.exists()? {
            return Ok(None);
        }
        Ok(storage::token(&self.db, token)?.map(|stored| stored.facts))
    }

    /// Binds a token whose facts do not say yet what was signed; the first word stands.
    async fn bind(&self, _: Acting, command: BindCommand) -> Done<Option<TokenFacts>> {
        if !self.exists()? {
            return Ok(None);
        }
        let Some(mut stored) = storage::token(&self.db, command.token)? else {
            return Ok(None);
        };
        if stored.facts.unbound() {
            stored.facts.verifier = Verifier::Jwt {
                signed: Some(command.signed),
            };
            storage::set_facts(&self.db, &stored.facts)?;
        }
        Ok(Some(stored.facts))
    }

    async fn record_run(&self, acting: Acting, command: RunCommand) -> Done<RunAnswer> {
        self.prepare_write(acting)?;
        let Some(stored) = storage::token(&self.db, command.token)? else {
            return Err(worker::Error::from("a run of an unknown token").into());
        };
        let organization = stored.facts.organization.id;
        storage::insert_run(&self.db, &command)?;
        journal::push(
            &self.db,
            &[Effect::InsertRun {
                organization,
                run: command.run,
                facts: command.facts.clone(),
                token: command.token,
                at: command.at,
            }],
        )?;
        let (_, pin) = self.known_run(command.run, command.token, Some(&stored.facts))?;
        // The client is waiting for its Init: the alarm carries the row.
        self.set_alarm(ALARM_MS).await?;
        Ok(RunAnswer { pin })
    }

    fn exists(&self) -> Result<bool> {
        if !self.memory.exists.get() {
            self.memory.exists.set(schema::open(&self.db)?);
        }
        Ok(self.memory.exists.get())
    }

    /// How every command begins: tables and the organization's name on the first write, and what an
    /// earlier process left pending before any other.
    fn prepare_write(&self, acting: Acting) -> Result<()> {
        if !self.exists()? {
            schema::create(&self.db)?;
            self.memory.exists.set(true);
            self.memory.recovered.set(true);
        }
        self.take_name(acting.name())?;
        self.recover()
    }

    /// Makes the alarm ring within `ms`, moving it forward only.
    async fn set_alarm(&self, ms: i64) -> Result<()> {
        let now = now().as_millis();
        let due = self.memory.alarm_due.get();
        if due > now && due <= now + ms {
            return Ok(());
        }
        self.memory.alarm_due.set(now + ms);
        self.state.storage().set_alarm(ms).await
    }
}
