//! How a tree is stored so that any proof is made from a few reads: tiles of up to 256 hashes. Tiles of
//! level 0 have the hashes of leaves; those of a level above have the roots of the full tiles below. A
//! tile never changes but by growing at its end.

use crate::tree::{Frontier, Hash, node};

/// How many levels of the tree a tile covers.
pub const HEIGHT: u32 = 8;
/// Most hashes of a tile.
pub const WIDTH: u64 = 1 << HEIGHT;

/// Where a tile is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// 0 = hashes of leaves; each level above covers 8 levels of the tree more.
    pub level: u32,
    /// From 0, from left to right.
    pub index: u64,
}

/// A store of tiles.
pub trait Tiles {
    /// Why it cannot be read.
    type Error;

    /// The hashes of a tile, as many as there are; none where there is no such tile.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn tile(&self, place: Place) -> Result<Vec<Hash>, Self::Error>;
}

/// Why a hash or a proof cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmade<E> {
    /// The store cannot be read.
    Store(E),
    /// The tile lacks a hash that the tree has.
    Missing(Place),
    /// The tree is not that large, or the numbers are in the wrong order.
    Range,
}

/// The root of complete subtrees' roots, side by side: a power of two of them.
pub fn fold(hashes: &[Hash]) -> Option<Hash> {
    if !hashes.len().is_power_of_two() {
        return None;
    }
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row
            .chunks_exact(2)
            .filter_map(|pair| match pair {
                [left, right] => Some(node(left, right)),
                _ => None,
            })
            .collect();
    }
    row.first().copied()
}

/// The root of the complete subtree of `2^height` leaves with this number, from the left.
///
/// # Errors
/// When the store cannot be read, or the tree is smaller.
pub fn subtree<T: Tiles>(tiles: &T, height: u32, index: u64) -> Result<Hash, Unmade<T::Error>> {
    let level = height / HEIGHT;
    let within = height % HEIGHT;
    let first = index.checked_shl(within).ok_or(Unmade::Range)?;
    let place = Place {
        level,
        index: first / WIDTH,
    };
    let tile = tiles.tile(place).map_err(Unmade::Store)?;
    let from = usize::try_from(first % WIDTH).map_err(|_| Unmade::Range)?;
    let hashes = tile.get(from..from + (1 << within));
    hashes.and_then(fold).ok_or(Unmade::Missing(place))
}

/// The growing end of a tree: its frontier, and the leaves of the tile that is not full yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    frontier: Frontier,
    tail: Vec<Hash>,
}

/// A tile of leaves that is full now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullTile {
    /// Which one.
    pub index: u64,
    /// Its hashes, 256 of them.
    pub hashes: Vec<Hash>,
    /// What the tile above gets.
    pub root: Hash,
}

impl Edge {
    /// The edge of a tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// An edge as it was stored; `None` where the tail is not that of this size.
    pub fn stored(frontier: Frontier, tail: Vec<Hash>) -> Option<Self> {
        let fits = tail.len() as u64 == frontier.size() % WIDTH;
        fits.then_some(Self { frontier, tail })
    }

    /// The frontier.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The hashes of the leaves behind the last full tile.
    pub fn tail(&self) -> &[Hash] {
        &self.tail
    }

    /// Adds a leaf; gives the tile that it has filled, which is to be stored.
    pub fn append(&mut self, leaf: Hash) -> Option<FullTile> {
        self.frontier.append(leaf);
        self.tail.push(leaf);
        if self.tail.len() as u64 != WIDTH {
            return None;
        }
        let hashes = core::mem::take(&mut self.tail);
        let root = fold(&hashes)?;
        Some(FullTile {
            index: (self.size() / WIDTH).saturating_sub(1),
            hashes,
            root,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Memory, contents};
    use crate::tree::leaf;

    #[test]
    fn subtrees_are_those_of_the_frontier() {
        let memory = Memory::of(contents(70_000));
        let mut frontier = Frontier::new();
        for content in contents(65_536) {
            frontier.append(leaf(&content));
        }
        assert_eq!(subtree(&memory, 16, 0), Ok(frontier.root()));
        // 70,000 = 65,536 + 4,464: the tile behind has 112 hashes.
        let [first, rest @ ..] = memory.edge.frontier().hashes() else {
            panic!("a frontier");
        };
        assert_eq!(*first, frontier.root());
        assert_eq!(subtree(&memory, 12, 16).as_ref(), Ok(&rest[0]));
        let missing = Place {
            level: 0,
            index: 273,
        };
        assert_eq!(memory.edge.tail().len(), 112);
        assert_eq!(subtree(&memory, 0, 70_000), Err(Unmade::Missing(missing)));
        assert_eq!(
            subtree(&memory, 7, u64::MAX),
            Err(Unmade::Missing(Place {
                level: 0,
                index: (u64::MAX << 7) / WIDTH,
            }))
        );
    }

    #[test]
    fn an_edge_with_another_tail_is_refused() {
        let mut edge = Edge::new();
        for content in contents(300) {
            edge.append(leaf(&content));
        }
        assert_eq!(edge.tail().len(), 44);
        let tail = edge.tail().to_vec();
        let frontier = edge.frontier().clone();
        assert_eq!(Edge::stored(frontier.clone(), tail.clone()), Some(edge));
        assert_eq!(Edge::stored(frontier, tail[1..].to_vec()), None);
    }
}
