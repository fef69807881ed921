//! Callers that call every isolate without a pause, reads and writes, and note of each call when it began: to tell
//! whether a call was accepted that began after a revoke had answered.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::gateway::Gateway;
use crate::http::Call;
use crate::life::REFUSED;
use crate::organization::{Minted, RELEASE, SHOP};
use crate::rpc::{self, Ending};

/// How long it may take until every isolate has answered as it must.
const LIMIT: Duration = Duration::from_secs(60);

/// A token that is called with.
pub struct Target {
    /// The token.
    pub token: Minted,
    /// For each isolate: a read and a write.
    calls: Vec<[Call; 2]>,
    tries: Mutex<Vec<Try>>,
}

#[derive(Clone, Copy)]
struct Try {
    isolate: usize,
    began: Instant,
    outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    Accepted,
    Refused,
    Unavailable,
}

impl Target {
    fn new(gateway: &Gateway, token: &Minted, run: &str) -> Self {
        let call =
            |isolate, path| rpc::call_on(gateway, isolate, path, &token.token, &rpc::about(run));
        let calls = |isolate| {
            [
                call(isolate, rpc::INITIALIZED),
                call(isolate, rpc::GET_UPLOAD_CREDS),
            ]
        };
        Self {
            token: token.clone(),
            calls: (0..gateway.isolates()).map(calls).collect(),
            tries: Mutex::default(),
        }
    }

    /// Waits until every isolate has accepted it in a call that began after this.
    pub async fn accepted_everywhere(&self, after: Instant) {
        self.everywhere(Outcome::Accepted, after).await;
    }

    /// Waits until every isolate has refused it in a call that began after this.
    pub async fn refused_everywhere(&self, after: Instant) {
        self.everywhere(Outcome::Refused, after).await;
    }

    async fn everywhere(&self, outcome: Outcome, after: Instant) {
        let deadline = Instant::now() + LIMIT;
        let met = |isolate: usize| {
            let as_asked = |one: &&Try| one.isolate == isolate && one.outcome == outcome;
            let tries = self.tries();
            let mut tries = tries.iter().filter(as_asked);
            tries.any(|one| one.began > after)
        };
        while !(0..self.calls.len()).all(met) {
            let late = Instant::now() > deadline;
            assert!(!late, "not every isolate answered {}", self.token.id);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// How many calls that began after this were accepted.
    pub fn accepted_after(&self, answered: Instant) -> usize {
        let is_one = |one: &&Try| one.began > answered && one.outcome == Outcome::Accepted;
        self.tries().iter().filter(is_one).count()
    }

    /// How many calls were made with it, and how many of them were refused.
    pub fn counts(&self) -> (usize, usize) {
        let tries = self.tries();
        let is_refused = |one: &&Try| one.outcome == Outcome::Refused;
        (tries.len(), tries.iter().filter(is_refused).count())
    }

    fn tries(&self) -> MutexGuard<'_, Vec<Try>> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The callers.
pub struct Hammer {
    shared: Arc<Shared>,
    callers: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    targets: RwLock<Vec<Arc<Target>>>,
    made: AtomicUsize,
    is_over: AtomicBool,
    /// Whether calls may fail because the Ledger cannot be reached.
    may_fail: bool,
}

impl Hammer {
    /// Starts as many callers for each isolate. They have nothing to call with yet.
    pub fn start(gateway: &Gateway, callers: usize, may_fail: bool) -> Self {
        let shared = Arc::new(Shared {
            may_fail,
            ..Shared::default()
        });
        let isolates = usize::from(gateway.isolates());
        let call = |index| {
            let shared = Arc::clone(&shared);
            tokio::spawn(async move { shared.call(index % isolates, index / isolates).await })
        };
        let callers = (0..isolates * callers).map(call).collect();
        Self { shared, callers }
    }

    /// Has calls made with a token for [`SHOP`] and [`RELEASE`], about a run of its own: such calls rest on leases.
    pub async fn add(&self, gateway: &Gateway, token: &Minted) -> Arc<Target> {
        let run = rpc::begin(gateway, &token.token, SHOP, RELEASE).await;
        let target = Arc::new(Target::new(gateway, token, &run));
        let mut targets = self.shared.targets.write().expect("nobody panics here");
        targets.push(Arc::clone(&target));
        target
    }

    /// Has no more calls made with a token.
    pub fn remove(&self, target: &Arc<Target>) {
        let mut targets = self.shared.targets.write().expect("nobody panics here");
        targets.retain(|other| !Arc::ptr_eq(other, target));
    }

    /// How many calls were answered so far.
    pub fn made(&self) -> usize {
        self.shared.made.load(Ordering::Relaxed)
    }

    /// Ends the callers.
    ///
    /// # Panics
    /// When a call was answered by neither a yes nor the one refusal, which would prove nothing.
    pub async fn stop(self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        for caller in self.callers {
            caller.await.expect("every call was answered as it may be");
        }
    }
}

impl Shared {
    async fn call(&self, isolate: usize, first: usize) {
        let mut turn = first;
        while !self.is_over.load(Ordering::Relaxed) {
            let targets = self.targets.read().expect("nobody panics here").clone();
            turn += 1;
            if targets.is_empty() {
                tokio::time::sleep(Duration::from_millis(2)).await;
                continue;
            }
            // A read of each, then a write of each.
            let target = &targets[turn % targets.len()];
            let call = target.calls[isolate][turn / targets.len() % 2].clone();
            let began = Instant::now();
            let outcome = self.outcome(call.send().await.ending().0);
            let one = Try {
                isolate,
                began,
                outcome,
            };
            target.tries().push(one);
            self.made.fetch_add(1, Ordering::Relaxed);
            if outcome == Outcome::Unavailable {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    fn outcome(&self, ending: Ending) -> Outcome {
        match ending {
            Ending { code: 0, .. } => Outcome::Accepted,
            Ending { code: 16, message } if message == REFUSED => Outcome::Refused,
            Ending { code: 14, .. } if self.may_fail => Outcome::Unavailable,
            other => panic!("a call was answered {other:?}"),
        }
    }
}

/// What durations were like, for people.
pub fn spread(mut took: Vec<Duration>) -> String {
    took.sort();
    let at = |share: usize| {
        let last = took.len().saturating_sub(1);
        let index = (took.len() * share / 100).min(last);
        took.get(index).map_or(0, Duration::as_millis)
    };
    let (median, most) = (at(50), at(100));
    format!("p50 {median} ms, p99 {} ms, most {most} ms", at(99))
}
