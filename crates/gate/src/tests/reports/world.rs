//! Isolates around a Ledger on SQLite and an origin, in a history that is drawn: calls that overtake
//! each other, reports that are late, doubled or lost, workflows that are made anew, isolates that
//! are replaced.

use std::collections::BTreeMap;
use std::rc::Rc;

use postern_domain::id::{Id, RunId, WorkflowId};
use postern_domain::policy::defaults;
use postern_domain::rpc;
use postern_domain::scope::{Named, Scope};
use postern_domain::standing::Actor;
use postern_domain::time::Timestamp;
use postern_ledger::testing::dice::Dice;
use postern_ledger::testing::{self as ledgers, Sqlite, at};
use postern_ledger::{Addressed, Done, Ledger};
use postern_wire::{jwt, message};

use crate::question::Arrived;
use crate::testing::drive::{Answer, Sent, frame};
use crate::testing::{self, facts, project};
use crate::{Entropy, Gate, Head, Reply, RunReport, Step};

/// The workflows of the origin; a token for each, and one of the organization.
const WORKFLOWS: [&str; 2] = ["release", "deploy"];
const WIDE: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// Of this workflow.
    Init(usize),
    Store(u128),
}

/// A run at the origin: its workflow, and that workflow's id.
type Run = (usize, u128);

/// Who calls what, and where.
#[derive(Debug, Clone, Copy)]
struct Call {
    isolate: usize,
    token: usize,
    what: What,
    /// The run that an Init has begun.
    began: Option<u128>,
    /// The token's workflow, as it was known when the call came.
    bound: Option<u128>,
}

/// A call that is under way.
struct Under {
    call: Call,
    step: Step,
    /// What the origin has answered last.
    content: Vec<u8>,
}

/// What has happened, so that a history in which nothing does is noticed.
#[derive(Debug, Default)]
pub struct Counts {
    pub stored: usize,
    pub refused: usize,
    pub looked_up: usize,
    pub lost: usize,
    pub replaced: usize,
}

