//! Chance that a seed repeats.

/// A small generator (splitmix64). The seed repeats the run.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: usize) -> usize {
        usize::try_from(self.next() % sides as u64).expect("below sides")
    }

    /// Whether one in `sides` came up.
    pub fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }

    /// One of these.
    pub fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        match from.len() {
            0 => None,
            length => from.get(self.roll(length)).cloned(),
        }
    }

    /// A span of milliseconds up to `most`, of any order of magnitude alike.
    pub fn span(&mut self, most: i64) -> i64 {
        let magnitude = self.roll(i64::ilog2(most.max(1)) as usize + 1);
        (self.roll(1 << (magnitude + 1)) as i64).min(most)
    }
}
