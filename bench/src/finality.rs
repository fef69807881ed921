//! How long a revoke takes until it is final, with isolates in many locations: a model of the network around the
//! gateway's own copies and the Ledger's own machine. A model, not a measurement: latencies and losses are drawn.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fmt::Write as _;

use postern_domain::id::{Id, OrganizationId, TokenId};
use postern_domain::time::Timestamp;
use postern_gate::leases::{Asked, Behind, Due, Leases};
use postern_ledger::testing::{self, LEASE_MS, Sqlite, requester};
use postern_ledger::{
    Admission, AdmitQuery, Delta, Done, Ledger, RenewCommand, RevokeCommand, Timer, WatchCommand,
    margin_ms,
};

use crate::chance::Chance;
use crate::statistics::percentile;

/// Locations, each with one isolate.
const LOCATIONS: usize = 300;
/// Revokes of one row.
const REVOKES: usize = 60;
/// Milliseconds before a revoke in which isolates call.
const BEFORE: i64 = 4_000;
const ORGANIZATION: OrganizationId = Id::from_u128(1);
const TOKEN: TokenId = Id::from_u128(7);

enum Event {
    Call(usize),
    Asked(usize, Question),
    Told(usize, Question, Option<Box<Answer>>),
    Expires(usize, u64),
    Fires(Timer),
    Revoke,
}

#[derive(Clone)]
enum Question {
    Admit(Asked),
    Renew(Behind<RenewCommand>),
    Watch(Behind<WatchCommand>),
}

enum Answer {
    Admission(Box<Admission>),
    Delta(Delta),
}

struct Model {
    chance: Chance,
    now: i64,
    queue: BinaryHeap<Reverse<(i64, u64)>>,
    events: HashMap<u64, Event>,
    count: u64,
    isolates: Vec<Leases>,
    ledger: Ledger<Sqlite>,
    watches: Vec<(usize, Behind<WatchCommand>)>,
    /// Of ten thousand messages, as many are lost.
    lost: u64,
    /// Calls of an isolate in a hundred seconds.
    calls: u64,
    /// The version that the revoke waits for.
    version: Option<i64>,
}

impl Model {
    fn new(seed: usize, calls: u64, lost: u64) -> Self {
        let mut chance = Chance::new();
        for _ in 0..=seed {
            chance.below(2);
        }
        let sql = Sqlite::new();
        let mut ledger = testing::open(&sql);
        testing::minted(&mut ledger, 0, testing::mint(7, "ci", 0));
        let mut model = Self {
            chance,
            now: 0,
            queue: BinaryHeap::new(),
            events: HashMap::new(),
            count: 0,
            isolates: (1..=LOCATIONS)
                .map(|n| Leases::new((n as u128) << 64, LEASE_MS))
                .collect(),
            ledger,
            watches: Vec::new(),
            lost,
            calls,
            version: None,
        };
        for isolate in 0..LOCATIONS {
            let at = model.until_call();
            model.queue(at, Event::Call(isolate));
        }
        model.queue(BEFORE, Event::Revoke);
        model
    }

    fn queue(&mut self, after: i64, event: Event) {
        self.count += 1;
        self.queue.push(Reverse((self.now + after, self.count)));
        self.events.insert(self.count, event);
    }

