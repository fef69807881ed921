//! The machine in its world: turns that are stored together or not at all, an alarm, a way to D1 that
//! breaks, and crashes between any two steps and within one.

use std::collections::{BTreeMap, BTreeSet};

use postern_domain::standing::Actor;
use postern_domain::time::Timestamp;

use super::d1::D1;
use super::model::Model;
use crate::testing::dice::Dice;
use crate::testing::{Sqlite, at, open};
use crate::{
    ActivityCommand, CheckpointCommand, Entry, Ledger, LimitsCommand, MintCommand, RotateCommand,
    Stop, Timer, Version, Waiting,
};

/// A command that waits for D1.
pub struct Flight {
    pub actor: Actor,
    pub kind: Kind,
}

pub enum Kind {
    Mint {
        waiting: Waiting<MintCommand>,
        id: u128,
        birth: usize,
    },
    Rotate {
        waiting: Waiting<RotateCommand>,
        id: u128,
        birth: usize,
        /// The token, and the revision that its successor has its facts from.
        old: (u128, u32),
        retire_at: Timestamp,
    },
    Limits(Waiting<LimitsCommand>),
    Checkpoint(Waiting<CheckpointCommand>),
}

/// What an isolate knows by the revocation log.
#[derive(Default)]
pub struct Copy {
    pub holder: u128,
    pub version: Option<Version>,
    pub live: BTreeSet<u128>,
}

pub struct World {
    pub dice: Dice,
    pub sql: Sqlite,
    pub now: i64,
    ledger: Option<Ledger<Sqlite>>,
    /// When the alarm is due, as the platform has stored it, and as this process knows.
    pub alarm: Option<Timestamp>,
    known_alarm: Option<Timestamp>,
    /// Whether the alarm's call has not ended yet.
    pub ringing: bool,
    pub d1: D1,
    /// The batch that is on its way.
    pub batch: Option<Vec<Entry>>,
    pub flights: Vec<Flight>,
    pub model: Model,
    pub copy: Copy,
    pub step: usize,
    pub next_id: u128,
    /// Checkpoints that somebody keeps.
    pub signed: Vec<String>,
    pub crashes: usize,
    /// The last report of each isolate, and how many there were.
    pub reported: BTreeMap<u128, ActivityCommand>,
    pub batches: u64,
    /// Timers that were asked for, of instances that have ended too.
    pub timers: Vec<(Timer, u32)>,
}

impl World {
    pub fn new(dice: Dice, sql: Sqlite) -> Self {
        Self {
            dice,
            sql,
            now: 1_700_000_000_000,
            ledger: None,
            alarm: None,
            known_alarm: None,
            ringing: false,
            d1: D1::default(),
            batch: None,
            flights: Vec::new(),
            model: Model::default(),
            copy: Copy::default(),
            step: 0,
            next_id: 1_000,
            signed: Vec::new(),
            crashes: 0,
            reported: BTreeMap::new(),
            batches: 0,
            timers: Vec::new(),
        }
    }

    pub fn now(&self) -> Timestamp {
        at(self.now)
    }

    /// One turn of the machine. Sometimes a statement in it fails: then the platform stores nothing of
    /// the turn, and the process ends. `None` = that has happened.
    pub fn turn<T>(
        &mut self,
        run: impl FnOnce(&mut Ledger<Sqlite>, Timestamp) -> Result<T, Stop>,
    ) -> Option<Result<T, Stop>> {
        let fails = self.dice.one_in(40).then(|| self.dice.roll(14));
        let fails = fails.and_then(|statements| u32::try_from(statements).ok());
        let now = self.now();
        self.sql.transact("begin");
        self.sql.fail_after(fails);
        let ledger = self.ledger.get_or_insert_with(|| open(&self.sql));
        let given = run(ledger, now);
        self.sql.fail_after(None);
        if let Err(Stop::Failed(error)) = &given {
            assert!(fails.is_some(), "failed by itself: {error}");
            self.sql.transact("rollback");
            self.crash();
            return None;
        }
        self.sql.transact("commit");
        let wakes_at = ledger.wakes_at();
        if wakes_at.is_some() && wakes_at != self.known_alarm {
            self.alarm = wakes_at;
            self.known_alarm = wakes_at;
        }
        self.timers.extend(ledger.timers());
        self.nothing_is_left_behind();
        Some(given)
    }

