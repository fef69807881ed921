//! The world of the model: time, the network, and what happens in them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use postern_domain::id::{Id, OrganizationId, TokenId};
use postern_domain::time::Timestamp;
use postern_ledger::testing::dice::Dice;
use postern_ledger::{
    Admission, AdmitQuery, Delta, Liveness, RenewCommand, Timer, WatchCommand, margin_ms,
};

use super::isolate::{Isolate, LEASE_MS};
use super::ledger::{Order, Process};
use crate::leases::{Asked, Behind, Due};

const TOKENS: [u128; 2] = [7, 8];
/// How long a history lasts, in microseconds.
const END: i64 = 9_000_000;

pub const ORGANIZATION: OrganizationId = Id::from_u128(1);

/// A question of an isolate on its way, or its answer.
#[derive(Debug, Clone)]
pub struct Message {
    isolate: usize,
    run: u32,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    /// Of a call that began at a moment.
    Admit(Asked, TokenId, i64),
    Renew(Behind<RenewCommand>),
    Watch(Behind<WatchCommand>),
}

impl Message {
    pub fn watch_command(&self) -> WatchCommand {
        match &self.kind {
            Kind::Watch(watch) => watch.command,
            Kind::Admit(..) | Kind::Renew(_) => panic!("no watch"),
        }
    }
}

enum Answer {
    Admission(Box<Admission>),
    Delta(Delta),
    /// It, or the question, was lost.
    Lost,
}

enum Event {
    Begins(usize),
    /// The body of a call is here that began at a moment.
    Checks(usize, u32, TokenId, i64),
    Asked(Message, bool),
    Told(Message, Answer),
    Expires(usize, u32, u64),
    Fires(u32, Timer),
    Ordered(Order),
    BreaksOff,
    Restarts,
    Steps(usize, i64),
    Blocks(usize, i64),
    Ends(usize),
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
}

impl Counts {
    pub fn add(&mut self, other: &Self) {
        self.by_lease += other.by_lease;
        self.asked += other.asked;
        self.refused += other.refused;
        self.answered += other.answered;
        self.early += other.early;
        self.restarts += other.restarts;
    }
}

pub struct World {
    dice: Dice,
    now: i64,
    queue: BinaryHeap<Reverse<(i64, u64)>>,
    events: HashMap<u64, Event>,
    queued: u64,
    isolates: Vec<Isolate>,
    next_isolate: u128,
    process: Process,
    /// How far the Ledger's clock is off, in milliseconds.
    wall_ms: i64,
    is_fast: bool,
    /// From when on nobody may accept a token.
    answered: HashMap<TokenId, i64>,
    pub counts: Counts,
    tells: bool,
    pub trace: Vec<String>,
}

type Held = Result<(), String>;