    /// Milliseconds until the next call: exponential.
    fn until_call(&mut self) -> i64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "a model"
        )]
        let wait = {
            let share = (self.chance.below(1_000_000) + 1) as f64 / 1_000_001.0;
            (-share.ln() * 100_000.0 / self.calls as f64) as i64
        };
        wait.max(1)
    }

    /// One way to the Ledger, in milliseconds: 5 to 150, and ten times that for one in a hundred.
    fn way(&mut self) -> i64 {
        let way = 5 + i64::try_from(self.chance.below(146)).unwrap_or(0);
        if self.chance.below(100) == 0 {
            way * 10
        } else {
            way
        }
    }

    fn clock(&self) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + self.now)
    }

    /// Milliseconds from the revoke to its answer.
    fn run(mut self) -> i64 {
        while let Some(Reverse((at, number))) = self.queue.pop() {
            self.now = at;
            if let Some(event) = self.events.remove(&number) {
                self.happens(event);
            }
            if let Some(version) = self.version
                && self.ledger.is_final(version).expect("an answer")
            {
                return self.now - BEFORE;
            }
        }
        self.now - BEFORE
    }

    fn happens(&mut self, event: Event) {
        let clock = self.clock();
        match event {
            Event::Call(isolate) => {
                let after = self.until_call();
                self.queue(after, Event::Call(isolate));
                let leases = &mut self.isolates[isolate];
                if !leases.is_active(ORGANIZATION, (TOKEN, 0), clock) {
                    let asked = leases.ask(ORGANIZATION, clock);
                    self.send(isolate, Question::Admit(asked));
                }
                self.keep(isolate);
            }
            Event::Asked(isolate, question) => self.asked(isolate, question),
            Event::Told(isolate, question, answer) => self.told(isolate, question, answer),
            Event::Expires(isolate, question) => {
                self.isolates[isolate].expired(ORGANIZATION, question)
            }
            Event::Fires(timer) => {
                self.ledger.fired(timer).expect("a turn");
                self.turned();
            }
            Event::Revoke => {
                let command = RevokeCommand {
                    token: TOKEN,
                    requester: requester(),
                    respond_async: false,
                };
                let done = testing::tell(&mut self.ledger, clock.as_millis(), command);
                self.version = Some(match done.expect("revoked") {
                    Done::WhenFinal(version, _) => version,
                    _ => 0,
                });
                self.turned();
            }
        }
    }

    fn is_lost(&mut self) -> bool {
        self.chance.below(10_000) < self.lost
    }

    fn send(&mut self, isolate: usize, question: Question) {
        let way = self.way();
        match self.is_lost() {
            true => self.queue(way, Event::Told(isolate, question, None)),
            false => self.queue(way, Event::Asked(isolate, question)),
        }
    }

    fn reply(&mut self, isolate: usize, question: Question, answer: Answer) {
        let answer = match self.is_lost() {
            true => None,
            false => Some(Box::new(answer)),
        };
        let way = self.way();
        self.queue(way, Event::Told(isolate, question, answer));
    }

    fn asked(&mut self, isolate: usize, question: Question) {
        let clock = self.clock();
        match &question {
            Question::Admit(asked) => {
                let query = AdmitQuery {
                    token: TOKEN,
                    facts: false,
                    run: None,
                    pin: false,
                    upstream: None,
                    revision: 0,
                    calls: false,
                    shown: None,
                    counts: false,
                    claim: Some(asked.claim()),
                };
                let admission = self.ledger.admit(clock, query).expect("an answer");
                self.reply(isolate, question, Answer::Admission(Box::new(admission)));
            }
            Question::Renew(renewal) => {
                let delta = self
                    .ledger
                    .renew(clock, &renewal.command)
                    .expect("an answer");
                self.reply(isolate, question, Answer::Delta(delta));
            }
            Question::Watch(watch) => self.watch(isolate, watch.clone()),
        }
        self.turned();
    }

    fn watch(&mut self, isolate: usize, watch: Behind<WatchCommand>) {
        match self.ledger.watch(&watch.command, false).expect("an answer") {
            Some(delta) => self.reply(isolate, Question::Watch(watch), Answer::Delta(delta)),
            None => self.watches.push((isolate, watch)),
        }
    }

    fn told(&mut self, isolate: usize, question: Question, answer: Option<Box<Answer>>) {
        let clock = self.clock();
        let leases = &mut self.isolates[isolate];
        match (question, answer.map(|answer| *answer)) {
            (Question::Admit(asked), Some(Answer::Admission(told))) => {
                leases.told(
                    &asked,
                    (TOKEN, 0),
                    told.liveness,
                    told.delta.as_ref(),
                    clock,
                );
            }
            (Question::Renew(renewal), answer) => {
                let delta = answer.and_then(delta);
                leases.renewed(renewal, delta.as_ref(), clock);
            }
            (Question::Watch(watch), answer) => {
                let delta = answer.and_then(delta);
                let goes_on = leases.watched(&watch, delta.as_ref(), clock);
                let next = leases.watch(ORGANIZATION, clock).filter(|_| goes_on);
                if let Some(next) = next {
                    self.send(isolate, Question::Watch(next));
                }
            }
            (Question::Admit(_), _) => {}
        }
        self.keep(isolate);
    }

    fn keep(&mut self, isolate: usize) {
        while let Some(due) = self.isolates[isolate].due() {
            let clock = self.clock();
            let leases = &mut self.isolates[isolate];
            match due {
                Due::Renewal { organization } => {
                    if let Some(renewal) = leases.renewal(organization, false, clock) {
                        self.send(isolate, Question::Renew(renewal));
                    }
                }
                Due::Watch { organization } => {
                    if let Some(watch) = leases.watch(organization, clock) {
                        self.send(isolate, Question::Watch(watch));
                    }
                }
                Due::Expiry {
                    question, after_ms, ..
                } => self.queue(i64::from(after_ms), Event::Expires(isolate, question)),
                Due::Report { .. } => {}
            }
        }
    }

    fn turned(&mut self) {
        for (timer, ms) in self.ledger.timers() {
            self.queue(i64::from(ms), Event::Fires(timer));
        }
        if self.ledger.take_moved() {
            for (isolate, watch) in core::mem::take(&mut self.watches) {
                self.watch(isolate, watch);
            }
        }
    }
}

