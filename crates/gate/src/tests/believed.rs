//! For all answers, outages, clocks and orders: nothing goes to the origin for a token that no
//! Ledger has said to be active, in this call or before, while a lease lasts.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use proptest::prelude::*;

use super::calls::{init_answer, view_answer};
use crate::config::Config;
use crate::question::{Admit, Arrived};
use crate::testing::drive::{Answer, ENTROPY, Sent};
use crate::testing::{self, World, facts, project, workflow};
use crate::{Ask, Gate, Outage, Question, Reply, Step};
use postern_domain::decide::RunFacts;
use postern_domain::id::{Id, RunId, TokenId, WorkflowId};
use postern_domain::policy::defaults;
use postern_domain::rpc;
use postern_domain::scope::Scope;
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_ledger::{Admission, Delta, Liveness, Version};
use postern_wire::{jwt, message, opaque};

/// The calls, each with a message that one of the tokens may send.
const CALLS: [&str; 5] = [
    "AttestationService/Init",
    "AttestationService/Store",
    "AttestationStateService/Read",
    "AttestationService/GetContract",
    "StatusService/Statusz",
];
const TOKENS: [u128; 3] = [7, 8, 9];
const RUN: u128 = 5;

/// What happens next.
#[derive(Debug, Clone)]
enum Event {
    /// A request arrives.
    Arrives { call: usize, token: usize },
    /// One of the questions that are open is answered so.
    Answered { which: usize, how: How },
    /// The clock moves, forward or back.
    Clock(i64),
    /// The isolate is another one.
    Forgets,
}

#[derive(Debug, Clone, Copy)]
struct How {
    fails: bool,
    liveness: Liveness,
    facts: bool,
    run: bool,
    pin: bool,
    version: Option<i64>,
    ended: u32,
}

fn how() -> impl Strategy<Value = How> {
    let liveness = prop_oneof![
        4 => Just(Liveness::Live),
        1 => Just(Liveness::Revoked),
        1 => Just(Liveness::Unknown),
    ];
    let mostly = |yes: u32| prop::bool::weighted(f64::from(yes) / 10.0);
    let version = prop_oneof![Just(None), (1..4_i64).prop_map(Some)];
    let ended = prop_oneof![3 => Just(0_u32), 1 => 0..17_u32];
    (
        mostly(1),
        liveness,
        mostly(9),
        mostly(7),
        mostly(5),
        version,
        ended,
    )
        .prop_map(|(fails, liveness, facts, run, pin, version, ended)| How {
            fails,
            liveness,
            facts,
            run,
            pin,
            version,
            ended,
        })
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..CALLS.len(), 0..TOKENS.len()).prop_map(|(call, token)| Event::Arrives { call, token }),
        12 => (any::<usize>(), how()).prop_map(|(which, how)| Event::Answered { which, how }),
        2 => (-3_000..6_000_i64).prop_map(Event::Clock),
        1 => Just(Event::Forgets),
    ]
}

/// A call that is under way, and what speaks for it.
struct Under {
    step: Step,
    call: usize,
    token: TokenId,
    /// A Ledger has said in this call that the token lives.
    live: bool,
    /// When the step was taken.
    since: i64,
}

/// What the gateways of one history are held to.
struct History {
    gate: Gate,
    now: i64,
    lease_ms: u32,
    world: World,
    credentials: Vec<String>,
    under: Vec<Under>,
    /// Tokens of which the Ledger has said, with what has changed, that they are active.
    heard: HashSet<TokenId>,
    /// When the questions were asked that brought a lease.
    leases: Vec<i64>,
    forwarded: usize,
    /// How many isolates there have been, in small numbers.
    isolates: u8,
}

fn row(id: u128) -> TokenFacts {
    let scope = Scope::Workflow {
        project: project(),
        workflow: workflow(),
    };
    TokenFacts {
        policies: defaults(&scope),
        ..facts(id, scope)
    }
}

