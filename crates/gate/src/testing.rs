//! Settings, tokens and a world for tests: every store in memory, with a log of what was asked. It
//! keeps what it is given, and fails only where a test told it to.
#![expect(
    clippy::expect_used,
    missing_docs,
    reason = "made for tests: they may fail, and their fields say what they are"
)]

mod artifacts;
pub mod calls;
pub mod drive;
pub mod own_tokens;
mod settings;

pub use artifacts::Store;
pub use postern_domain::testing::{facts, project, workflow};
pub use settings::{ADMIN, config};

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use postern_domain::decide::RunFacts;
use postern_domain::id::{Id, OrganizationId, RunId, TokenId, WorkflowId};
use postern_domain::operation::Operation;
use postern_domain::rpc::{ARTIFACT_CREDENTIAL, RUN_LOOKUP};
use postern_domain::time::Timestamp;
use postern_domain::token::{TokenFacts, Verifier};
use postern_ledger::{
    Admission, AdmitQuery, ArtifactCommand, BegunRun, Delta, GivenUpstream, LONGEST_LEASE_MS,
    Liveness, Purpose, RunsAnswer, TokenActivity, Version,
};

use self::drive::Answer;
use crate::config::Config;
use crate::credential::Presented;
use crate::error::{JobFault, Result};
use crate::job_bearer::Identify;
use crate::question::{Admit, Bind};
use crate::{About, Admitted, Entry, Gate, Leases, Outage, Outbound, RunReport};

/// The random bytes of a gateway in tests.
pub const ISOLATE: [u8; 16] = [7; 16];

/// A token as the world keeps it.
pub struct StoredToken {
    pub facts: TokenFacts,
    pub liveness: Liveness,
}

/// The world around a gateway.
pub struct World {
    pub gate: RefCell<Gate>,
    pub now: Cell<i64>,
    pub tokens: RefCell<HashMap<TokenId, StoredToken>>,
    pub runs: RefCell<HashMap<(OrganizationId, RunId), RunFacts>>,
    /// Runs of which the Ledger hears while the origin is asked.
    pub runs_to_come: RefCell<HashMap<(OrganizationId, RunId), RunFacts>>,
    /// The workflow that the Ledger has learned for every token.
    pub learned_pin: Cell<Option<WorkflowId>>,
    /// Every question, in order.
    pub asked: RefCell<Vec<String>>,
    pub ledger_down: Cell<bool>,
    /// After so many admissions the Ledger is down, or every token is this.
    pub stops_after: Cell<Option<u32>>,
    pub stops_with: Cell<Option<Liveness>>,
    /// Whether the organizations are paused, as far as the Ledger is asked.
    pub paused: Cell<bool>,
    /// Whether reports of runs get lost.
    pub loses_reports: Cell<bool>,
    /// How many calls the Ledger gives yet of tokens that have a limit.
    pub calls: calls::Calls,
    /// The upstream credentials of every organization.
    pub upstreams: RefCell<Vec<GivenUpstream>>,
    /// The version of the Ledger's log; what a holder with another has, it is told to forget.
    pub version: Cell<i64>,
    /// What the origin answers to a call, and to the gateway's own questions about runs and
    /// workflows.
    pub origin: RefCell<core::result::Result<Answer, Outage>>,
    pub run_view: RefCell<core::result::Result<Answer, Outage>>,
    pub workflow_view: RefCell<core::result::Result<Answer, Outage>>,
    pub own: own_tokens::OwnTokens,
    /// What the origin answers to the gateway's own question for the way to an artifact, and the
    /// artifact store behind it.
    pub artifact_way: RefCell<core::result::Result<Answer, Outage>>,
    pub store: RefCell<Store>,
    /// What a job token becomes; `None` = its job meets no rule.
    pub identified: RefCell<Option<TokenFacts>>,
    /// What the Ledger has written down of artifact credentials.
    pub recorded: RefCell<Vec<ArtifactCommand>>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            gate: RefCell::new(Gate::new(Rc::new(config()), ISOLATE)),
            now: Cell::new(1_800_000_000_000),
            tokens: RefCell::default(),
            runs: RefCell::default(),
            runs_to_come: RefCell::default(),
            learned_pin: Cell::default(),
            asked: RefCell::default(),
            ledger_down: Cell::default(),
            stops_after: Cell::default(),
            stops_with: Cell::default(),
            paused: Cell::default(),
            loses_reports: Cell::default(),
            calls: calls::Calls::default(),
            upstreams: RefCell::default(),
            version: Cell::new(1),
            origin: RefCell::new(Ok(Answer::message(b""))),
            run_view: RefCell::new(Ok(Answer::ended(5))),
            workflow_view: RefCell::new(Ok(Answer::ended(5))),
            own: own_tokens::OwnTokens::default(),
            artifact_way: RefCell::new(Ok(Answer::ended(5))),
            store: RefCell::default(),
            identified: RefCell::default(),
            recorded: RefCell::default(),
        }
    }
}

