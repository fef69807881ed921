//! The Ledger's process of the model: the machine on SQLite, its timers, revokes that wait for
//! their answer, and watches that are held.

use std::sync::OnceLock;

use postern_domain::edit::TokenEdit;
use postern_domain::id::{Id, TokenId};
use postern_domain::keys::{KeyRing, RootKeys};
use postern_domain::leak::OnLeak;
use postern_domain::time::Timestamp;
use postern_domain::upstream::{Credential, Reach, Sealed, seal};
use postern_ledger::testing::{self, Sqlite, requester};
use postern_ledger::{
    Admission, AdmitQuery, Carried, ClearUpstreamCommand, Delivery, Done, EditAnswer, EditCommand,
    LeakCommand, Ledger, PauseCommand, ResumeCommand, RevokeCommand, Selector, SetUpstreamCommand,
    Timer,
};

use super::events::Message;
use super::world::ORGANIZATION;

/// What somebody has the Ledger do. Its answer says of tokens that they are revoked.
#[derive(Debug, Clone, Copy)]
pub enum Order {
    Revoke(u128),
    /// A bulk revoke of one that may be revoked already: then nothing fits.
    RevokeMany(u128),
    Quarantine(u128),
    /// With this overlap, in milliseconds.
    Rotate(u128, u128, i64),
    /// Sets or clears the upstream credential of the organization; the number is that of the change.
    Upstream {
        sets: bool,
        number: u128,
    },
    /// Pauses the organization; the number is that of the last resume before.
    Pause(u64),
    /// Resumes it.
    Resume,
    /// Narrows a token: each allows one call a minute less.
    Edit(u128),
}

impl Order {
    /// The token that the answer says is revoked.
    pub fn token(self) -> Option<TokenId> {
        match self {
            Self::Revoke(id)
            | Self::RevokeMany(id)
            | Self::Quarantine(id)
            | Self::Rotate(id, ..) => Some(Id::from_u128(id)),
            Self::Upstream { .. } | Self::Pause(_) | Self::Resume | Self::Edit(_) => None,
        }
    }
}

/// An answer that is held back.
pub struct Held {
    pub version: i64,
    pub order: Order,
    /// The token that an edit has narrowed, and the revision that its facts are of then.
    pub edited: Option<(TokenId, u32)>,
    /// When the order came, in microseconds.
    pub since: i64,
    /// Before this the token is not over, in microseconds.
    pub ends: i64,
}

pub struct Process {
    pub number: u32,
    sql: Sqlite,
    ledger: Ledger<Sqlite>,
    /// Whether nobody has looked yet at what this process says.
    is_new: bool,
    pub held: Vec<Held>,
    pub watches: Vec<Message>,
    edits: Edits,
}

/// Edits, each narrower than the one before.
#[derive(Default)]
struct Edits(u32);

impl Edits {
    fn next(&mut self, id: u128) -> EditCommand {
        self.0 += 1;
        EditCommand {
            token: Id::from_u128(id),
            edit: TokenEdit {
                calls_per_minute: Some(1_000 - self.0),
                ..TokenEdit::default()
            },
            description: None,
            requester: requester(),
        }
    }
}

/// A database with these tokens, for one history after the other.
pub fn database(tokens: &[u128]) -> Sqlite {
    let sql = Sqlite::new();
    let mut ledger = testing::open(&sql);
    for id in tokens {
        testing::minted(&mut ledger, 0, testing::mint(*id, &format!("t{id}"), 0));
    }
    sql
}

impl Drop for Process {
    fn drop(&mut self) {
        self.sql.transact("rollback");
    }
}

/// What a turn has brought.
#[derive(Default)]
pub struct Turned {
    pub timers: Vec<(Timer, u32)>,
    pub final_now: Vec<Held>,
    /// Watches with their answers.
    pub news: Vec<(Message, postern_ledger::Delta)>,
}

impl Process {
    /// The first process over a database of [`database`]. What it and those after it write is undone
    /// with the last.
    pub fn new(sql: &Sqlite) -> Self {
        sql.transact("begin");
        Self {
            number: 1,
            sql: sql.clone(),
            ledger: testing::open(sql),
            is_new: false,
            held: Vec::new(),
            watches: Vec::new(),
            edits: Edits::default(),
        }
    }

    /// The process ends, and no answer that waits is given any more; another begins.
    pub fn restart(&mut self) {
        self.number += 1;
        self.ledger = testing::open(&self.sql);
        self.is_new = true;
        self.held.clear();
        self.watches.clear();
    }

    pub fn admit(&mut self, query: AdmitQuery, now: Timestamp) -> Admission {
        self.ledger.admit(now, query).expect("an answer")
    }

    pub fn renew(
        &mut self,
        command: &postern_ledger::RenewCommand,
        now: Timestamp,
    ) -> postern_ledger::Delta {
        self.ledger.renew(now, command).expect("an answer")
    }

    /// Answers a watch, or holds it.
    pub fn watch(&mut self, message: Message) -> Option<(Message, postern_ledger::Delta)> {
        let command = message.watch_command();
        let delta = self.ledger.watch(&command, false).expect("an answer");
        match delta {
            Some(delta) => Some((message, delta)),
            None => {
                self.watches.push(message);
                None
            }
        }
    }

