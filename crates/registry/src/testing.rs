//! A world for use-case tests (R38): every port in memory, with a log of what was asked. It keeps
//! what it is given, and fails only where a test told it to.

mod answers;
mod brake;
mod buckets;
pub mod issuer;
pub mod job_keys;
mod ledgers;
mod lookups;
mod origin;
pub mod public_log;
mod rebuild;
mod records;
pub mod trust;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::audit::{EventFilter, Listed};
use super::config::Config;
use super::error::{Error, Result};
use super::organization::OrganizationRecord;
use super::page::{Cursor, EventCursor};
use super::ports::{Clock, Entropy, Ledgers, NamedToken};
use super::testing_door::Door;
use super::tokens::{SelectedToken, TokenFilter, TokenRecord, TotalsQuery};
use postern_domain::audit::checkpoint::{Checkpoint, Signed};
use postern_domain::audit::verify::Row;
use postern_domain::audit::{GENESIS, Requester, hex};
use postern_domain::caller::Caller;
use postern_domain::decide::{Grant, RunFacts};
use postern_domain::id::{self, Id, OrganizationId, RunId, TokenId, WorkflowId};
use postern_domain::leak::OnLeak;
use postern_domain::name::Label;
use postern_domain::organization::{OrganizationPolicy, Pause};
use postern_domain::scope::Named;
use postern_domain::standing::Actor;
use postern_domain::time::Timestamp;
use postern_domain::token::{TokenFacts, Verifier};
use postern_gate::Gate;
use postern_gate::testing::drive::Answer;
pub use postern_gate::testing::{ADMIN, config, facts, project, workflow};
use postern_ledger::testing::Sqlite;
use postern_ledger::{
    ActivityRecord, Admission, AdmitQuery, BindCommand, Command, ExchangeAnswer, ExchangeCommand,
    GivenUpstream, KeptQuery, LeakAnswer, LeakCommand, Liveness, MintAnswer, MintCommand,
    RefusalCommand, RevokeManyCommand, RotateCommand, SetUpstreamCommand, TrustRules,
    UpstreamState,
};
pub use records::record;

/// Runs a future that never has to wait.
pub fn now_or_never<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a port in memory does not wait"),
    }
}

/// A configuration where [`ADMIN`] has a name, and who comes with it.
pub fn named_administrator(name: &str) -> (Config, Caller) {
    let config = Config::read(|variable| match variable {
        "ORIGIN_URL" => Some("http://127.0.0.1:1".to_owned()),
        "TOKEN_KEYS" => Some(format!("k1:{}", "A".repeat(43))),
        "ADMIN_TOKEN" => Some(format!("{name}:{ADMIN}")),
        _ => None,
    });
    let name = Label::parse(name).expect("a label");
    let caller = Caller::Administrator(Some(Rc::new(name)));
    (config.expect("a good configuration"), caller)
}

/// A token as the world keeps it.
pub struct StoredToken {
    pub facts: TokenFacts,
    pub liveness: Liveness,
}

/// The world.
pub struct World {
    pub now: Cell<i64>,
    pub tokens: RefCell<HashMap<TokenId, StoredToken>>,
    pub runs: RefCell<HashMap<(OrganizationId, RunId), RunFacts>>,
    /// The gateway's machine.
    pub gate: RefCell<Gate>,
    /// Every question and command, in order.
    pub asked: RefCell<Vec<String>>,
    pub mint_answer: RefCell<MintAnswer>,
    pub minted: RefCell<Vec<MintCommand>>,
    pub rotated: RefCell<Vec<RotateCommand>>,
    pub bulk: RefCell<Vec<RevokeManyCommand>>,
    pub bulk_found: RefCell<Vec<TokenId>>,
    /// What a list of the audit log gives.
    pub events: RefCell<Vec<Listed>>,
    /// What D1 has of the log by number, what the Ledger has, and the checkpoints in D1.
    pub rows: RefCell<Vec<(u64, Row)>>,
    pub kept: RefCell<Vec<(u64, Row)>>,
    /// How many more reads of the log by number go well; `None` = all.
    pub rows_left: Cell<Option<u32>>,
    pub signed: RefCell<Vec<(EventCursor, Signed)>>,
    pub bucket: Cell<u32>,
    /// Tokens that D1 has, for who reads all of them; and a Ledger of its own for a rebuild.
    pub recorded: RefCell<Vec<TokenRecord>>,
    /// The filter of the last list, and where the next one stops.
    pub listed: RefCell<Option<TokenFilter>>,
    pub reached: RefCell<Option<Cursor>>,
    /// Tokens by what the audit log says of them, the filter of its last list, and creations by the hour.
    pub named: RefCell<Vec<NamedToken>>,
    /// Names that some of them had before an edit.
    pub former: RefCell<Vec<(TokenId, String)>>,
    /// Actors that have made events.
    pub actors: RefCell<Vec<String>>,
    /// Those of them that are system tokens.
    pub named_system: RefCell<Vec<TokenId>>,
    pub searched: RefCell<Option<EventFilter>>,
    pub mints: RefCell<Vec<(i64, u32)>>,
    /// What D1 has of a selection, `None` = it is down; and what was counted last.
    pub selected: RefCell<Option<Vec<SelectedToken>>>,
    pub totalled: RefCell<Option<TotalsQuery>>,
    pub rebuilt: RefCell<Option<postern_ledger::Ledger<Sqlite>>>,
    /// The log that anyone can check, with a Ledger of its own.
    pub public: public_log::PublicWorld,
    /// Whether the organization is full.
    pub no_room: Cell<bool>,
    /// What the Ledger says that calls have come to; `None` = it has no such token.
    pub activity: RefCell<Option<ActivityRecord>>,
    pub ledger_down: Cell<bool>,
    /// How many calls the Ledger gives yet of tokens that have a limit.
    pub calls: Cell<u32>,
    /// What the one Ledger of this world calls its organization.
    pub name: RefCell<String>,
    pub door: Door,
    pub brake: brake::Counter,
    /// The upstream credential that the Ledger gives for each call that it is for.
    pub upstream: RefCell<Option<GivenUpstream>>,
    /// Those that were set, and what the Ledger says of the last one.
    pub set_upstreams: RefCell<Vec<SetUpstreamCommand>>,
    pub upstream_state: RefCell<Option<UpstreamState>>,
    /// Messages that the origin was sent, and its answers, the next one first; none = it is late.
    pub origin_asked: RefCell<Vec<Vec<u8>>>,
    pub origin_answers: RefCell<Vec<Answer>>,
    /// Whether the Ledger keeps no upstream credential.
    pub upstreams_full: Cell<bool>,
    /// Whether the answer to setting an upstream credential does not come back.
    pub upstreams_lost: Cell<bool>,
    /// Whether the answers to creations and rotations do not come back: they are carried out.
    pub answers_lost: Cell<bool>,
    /// The workflow that the Ledger has learned for every token.
    pub learned_pin: Cell<Option<WorkflowId>>,
    /// Tokens that the Ledger was asked to describe.
    pub described: RefCell<Vec<TokenId>>,
    /// CI jobs that were presented to the Ledger, and what it answers; `None` = it is down.
    pub exchanged: RefCell<Vec<ExchangeCommand>>,
    pub exchange_answer: RefCell<Option<ExchangeAnswer>>,
    /// Whether the organization gives tokens to CI jobs only.
    pub federated_only: Cell<bool>,
    /// What its new tokens must keep to.
    pub policy: RefCell<OrganizationPolicy>,
    /// Its pause.
    pub pause: RefCell<Option<Pause>>,
    /// The trust rules of the organization, and how many tokens each has given.
    pub trust_rules: RefCell<TrustRules>,
    pub given_tokens: Cell<u32>,
    /// Issuers and forges, and the platform's cryptography.
    pub published: job_keys::Published,
    entropy: Cell<u8>,
}

