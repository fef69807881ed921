//! What comes from outside: calls, orders to the Ledger, and what befalls isolates and processes.

use super::events::Event;
use super::ledger::Order;
use super::world::{TOKENS, World};

impl World {
    /// What comes from outside.
    pub fn plan(&mut self) {
        for isolate in 0..self.isolates.len() {
            let first = self.span(600_000);
            self.queue(first, Event::Begins(isolate));
            // An isolate that is blocked while its clock steps back is beyond the promise
            // (docs/adr/0016): neither its clock nor its timers tell it the time that has passed.
            let (at, ms) = (self.span(7_000_000), self.span(3_000));
            match self.dice.roll(6) {
                0 => self.queue(at, Event::Steps(isolate, ms)),
                1 => self.queue(at, Event::Steps(isolate, -ms)),
                2 | 3 => self.queue(at, Event::Blocks(isolate, 200_000 + ms * 1_100)),
                _ => {}
            }
            if self.dice.one_in(6) {
                let at = self.span(7_000_000);
                self.queue(at, Event::Ends(isolate));
            }
        }
        // No wait is by the Ledger's clock (rule 3). The end of an overlap is, so that there is none.
        let steps = self.dice.one_in(4);
        if steps {
            let (at, ms) = (self.span(7_000_000), self.span(6_000) - 3_000);
            self.queue(at, Event::LedgerSteps(ms));
        }
        for order in 0..=self.dice.roll(3) {
            let id = if self.dice.one_in(3) {
                TOKENS[1]
            } else {
                TOKENS[0]
            };
            let overlap = if steps { 0 } else { self.span(1_500) };
            let order = match self.dice.roll(6) {
                0 => Order::RevokeMany(id),
                1 => Order::Quarantine(id),
                2 => Order::Rotate(id, 100 + order as u128, overlap),
                _ => Order::Revoke(id),
            };
            let at = 600_000 + self.span(5_400_000);
            self.queue(at, Event::Ordered(order));
            if self.dice.one_in(2) {
                let again = at + 10_000 + self.span(2_000_000);
                self.queue(again, Event::Ordered(Order::Revoke(id)));
            }
            if self.dice.one_in(4) {
                let later = at + self.span(800_000);
                self.queue(later, Event::BreaksOff);
            }
        }
        for _ in 0..self.dice.roll(3) {
            let at = 600_000 + self.span(5_400_000);
            let sets = self.dice.one_in(2);
            self.queue(at, Event::Ordered(Order::Upstream { sets, number: 0 }));
        }
        // A pause, and mostly its end; sometimes twice.
        for _ in 0..self.dice.roll(3) {
            let at = 600_000 + self.span(5_000_000);
            self.queue(at, Event::Ordered(Order::Pause(0)));
            if self.dice.one_in(3) {
                let again = at + self.span(1_200_000);
                self.queue(again, Event::Ordered(Order::Pause(0)));
            }
            if !self.dice.one_in(4) {
                let later = at + 1 + self.span(2_000_000);
                self.queue(later, Event::Ordered(Order::Resume));
            }
        }
        for _ in 0..self.dice.roll(3) {
            let at = 600_000 + self.span(5_400_000);
            let id = self.dice.pick(&TOKENS).unwrap_or(TOKENS[0]);
            self.queue(at, Event::Ordered(Order::Edit(id)));
        }
        let restarts = if self.dice.one_in(2) {
            0
        } else {
            1 + self.dice.roll(2)
        };
        for _ in 0..restarts {
            let at = 400_000 + self.span(6_100_000);
            self.queue(at, Event::Restarts);
        }
    }
}
