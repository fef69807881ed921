//! The world of the model: its time, and what happens in it.

use std::collections::HashMap;

use postern_domain::id::{Id, OrganizationId, TokenId};
use postern_domain::time::Timestamp;
use postern_domain::upstream::Reach;
use postern_ledger::margin_ms;
use postern_ledger::testing::Sqlite;
use postern_ledger::testing::dice::Dice;

use super::events::{Answer, Event, Queue};
use super::isolate::{Isolate, LEASE_MS};
use super::ledger::{Order, Process};
use crate::upstream::Wanted;

pub const TOKENS: [u128; 2] = [7, 8];
/// How long a history lasts, in microseconds.
pub const END: i64 = 9_000_000;

pub const ORGANIZATION: OrganizationId = Id::from_u128(1);

/// What every call wants to be sent on with: the one credential that there can be.
pub fn wanted() -> Wanted {
    Wanted {
        reach: Reach::Organization,
        began: None,
    }
}

/// What has happened.
#[derive(Debug, Default)]
pub struct Counts {
    /// Calls that were accepted by a lease.
    pub by_lease: u64,
    pub asked: u64,
    pub refused: u64,
    /// Revokes that have answered, and those that did before every lease had run out.
    pub answered: u64,
    pub early: u64,
    pub restarts: u64,
    /// Pauses that have answered.
    pub pauses: u64,
    /// Credentials that calls were sent on with, and would have been.
    pub sent: u64,
    /// Edits that have answered, and calls that were accepted by facts after one.
    pub edits: u64,
    pub edited: u64,
}

impl Counts {
    pub fn add(&mut self, other: &Self) {
        self.by_lease += other.by_lease;
        self.asked += other.asked;
        self.refused += other.refused;
        self.answered += other.answered;
        self.early += other.early;
        self.restarts += other.restarts;
        self.pauses += other.pauses;
        self.sent += other.sent;
        self.edits += other.edits;
        self.edited += other.edited;
    }
}

pub struct World {
    pub dice: Dice,
    pub now: i64,
    events: Queue,
    pub isolates: Vec<Isolate>,
    next_isolate: u128,
    pub process: Process,
    /// How far the Ledger's clock is off, in milliseconds.
    wall_ms: i64,
    pub is_fast: bool,
    /// From when on nobody may accept a token.
    pub answered: HashMap<TokenId, i64>,
    /// How many changes of the credential there were; those that have answered, and when.
    changes: u128,
    pub changed: Vec<(u128, i64)>,
    /// How often the organization was resumed, and from when on nobody may accept any token, until it is
    /// resumed once more.
    pub resumes: u64,
    pub paused: Option<i64>,
    /// Edits that have answered: of which token, which revision it has since, and when.
    pub edited: Vec<(TokenId, u32, i64)>,
    pub counts: Counts,
    tells: bool,
    pub trace: Vec<String>,
}

pub type Held = Result<(), String>;

impl World {
    /// A history over a database of [`database`](super::ledger::database).
    pub fn new(sql: &Sqlite, seed: u64, tells: bool) -> Self {
        let mut dice = Dice::new(seed);
        let count = match dice.roll(4) {
            0 => 2 + dice.roll(9),
            _ => 1 + dice.roll(3),
        };
        let isolates: Vec<Isolate> = (1..=count)
            .map(|number| Isolate::new(&mut dice, number as u128))
            .collect();
        let mut world = Self {
            now: 0,
            events: Queue::default(),
            next_isolate: count as u128 + 1,
            isolates,
            process: Process::new(sql),
            wall_ms: 0,
            is_fast: dice.one_in(3),
            answered: HashMap::new(),
            changes: 0,
            changed: Vec::new(),
            resumes: 0,
            paused: None,
            edited: Vec::new(),
            counts: Counts::default(),
            tells,
            trace: Vec::new(),
            dice,
        };
        world.plan();
        world
    }

    /// A number up to this, each alike.
    pub fn span(&mut self, most: i64) -> i64 {
        self.dice
            .roll(usize::try_from(most).unwrap_or_default() + 1) as i64
    }

    /// Something is going to happen.
    pub fn queue(&mut self, at: i64, event: Event) {
        self.events.push(at, event);
    }

    /// Adds a line to the trace.
    pub fn tell(&mut self, what: impl FnOnce() -> String) {
        if self.tells {
            let line = format!("{:>9.1} {}", self.now as f64 / 1_000.0, what());
            self.trace.push(line);
        }
    }

    /// Lets the history happen.
    ///
    /// # Errors
    /// How the promise was broken.
    pub fn run(&mut self) -> Held {
        while let Some((at, event)) = self.events.pop() {
            if at > END + 4_000_000 {
                break;
            }
            self.now = at;
            self.happens(event)?;
        }
        Ok(())
    }