    /// Ends the process: what is in memory is lost, and so is every answer that was not given.
    pub fn crash(&mut self) {
        self.crashes += 1;
        self.ledger = None;
        self.known_alarm = None;
        self.flights.clear();
        if let Some(batch) = self.batch.take() {
            self.send(batch);
        }
        if self.ringing {
            // The platform rings again until a call has ended well.
            self.ringing = false;
            self.alarm = Some(self.now());
        }
        self.model.crash();
        self.nothing_is_left_behind();
    }

    /// Lets a batch arrive, get lost or be late, and tells whether it arrived.
    pub fn send(&mut self, batch: Vec<Entry>) -> bool {
        if self.d1.down {
            return false;
        }
        match self.dice.roll(10) {
            0 => false,
            1 => {
                self.d1.late.push(batch);
                false
            }
            _ => {
                self.d1.apply(&batch);
                true
            }
        }
    }

    /// Whatever has to be carried to D1, taken back or summed up has an alarm that sees to it.
    fn nothing_is_left_behind(&self) {
        if self.ringing || self.alarm.is_some() {
            return;
        }
        if self
            .sql
            .number("select count(*) from sqlite_master where name = 'events'")
            == 0
        {
            return;
        }
        for (what, query) in [
            ("in the outbox", "select count(*) from outbox"),
            ("pending", "select count(*) from tokens where state = 0"),
            (
                "to sum up",
                "select count(*) from refusals where left_out > 0",
            ),
        ] {
            assert_eq!(self.sql.number(query), 0, "left {what} without an alarm");
        }
    }

    /// The alarm rings.
    pub fn ring(&mut self) {
        self.alarm = None;
        self.known_alarm = None;
        self.ringing = true;
        let now = self.now();
        let woken = self.turn(|ledger, now| Ok(ledger.wake(now)?));
        if woken.is_some() && self.model.exists {
            self.model.recover(now);
            self.model.settle_uses(now);
        }
    }

    /// The alarm's call ends: D1 has everything, or the machine is told otherwise.
    pub fn stop_ringing(&mut self) {
        let outbox = self.turn(|ledger, _| Ok(ledger.outbox()?));
        let Some(Ok(outbox)) = outbox else {
            return;
        };
        if !outbox.is_empty() {
            let told = self.turn(|ledger, now| {
                ledger.not_delivered(now);
                Ok(())
            });
            if told.is_none() {
                return;
            }
        }
        self.ringing = false;
        self.nothing_is_left_behind();
    }

    /// A timer fires, now or late.
    pub fn fire(&mut self) {
        if self.timers.is_empty() {
            return;
        }
        let which = self.dice.roll(self.timers.len());
        let (timer, _) = self.timers.swap_remove(which);
        self.turn(|ledger, _| Ok(ledger.fired(timer)?));
    }

    /// A batch leaves, unless one is on its way.
    pub fn take_batch(&mut self) {
        if self.batch.is_some() {
            return;
        }
        if let Some(Ok(entries)) = self.turn(|ledger, _| Ok(ledger.outbox()?))
            && !entries.is_empty()
        {
            self.batch = Some(entries);
        }
    }

    /// The batch on its way arrives or not; sometimes nobody hears of it.
    pub fn end_batch(&mut self) {
        let Some(batch) = self.batch.take() else {
            return;
        };
        let last = batch.last().map(|entry| entry.id).unwrap_or_default();
        if self.send(batch) && !self.dice.one_in(10) {
            self.turn(|ledger, _| Ok(ledger.delivered(last)?));
        }
    }

    /// The entry that D1 lacks first; far ahead where there is none.
    pub fn first_entry(&self) -> i64 {
        let query = "select coalesce(min(id), 9007199254740991) from outbox";
        match self.model.exists {
            true => self.sql.number(query),
            false => i64::MAX,
        }
    }
}