/// An administrator, as who asks for something.
pub fn requester() -> Requester {
    Requester {
        actor: "admin-token".to_owned(),
        tier: "admin".to_owned(),
        address: None,
        user_agent: None,
        request_id: "r".to_owned(),
    }
}

/// The organization of the world.
pub fn organization() -> OrganizationRecord {
    OrganizationRecord {
        id: Id::from_u128(1),
        name: "acme".to_owned(),
        mint_ceiling: None,
        max_idle_days: 0,
        on_leak: OnLeak::Revoke,
        federated_only: false,
        policy: OrganizationPolicy::default(),
        pause: None,
        location_hint: None,
        created_at: Timestamp::from_millis(0),
    }
}

impl World {
    pub fn new() -> Self {
        Self {
            now: Cell::new(1_800_000_000_000),
            tokens: RefCell::default(),
            runs: RefCell::default(),
            gate: RefCell::new(Gate::new(Rc::new(config()), postern_gate::testing::ISOLATE)),
            asked: RefCell::default(),
            mint_answer: RefCell::new(MintAnswer::Minted),
            minted: RefCell::default(),
            rotated: RefCell::default(),
            bulk: RefCell::default(),
            bulk_found: RefCell::default(),
            events: RefCell::default(),
            rows: RefCell::default(),
            kept: RefCell::default(),
            rows_left: Cell::default(),
            signed: RefCell::default(),
            recorded: RefCell::default(),
            listed: RefCell::default(),
            reached: RefCell::default(),
            named: RefCell::default(),
            former: RefCell::default(),
            actors: RefCell::default(),
            named_system: RefCell::default(),
            searched: RefCell::default(),
            mints: RefCell::default(),
            selected: RefCell::new(Some(Vec::new())),
            totalled: RefCell::default(),
            rebuilt: RefCell::default(),
            public: public_log::PublicWorld::default(),
            activity: RefCell::default(),
            bucket: Cell::new(10),
            no_room: Cell::default(),
            ledger_down: Cell::new(false),
            calls: Cell::new(u32::MAX),
            name: RefCell::new(organization().name),
            door: Door::default(),
            brake: brake::Counter::default(),
            upstream: RefCell::default(),
            set_upstreams: RefCell::default(),
            upstream_state: RefCell::default(),
            origin_asked: RefCell::default(),
            origin_answers: RefCell::default(),
            upstreams_full: Cell::default(),
            upstreams_lost: Cell::default(),
            answers_lost: Cell::default(),
            learned_pin: Cell::new(None),
            described: RefCell::default(),
            exchanged: RefCell::default(),
            exchange_answer: RefCell::default(),
            federated_only: Cell::default(),
            policy: RefCell::default(),
            pause: RefCell::default(),
            trust_rules: RefCell::default(),
            given_tokens: Cell::default(),
            published: job_keys::Published::default(),
            entropy: Cell::new(0),
        }
    }

    /// Puts an active token into the world.
    pub fn keep(&self, facts: TokenFacts) {
        let liveness = Liveness::Live;
        self.tokens
            .borrow_mut()
            .insert(facts.id, StoredToken { facts, liveness });
    }

    /// What was asked since the last call.
    pub fn take_asked(&self) -> Vec<String> {
        self.asked.take()
    }

    fn note(&self, what: impl Into<String>) {
        self.asked.borrow_mut().push(what.into());
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.get())
    }
}

impl Entropy for World {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        for byte in bytes {
            self.entropy.set(self.entropy.get().wrapping_add(1));
            *byte = self.entropy.get();
        }
        Ok(())
    }
}
