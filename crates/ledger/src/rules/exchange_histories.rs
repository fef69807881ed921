//! Random histories of job tokens (R47): exchanges and bearers of a few job tokens at once, over a D1 that fails,
//! a Ledger that ends between any two turns, rules that come and go, and revokes.

use std::collections::{BTreeMap, BTreeSet};

use postern_domain::id::Id;

use crate::testing::dice::Dice;
use crate::testing::jobs::{add, bearer, exchange, job, remove, trust_rule};
use crate::testing::*;
use crate::{
    AddTrustRuleAnswer, Delivery, Done, ExchangeAnswer, ExchangeCommand, Ledger, Liveness,
    RemoveTrustRuleAnswer, RevokeCommand, Waiting,
};

const JOB_TOKENS: usize = 5;
const STEPS: usize = 120;

/// An exchange under way: which job token, and whether it is shown as it is.
struct Flight {
    token: u128,
    shown: bool,
    waiting: Waiting<ExchangeCommand>,
}

struct World {
    dice: Dice,
    sql: Sqlite,
    ledger: Ledger<Sqlite>,
    now: i64,
    flights: Vec<Flight>,
    /// The rule that there is; each has an id of its own.
    rule: Option<u128>,
    rules: u128,
    /// By job token: how often an exchange was given, and whether a bearer was.
    exchanged: BTreeMap<u128, u32>,
    shown: BTreeSet<u128>,
    revoked: BTreeSet<u128>,
    /// How many were given, by either way, and how many were refused as used.
    given: u32,
    used: u32,
}

impl World {
    fn step(&mut self) {
        self.now += self.dice.span(5_000);
        match self.dice.roll(12) {
            0..4 => self.present(),
            4..7 => self.land(),
            7 => self.change_rules(),
            8 => self.revoke(),
            9 => {
                let now = at(self.now);
                self.ledger.wake(now).expect("it is woken");
            }
            10 if self.dice.one_in(3) => {
                // The process ends: nobody comes back for what waits.
                self.flights.clear();
                self.ledger = open(&self.sql);
            }
            _ => {}
        }
        self.check();
    }

    fn present(&mut self) {
        let token = 1 + self.dice.roll(JOB_TOKENS) as u128;
        let shown = self.dice.one_in(2);
        let command = match shown {
            true => bearer(token, job(74)),
            false => exchange(token, job(74)),
        };
        match tell(&mut self.ledger, self.now, command).expect("carried out") {
            Done::AfterDelivery(waiting) => self.flights.push(Flight {
                token,
                shown,
                waiting,
            }),
            Done::Answer(answer) => self.answered(token, shown, &answer),
            _ => panic!("an exchange waits for D1, or is answered"),
        }
    }

    /// D1 has taken the row of a flight, or not, or nobody waits any more.
    fn land(&mut self) {
        if self.flights.is_empty() {
            return;
        }
        let at_random = self.dice.roll(self.flights.len());
        let Flight {
            token,
            shown,
            waiting,
        } = self.flights.swap_remove(at_random);
        let delivery = match self.dice.roll(6) {
            0 => return,
            1 => Delivery::Failed {
                cause: "down".to_owned(),
            },
            _ => Delivery::Arrived { row_of: None },
        };
        let told = answer(self.ledger.resume(at(self.now), waiting, delivery));
        self.answered(token, shown, &told);
    }

    fn answered(&mut self, token: u128, shown: bool, answer: &ExchangeAnswer) {
        match answer {
            ExchangeAnswer::Given(facts) => {
                assert_eq!(facts.id, Id::from_u128(token));
                assert_eq!(facts.is_job_token(), shown);
                let rule = facts.ci_job.as_ref().map(|job| job.rule);
                let known = self.rule.map(Id::from_u128);
                assert_eq!(rule, known, "what a removed rule gave went with it");
                assert!(!self.revoked.contains(&token), "revoked is final");
                self.given += 1;
                match shown {
                    true => drop(self.shown.insert(token)),
                    false => *self.exchanged.entry(token).or_default() += 1,
                }
            }
            ExchangeAnswer::Used => self.used += 1,
            _ => {}
        }
    }

    fn change_rules(&mut self) {
        match self.rule {
            Some(rule) => {
                let told = answer(tell(&mut self.ledger, self.now, remove(rule)));
                assert!(matches!(told, RemoveTrustRuleAnswer::Removed { .. }));
                self.rule = None;
                for token in 1..=JOB_TOKENS as u128 {
                    let liveness = liveness(&mut self.ledger, self.now, token);
                    assert_ne!(liveness, Liveness::Live, "it outlives its rule");
                }
            }
            None => {
                self.rules += 1;
                let rule = trust_rule(100 + self.rules, 74, None);
                let told = answer(tell(&mut self.ledger, self.now, add(rule)));
                assert!(matches!(told, AddTrustRuleAnswer::Added { .. }));
                self.rule = Some(100 + self.rules);
            }
        }
    }

    fn revoke(&mut self) {
        let token = 1 + self.dice.roll(JOB_TOKENS) as u128;
        if liveness(&mut self.ledger, self.now, token) != Liveness::Live {
            return;
        }
        let revoke = RevokeCommand {
            token: Id::from_u128(token),
            requester: requester(),
            respond_async: false,
        };
        answer(tell(&mut self.ledger, self.now, revoke));
        self.revoked.insert(token);
    }

    fn check(&self) {
        for (token, times) in &self.exchanged {
            assert_eq!(*times, 1, "{token} was exchanged {times} times");
            assert!(!self.shown.contains(token), "{token} counted in both ways");
        }
    }
}

#[test]
fn r47_in_random_histories_a_job_token_counts_once() {
    let (mut given, mut used) = (0, 0);
    for seed in 0..300 {
        let sql = Sqlite::new();
        let mut world = World {
            dice: Dice::new(seed),
            ledger: open(&sql),
            sql,
            now: 1_000,
            flights: Vec::new(),
            rule: None,
            rules: 0,
            exchanged: BTreeMap::new(),
            shown: BTreeSet::new(),
            revoked: BTreeSet::new(),
            given: 0,
            used: 0,
        };
        for _ in 0..STEPS {
            world.step();
        }
        given += world.given;
        used += world.used;
    }
    assert!(given > 500, "{given} were given");
    assert!(used > 500, "{used} were refused as used");
}