pub struct World {
    dice: Dice,
    sql: Sqlite,
    ledger: Ledger<Sqlite>,
    gates: Vec<Gate>,
    now: i64,
    lease_ms: u32,
    credentials: Vec<String>,
    /// The id of each workflow at the origin, and its runs.
    ids: [u128; 2],
    runs: BTreeMap<u128, Run>,
    under: Vec<Under>,
    reports: Vec<(usize, RunReport)>,
    /// The one workflow that a token has acted on, or has begun a run of.
    acted: BTreeMap<usize, u128>,
    pub counts: Counts,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let sql = Sqlite::new();
        let mut ledger = ledgers::open(&sql);
        let lease_ms = if seed.is_multiple_of(2) { 2_000 } else { 0 };
        let mut credentials = Vec::new();
        for token in 0..=WIDE {
            let scope = match WORKFLOWS.get(token) {
                None => Scope::Organization,
                Some(name) => Scope::Workflow {
                    project: project(),
                    workflow: Named {
                        id: Id::from_u128(30 + token as u128),
                        name: (*name).to_owned(),
                    },
                },
            };
            let id = 7 + token as u128;
            let mut command = ledgers::mint(id, &format!("t{token}"), 0);
            let mut row = facts(id, scope);
            row.name = command.facts.name.clone();
            row.policies = defaults(&row.scope);
            let issued = jwt::issue(&row, &testing::config().token_keys).expect("issues");
            row.verifier = issued.verifier;
            command.facts = row;
            ledgers::minted(&mut ledger, 0, command);
            credentials.push(format!("Bearer {}", issued.token.expose()));
        }
        let mut world = Self {
            dice: Dice::new(seed),
            sql,
            ledger,
            gates: Vec::new(),
            now: 1_800_000_000_000,
            lease_ms,
            credentials,
            ids: [100, 200],
            runs: BTreeMap::new(),
            under: Vec::new(),
            reports: Vec::new(),
            acted: BTreeMap::new(),
            counts: Counts::default(),
        };
        for _ in 0..3 {
            let gate = world.isolate();
            world.gates.push(gate);
        }
        world
    }

    fn isolate(&self) -> Gate {
        let mut config = testing::config();
        config.revocation_lease_ms = self.lease_ms;
        Gate::new(Rc::new(config), testing::ISOLATE)
    }

    fn now(&self) -> Timestamp {
        at(self.now)
    }

    /// Lets something happen.
    pub fn act(&mut self) {
        match self.dice.roll(40) {
            0..6 => self.arrives(),
            6..32 if !self.under.is_empty() => {
                let which = self.dice.roll(self.under.len());
                let under = self.under.swap_remove(which);
                self.goes_on(under);
            }
            32..36 => self.report(),
            36 => self.ids[self.dice.roll(2)] += 1,
            37 => {
                let which = self.dice.roll(self.gates.len());
                self.gates[which] = self.isolate();
                // With what it has not sent.
                self.reports.retain(|(isolate, _)| *isolate != which);
            }
            38 => self.ledger = ledgers::open(&self.sql),
            _ => self.now += i64::try_from(self.dice.roll(9_000)).expect("small"),
        }
    }

    fn arrives(&mut self) {
        let (isolate, token) = (self.dice.roll(self.gates.len()), self.dice.roll(WIDE + 1));
        let known: Vec<u128> = self.runs.keys().copied().collect();
        let what = match self.dice.pick(&known) {
            Some(run) if self.dice.one_in(2) => What::Store(run),
            _ if token == WIDE => What::Init(self.dice.roll(2)),
            _ => What::Init(token),
        };
        let method = match what {
            What::Init(_) => "AttestationService/Init",
            What::Store(_) => "AttestationService/Store",
        };
        let path = format!("{}{method}", rpc::ORIGIN_PREFIX);
        let sent = Sent::grpc_web(&path, Some(&self.credentials[token]), b"");
        let head = Head {
            method: "POST",
            path: &path,
            query: "",
            origin: "https://gate.example",
            headers: &sent.headers,
            request_id: "r",
        };
        let entropy = Entropy {
            trace: [1; 24],
            assertions: [[2; 16], [3; 16]],
        };
        let now = self.now();
        let call = Call {
            isolate,
            token,
            what,
            began: None,
            bound: self.acted.get(&token).copied(),
        };
        self.under.push(Under {
            call,
            step: self.gates[isolate].open(&head, now, &entropy),
            content: Vec::new(),
        });
    }

    /// Answers the question of a call.
    fn goes_on(&mut self, under: Under) {
        let Under {
            mut call,
            step,
            mut content,
        } = under;
        let (now, isolate) = (self.now(), call.isolate);
        let step = match step {
            Step::Body(ask) => {
                let body = frame(0, &said(call.what));
                ask.answer(&mut self.gates[isolate], now, Ok(Arrived::whole(body)))
            }
            Step::Admit(ask) => {
                let told = self.ledger.admit(now, ask.question.query.clone());
                let told = told.expect("the Ledger answers");
                ask.answer(&mut self.gates[isolate], now, Ok(told))
            }
            Step::Lookup(ask) => {
                let answer = match (call.what, ask.question.0.target().ends_with("/View")) {
                    (What::Store(run), true) => self.view(run),
                    (What::Init(workflow), false) => self.contract(workflow),
                    other => panic!("nobody asks {other:?}"),
                };
                let reply = Reply::read(answer.status, &answer.headers);
                content = answer.body;
                ask.answer(&mut self.gates[isolate], now, Ok(reply))
            }
            Step::Forward(ask) => {
                let answer = self.arrived(&mut call);
                let reply = Reply::read(answer.status, &answer.headers);
                content = answer.body;
                ask.answer(&mut self.gates[isolate], now, Ok(reply))
            }
            Step::Content(ask) => {
                let content = core::mem::take(&mut content);
                ask.answer(&mut self.gates[isolate], now, Ok(content))
            }
            Step::Pass(_) => return self.passed(call),
            Step::Refuse(refusal) => return self.refused(call, refusal.error.code()),
            other => panic!("{other:?}"),
        };
        while let Some(report) = self.gates[isolate].memory.reports.due(now) {
            self.reports.push((isolate, report));
        }
        self.under.push(Under {
            call,
            step,
            content,
        });
    }

    /// A call has come to the origin.
    fn arrived(&mut self, call: &mut Call) -> Answer {
        match call.what {
            What::Init(workflow) => {
                let run = 1_000 + self.runs.len() as u128;
                self.runs.insert(run, (workflow, self.ids[workflow]));
                call.began = Some(run);
                Answer::message(&nested(&[1, 2], &item(run, self.runs[&run])))
            }
            What::Store(run) => {
                let (workflow, id) = self.runs[&run];
                self.counts.stored += 1;
                self.acts(call.token, workflow, id);
                Answer::message(b"")
            }
        }
    }

    /// The promise: a token for one workflow acts on that one, whatever got lost.
    fn acts(&mut self, token: usize, workflow: usize, id: u128) {
        if token == WIDE {
            return;
        }
        assert_eq!(workflow, token, "on another workflow");
        let first = *self.acted.entry(token).or_insert(id);
        assert_eq!(first, id, "on a workflow made anew");
    }

    fn passed(&mut self, call: Call) {
        if let (What::Init(workflow), Some(run)) = (call.what, call.began) {
            let (_, id) = self.runs[&run];
            self.acts(call.token, workflow, id);
        }
    }

    /// What may pass is never refused: what a Ledger was not told, the origin knows.
    fn refused(&mut self, call: Call, code: &str) {
        self.counts.refused += 1;
        self.counts.replaced += usize::from(code == "workflow_replaced");
        if let What::Store(run) = call.what {
            let (workflow, id) = self.runs[&run];
            let is_own = workflow == call.token && call.bound == Some(id);
            assert!(call.token != WIDE && !is_own, "refused: {code}");
        } else {
            assert_eq!(code, "workflow_replaced");
        }
    }

    /// A report arrives, for the first time or once more, or gets lost.
    fn report(&mut self) {
        if self.reports.is_empty() {
            return;
        }
        let which = self.dice.roll(self.reports.len());
        if self.dice.one_in(3) {
            self.counts.lost += 1;
            let (isolate, report) = self.reports.swap_remove(which);
            if self.dice.one_in(2) {
                // The other half is lost with the request behind which it was sent.
                self.gates[isolate].memory.reports.failed(&report);
            }
            return;
        }
        let (isolate, report) = &self.reports[which];
        let actor = report.grant.actor();
        assert_ne!(actor, Actor::NotAToken);
        let addressed = Addressed {
            by: Some(&report.grant.organization().name),
            actor,
        };
        let handled = self
            .ledger
            .handle(at(self.now), addressed, report.command.clone());
        let Ok(Done::Answer(answer)) = handled else {
            panic!("a report is answered at once");
        };
        let memory = &mut self.gates[*isolate].memory;
        let others = memory.reported(report, answer);
        assert!(others.is_empty(), "two workflows of one run");
        if self.dice.one_in(2) {
            self.reports.swap_remove(which);
        }
    }

    /// A `WorkflowRunServiceViewResponse`.
    fn view(&mut self, run: u128) -> Answer {
        self.counts.looked_up += 1;
        Answer::message(&nested(&[1, 1], &item(run, self.runs[&run])))
    }

    /// An `AttestationServiceGetContractResponse`.
    fn contract(&self, workflow: usize) -> Answer {
        Answer::message(&nested(&[1, 1], &named((workflow, self.ids[workflow]))))
    }
}

/// The message of a call.
fn said(what: What) -> Vec<u8> {
    match what {
        What::Init(workflow) => [
            message::text(4, WORKFLOWS[workflow]),
            message::text(5, "shop"),
        ]
        .concat(),
        What::Store(run) => message::text(2, &RunId::from_u128(run).to_string()),
    }
}

/// A run with its workflow, as answers have it.
fn item(run: u128, of: Run) -> Vec<u8> {
    let id = RunId::from_u128(run).to_string();
    [message::text(1, &id), nested(&[6], &named(of))].concat()
}

fn named((workflow, id): Run) -> Vec<u8> {
    [
        message::text(1, &WorkflowId::from_u128(id).to_string()),
        message::text(2, WORKFLOWS[workflow]),
        message::text(3, "shop"),
    ]
    .concat()
}

/// A message within these fields.
fn nested(fields: &[u32], content: &[u8]) -> Vec<u8> {
    let mut content = content.to_vec();
    for field in fields.iter().rev() {
        let text = String::from_utf8(content).expect("short fields are ASCII");
        content = message::text(*field, &text);
    }
    content
}