    pub fn fired(&mut self, timer: Timer) {
        self.ledger.fired(timer).expect("a turn");
    }

    /// Carries an order out, and holds its answer back.
    pub fn carry_out(&mut self, order: Order, now: Timestamp, micros: i64) {
        let ms = now.as_millis();
        let token = order.token().unwrap_or(Id::from_u128(0));
        let mut edited = None;
        let (version, ends) = match order {
            Order::Edit(id) => {
                let done = testing::tell(&mut self.ledger, ms, self.edits.next(id));
                if let Ok(
                    Done::WhenFinal(_, EditAnswer::Edited { facts, .. })
                    | Done::BestAfterDelivery(EditAnswer::Edited { facts, .. }),
                ) = &done
                {
                    edited = Some((facts.id, facts.revision));
                }
                (version_of(done), 0)
            }
            Order::Revoke(_) => {
                let command = RevokeCommand {
                    token,
                    requester: requester(),
                    respond_async: false,
                };
                (version_of(testing::tell(&mut self.ledger, ms, command)), 0)
            }
            Order::RevokeMany(_) => {
                let command = testing::revoke_many(Selector {
                    ids: Some(vec![token]),
                    ..Selector::default()
                });
                (version_of(testing::tell(&mut self.ledger, ms, command)), 0)
            }
            Order::Quarantine(_) => {
                let command = LeakCommand {
                    token,
                    on_leak: OnLeak::Quarantine,
                    requester: requester(),
                };
                (version_of(testing::tell(&mut self.ledger, ms, command)), 0)
            }
            Order::Upstream { sets: true, number } => {
                let command = credential(number);
                (version_of(testing::tell(&mut self.ledger, ms, command)), 0)
            }
            Order::Upstream { sets: false, .. } => {
                let command = ClearUpstreamCommand {
                    organization: ORGANIZATION,
                    reach: Reach::Organization,
                    requester: requester(),
                };
                (version_of(testing::tell(&mut self.ledger, ms, command)), 0)
            }
            Order::Pause(_) => {
                let command = PauseCommand {
                    organization: ORGANIZATION,
                    reason: None,
                    paused_by: "admin-token".to_owned(),
                    respond_async: false,
                    requester: requester(),
                };
                (version_of(testing::tell(&mut self.ledger, ms, command)), 0)
            }
            Order::Resume => {
                let command = ResumeCommand {
                    organization: ORGANIZATION,
                    requester: requester(),
                };
                (version_of(testing::tell(&mut self.ledger, ms, command)), 0)
            }
            Order::Rotate(old, new, overlap) => {
                let known = self.ledger.describe(None, token).ok().flatten();
                let mint = testing::mint(new, &format!("t{new}"), ms);
                let mut command = testing::rotate(old, mint, ms + overlap);
                command.old_revision = known.map_or(0, |facts| facts.revision);
                let begun = testing::tell(&mut self.ledger, ms, command);
                let Ok(Done::AfterDelivery(waiting)) = begun else {
                    return;
                };
                let delivery = Delivery::Arrived { row_of: None };
                let ended = self.ledger.resume(now, waiting, delivery);
                (version_of(ended), micros + overlap * 1_000)
            }
        };
        self.held.push(Held {
            version,
            order,
            edited,
            since: micros,
            ends,
        });
    }

    /// What the turn before this has brought: to be looked at after each.
    pub fn turned(&mut self) -> Turned {
        let mut turned = Turned::default();
        let has_moved = self.ledger.take_moved();
        if has_moved || self.is_new {
            self.is_new = false;
            for message in core::mem::take(&mut self.watches) {
                turned.news.extend(self.watch(message));
            }
        }
        for held in core::mem::take(&mut self.held) {
            match held.version == 0 || self.ledger.is_final(held.version).expect("an answer") {
                true => turned.final_now.push(held),
                false => self.held.push(held),
            }
        }
        turned.timers = self.ledger.timers();
        turned
    }
}

/// The keys that seal credentials.
pub fn keys() -> &'static KeyRing {
    static KEYS: OnceLock<KeyRing> = OnceLock::new();
    KEYS.get_or_init(|| {
        let ring = KeyRing::parse("r1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").expect("a key");
        RootKeys::from_root(&ring).upstream
    })
}

/// The order to set one whose version is the number of the change.
fn credential(number: u128) -> SetUpstreamCommand {
    let credential = Credential::parse(format!("c{number}")).expect("good");
    let reach = Reach::Organization;
    let sealed = Sealed {
        organization: ORGANIZATION,
        reach: &reach,
        id: Id::from_u128(number),
    };
    SetUpstreamCommand {
        organization: ORGANIZATION,
        id: sealed.id,
        sealed: seal(&credential, sealed, keys(), [7; 12]).expect("sealed"),
        digest: credential.digest(),
        keep_ms: 0,
        set_by: "admin-token".to_owned(),
        requester: requester(),
        reach,
    }
}

/// The version that an answer waits for; one that is final where it waits for none.
fn version_of<C: Carried>(outcome: postern_ledger::Outcome<C>) -> i64 {
    match outcome.expect("carried out") {
        Done::WhenFinal(version, _) => version,
        Done::Answer(_) | Done::BestAfterDelivery(_) => 0,
        Done::AfterDelivery(_) => panic!("it waits for D1"),
    }
}
