//! The same numbers each time, as if drawn. Never a source of secrets.

/// A generator (xorshift).
pub struct Chance(u64);

impl Default for Chance {
    fn default() -> Self {
        Self::new()
    }
}

impl Chance {
    /// At its beginning.
    pub fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    /// The next number, below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// All numbers below `count`, in an order that is drawn.
    pub fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            let other = usize::try_from(self.below(last as u64 + 1)).unwrap_or(0);
            order.swap(last, other);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_order_has_each_once_and_no_neighbours_stay_together() {
        let mut chance = Chance::new();
        let mut behind_the_first = BTreeSet::<usize>::new();
        for _ in 0..200 {
            let order = chance.order(11);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..11).collect::<Vec<_>>());
            let first = order.iter().position(|place| *place == 0);
            behind_the_first.extend(first.and_then(|at| order.get(at + 1).copied()));
        }
        assert_eq!(behind_the_first.len(), 10);
    }
}
