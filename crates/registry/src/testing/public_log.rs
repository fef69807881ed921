//! The port of the log that anyone can check, in the test world: a real Ledger over SQLite, D1 as lists, and
//! witnesses that keep the rules.

use std::collections::BTreeMap;

use super::*;
use crate::ports::{PublicLog, StoredNote, WitnessAnswer};
use postern_domain::audit::Action;
use postern_ledger::testing::{at, open};
use postern_ledger::{
    Addressed, Delivery, Done, Ledger, NoteCommand, RecordChange, TreeAnswer, TreeCommand, TreeStep,
};
use postern_transparency::key::{Kind, SigningKey};
use postern_transparency::log::LogKeys;
use postern_transparency::witness::{Latest, Verdict, WatchedLog, judge};

/// A witness: its key, what it has seen last, and how often it was asked. One without a key is down.
pub struct TestWitness {
    pub key: Option<SigningKey>,
    pub logs: LogKeys,
    pub latest: Option<Latest>,
    pub asked: u32,
}

/// The log.
#[derive(Default)]
pub struct PublicWorld {
    pub ledger: RefCell<Option<Ledger<Sqlite>>>,
    pub sql: RefCell<Option<Sqlite>>,
    pub notes: RefCell<Vec<StoredNote>>,
    /// By URL.
    pub witnesses: RefCell<BTreeMap<String, TestWitness>>,
}

/// The key of a witness.
pub fn witness_key(name: &str, number: u8) -> SigningKey {
    SigningKey::new(name, Kind::Cosignature, &[number; 32]).expect("a name")
}

impl World {
    /// Writes so many events, and brings them to D1.
    pub fn write_events(&self, count: usize) {
        for _ in 0..count {
            let command = NoteCommand {
                organization: organization().id,
                action: Action::ProjectCreate,
                target: None,
                requester: requester(),
            };
            self.on_ledger(|ledger| drop(ledger.handle(at(1), addressed(), command)));
        }
        self.deliver();
    }

    fn on_ledger<T>(&self, run: impl FnOnce(&mut Ledger<Sqlite>) -> T) -> T {
        let mut sql = self.public.sql.borrow_mut();
        let sql = sql.get_or_insert_with(Sqlite::new);
        run(self
            .public
            .ledger
            .borrow_mut()
            .get_or_insert_with(|| open(sql)))
    }

    fn deliver(&self) {
        let entries = self.on_ledger(|ledger| ledger.outbox().expect("an outbox"));
        let Some(last) = entries.last().map(|last| last.id) else {
            return;
        };
        let events = entries.into_iter().flat_map(|entry| entry.changes);
        let rows = events.filter_map(|change| match change {
            RecordChange::AppendAudit(row) => Some((row.event.sequence, row.row())),
            _ => None,
        });
        self.rows.borrow_mut().extend(rows);
        self.on_ledger(|ledger| ledger.delivered(last).expect("delivered"));
        self.deliver();
    }
}

fn addressed() -> Addressed<'static> {
    Addressed {
        by: Some("acme"),
        actor: Actor::NotAToken,
    }
}

impl PublicLog for World {
    async fn tree(&self, organization: OrganizationId, step: TreeStep) -> Result<TreeAnswer> {
        let text = serde_json::to_value(&step).expect("serializes");
        let name = match &text {
            serde_json::Value::Object(members) => members.keys().next().cloned(),
            other => other.as_str().map(str::to_owned),
        };
        self.note(format!("tree {}", name.unwrap_or_default()));
        if self.ledger_down.get() {
            return Err(Error::unavailable("the Ledger is down"));
        }
        let command = TreeCommand { organization, step };
        let now = self.now();
        let done = self.on_ledger(|ledger| ledger.handle(now, addressed(), command));
        let done = match done {
            Ok(Done::AfterDelivery(waiting)) => {
                self.deliver();
                let arrived = Delivery::Arrived { row_of: None };
                self.on_ledger(|ledger| ledger.resume(now, waiting, arrived))
            }
            done => done,
        };
        match done {
            Ok(Done::Answer(answer)) => Ok(answer),
            _ => panic!("the tree answers"),
        }
    }

    async fn log_rows(
        &self,
        _: OrganizationId,
        after: u64,
        up_to: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Row)>> {
        self.note(format!("log rows {after} to {up_to}"));
        let mut rows = self.rows.borrow().clone();
        rows.retain(|(sequence, _)| after < *sequence && *sequence <= up_to);
        rows.truncate(limit as usize);
        Ok(rows)
    }

    async fn notes(
        &self,
        _: OrganizationId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<StoredNote>> {
        let mut notes = self.public.notes.borrow().clone();
        notes.sort_by_key(|note| core::cmp::Reverse(note.size));
        notes.retain(|note| before.is_none_or(|before| note.size < before));
        notes.truncate(limit as usize);
        Ok(notes)
    }

    async fn keep_note(
        &self,
        _: OrganizationId,
        size: u64,
        at: Timestamp,
        note: &str,
    ) -> Result<()> {
        self.note(format!("keep note {size}"));
        let mut notes = self.public.notes.borrow_mut();
        if notes.iter().all(|note| note.size != size) {
            notes.push(StoredNote {
                size,
                at,
                note: note.to_owned(),
                cosignatures: Vec::new(),
            });
        }
        Ok(())
    }

    async fn cosigned(&self, _: OrganizationId, witness: &str) -> Result<u64> {
        let start = format!("— {witness} ");
        let notes = self.public.notes.borrow();
        let signed = notes.iter().filter(|note| {
            let mut lines = note.cosignatures.iter();
            lines.any(|line| line.starts_with(&start))
        });
        Ok(signed.map(|note| note.size).max().unwrap_or_default())
    }

    async fn keep_cosignature(
        &self,
        _: OrganizationId,
        size: u64,
        (witness, line): (&str, &str),
        _: Timestamp,
    ) -> Result<()> {
        self.note(format!("keep cosignature {size} {witness}"));
        for note in self.public.notes.borrow_mut().iter_mut() {
            if note.size == size {
                note.cosignatures.push(line.to_owned());
            }
        }
        Ok(())
    }

    async fn show_witness(
        &self,
        url: &str,
        body: &str,
    ) -> core::result::Result<WitnessAnswer, String> {
        let mut witnesses = self.public.witnesses.borrow_mut();
        let Some(witness) = witnesses.get_mut(url) else {
            return Err("nobody is there".to_owned());
        };
        witness.asked += 1;
        let Some(key) = &witness.key else {
            return Err("no answer within 5 s".to_owned());
        };
        let verdict = judge(body, |origin| {
            let keys = witness.logs.verifiers(origin.rsplit_once('/')?.1).ok()?;
            let latest = witness.latest;
            Some(WatchedLog { keys, latest }).filter(|log| log.keys[0].name() == origin)
        });
        let status = verdict.status();
        let body = match verdict {
            Verdict::Cosign(cosigning) => {
                witness.latest = Some(cosigning.latest);
                cosigning.sign(key, 1_800_000_000)
            }
            Verdict::Conflict { size, .. } => format!("{size}\n"),
            _ => String::new(),
        };
        Ok(WitnessAnswer { status, body })
    }
}