fn delta(answer: Answer) -> Option<Delta> {
    match answer {
        Answer::Delta(delta) => Some(delta),
        Answer::Admission(_) => None,
    }
}

/// Milliseconds from revokes to their answers, sorted.
pub fn simulate(calls: u64, lost: u64) -> Vec<u32> {
    let one = |seed| u32::try_from(Model::new(seed, calls, lost).run()).unwrap_or(u32::MAX);
    let mut times: Vec<u32> = (0..REVOKES).map(one).collect();
    times.sort_unstable();
    times
}

/// The model's table.
pub fn markdown() -> String {
    let longest = LEASE_MS + margin_ms(LEASE_MS);
    let mut text = format!(
        "A model, not a measurement: {LOCATIONS} isolates in as many locations, 5 to 150 ms one way to the Ledger (one in a hundred \
         ten times that), leases of {LEASE_MS} ms. Milliseconds from a revoke to its answer at the Ledger, of {REVOKES} revokes; \
         {longest} is the longest.\n\n\
         | calls/s of an isolate | messages lost | p50 | p99 | most |\n|---|---|---|---|---|\n"
    );
    for calls in [10, 100, 1_000] {
        for lost in [0, 10, 100] {
            let times = simulate(calls, lost);
            let most = times.last().copied().unwrap_or_default();
            let per_second = f64::from(u32::try_from(calls).unwrap_or(0)) / 100.0;
            let share = f64::from(u32::try_from(lost).unwrap_or(0)) / 100.0;
            let _ = writeln!(
                text,
                "| {per_second} | {share} % | {} | {} | {most} |",
                percentile(&times, 0.5),
                percentile(&times, 0.99)
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_revoke_takes_longer_than_a_lease_and_its_margin() {
        let longest = LEASE_MS + margin_ms(LEASE_MS);
        let times: Vec<u32> = (0..3)
            .map(|seed| u32::try_from(Model::new(seed, 1_000, 100).run()).expect("ended"))
            .collect();
        assert!(times.iter().all(|time| *time <= longest), "{times:?}");
        assert!(
            times.iter().all(|time| *time > 10),
            "nobody was waited for: {times:?}"
        );
    }
}
