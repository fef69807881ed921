//! The world of the simulator: gateways, messages under way, and the promise that is kept.

use std::collections::HashMap;
use std::rc::Rc;

use super::ledger::{Ledger, Small};
use postern_domain::id::{Id, OrganizationId, TokenId};
use postern_domain::policy::defaults;
use postern_domain::revocation::Delta;
use postern_domain::rpc;
use postern_domain::scope::Scope;
use postern_domain::time::Timestamp;
use postern_gate::testing::drive::{Answer, Sent, frame};
use postern_gate::testing::{self, facts};
use postern_gate::{Ask, Entropy, Gate, Head, Outage, Question, Reply, Step, Sync};
use postern_ledger::{Admission, RunAnswer};
use postern_wire::jwt;

/// A write and a read, either of which names nothing.
const WRITE: &str = "SigningService/GenerateSigningCert";
const READ: &str = "ContextService/Current";
const TOKENS: [u128; 2] = [7, 8];

/// What happens next.
#[derive(Debug, Clone)]
pub enum Event {
    Arrives {
        gate: usize,
        token: usize,
        reads: bool,
    },
    /// A message goes on by one hop, or is lost.
    Delivered { which: usize, is_lost: bool },
    /// Milliseconds pass.
    Passes(i64),
    /// A revoke of the token answers.
    Revoked(usize),
    /// A gateway's isolate ends, and another begins.
    Forgets(usize),
}

/// A call under way in a gateway.
struct Call {
    gate: usize,
    token: TokenId,
    reads: bool,
    /// When it began, and as the how many-th event.
    began: (i64, usize),
    step: Step,
    /// The Ledger's answer, once the question has reached it.
    answer: Option<LedgerAnswer>,
}

enum LedgerAnswer {
    Admitted(Box<Admission>),
    Recorded(RunAnswer),
}

/// A question for changes under way.
struct SyncQuestion {
    gate: usize,
    /// Of which isolate: one that has ended takes no answer.
    isolate: u32,
    sync: Sync,
    answer: Option<Delta>,
}

enum Message {
    Call(Box<Call>),
    Sync(SyncQuestion),
}

/// Gateways around one Ledger.
pub struct World {
    now: i64,
    bound_ms: i64,
    gates: Vec<(Gate, u32)>,
    ledger: Small,
    credentials: Vec<String>,
    messages: Vec<Message>,
    /// Questions for changes that are due: when, and in which gateway.
    due: Vec<(i64, usize, OrganizationId)>,
    /// When each revoke has answered, and as the how many-th event.
    revoked: HashMap<TokenId, (i64, usize)>,
    events: usize,
    pub forwarded: usize,
    pub refused_revoked: usize,
}

