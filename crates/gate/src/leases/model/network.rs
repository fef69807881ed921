//! The network of the model: questions are late, lost, doubled and overtake each other, and so are
//! their answers.

use postern_ledger::{Admission, AdmitQuery, Liveness, UpstreamQuery};

use super::events::{Answer, Event, Kind, Message};
use super::ledger::keys;
use super::world::{Held, ORGANIZATION, World, wanted};

impl World {
    /// How long a message takes, in microseconds.
    fn way(&mut self) -> i64 {
        match self.dice.roll(100) {
            _ if self.is_fast && self.dice.one_in(2) => self.span(5_000),
            0..75 => 10_000 + self.span(90_000),
            75..95 => 100_000 + self.span(700_000),
            _ => 800_000 + self.span(1_800_000),
        }
    }

    /// A question leaves an isolate.
    pub fn send(&mut self, isolate: usize, kind: Kind) {
        let run = self.isolates[isolate].run;
        let message = Message { isolate, run, kind };
        self.tell(|| format!("{isolate} asks: {:?}", message.kind));
        let at = self.now + self.way();
        if self.dice.one_in(14) {
            self.queue(at, Event::Told(message, Answer::Lost));
            return;
        }
        if self.dice.one_in(25) {
            let again = at + self.span(1_500_000);
            self.queue(again, Event::Asked(message.clone(), true));
        }
        self.queue(at, Event::Asked(message, false));
    }

    /// A question reaches the Ledger. One that comes again has its answer already.
    pub fn asked(&mut self, message: Message, is_again: bool) -> Held {
        let now = self.wall();
        let answer = match &message.kind {
            Kind::Admit(asked, token, _, known) => {
                let query = AdmitQuery {
                    token: *token,
                    facts: known.is_none(),
                    revision: known.unwrap_or_default(),
                    calls: false,
                    run: None,
                    pin: false,
                    shown: None,
                    counts: false,
                    claim: Some(asked.claim()),
                    upstream: Some(UpstreamQuery {
                        project: None,
                        workflow: None,
                        is_exact: false,
                        began: None,
                    }),
                };
                Answer::Admission(Box::new(self.process.admit(query, now)))
            }
            Kind::Renew(renewal) => Answer::Delta(self.process.renew(&renewal.command, now)),
            Kind::Watch(_) if is_again => return Ok(()),
            Kind::Watch(_) => match self.process.watch(message.clone()) {
                Some((_, delta)) => Answer::Delta(delta),
                None => return self.turned(),
            },
        };
        if !is_again {
            self.reply(message, answer);
        }
        self.turned()
    }

    pub fn reply(&mut self, message: Message, answer: Answer) {
        let is_lost = self.dice.one_in(14);
        let at = self.now + self.way();
        let answer = if is_lost { Answer::Lost } else { answer };
        self.queue(at, Event::Told(message, answer));
    }

    /// An answer reaches its isolate.
    pub fn told(&mut self, message: Message, answer: Answer) -> Held {
        let Message { isolate, run, kind } = message;
        let now = self.now;
        let of = &mut self.isolates[isolate];
        if of.run != run {
            return Ok(());
        }
        let clock = of.clock(now);
        match (kind, answer) {
            (Kind::Admit(asked, token, began, known), Answer::Admission(admission)) => {
                // As the machine does: first the facts, then what goes by them.
                let revision = admission.revision(known.unwrap_or_default());
                if admission.facts.is_some() {
                    of.learns(token, revision);
                }
                let revised = (token, revision);
                let Admission {
                    liveness,
                    delta,
                    upstream,
                    paused,
                    ..
                } = &*admission;
                let leases = &mut of.leases;
                let is_taken = leases.told(&asked, revised, *liveness, delta.as_ref(), clock);
                let can_go_on = *liveness == Liveness::Live && !paused;
                let sent = match can_go_on {
                    true => {
                        let given = (upstream.as_ref(), is_taken);
                        let sent = leases.given(ORGANIZATION, &wanted(), given, keys());
                        sent.expect("it opens")
                    }
                    false => None,
                };
                self.sends(isolate, sent.as_deref(), began, "on the Ledger's word")?;
                self.tell(|| format!("{isolate} is told {liveness:?} of {token}, {delta:?}"));
                match can_go_on {
                    true => self.accepts(isolate, revised, began, "on the Ledger's word")?,
                    false => self.counts.refused += 1,
                }
            }
            (Kind::Renew(renewal), Answer::Delta(delta)) => {
                of.leases.renewed(renewal, Some(&delta), clock);
                self.tell(|| format!("{isolate} is renewed by {delta:?}"));
            }
            (Kind::Renew(renewal), _) => of.leases.renewed(renewal, None, clock),
            (Kind::Watch(watch), Answer::Delta(delta)) => {
                let goes_on = of.leases.watched(&watch, Some(&delta), clock);
                self.tell(|| format!("{isolate} hears {delta:?}"));
                self.watch_on(isolate, goes_on);
            }
            (Kind::Watch(watch), _) => {
                of.leases.watched(&watch, None, clock);
            }
            (Kind::Admit(..), _) => {}
        }
        self.keep(isolate);
        self.probe()
    }
}