    /// Until when nothing happens in the isolate that an event is for.
    fn blocked_until(&self, event: &Event) -> i64 {
        let isolate = match event {
            Event::Begins(isolate) | Event::Checks(isolate, ..) | Event::Expires(isolate, ..) => {
                *isolate
            }
            Event::Told(message, _) => message.isolate,
            _ => return 0,
        };
        self.isolates[isolate].blocked_until
    }

    fn happens(&mut self, event: Event) -> Held {
        let blocked = self.blocked_until(&event);
        if blocked > self.now {
            self.queue(blocked, event);
            return Ok(());
        }
        match event {
            Event::Begins(isolate) => self.begins(isolate),
            Event::Checks(isolate, run, token, began) => self.checks(isolate, run, token, began),
            Event::Asked(message, is_again) => self.asked(message, is_again),
            Event::Told(message, answer) => self.told(message, answer),
            Event::Expires(isolate, run, question) => {
                let of = &mut self.isolates[isolate];
                if of.run == run {
                    of.leases.expired(ORGANIZATION, question);
                }
                Ok(())
            }
            Event::Fires(process, timer) => {
                if self.process.number == process {
                    self.process.fired(timer);
                    return self.turned();
                }
                Ok(())
            }
            Event::Ordered(mut order) => {
                if let Order::Upstream { number, .. } = &mut order {
                    self.changes += 1;
                    *number = self.changes;
                }
                match &mut order {
                    Order::Pause(resumes) => *resumes = self.resumes,
                    // From here on tokens may be accepted again.
                    Order::Resume => {
                        self.resumes += 1;
                        self.paused = None;
                    }
                    _ => {}
                }
                let now = self.wall();
                self.tell(|| format!("{order:?}"));
                self.process.carry_out(order, now, self.now);
                self.turned()
            }
            Event::BreaksOff => {
                let broken = self.process.held.pop().map(|held| held.order);
                self.tell(|| format!("nobody waits any more for {broken:?}"));
                Ok(())
            }
            Event::Restarts => {
                self.counts.restarts += 1;
                self.process.restart();
                self.tell(|| "the Ledger's process ends".to_owned());
                Ok(())
            }
            Event::Steps(isolate, ms) => {
                self.isolates[isolate].step(ms);
                self.tell(|| format!("the clock of {isolate} is set by {ms} ms"));
                Ok(())
            }
            Event::LedgerSteps(ms) => {
                self.wall_ms += ms;
                self.tell(|| format!("the Ledger's clock is set by {ms} ms"));
                Ok(())
            }
            Event::Blocks(isolate, long) => {
                self.isolates[isolate].blocked_until = self.now + long;
                self.tell(|| format!("{isolate} is blocked for {} ms", long / 1_000));
                Ok(())
            }
            Event::Ends(isolate) => {
                self.next_isolate += 1;
                self.isolates[isolate].replace(self.next_isolate);
                self.tell(|| format!("{isolate} is another isolate"));
                Ok(())
            }
        }
    }

    /// What the Ledger's clock shows.
    pub fn wall(&self) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + self.now / 1_000 + self.wall_ms)
    }

    /// What a turn of the Ledger has brought.
    pub fn turned(&mut self) -> Held {
        let turned = self.process.turned();
        for (timer, ms) in turned.timers {
            let late = if self.dice.one_in(4) {
                self.span(30_000)
            } else {
                0
            };
            let at = self.now + i64::from(ms) * 1_000 + late;
            self.queue(at, Event::Fires(self.process.number, timer));
        }
        for (message, delta) in turned.news {
            self.reply(message, Answer::Delta(delta));
        }
        for held in turned.final_now {
            let at = self.now.max(held.ends);
            self.tell(|| format!("{:?} has answered", held.order));
            if let Order::Upstream { number, .. } = held.order {
                self.changed.push((number, at));
            }
            // One that has answered after a resume says nothing of now.
            if let Order::Pause(resumes) = held.order
                && resumes == self.resumes
            {
                self.counts.pauses += 1;
                let first = self.paused.get_or_insert(at);
                *first = (*first).min(at);
            }
            if let Some((token, revision)) = held.edited {
                self.edited.push((token, revision, at));
                self.counts.edits += 1;
            }
            let Some(token) = held.order.token() else {
                continue;
            };
            self.counts.answered += 1;
            let longest = i64::from(LEASE_MS + margin_ms(LEASE_MS)) * 1_000;
            self.counts.early += u64::from(self.now - held.since < longest);
            let first = self.answered.entry(token).or_insert(at);
            *first = (*first).min(at);
        }
        self.probe()
    }
}