impl History {
    fn new(lease_ms: u32) -> Self {
        let mut config: Config = testing::config();
        config.revocation_lease_ms = lease_ms;
        let world = World::new();
        let mut credentials = Vec::new();
        for id in TOKENS {
            let mut facts = row(id);
            // One is an opaque key, whose Ledger has to be found first.
            let credential = if id == 9 {
                let entropy = [9; opaque::MINT_ENTROPY];
                let key = opaque::mint(facts.id, &entropy, &config.root_keys).expect("a key");
                facts.verifier = opaque::verifier(&key, &config.root_keys.pepper);
                key.expose().to_owned()
            } else {
                let issued = jwt::issue(&facts, &config.token_keys).expect("issues");
                facts.verifier = issued.verifier;
                issued.token.expose().to_owned()
            };
            world.keep(facts);
            credentials.push(format!("Bearer {credential}"));
        }
        Self {
            gate: Gate::new(Rc::new(config), testing::ISOLATE),
            now: 1_800_000_000_000,
            lease_ms,
            world,
            credentials,
            under: Vec::new(),
            heard: HashSet::new(),
            leases: Vec::new(),
            forwarded: 0,
            isolates: 0,
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    fn happens(&mut self, event: &Event) {
        match event {
            Event::Arrives { call, token } => self.arrives(*call, *token),
            Event::Answered { which, how } if !self.under.is_empty() => {
                let under = self.under.swap_remove(which % self.under.len());
                self.answered(under, *how);
            }
            Event::Answered { .. } => {}
            Event::Clock(ms) => self.now += ms,
            Event::Forgets => {
                // Its holders are others: an answer to the old one's question is none of its own.
                self.isolates = self.isolates.wrapping_add(1);
                self.gate = Gate::new(self.gate.config(), [self.isolates; 16]);
                // What the old isolate was told, the new one was not.
                self.heard.clear();
                self.leases.clear();
            }
        }
    }

    fn arrives(&mut self, call: usize, token: usize) {
        let path = format!("{}{}", rpc::ORIGIN_PREFIX, CALLS[call]);
        let sent = Sent::grpc_web(&path, Some(&self.credentials[token]), b"");
        let step = self.gate.open(&sent.head(), self.now(), &ENTROPY);
        let token = Id::from_u128(TOKENS[token]);
        self.goes_on(Under {
            step,
            call,
            token,
            live: false,
            since: self.now,
        });
    }

    /// Keeps a call that asks, and lets one go that has ended.
    fn goes_on(&mut self, under: Under) {
        if let Step::Forward(ask) = &under.step {
            self.forwarded += 1;
            let row = rpc::rpc(&format!("{}{}", rpc::ORIGIN_PREFIX, CALLS[under.call]));
            let row = row.expect("a call of the table");
            let permit = ask.question.0.permit();
            assert_eq!(ask.question.0.target(), row.path());
            if row.access == rpc::Access::Open {
                assert_eq!(permit.token(), None);
            } else {
                assert_eq!(permit.token(), Some(under.token));
                assert!(
                    under.live || self.may_repeat(under.token),
                    "{:?}",
                    row.method
                );
            }
        }
        if !matches!(under.step, Step::Pass(_) | Step::Refuse(_)) {
            self.under.push(under);
        }
    }

    /// Whether a call may rest on what was said before.
    fn may_repeat(&self, token: TokenId) -> bool {
        let lease_ms = i64::from(self.lease_ms);
        let lasts = |asked: &i64| (0..lease_ms).contains(&(self.now - asked));
        self.heard.contains(&token) && self.leases.iter().any(lasts)
    }

    fn resume<Q: Question>(&mut self, ask: Ask<Q>, how: How, answer: Q::Answer) -> Step {
        let answer = match how.fails {
            true => Err(Outage::Failed("down".to_owned())),
            false => Ok(answer),
        };
        let now = self.now();
        ask.answer(&mut self.gate, now, answer)
    }

    fn answered(&mut self, under: Under, how: How) {
        let Under {
            step,
            call,
            token,
            mut live,
            since,
        } = under;
        let step = match step {
            Step::Body(ask) => self.resume(ask, how, Arrived::whole(body(call))),
            Step::Window(_) => panic!("every body was whole"),
            Step::Record(_) | Step::Download(_) => panic!("no call is about artifacts"),
            Step::Discard(ask) => self.resume(ask, how, ()),
            Step::Stream(ask) => self.resume(ask, how, true),
            Step::Count(ask) => self.resume(ask, how, ()),
            Step::Reserve(_) | Step::Settle(_) | Step::Attempt(_) => panic!("not governed"),
            Step::Identify(_) => panic!("no call shows a job token"),
            Step::Find(ask) => {
                let found = self.world.find(ask.question.token).expect("never down");
                self.resume(ask, how, found.filter(|_| how.facts))
            }
            Step::Admit(ask) => {
                let admission = self.admission(&ask.question, how);
                if !how.fails {
                    live |= admission.liveness == Liveness::Live;
                    if let Some(delta) = &admission.delta {
                        self.leases.extend(delta.lease_ms.map(|_| since));
                    }
                    match (admission.liveness, admission.delta.is_some()) {
                        (Liveness::Live, true) => self.heard.insert(token),
                        (Liveness::Live, false) => false,
                        (Liveness::Revoked | Liveness::Unknown, _) => self.heard.remove(&token),
                    };
                }
                self.resume(ask, how, admission)
            }
            Step::Bind(ask) => {
                let bound = self.world.bind(&ask.question).expect("never down");
                self.resume(ask, how, bound)
            }
            Step::Lookup(ask) => {
                let answer = Answer::ended(how.ended);
                let reply = Reply::read(answer.status, &answer.headers);
                self.resume(ask, how, reply)
            }
            Step::Forward(ask) => {
                let answer = Answer::message(b"");
                let reply = Reply::read(answer.status, &answer.headers);
                self.resume(ask, how, reply)
            }
            Step::Content(ask) => self.resume(ask, how, content(call, how)),
            Step::Pass(_) | Step::Refuse(_) => return,
        };
        self.goes_on(Under {
            step,
            call,
            token,
            live,
            since: self.now,
        });
    }

    fn admission(&self, asked: &Admit, how: How) -> Admission {
        let query = asked.query.clone();
        let tokens = self.world.tokens.borrow();
        let facts = tokens.get(&query.token).map(|kept| kept.facts.clone());
        let run = RunFacts {
            project: "shop".to_owned(),
            workflow: "release".to_owned(),
            workflow_id: how.pin.then(|| WorkflowId::from_u128(0xaa)),
            upstream: None,
        };
        Admission {
            liveness: how.liveness,
            facts: facts.filter(|_| query.facts && how.facts),
            run: query.run.filter(|_| how.run).map(|_| run),
            pin: (query.pin && how.pin).then(|| WorkflowId::from_u128(0xaa)),
            delta: how.version.zip(query.claim).map(|(number, claim)| Delta {
                version: Version {
                    instance: Id::from_u128(1),
                    number,
                },
                changed: claim.applied.map(|_| Vec::new()),
                lease_ms: claim.lease.then_some(self.lease_ms),
            }),
            ..Admission::LIVE
        }
    }
}

/// What the origin says, of the run too where it is one to be learned.
fn content(call: usize, how: How) -> Vec<u8> {
    let run = RunId::from_u128(RUN).to_string();
    let told = match CALLS[call] {
        "AttestationService/Init" if how.run => init_answer(&run, "release", "shop"),
        "AttestationService/Store" if how.run => view_answer(&run, "release", "shop", "acme"),
        _ => Vec::new(),
    };
    Answer::message(&told).body
}

/// The message of a call, as its row says that it is written.
fn body(call: usize) -> Vec<u8> {
    let row = rpc::rpc(&format!("{}{}", rpc::ORIGIN_PREFIX, CALLS[call])).expect("a row");
    let mut message = Vec::new();
    if let rpc::ProjectAt::Name([number]) = row.identity.project {
        message.extend(message::text(*number, "shop"));
    }
    if let Some([number]) = row.identity.workflow {
        message.extend(message::text(*number, "release"));
    }
    if let Some([number]) = row.identity.run {
        message.extend(message::text(*number, &RunId::from_u128(RUN).to_string()));
    }
    crate::testing::drive::frame(0, &message)
}

thread_local! {
    /// How many calls went to the origin in all histories: one in which none does proves nothing.
    static FORWARDED: RefCell<(usize, usize)> = RefCell::default();
}

#[test]
fn nothing_goes_to_the_origin_that_no_ledger_speaks_for() {
    let histories = prop::collection::vec(event(), 1..400);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 100,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let strategy = (histories, prop_oneof![Just(0_u32), Just(2_000_u32)]);
    let ran = runner.run(&strategy, |(events, lease_ms)| {
        let mut history = History::new(lease_ms);
        for event in &events {
            history.happens(event);
        }
        FORWARDED.with_borrow_mut(|(calls, steps)| {
            *calls += history.forwarded;
            *steps += events.len();
        });
        Ok(())
    });
    ran.expect("every history holds");
    let (forwarded, steps) = FORWARDED.take();
    assert!(
        forwarded > 300,
        "{forwarded} calls forwarded in {steps} steps"
    );
}
