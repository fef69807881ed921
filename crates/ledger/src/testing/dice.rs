//! Chance that a seed repeats, or that bytes give.

/// Where the next number comes from.
enum Source {
    /// A small generator (splitmix64). The seed repeats the run.
    Seed(u64),
    /// Somebody's choices, one after the other. Behind the last one the generator goes on, so that what
    /// waits for another number than the last does not wait for ever.
    Bytes(std::vec::IntoIter<u8>, u64),
}

/// Numbers of one source.
pub struct Dice(Source);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(Source::Seed(seed))
    }

    /// Numbers that these bytes choose: a fuzzer that changes a byte changes one event of a history.
    pub fn of(bytes: &[u8]) -> Self {
        let owned = Vec::from(bytes);
        Self(Source::Bytes(owned.into_iter(), bytes.len() as u64))
    }

    /// Whether there are no bytes left; of a seed there are always more.
    pub fn is_over(&self) -> bool {
        matches!(&self.0, Source::Bytes(bytes, _) if bytes.len() == 0)
    }

    /// A number that is made for one below `sides`, of as few bytes as that takes.
    fn next(&mut self, sides: u64) -> u64 {
        match &mut self.0 {
            Source::Seed(seed) => drawn(seed),
            Source::Bytes(bytes, seed) if bytes.len() == 0 => drawn(seed),
            Source::Bytes(bytes, _) => {
                let (mut number, mut reach) = (0, 1_u64);
                while reach < sides {
                    number = number << 8 | u64::from(bytes.next().unwrap_or_default());
                    reach = reach.saturating_mul(256);
                }
                number
            }
        }
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: usize) -> usize {
        usize::try_from(self.next(sides as u64) % sides as u64).expect("below sides")
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

fn drawn(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut bits = *seed;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_choose_as_long_as_there_are_some() {
        let mut dice = Dice::of(&[9, 0, 1, 2, 7]);
        let rolled = [
            dice.roll(1),
            dice.roll(6),
            dice.roll(256),
            dice.roll(65_536),
        ];
        assert_eq!(rolled, [0, 3, 0, 258]);
        assert!(!dice.is_over());
        assert_eq!(dice.roll(100), 7);
        assert!(dice.is_over());
        let more: Vec<usize> = (0..100).map(|_| dice.roll(1_000)).collect();
        assert!(more.iter().any(|roll| *roll != more[0]), "it goes on");
    }
}
