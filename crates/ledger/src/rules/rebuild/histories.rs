//! Random histories of Ledgers that are lost or put back to an earlier state, and rebuilt, with a cut
//! between any two steps and within them: what D1 or the Ledger has called revoked is never active
//! again, and the log is whole.

use std::collections::BTreeSet;

use postern_domain::id::Id;

use super::super::leases::revoke;
use super::{leak, note};
use crate::testing::dice::Dice;
use crate::testing::record::{Record, copy, try_step};
use crate::testing::*;
use crate::{Ledger, Liveness, RebuildAnswer, RebuildPhase, RebuildProgress, ReleaseCommand};

const HISTORIES: u64 = 60;
const STEPS: usize = 120;

struct World {
    dice: Dice,
    now: i64,
    sql: Sqlite,
    ledger: Ledger<Sqlite>,
    record: Record,
    backups: Vec<Sqlite>,
    tokens: u128,
    /// Tokens that the Ledger, or D1, has called revoked for good, and of which the one or the other
    /// still knows.
    revoked: BTreeSet<u128>,
    rebuilt: usize,
    cut: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let sql = Sqlite::new();
        Self {
            dice: Dice::new(seed),
            now: 1_000,
            ledger: open(&sql),
            sql,
            record: Record::default(),
            backups: Vec::new(),
            tokens: 0,
            revoked: BTreeSet::new(),
            rebuilt: 0,
            cut: 0,
        }
    }

    fn some(&mut self) -> u128 {
        1 + self.dice.roll(self.tokens.max(1) as usize) as u128
    }

    fn act(&mut self) {
        self.now += 1;
        let now = self.now;
        match self.dice.roll(20) {
            0..6 => {
                self.tokens += 1;
                let id = self.tokens;
                minted(&mut self.ledger, now, mint(id, &format!("t{id}"), now));
                self.deliver(false);
            }
            6..9 => {
                let id = self.some();
                answer(tell(&mut self.ledger, now, revoke(id)));
            }
            9 => {
                let id = self.some();
                answer(tell(&mut self.ledger, now, leak(id)));
            }
            10 => {
                let token = Id::from_u128(self.some());
                let command = ReleaseCommand {
                    token,
                    requester: requester(),
                };
                answer(tell(&mut self.ledger, now, command));
            }
            11 => answer(tell(&mut self.ledger, now, note())),
            12..15 => self.deliver(true),
            15 => self.backups.push(copy(&self.sql)),
            16 => self.ledger = open(&self.sql),
            17 => self.lose(),
            _ => self.rebuild(),
        }
        self.check();
    }

    /// D1 takes what there is; what it refuses is left.
    fn deliver(&mut self, always: bool) {
        if always || self.dice.one_in(2) {
            self.record.take(&mut self.ledger);
        }
    }

    /// The storage is lost, or put back.
    fn lose(&mut self) {
        self.sql = match self.backups.is_empty() || self.dice.one_in(2) {
            true => Sqlite::new(),
            false => copy(&self.backups[self.dice.roll(self.backups.len())]),
        };
        self.ledger = open(&self.sql);
        // What only the lost one knew is forgotten: that is what the quarantine is for.
        self.revoked = self.known();
        self.rebuild();
    }

    /// What D1 calls revoked, or the Ledger as it is now.
    fn known(&self) -> BTreeSet<u128> {
        let recorded = self.record.tokens.values();
        let recorded = recorded.filter(|token| token.revoked_at.is_some());
        let mut known: BTreeSet<u128> = recorded.map(|token| token.facts.id.as_u128()).collect();
        if self
            .sql
            .number("select count(*) from sqlite_master where name = 'tokens'")
            > 0
        {
            let query = "select count(*) from tokens where state = 2 and id = ";
            known.extend((1..=self.tokens).filter(|id| {
                let id = Id::<postern_domain::id::Token>::from_u128(*id);
                self.sql.number(&format!("{query}'{id}'")) > 0
            }));
        }
        known
    }

    /// One or two rebuild it at once, with cuts, until it is done or refused.
    fn rebuild(&mut self) {
        let keeps_active = self.dice.one_in(2);
        let known = self.known();
        let active = self.record.tokens.len();
        let mut first: Option<RebuildProgress> = None;
        let mut late: Option<RebuildProgress> = None;
        loop {
            self.now += 1;
            if self.dice.one_in(4) {
                self.ledger = open(&self.sql);
            }
            // Somebody else's step may be an earlier one.
            let told = match self.dice.one_in(3) {
                true => late.take().or(first.clone()),
                false => first.clone(),
            };
            let next = match &told {
                None => self.record.begin(&mut self.ledger, false),
                Some(told) => {
                    let limit = 1 + self.dice.roll(4);
                    self.record.next(told.phase, told.verified, limit)
                }
            };
            let left = self.dice.roll(60) as u32;
            let fails = self.dice.one_in(4).then_some(left);
            self.sql.transact("begin");
            self.sql.fail_after(fails);
            let taken = try_step(&mut self.ledger, self.now, keeps_active, next);
            self.sql.fail_after(None);
            match taken {
                Ok(answer) => {
                    self.sql.transact("commit");
                    match answer {
                        RebuildAnswer::Progress(progress) => {
                            self.closed();
                            late = first.replace(progress);
                        }
                        RebuildAnswer::Finished(progress) => {
                            self.rebuilt += 1;
                            assert_eq!(progress.phase, RebuildPhase::Ready);
                            assert_eq!(progress.counts.total(), active as u64);
                            self.rebuilt_well(keeps_active, &known);
                            return;
                        }
                        RebuildAnswer::Refused(_) => return,
                        other => panic!("{other:?}"),
                    }
                }
                Err(_) => {
                    self.sql.transact("rollback");
                    self.ledger = open(&self.sql);
                    self.cut += 1;
                }
            }
        }
    }

    fn closed(&mut self) {
        for id in 1..=self.tokens {
            let asked = self.ledger.admit(at(self.now), plain(id));
            assert_eq!(asked, Err(crate::Stop::Rebuilding));
        }
    }

    fn rebuilt_well(&mut self, keeps_active: bool, known: &BTreeSet<u128>) {
        self.revoked.extend(known);
        for id in 1..=self.tokens {
            let found = liveness(&mut self.ledger, self.now, id);
            if !keeps_active {
                assert_ne!(found, Liveness::Live, "{id} was not quarantined");
            }
        }
        assert!(self.record.take(&mut self.ledger), "D1 takes what follows");
        let report = self.record.verified();
        assert_eq!(report.rows, self.record.rows.len() as u64);
        assert_eq!(report.faults_in_all, 1, "{:?}", report.faults);
        // D1 and the Ledger say the same.
        for token in self.record.tokens.values() {
            let id = token.facts.id.as_u128();
            let lives = liveness(&mut self.ledger, self.now, id) == Liveness::Live;
            let shown = token.revoked_at.is_none() && token.quarantined_at.is_none();
            assert_eq!(lives, shown, "{id}");
        }
    }

    fn check(&mut self) {
        for id in self.revoked.clone() {
            let found = self.ledger.admit(at(self.now), plain(id));
            let lives = found.is_ok_and(|found| found.liveness == Liveness::Live);
            assert!(!lives, "{id} was revoked");
        }
    }
}

#[test]
fn r11_r35_a_rebuilt_ledger_never_takes_a_revoke_back() {
    let (mut rebuilt, mut cut) = (0, 0);
    for seed in 1..=HISTORIES {
        let mut world = World::new(seed);
        for step in 0..STEPS {
            let before = (seed, step);
            let acted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.act()));
            assert!(acted.is_ok(), "history: seed and step {before:?}");
        }
        rebuilt += world.rebuilt;
        cut += world.cut;
    }
    assert!(rebuilt > 200 && cut > 200, "{rebuilt} {cut}");
}
