//! The slots in which calls wait between two steps, each under a number of its own.

use std::cell::RefCell;
use std::collections::HashMap;

use postern_domain::time::Timestamp;
use postern_gate::request_log::RequestLog;
use postern_gate::{Entropy, Step};

/// Most calls that wait. One more takes the other way, which needs no slot.
const MAX_WAITING: usize = super::Code::Waiting as usize;
/// How long a call may wait in its slot, in milliseconds. A call whose client has gone is never heard
/// of again; nobody else waits as long.
const KEPT_MS: i64 = 600_000;
/// How often those that have waited for too long are looked for, in milliseconds.
const SWEPT_EVERY_MS: i64 = 10_000;
/// The first number is below this. All numbers of an isolate, and their multiples, are exact in
/// JavaScript then.
const FIRST_BELOW: u64 = 1 << 48;

/// A call between two steps.
pub struct Waiting {
    pub step: Step,
    pub log: RequestLog,
    pub entropy: Entropy,
    pub begun: Timestamp,
    /// Whether the entry has read the body, or tried to.
    pub is_body_taken: bool,
    pub seen: Seen,
}

/// What the driver of a call sees, and the machine does not tell.
pub struct Seen {
    /// When the last question was sent.
    pub asked_at: Timestamp,
    /// Milliseconds that it has waited for Ledgers; `None` where it asked none.
    pub ledger_ms: Option<i64>,
    /// The status that the origin has answered with.
    pub status: u16,
}

impl Seen {
    /// A call that has just begun.
    pub fn nothing(now: Timestamp) -> Self {
        Self {
            asked_at: now,
            ledger_ms: None,
            status: 0,
        }
    }

    /// The Ledger has answered.
    pub fn ledger_told(&mut self, now: Timestamp) {
        let before = self.ledger_ms.unwrap_or(0);
        self.ledger_ms = Some(before + now.since(self.asked_at));
    }
}

#[derive(Default)]
struct Calls {
    waiting: HashMap<u64, Waiting>,
    /// The number of the next one. The first is random: a call that outlives its instance of the
    /// module is no call of the next instance.
    next: u64,
    /// When those that have waited for too long were last looked for.
    swept_at: Option<Timestamp>,
}

thread_local! {
    static CALLS: RefCell<Calls> = RefCell::default();
}

/// Whether one more call can wait. Those are forgotten first that have waited for too long.
pub fn has_room(now: Timestamp) -> bool {
    CALLS.with_borrow_mut(|calls| {
        let is_swept = |at: Timestamp| (0..SWEPT_EVERY_MS).contains(&now.since(at));
        if !calls.swept_at.is_some_and(is_swept) {
            calls.swept_at = Some(now);
            let is_recent = |call: &Waiting| now.since(call.begun) < KEPT_MS;
            calls.waiting.retain(|_, call| is_recent(call));
        }
        calls.waiting.len() < MAX_WAITING
    })
}

/// Lets a new call wait, and gives it its number. `random` is used once, for the first one.
pub fn begin(waiting: Waiting, random: [u8; 8]) -> u64 {
    CALLS.with_borrow_mut(|calls| {
        if calls.next == 0 {
            calls.next = u64::from_be_bytes(random) % FIRST_BELOW + 1;
        }
        let number = calls.next;
        calls.next += 1;
        calls.waiting.insert(number, waiting);
        number
    })
}

/// Lets a call wait on.
pub fn put(number: u64, waiting: Waiting) {
    CALLS.with_borrow_mut(|calls| calls.waiting.insert(number, waiting));
}

/// Takes the call of this number out; `None` = it is none of this instance, or is forgotten.
pub fn take(number: u64) -> Option<Waiting> {
    CALLS.with_borrow_mut(|calls| calls.waiting.remove(&number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_domain::time::Timestamp;
    use postern_gate::testing::{World, drive};

    fn call(begun: i64) -> Waiting {
        let (now, world) = (Timestamp::from_millis(begun), World::new());
        let sent = drive::Sent::grpc_web("/controlplane.v1.StatusService/Statusz", None, b"");
        let step = world
            .gate
            .borrow_mut()
            .open(&sent.head(), now, &drive::ENTROPY);
        Waiting {
            step,
            log: RequestLog::default(),
            entropy: drive::ENTROPY,
            begun: now,
            is_body_taken: false,
            seen: Seen::nothing(now),
        }
    }

    #[test]
    fn a_call_waits_under_its_number_and_is_taken_once() {
        let random = u64::MAX.to_be_bytes();
        let (first, second) = (begin(call(0), random), begin(call(1), [0; 8]));
        assert_eq!(first, u64::MAX % FIRST_BELOW + 1);
        assert_eq!(second, first + 1);
        assert!(take(second).is_some_and(|call| call.begun == Timestamp::from_millis(1)));
        assert!(take(second).is_none());
        assert!(take(first + 2).is_none());
        put(second, call(2));
        assert!(take(second).is_some());
    }

    #[test]
    fn a_call_of_which_nothing_is_heard_is_forgotten() {
        let at = Timestamp::from_millis;
        let lost = begin(call(0), [0; 8]);
        assert!(has_room(at(0)));
        let waits = begin(call(1), [0; 8]);
        assert!(has_room(at(KEPT_MS)));
        assert!(take(lost).is_none());
        assert!(take(waits).is_some());
    }

    #[test]
    fn so_many_calls_wait_and_no_more() {
        let at = Timestamp::from_millis;
        for waiting in 0..MAX_WAITING {
            assert!(has_room(at(0)), "{waiting}");
            begin(call(0), [0; 8]);
        }
        assert!(!has_room(at(KEPT_MS - 1)));
        assert!(has_room(at(KEPT_MS - 1 + SWEPT_EVERY_MS)));
    }
}
