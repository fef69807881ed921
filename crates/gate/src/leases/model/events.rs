//! What is going to happen in the model, in the order of time.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use postern_domain::id::TokenId;
use postern_ledger::{Admission, Delta, RenewCommand, Timer, WatchCommand};

use super::ledger::Order;
use crate::leases::{Asked, Behind};

/// A question of an isolate on its way, or its answer.
#[derive(Debug, Clone)]
pub struct Message {
    pub isolate: usize,
    /// Of which isolate at this place.
    pub run: u32,
    pub kind: Kind,
}

#[derive(Debug, Clone)]
pub enum Kind {
    /// Of a call that began at a moment, with the revision of the token's facts that its isolate knew.
    Admit(Asked, TokenId, i64, Option<u32>),
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

pub enum Answer {
    Admission(Box<Admission>),
    Delta(Delta),
    /// It, or the question, was lost.
    Lost,
}

pub enum Event {
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
    LedgerSteps(i64),
    Blocks(usize, i64),
    Ends(usize),
}

/// An event at its moment, in microseconds.
struct Planned {
    at: i64,
    number: u64,
    /// Beside the heap, which moves what it orders.
    event: Box<Event>,
}

impl Planned {
    /// The earliest is the greatest; of two at one moment, the one that was planned first.
    fn place(&self) -> (i64, u64) {
        (-self.at, u64::MAX - self.number)
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Planned {}

/// Events that have not happened yet.
#[derive(Default)]
pub struct Queue {
    planned: BinaryHeap<Planned>,
    count: u64,
}

impl Queue {
    pub fn push(&mut self, at: i64, event: Event) {
        self.count += 1;
        let (number, event) = (self.count, Box::new(event));
        self.planned.push(Planned { at, number, event });
    }

    /// The next event, and when it happens.
    pub fn pop(&mut self) -> Option<(i64, Event)> {
        self.planned
            .pop()
            .map(|planned| (planned.at, *planned.event))
    }
}