impl World {
    pub fn new(seed: u64, tells: bool) -> Self {
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
            queue: BinaryHeap::new(),
            events: HashMap::new(),
            queued: 0,
            next_isolate: count as u128 + 1,
            isolates,
            process: Process::new(&TOKENS),
            wall_ms: 0,
            is_fast: dice.one_in(3),
            answered: HashMap::new(),
            counts: Counts::default(),
            tells,
            trace: Vec::new(),
            dice,
        };
        world.plan();
        world
    }

    /// What comes from outside.
    fn plan(&mut self) {
        for isolate in 0..self.isolates.len() {
            let first = self.span(600_000);
            self.queue(first, Event::Begins(isolate));
            // An isolate that is blocked while its clock steps back is beyond the promise
            // (docs/adr/0016): neither its clock nor its timers tell it the time that has passed.
            let (at, ms) = (self.span(7_000_000), self.span(3_000));
            match self.dice.roll(6) {
                0 => self.queue(at, Event::Steps(isolate, ms)),
                1 => self.queue(at, Event::Steps(isolate, -ms)),
                2 | 3 => self.queue(at, Event::Blocks(isolate, 200_000 + ms * 1_100)),
                _ => {}
            }
            if self.dice.one_in(6) {
                let at = self.span(7_000_000);
                self.queue(at, Event::Ends(isolate));
            }
        }
        for order in 0..=self.dice.roll(3) {
            let id = if self.dice.one_in(3) {
                TOKENS[1]
            } else {
                TOKENS[0]
            };
            let overlap = self.span(1_500);
            let order = match self.dice.roll(6) {
                0 => Order::RevokeMany(id),
                1 => Order::Quarantine(id),
                2 => Order::Rotate(id, 100 + order as u128, overlap),
                _ => Order::Revoke(id),
            };
            let at = 600_000 + self.span(5_400_000);
            self.queue(at, Event::Ordered(order));
            if self.dice.one_in(2) {
                let again = at + 10_000 + self.span(2_000_000);
                self.queue(again, Event::Ordered(Order::Revoke(id)));
            }
            if self.dice.one_in(4) {
                let later = at + self.span(800_000);
                self.queue(later, Event::BreaksOff);
            }
        }
        let restarts = if self.dice.one_in(2) {
            0
        } else {
            1 + self.dice.roll(2)
        };
        for _ in 0..restarts {
            let at = 400_000 + self.span(6_100_000);
            self.queue(at, Event::Restarts);
        }
    }

    /// A number up to this, each alike.
    fn span(&mut self, most: i64) -> i64 {
        self.dice
            .roll(usize::try_from(most).unwrap_or_default() + 1) as i64
    }

    fn queue(&mut self, at: i64, event: Event) {
        self.queued += 1;
        self.queue.push(Reverse((at, self.queued)));
        self.events.insert(self.queued, event);
    }

    fn tell(&mut self, what: impl FnOnce() -> String) {
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
        while let Some(Reverse((at, number))) = self.queue.pop() {
            if at > END + 4_000_000 {
                break;
            }
            self.now = at;
            let Some(event) = self.events.remove(&number) else {
                continue;
            };
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
            Event::Ordered(order) => {
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

    fn begins(&mut self, isolate: usize) -> Held {
        let of = &self.isolates[isolate];
        let (run, gap) = (of.run, of.gap);
        let next = self.now + 1 + self.span(2 * gap);
        if next < END {
            self.queue(next, Event::Begins(isolate));
        }
        let token = Id::from_u128(self.dice.pick(&TOKENS).unwrap_or(TOKENS[0]));
        let body = if self.dice.one_in(3) {
            self.span(2_000_000)
        } else {
            0
        };
        self.queue(
            self.now + body,
            Event::Checks(isolate, run, token, self.now),
        );
        Ok(())
    }

    fn checks(&mut self, isolate: usize, run: u32, token: TokenId, began: i64) -> Held {
        let now = self.now;
        let of = &mut self.isolates[isolate];
        if of.run != run {
            return Ok(());
        }
        let clock = of.clock(now);
        if of.leases.is_active(ORGANIZATION, token, clock) {
            self.counts.by_lease += 1;
            self.accepts(isolate, token, began, "by its lease")?;
        } else {
            let asked = of.leases.ask(ORGANIZATION, clock);
            self.counts.asked += 1;
            self.send(isolate, Kind::Admit(asked, token, began));
        }
        self.keep(isolate);
        Ok(())
    }

    fn accepts(&mut self, isolate: usize, token: TokenId, began: i64, how: &str) -> Held {
        match self.answered.get(&token) {
            Some(at) if began > *at => {
                let late = (self.now - at) / 1_000;
                let token = token.as_u128();
                let broken = format!("{isolate} accepts {token} {how}, {late} ms after its revoke");
                self.tell(|| broken.clone());
                Err(broken)
            }
            _ => Ok(()),
        }
    }

    /// Does what the copies of an isolate have made due.
    fn keep(&mut self, isolate: usize) {
        while let Some(due) = self.isolates[isolate].leases.due() {
            let now = self.now;
            let of = &mut self.isolates[isolate];
            let (run, clock) = (of.run, of.clock(now));
            match due {
                Due::Renewal { organization } => {
                    if let Some(renewal) = of.leases.renewal(organization, false, clock) {
                        self.send(isolate, Kind::Renew(renewal));
                    }
                }
                Due::Watch { organization } => {
                    if let Some(watch) = of.leases.watch(organization, clock) {
                        self.send(isolate, Kind::Watch(watch));
                    }
                }
                Due::Expiry {
                    question, after_ms, ..
                } => {
                    let at = now + i64::from(after_ms) * 1_000;
                    self.queue(at, Event::Expires(isolate, run, question));
                }
                Due::Report { .. } => {}
            }
        }
    }

    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + self.now / 1_000 + self.wall_ms)
    }

    fn way(&mut self) -> i64 {
        match self.dice.roll(100) {
            _ if self.is_fast && self.dice.one_in(2) => self.span(5_000),
            0..75 => 10_000 + self.span(90_000),
            75..95 => 100_000 + self.span(700_000),
            _ => 800_000 + self.span(1_800_000),
        }
    }

    /// A question leaves an isolate.
    fn send(&mut self, isolate: usize, kind: Kind) {
        let run = self.isolates[isolate].run;
        let message = Message { isolate, run, kind };
        self.tell(|| format!("{isolate} asks: {:?}", message.kind));
        let at = self.now + self.way();
        if self.dice.one_in(14) {
            self.queue(at, Event::Told(message, Answer::Lost));
            return;
        }
        if self.dice.one_in(25) {
            let again = at + self.span(1_500_000);
            self.queue(again, Event::Asked(message.clone(), true));
        }
        self.queue(at, Event::Asked(message, false));
    }

    /// A question reaches the Ledger. One that comes again has its answer already.
    fn asked(&mut self, message: Message, is_again: bool) -> Held {
        let now = self.wall();
        let answer = match &message.kind {
            Kind::Admit(asked, token, _) => {
                let query = AdmitQuery {
                    token: *token,
                    facts: false,
                    run: None,
                    pin: false,
                    counts: false,
                    claim: Some(asked.claim()),
                };
                Answer::Admission(Box::new(self.process.admit(query, now)))
            }
            Kind::Renew(renewal) => Answer::Delta(self.process.renew(&renewal.command, now)),
            Kind::Watch(_) if is_again => return Ok(()),
            Kind::Watch(_) => match self.process.watch(message.clone()) {
                Some((_, delta)) => Answer::Delta(delta),
                None => return self.turned(),
            },
        };
        if !is_again {
            self.reply(message, answer);
        }
        self.turned()
    }

    fn reply(&mut self, message: Message, answer: Answer) {
        let is_lost = self.dice.one_in(14);
        let at = self.now + self.way();
        let answer = if is_lost { Answer::Lost } else { answer };
        self.queue(at, Event::Told(message, answer));
    }

    /// An answer reaches its isolate.
    fn told(&mut self, message: Message, answer: Answer) -> Held {
        let Message { isolate, run, kind } = message;
        let now = self.now;
        let of = &mut self.isolates[isolate];
        if of.run != run {
            return Ok(());
        }
        let clock = of.clock(now);
        match (kind, answer) {
            (Kind::Admit(asked, token, began), Answer::Admission(admission)) => {
                let Admission {
                    liveness, delta, ..
                } = &*admission;
                of.leases
                    .told(&asked, token, *liveness, delta.as_ref(), clock);
                self.tell(|| format!("{isolate} is told {liveness:?} of {token}, {delta:?}"));
                match liveness {
                    Liveness::Live => {
                        self.accepts(isolate, token, began, "on the Ledger's word")?
                    }
                    Liveness::Revoked | Liveness::Unknown => self.counts.refused += 1,
                }
            }
            (Kind::Renew(renewal), Answer::Delta(delta)) => {
                of.leases.renewed(renewal, Some(&delta), clock);
                self.tell(|| format!("{isolate} is renewed by {delta:?}"));
            }
            (Kind::Renew(renewal), _) => of.leases.renewed(renewal, None, clock),
            (Kind::Watch(watch), Answer::Delta(delta)) => {
                let goes_on = of.leases.watched(&watch, Some(&delta), clock);
                self.tell(|| format!("{isolate} hears {delta:?}"));
                self.watch_on(isolate, goes_on);
            }
            (Kind::Watch(watch), _) => {
                of.leases.watched(&watch, None, clock);
            }
            (Kind::Admit(..), _) => {}
        }
        self.keep(isolate);
        self.probe()
    }

    fn watch_on(&mut self, isolate: usize, goes_on: bool) {
        let now = self.now;
        let of = &mut self.isolates[isolate];
        let clock = of.clock(now);
        if goes_on && let Some(watch) = of.leases.watch(ORGANIZATION, clock) {
            self.send(isolate, Kind::Watch(watch));
        }
    }

    /// What a turn of the Ledger has brought.
    fn turned(&mut self) -> Held {
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
            let token = held.order.token();
            let at = self.now.max(held.ends);
            self.tell(|| format!("{:?} has answered", held.order));
            self.counts.answered += 1;
            let longest = i64::from(LEASE_MS + margin_ms(LEASE_MS)) * 1_000;
            self.counts.early += u64::from(self.now - held.since < longest);
            let first = self.answered.entry(token).or_insert(at);
            *first = (*first).min(at);
        }
        self.probe()
    }

    /// Whether a call that began now would be accepted anywhere of a token whose revoke has
    /// answered.
    fn probe(&mut self) -> Held {
        let now = self.now;
        for isolate in 0..self.isolates.len() {
            for id in TOKENS {
                let token = Id::from_u128(id);
                let is_over = self.answered.get(&token).is_some_and(|at| *at <= now);
                if is_over && self.isolates[isolate].would_accept(token, now) {
                    self.accepts(isolate, token, now + 1, "if it were asked")?;
                }
            }
        }
        Ok(())
    }
}
