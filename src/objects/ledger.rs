//! The Ledger's Durable Object: one for each organization, the machine of `crates/ledger` over the
//! object's own SQLite. Here is what the machine has not: requests, the alarm, and the way to D1.
//!
//! INVARIANT (one writer for each organization): a turn of the machine awaits nothing, so the platform
//! stores what it wrote together, and holds the answer back until that is on disk.

mod delivery;
mod storage;

use std::cell::{Cell, RefCell};
use std::panic::AssertUnwindSafe;

use worker::{DurableObject, Env, Method, Request, Response, Result, State, durable_object};

use self::delivery::Carrier;
use self::storage::Storage;
use crate::log;
use crate::platform::{config, normalize, now};
use postern_domain::time::Timestamp;
use postern_ledger::wire::{ACTOR, Call, ORGANIZATION_NAME, Reply, parse_actor};
use postern_ledger::{
    ANSWER_WAIT, Addressed, BindCommand, Carried, CheckpointCommand, Command, Conflicts, Done,
    LIST_WAIT, LeakCommand, LimitsCommand, MintCommand, NoteCommand, RefusalCommand,
    ReleaseCommand, RevokeCommand, RevokeManyCommand, RotateCommand, RunCommand, Settings, Stop,
    SweepCommand, SyncCommand,
};

/// The machine over the object's SQLite.
type Machine = postern_ledger::Ledger<Storage>;

/// The object.
#[durable_object(alarm)]
pub struct Ledger {
    state: State,
    env: Env,
    /// A panic in one call leaves these as they were or as they became, and the machine is opened
    /// again.
    memory: AssertUnwindSafe<Memory>,
}

#[derive(Default)]
struct Memory {
    /// Not there before the first turn, during a turn, and after one that panicked.
    machine: RefCell<Option<Machine>>,
    carrier: Carrier,
    /// When the alarm is due, as far as this process knows.
    alarm: Cell<Option<Timestamp>>,
    /// Of the object that answers `/readyz`: Ledgers that D1 refuses.
    conflicts: RefCell<Conflicts>,
}

impl DurableObject for Ledger {
    fn new(state: State, env: Env) -> Self {
        Self {
            state,
            env,
            memory: AssertUnwindSafe(Memory::default()),
        }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let call = match Call::parse(request.method() == Method::Post, &request.path()) {
            Ok(call) => call,
            Err(misread) => return Response::error("not a call to a Ledger", misread.status()),
        };
        let by = request.headers().get(ORGANIZATION_NAME)?;
        let by = by.as_deref();
        let reply = match call {
            Call::Admit(query) => {
                let admission = self.turn(|ledger| ledger.admit(now(), query)).await?;
                Reply::admission(&admission.map_err(failed)?)?
            }
            Call::Confirm => {
                let known = self.turn(|ledger| ledger.confirm(by)).await?;
                known.map_or_else(stopped, |known| Ok(Reply::confirmation(known)))?
            }
            Call::Describe(token) => {
                let facts = self.turn(|ledger| ledger.describe(by, token)).await?;
                facts.map_or_else(stopped, |facts| Ok(Reply::answer(&facts)?))?
            }
            Call::Kept(query) => {
                let events = self.turn(|ledger| ledger.kept_events(by, query)).await?;
                events.map_or_else(stopped, |events| Ok(Reply::answer(&events)?))?
            }
            Call::Ping => match self.memory.conflicts.borrow_mut().lately(now()) {
                0 => Reply::usual(),
                refused => Reply::answer(&refused)?,
            },
            Call::Conflict(organization) => {
                let mut conflicts = self.memory.conflicts.borrow_mut();
                conflicts.tell(organization, now());
                Reply::usual()
            }
            Call::Command(name) => match self.command(&name, request).await? {
                Some(reply) => reply,
                None => return Response::error("unknown", 404),
            },
        };
        let answer = match reply.body.is_empty() {
            true => Response::empty()?,
            false => Response::ok(reply.body)?,
        };
        Ok(answer.with_status(reply.status))
    }

    async fn alarm(&self) -> Result<Response> {
        self.memory.alarm.set(None);
        self.turn(|ledger| ledger.wake(now()))
            .await?
            .map_err(failed)?;
        if let Err(cause) = self.deliver(i64::MAX, ANSWER_WAIT).await {
            log::failure("ledger.alarm", &cause);
            self.turn(|ledger| ledger.not_delivered(now())).await?;
        }
        Response::empty()
    }
}

