//! The Ledger's Durable Object: one for each organization, the machine of `crates/ledger` over the
//! object's own SQLite. Here is what the machine has not: requests, the alarm, timers, and the way to
//! D1.
//!
//! INVARIANT (one writer for each organization): a turn of the machine awaits nothing, so the platform
//! stores what it wrote together, and holds the answer back until that is on disk.

mod delivery;
mod signal;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::future::{Either, join, select};
use wasm_bindgen_futures::spawn_local;
use worker::{DurableObject, Env, Method, Request, Response, Result, State, durable_object};

use self::delivery::Carrier;
use self::signal::Signal;
use super::sql::Storage;
use crate::log;
use crate::platform::{config, delay, fill, normalize, now};
use postern_domain::id::Id;
use postern_domain::time::Timestamp;
use postern_ledger::dispatch::{self, Progress};
use postern_ledger::wire::{ACTOR, Call, ORGANIZATION_NAME, Reply, parse_actor};
use postern_ledger::{
    ANSWER_WAIT, Addressed, Conflicts, LIST_WAIT, Settings, Stop, Timer, WATCH_MS, WatchCommand,
};

/// The machine over the object's SQLite.
type Machine = postern_ledger::Ledger<Storage>;

/// The object.
#[durable_object(alarm)]
pub struct Ledger {
    object: Rc<Object>,
}

/// What calls and timers share.
struct Object {
    state: State,
    env: Env,
    /// Not there before the first turn and during a turn.
    machine: RefCell<Option<Machine>>,
    carrier: Carrier,
    /// When the alarm is due, as far as this process knows.
    alarm: Cell<Option<Timestamp>>,
    /// Of the object that answers `/readyz`: Ledgers that D1 refuses.
    conflicts: RefCell<Conflicts>,
    /// For who waits until something has changed or become final.
    moved: Signal,
}

impl DurableObject for Ledger {
    fn new(state: State, env: Env) -> Self {
        let object = Object {
            state,
            env,
            machine: RefCell::default(),
            carrier: Carrier::default(),
            alarm: Cell::default(),
            conflicts: RefCell::default(),
            moved: Signal::default(),
        };
        Self {
            object: Rc::new(object),
        }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        self.object.fetch(request).await
    }

    async fn alarm(&self) -> Result<Response> {
        self.object.ring().await
    }
}