impl World {
    pub fn new(gates: usize, bound_ms: i64) -> Self {
        let mut ledger = Small::default();
        let mut credentials = Vec::new();
        for id in TOKENS {
            let mut facts = facts(id, Scope::Organization);
            facts.policies = defaults(&Scope::Organization);
            let issued = jwt::issue(&facts, &testing::config().token_keys).expect("issues");
            facts.verifier = issued.verifier;
            ledger.keep(facts);
            credentials.push(format!("Bearer {}", issued.token.expose()));
        }
        Self {
            now: 1_800_000_000_000,
            bound_ms,
            gates: (0..gates).map(|_| (gate(bound_ms), 0)).collect(),
            ledger,
            credentials,
            messages: Vec::new(),
            due: Vec::new(),
            revoked: HashMap::new(),
            events: 0,
            forwarded: 0,
            refused_revoked: 0,
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    /// Lets one thing happen.
    ///
    /// # Errors
    /// How the promise was broken.
    pub fn happens(&mut self, event: &Event) -> Result<(), String> {
        self.events += 1;
        match *event {
            Event::Arrives { gate, token, reads } => self.arrives(gate, token, reads),
            Event::Delivered { .. } if self.messages.is_empty() => Ok(()),
            Event::Delivered { which, is_lost } => {
                let which = which % self.messages.len();
                match self.messages.swap_remove(which) {
                    Message::Call(call) => self.hop(*call, is_lost),
                    Message::Sync(question) => {
                        self.sync(question, is_lost);
                        Ok(())
                    }
                }
            }
            Event::Passes(ms) => {
                self.now += ms;
                self.ask_for_changes();
                Ok(())
            }
            Event::Revoked(token) => {
                let token = Id::from_u128(TOKENS[token]);
                self.ledger.revoke(token);
                self.revoked.entry(token).or_insert((self.now, self.events));
                Ok(())
            }
            Event::Forgets(at) => {
                let (_, isolate) = self.gates[at];
                self.gates[at] = (gate(self.bound_ms), isolate + 1);
                // Its calls end with it.
                self.messages.retain(|message| match message {
                    Message::Call(call) => call.gate != at,
                    Message::Sync(question) => question.gate != at,
                });
                self.due.retain(|(_, gate, _)| *gate != at);
                Ok(())
            }
        }
    }

    fn arrives(&mut self, gate: usize, token: usize, reads: bool) -> Result<(), String> {
        let method = if reads { READ } else { WRITE };
        let path = format!("{}{method}", rpc::ORIGIN_PREFIX);
        let sent = Sent::grpc_web(&path, Some(&self.credentials[token]), b"");
        let head = Head {
            method: "POST",
            path: &path,
            query: "",
            headers: &sent.headers,
            request_id: "r",
        };
        let entropy = Entropy {
            trace: [1; 24],
            assertions: [[2; 16], [3; 16]],
        };
        let now = self.now();
        let step = self.gates[gate].0.open(&head, now, &entropy);
        self.goes_on(Call {
            gate,
            token: Id::from_u128(TOKENS[token]),
            reads,
            began: (self.now, self.events),
            step,
            answer: None,
        })
    }

    /// Keeps what is asked; holds a call that goes to the origin to the promise.
    fn goes_on(&mut self, call: Call) -> Result<(), String> {
        while let Some(due) = self.gates[call.gate].0.memory.copies.due() {
            let at = self.now + due.wait_ms;
            self.due.push((at, call.gate, due.organization));
        }
        self.ask_for_changes();
        match &call.step {
            Step::Pass(_) => return Ok(()),
            Step::Refuse(_) => {
                let began_after = |at: &(i64, usize)| call.began.1 > at.1;
                let revoked = self.revoked.get(&call.token).is_some_and(began_after);
                self.refused_revoked += usize::from(revoked);
                return Ok(());
            }
            Step::Forward(_) => {
                self.forwarded += 1;
                let slack = if call.reads { self.bound_ms } else { 0 };
                let (began, event) = call.began;
                if let Some((at, revoke)) = self.revoked.get(&call.token)
                    && event > *revoke
                    && began >= at + slack
                {
                    let late = began - at;
                    return Err(format!("accepted {late} ms after its revoke had answered"));
                }
            }
            _ => {}
        }
        self.messages.push(Message::Call(Box::new(call)));
        Ok(())
    }

    fn resume<Q: Question>(
        &mut self,
        gate: usize,
        ask: Ask<Q>,
        answer: Result<Q::Answer, Outage>,
    ) -> Step {
        let now = self.now();
        ask.answer(&mut self.gates[gate].0, now, answer)
    }

    /// A question reaches whoever it is for, or its answer reaches the gateway.
    fn hop(&mut self, mut call: Call, is_lost: bool) -> Result<(), String> {
        let lost = || Outage::Failed("lost".to_owned());
        let gate = call.gate;
        if !is_lost && call.answer.is_none() {
            let now = self.now();
            let answer = match &call.step {
                Step::Admit(ask) => Some(LedgerAnswer::Admitted(Box::new(
                    self.ledger.admit(ask.question.query, now),
                ))),
                Step::Record(ask) => Some(LedgerAnswer::Recorded(
                    self.ledger.record(&ask.question.command),
                )),
                _ => None,
            };
            if answer.is_some() {
                call.answer = answer;
                self.messages.push(Message::Call(Box::new(call)));
                return Ok(());
            }
        }
        let reply = || Reply::read(200, &Answer::message(b"").headers);
        call.step = match (call.step, call.answer.take()) {
            (Step::Admit(ask), Some(LedgerAnswer::Admitted(answer))) if !is_lost => {
                self.resume(gate, ask, Ok(*answer))
            }
            (Step::Admit(ask), _) => self.resume(gate, ask, Err(lost())),
            (Step::Record(ask), Some(LedgerAnswer::Recorded(answer))) if !is_lost => {
                self.resume(gate, ask, Ok(answer))
            }
            (Step::Record(ask), _) => self.resume(gate, ask, Err(lost())),
            (Step::Body(ask), _) => self.resume(gate, ask, Ok(frame(0, b""))),
            (Step::Discard(ask), _) => self.resume(gate, ask, Ok(())),
            (Step::Stream(ask), _) => self.resume(gate, ask, Ok(true)),
            (Step::Count(ask), _) => self.resume(gate, ask, Ok(())),
            (Step::Find(ask), _) => self.resume(gate, ask, Err(lost())),
            (Step::Bind(ask), _) => self.resume(gate, ask, Err(lost())),
            (Step::Lookup(ask), _) => self.resume(gate, ask, Err(lost())),
            (Step::Forward(ask), _) => self.resume(gate, ask, Ok(reply())),
            (Step::Content(ask), _) => self.resume(gate, ask, Ok(Answer::message(b"").body)),
            (ended, _) => ended,
        };
        self.goes_on(call)
    }

    /// Asks for the changes that are due by now.
    fn ask_for_changes(&mut self) {
        let now = self.now();
        let (due, later) = self.due.drain(..).partition(|(at, _, _)| *at <= self.now);
        self.due = later;
        let due: Vec<(i64, usize, OrganizationId)> = due;
        for (_, gate, organization) in due {
            let (machine, isolate) = &mut self.gates[gate];
            let sync = machine.memory.copies.sync(organization, now);
            self.messages.push(Message::Sync(SyncQuestion {
                gate,
                isolate: *isolate,
                sync,
                answer: None,
            }));
        }
    }

    fn sync(&mut self, mut question: SyncQuestion, is_lost: bool) {
        if question.answer.is_none() && !is_lost {
            question.answer = Some(self.ledger.sync(&question.sync.command));
            self.messages.push(Message::Sync(question));
            return;
        }
        let (machine, isolate) = &mut self.gates[question.gate];
        if *isolate == question.isolate {
            let answer = question.answer.filter(|_| !is_lost);
            machine.memory.copies.synced(question.sync, answer.as_ref());
        }
    }
}

fn gate(bound_ms: i64) -> Gate {
    let mut config = testing::config();
    config.revocation_bound_ms = bound_ms;
    Gate::new(Rc::new(config))
}