impl World {
    /// Has a job token become a token.
    fn identify(&self, asked: &Identify) -> core::result::Result<TokenFacts, Outage> {
        self.note(format!(
            "identify {}",
            asked.named.as_deref().unwrap_or("-")
        ));
        let facts = self.identified.borrow().clone();
        facts.ok_or_else(|| Outage::Refused(JobFault::NoRule.into()))
    }

    pub fn new() -> Self {
        Self::default()
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.get())
    }

    /// The gateway has this configuration from now on, and what it has learned.
    pub fn configure(&self, config: &Rc<Config>) {
        let gate = &mut *self.gate.borrow_mut();
        if gate.config.revocation_lease_ms != config.revocation_lease_ms {
            gate.memory.leases = Leases::new(1, config.revocation_lease_ms);
        }
        gate.config = Rc::clone(config);
    }

    /// The gateway's isolate is another one.
    pub fn forget(&self) {
        let config = self.gate.borrow().config();
        *self.gate.borrow_mut() = Gate::new(config, ISOLATE);
    }

    /// Puts a live token into the world.
    pub fn keep(&self, facts: TokenFacts) {
        let liveness = Liveness::Live;
        self.tokens
            .borrow_mut()
            .insert(facts.id, StoredToken { facts, liveness });
    }

    /// What becomes of every token of the world.
    pub fn revoke(&self, liveness: Liveness) {
        let mut tokens = self.tokens.borrow_mut();
        tokens
            .values_mut()
            .for_each(|kept| kept.liveness = liveness);
    }

    /// What was asked since the last call.
    pub fn take_asked(&self) -> Vec<String> {
        self.asked.take()
    }

    pub fn note(&self, what: impl Into<String>) {
        self.asked.borrow_mut().push(what.into());
    }

    fn ledger<T>(&self, answer: impl FnOnce() -> T) -> core::result::Result<T, Outage> {
        match self.ledger_down.get() {
            true => Err(Outage::Failed("the Ledger is down".to_owned())),
            false => Ok(answer()),
        }
    }

    /// The stores' answer.
    pub fn find(&self, token: TokenId) -> core::result::Result<Option<TokenFacts>, Outage> {
        self.note("facts");
        let tokens = self.tokens.borrow();
        Ok(tokens.get(&token).map(|kept| kept.facts.clone()))
    }

    /// The Ledger's answer.
    ///
    /// # Errors
    /// When it is down.
    pub fn admit(&self, asked: &Admit) -> core::result::Result<Admission, Outage> {
        let organization = asked.organization;
        let query = asked.query.clone();
        self.note(match query.upstream {
            Some(_) => "admit with upstream",
            None => "admit",
        });
        match self.stops_after.get() {
            Some(0) => match self.stops_with.get() {
                Some(liveness) => self.revoke(liveness),
                None => self.ledger_down.set(true),
            },
            left => self.stops_after.set(left.map(|left| left - 1)),
        }
        self.ledger(|| self.admission(organization, query))
    }

    fn admission(&self, organization: OrganizationId, query: AdmitQuery) -> Admission {
        let tokens = self.tokens.borrow();
        let kept = tokens
            .get(&query.token)
            .filter(|kept| kept.facts.organization.id == organization);
        let run = query.run.map(|run| (organization, run));
        if let Some(kept) = kept.filter(|kept| kept.liveness == Liveness::Live)
            && self.paused.get()
        {
            return Admission {
                facts: query.facts.then(|| kept.facts.clone()),
                paused: true,
                ..Admission::LIVE
            };
        }
        Admission {
            liveness: kept.map_or(Liveness::Unknown, |kept| kept.liveness),
            facts: kept
                .filter(|kept| query.facts || kept.facts.revision != query.revision)
                .map(|kept| kept.facts.clone()),
            calls: self.calls.given(&query, kept.map(|kept| &kept.facts)),
            run: run.and_then(|key| self.runs.borrow().get(&key).cloned()),
            pin: self.pin_of(&query),
            upstream: self.upstream_of(&query, kept.map(|kept| &kept.facts)),
            delta: query.claim.map(|claim| Delta {
                version: Version {
                    instance: Id::from_u128(1),
                    number: self.version.get(),
                },
                changed: claim
                    .applied
                    .filter(|applied| applied.number == self.version.get())
                    .map(|_| Vec::new()),
                lease_ms: claim.lease.then_some(LONGEST_LEASE_MS),
            }),
            paused: false,
        }
    }

    fn pin_of(&self, query: &AdmitQuery) -> Option<WorkflowId> {
        let pin = self.learned_pin.get().or(query.shown);
        let pin = pin.filter(|_| query.pin);
        self.learned_pin.set(self.learned_pin.get().or(pin));
        pin
    }

    /// The Ledger's answer.
    ///
    /// # Errors
    /// When it is down.
    pub fn bind(&self, asked: &Bind) -> core::result::Result<Option<TokenFacts>, Outage> {
        self.ledger(|| {
            let mut tokens = self.tokens.borrow_mut();
            let kept = tokens.get_mut(&asked.command.token)?;
            if kept.facts.unbound() {
                kept.facts.verifier = Verifier::Jwt {
                    signed: Some(asked.command.signed.clone()),
                };
            }
            Some(kept.facts.clone())
        })
    }

    /// Sends what is due behind an answer: the Ledger hears of it, or it is lost.
    pub fn send_reports(&self) {
        loop {
            let due = self.gate.borrow_mut().memory.reports.due(self.now());
            let Some(report) = due else { return };
            for BegunRun { run, .. } in &report.command.runs {
                self.note(format!("report {run}"));
            }
            if self.loses_reports.get() || self.ledger_down.get() {
                self.gate.borrow_mut().memory.reports.failed(&report);
                continue;
            }
            let told = self.hears(&report);
            self.gate.borrow_mut().memory.reported(&report, told);
        }
    }

    /// What the calls of the tokens of an organization have come to, as its Ledger is told: taken, so
    /// that the next batch has what comes after.
    pub fn ended(&self, organization: OrganizationId) -> Vec<TokenActivity> {
        let activity = &mut self.gate.borrow_mut().memory.activity;
        let mut told = Vec::new();
        while let Some(batch) = activity.batch(Some(organization), self.now()) {
            told.extend(batch.command.tokens.iter().cloned());
            activity.told(&batch);
        }
        told
    }

    fn hears(&self, report: &RunReport) -> RunsAnswer {
        let command = &report.command;
        let organization = report.grant.organization().id;
        let mut runs = self.runs.borrow_mut();
        let mut others = Vec::new();
        for BegunRun { run, facts } in &command.runs {
            let kept = runs.entry((organization, *run));
            let kept = kept.or_insert_with(|| facts.clone());
            if kept != facts {
                others.push(BegunRun {
                    run: *run,
                    facts: kept.clone(),
                });
            }
        }
        RunsAnswer {
            pin: self.gate.borrow().memory.pin(command.token),
            others,
        }
    }

    /// The origin's answer to a question of the gateway's own.
    ///
    /// # Errors
    /// What a test told it to.
    pub fn looked_up(&self, outbound: &Outbound) -> core::result::Result<Answer, Outage> {
        self.runs.borrow_mut().extend(self.runs_to_come.take());
        match outbound.permit().operation() {
            Operation::Rpc(row) if *row == RUN_LOOKUP => self.run_view.borrow().clone(),
            Operation::Rpc(row) if *row == ARTIFACT_CREDENTIAL => {
                self.artifact_way.borrow().clone()
            }
            _ => self.workflow_view.borrow().clone(),
        }
    }

    /// The whole way in of a credential for management.
    ///
    /// # Errors
    /// The refusal.
    pub fn enter(&self, presented: Presented, about: About, purpose: Purpose) -> Result<Admitted> {
        let now = self.now();
        let presented = Rc::new(presented);
        let mut entry = self.gate.borrow_mut().enter(
            &presented,
            about,
            (purpose, Some([192, 0, 2, 1].into())),
            now,
        );
        loop {
            entry = match entry {
                Entry::Find(ask) => {
                    let found = self.find(ask.question.token);
                    ask.answer(&mut self.gate.borrow_mut(), now, found)
                }
                Entry::Admit(ask) => {
                    let told = self.admit(&ask.question);
                    ask.answer(&mut self.gate.borrow_mut(), now, told)
                }
                Entry::Bind(ask) => {
                    let bound = self.bind(&ask.question);
                    ask.answer(&mut self.gate.borrow_mut(), now, bound)
                }
                Entry::Admitted(admitted) => return Ok(admitted),
                Entry::Refused(error, _) => return Err(error),
            };
        }
    }
}