impl Object {
    async fn fetch(self: &Rc<Self>, request: Request) -> Result<Response> {
        let call = match Call::parse(request.method() == Method::Post, &request.path()) {
            Ok(call) => call,
            Err(misread) => return answer(Reply::misread(misread)),
        };
        let by = request.headers().get(ORGANIZATION_NAME)?;
        let by = by.as_deref();
        let reply = match call {
            Call::Admit(query) => {
                let admission = self.turn(|ledger| ledger.admit(now(), query)).await?;
                admission.map_or_else(stopped, |admission| Ok(Reply::admission(&admission)?))?
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
            Call::Ping => match self.conflicts.borrow_mut().lately(now()) {
                0 => Reply::usual(),
                refused => Reply::answer(&refused)?,
            },
            Call::Conflict(organization) => {
                let mut conflicts = self.conflicts.borrow_mut();
                conflicts.tell(organization, now());
                Reply::usual()
            }
            Call::Command(name) => self.command(&name, request).await?,
        };
        answer(reply)
    }

    async fn ring(self: &Rc<Self>) -> Result<Response> {
        self.alarm.set(None);
        self.turn(|ledger| ledger.wake(now()))
            .await?
            .map_err(failed)?;
        if let Err(cause) = self.deliver(i64::MAX, ANSWER_WAIT).await {
            log::failure("ledger.alarm", &cause);
            self.turn(|ledger| ledger.not_delivered(now())).await?;
        }
        Response::empty()
    }

    /// Reads a command and carries it out, as far as D1 has to be waited for in between.
    async fn command(self: &Rc<Self>, name: &str, mut request: Request) -> Result<Reply> {
        let Some(begin) = dispatch::command(name) else {
            return Ok(Reply::unknown(name));
        };
        let by = request.headers().get(ORGANIZATION_NAME)?;
        let actor = request.headers().get(ACTOR)?;
        let actor = parse_actor(actor.as_deref()).map_err(|_| "an actor that is no token")?;
        // As it was written: the platform's own reader makes a float of every number.
        let body = request.text().await?;
        let seen = self.moved.count();
        let begun = self.turn(|ledger| {
            let by = by.as_deref();
            begin(ledger, now(), Addressed { by, actor }, &body)
        });
        let mut progress = begun.await?.map_err(failed)?;
        let place = || format!("ledger.{}", name.replace('-', "_"));
        loop {
            match progress {
                Progress::Reply(reply) => return Ok(reply),
                Progress::BestAfterDelivery(reply) => {
                    if let Err(cause) = self.deliver(i64::MAX, LIST_WAIT).await {
                        log::failure(&place(), &cause);
                    }
                    return Ok(reply);
                }
                Progress::WhenFinal(version, reply) => {
                    let delivered = self.deliver(i64::MAX, LIST_WAIT);
                    let (delivered, is_final) = join(delivered, self.until_final(version)).await;
                    if let Err(cause) = delivered {
                        log::failure(&place(), &cause);
                    }
                    is_final?;
                    return Ok(reply);
                }
                Progress::Watch(watch) => {
                    return self.watch(&watch, seen).await;
                }
                Progress::AfterDelivery(wait, resume) => {
                    let delivery = self.await_d1(wait, &place()).await;
                    let resumed = self.turn(|ledger| resume(ledger, now(), delivery));
                    progress = resumed.await?.map_err(failed)?;
                }
            }
        }
    }

    /// Returns when no isolate can still believe what was true before a version.
    async fn until_final(self: &Rc<Self>, version: i64) -> Result<()> {
        loop {
            let seen = self.moved.count();
            let is_final = self.turn(|ledger| ledger.is_final(version)).await?;
            if is_final.map_err(failed)? {
                return Ok(());
            }
            self.moved.after(seen).await;
        }
    }

    /// Holds a watch until there is something to tell, or until it is over.
    async fn watch(self: &Rc<Self>, watch: &WatchCommand, mut seen: u64) -> Result<Reply> {
        let mut over = Box::pin(delay(WATCH_MS));
        let mut is_over = false;
        loop {
            if !is_over {
                let moved = Box::pin(self.moved.after(seen));
                is_over = matches!(select(moved, &mut over).await, Either::Right(_));
            }
            seen = self.moved.count();
            let told = self.turn(|ledger| ledger.watch(watch, is_over)).await?;
            if let Some(delta) = told.map_err(failed)? {
                return Ok(Reply::answer(&delta)?);
            }
        }
    }

    /// Runs one turn of the machine, and in it sets the alarm to when the machine is to be woken,
    /// and the timers that it asks for.
    async fn turn<T>(self: &Rc<Self>, run: impl FnOnce(&mut Machine) -> T) -> Result<T> {
        let (mut machine, is_new) = match self.machine.take() {
            Some(machine) => (machine, false),
            None => (self.open()?, true),
        };
        let given = run(&mut machine);
        let wakes_at = machine.wakes_at();
        let timers = machine.timers();
        let has_moved = machine.take_moved();
        self.machine.replace(Some(machine));
        for (timer, ms) in timers {
            self.start(timer, ms);
        }
        // A wait may have begun with an earlier machine.
        if has_moved || is_new {
            self.moved.notify();
        }
        if let Some(at) = wakes_at.filter(|at| self.alarm.get() != Some(*at)) {
            self.alarm.set(wakes_at);
            let ms = at.since(now()).max(0);
            self.state.storage().set_alarm(ms).await?;
        }
        Ok(given)
    }

    fn start(self: &Rc<Self>, timer: Timer, ms: u32) {
        let object = Rc::clone(self);
        spawn_local(async move {
            delay(ms).await;
            let fired = object.turn(|ledger| ledger.fired(timer)).await;
            if let Err(cause) = fired.and_then(|fired| fired.map_err(failed)) {
                log::failure("ledger.timer", &cause.to_string());
            }
        });
    }

    fn open(&self) -> Result<Machine> {
        let config = config(&self.env).map_err(|problems| problems.join("; "))?;
        let mut instance = [0; 16];
        fill(&mut instance).map_err(|error| error.private())?;
        let settings = Settings {
            audit: config.root_keys.audit.clone(),
            jwt_leeway_ms: config.jwt_leeway_seconds * 1000,
            normalize,
            lease_ms: config.revocation_lease_ms,
            instance: Id::from_random(instance),
            log_keys: config.audit_log.as_ref().map(|log| log.keys.clone()),
        };
        let sql = Storage::new(self.state.storage().sql());
        Ok(Machine::open(sql, settings))
    }
}

fn answer(reply: Reply) -> Result<Response> {
    let answer = match reply.body.is_empty() {
        true => Response::empty()?,
        false => Response::ok(reply.body)?,
    };
    Ok(answer.with_status(reply.status))
}

fn failed(error: impl core::fmt::Display) -> worker::Error {
    worker::Error::RustError(error.to_string())
}

fn stopped(stop: Stop) -> Result<Reply> {
    dispatch::stopped(&stop).map_err(failed)
}