impl Ledger {
    /// The commands by their names, and the one question that is sent as they are; `None` for any
    /// other name.
    async fn command(&self, name: &str, request: Request) -> Result<Option<Reply>> {
        let reply = match name {
            BindCommand::NAME => self.carry_out::<BindCommand>(request).await,
            MintCommand::NAME => self.carry_out::<MintCommand>(request).await,
            RotateCommand::NAME => self.carry_out::<RotateCommand>(request).await,
            RevokeCommand::NAME => self.carry_out::<RevokeCommand>(request).await,
            RevokeManyCommand::NAME => self.carry_out::<RevokeManyCommand>(request).await,
            LeakCommand::NAME => self.carry_out::<LeakCommand>(request).await,
            ReleaseCommand::NAME => self.carry_out::<ReleaseCommand>(request).await,
            SweepCommand::NAME => self.carry_out::<SweepCommand>(request).await,
            NoteCommand::NAME => self.carry_out::<NoteCommand>(request).await,
            RefusalCommand::NAME => self.carry_out::<RefusalCommand>(request).await,
            LimitsCommand::NAME => self.carry_out::<LimitsCommand>(request).await,
            CheckpointCommand::NAME => self.carry_out::<CheckpointCommand>(request).await,
            RunCommand::NAME => self.carry_out::<RunCommand>(request).await,
            SyncCommand::NAME => self.sync(request).await,
            _ => return Ok(None),
        };
        reply.map(Some)
    }

    /// Reads a command and carries it out, as far as D1 has to be waited for in between.
    async fn carry_out<C: Carried>(&self, mut request: Request) -> Result<Reply> {
        let by = request.headers().get(ORGANIZATION_NAME)?;
        let actor = request.headers().get(ACTOR)?;
        let actor = parse_actor(actor.as_deref()).map_err(|_| "an actor that is no token")?;
        let addressed = Addressed {
            by: by.as_deref(),
            actor,
        };
        let command: C = sent(&mut request).await?;
        let mut outcome = self
            .turn(|ledger| ledger.handle(now(), addressed, command))
            .await?;
        let answer = loop {
            match outcome {
                Ok(Done::Answer(answer)) => break answer,
                Ok(Done::BestAfterDelivery(answer)) => {
                    if let Err(cause) = self.deliver(i64::MAX, LIST_WAIT).await {
                        log::failure(&place::<C>(), &cause);
                    }
                    break answer;
                }
                Ok(Done::AfterDelivery(waiting)) => {
                    let delivery = self.await_d1(waiting.wait(), &place::<C>()).await;
                    outcome = self
                        .turn(|ledger| ledger.resume(now(), waiting, delivery))
                        .await?;
                }
                Err(stop) => return stopped(stop),
            }
        };
        Ok(Reply::answer(&answer)?)
    }

    async fn sync(&self, mut request: Request) -> Result<Reply> {
        let command: SyncCommand = sent(&mut request).await?;
        let delta = self.turn(|ledger| ledger.sync(now(), &command)).await?;
        Ok(Reply::answer(&delta.map_err(failed)?)?)
    }

    /// Runs one turn of the machine, and in it sets the alarm to when the machine is to be woken.
    async fn turn<T>(&self, run: impl FnOnce(&mut Machine) -> T) -> Result<T> {
        let mut machine = match self.memory.machine.take() {
            Some(machine) => machine,
            None => self.open()?,
        };
        let given = run(&mut machine);
        let wakes_at = machine.wakes_at();
        self.memory.machine.replace(Some(machine));
        if let Some(at) = wakes_at.filter(|at| self.memory.alarm.get() != Some(*at)) {
            self.memory.alarm.set(wakes_at);
            let ms = at.since(now()).max(0);
            self.state.storage().set_alarm(ms).await?;
        }
        Ok(given)
    }

    fn open(&self) -> Result<Machine> {
        let config = config(&self.env).map_err(|problems| problems.join("; "))?;
        let settings = Settings {
            audit: config.root_keys.audit.clone(),
            jwt_leeway_ms: config.jwt_leeway_seconds * 1000,
            normalize,
        };
        let sql = Storage::new(self.state.storage().sql());
        Ok(Machine::open(sql, settings))
    }
}

/// Reads what was sent as it was written: the platform's own reader makes a float of every number.
async fn sent<C: Command>(request: &mut Request) -> Result<C> {
    Ok(serde_json::from_str(&request.text().await?)?)
}

/// The place of a failure in the log.
fn place<C: Command>() -> String {
    format!("ledger.{}", C::NAME.replace('-', "_"))
}

fn failed(error: postern_ledger::SqlError) -> worker::Error {
    worker::Error::RustError(error.to_string())
}

fn stopped(stop: Stop) -> Result<Reply> {
    Reply::stop(&stop).map_err(worker::Error::RustError)
}
