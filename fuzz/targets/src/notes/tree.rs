//! Merkle trees as RFC 6962, section 2.1, defines them: roots and proofs by recursion over all leaves, and what a proof
//! makes of what it begins with, from the root down.

use std::cell::RefCell;
use std::collections::HashMap;
use std::convert::Infallible;

use sha2::{Digest as _, Sha256};

use postern_transparency::tiles::{Place, Tiles};
use postern_transparency::tree::Hash;

/// Leaves of a tile.
const WIDTH: usize = 256;

/// SHA-256 of these, one behind the other.
fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

fn above(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// The largest power of two below a number that is more than 1.
fn left_of(size: u64) -> u64 {
    let half = 1 << (63 - size.leading_zeros());
    if half == size { half / 2 } else { half }
}

/// A tree whose leaves are known.
pub struct Tree {
    leaves: Vec<Hash>,
    /// Roots that were computed, by their first leaf and the one behind their last.
    known: RefCell<HashMap<(u64, u64), Hash>>,
}

impl Tree {
    /// The tree of these leaves.
    pub fn of(contents: impl Iterator<Item = Vec<u8>>) -> Self {
        Self {
            leaves: contents.map(|content| sha256(&[&[0], &content])).collect(),
            known: RefCell::default(),
        }
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// The hash of a leaf.
    pub fn leaf(&self, index: u64) -> Hash {
        self.leaves[index as usize]
    }

    /// The root of the first leaves.
    pub fn root(&self, size: u64) -> Hash {
        self.part(0, size)
    }

    /// MTH of the leaves from one to another.
    fn part(&self, from: u64, to: u64) -> Hash {
        match to - from {
            0 => return sha256(&[]),
            1 => return self.leaf(from),
            _ => {}
        }
        if let Some(known) = self.known.borrow().get(&(from, to)) {
            return *known;
        }
        let middle = from + left_of(to - from);
        let root = above(&self.part(from, middle), &self.part(middle, to));
        self.known.borrow_mut().insert((from, to), root);
        root
    }

    /// PATH: the proof that a leaf is in the tree of the first leaves.
    pub fn inclusion(&self, index: u64, size: u64) -> Vec<Hash> {
        self.path(index, 0, size)
    }

    fn path(&self, index: u64, from: u64, to: u64) -> Vec<Hash> {
        if to - from == 1 {
            return Vec::new();
        }
        let middle = from + left_of(to - from);
        let (mut path, sibling) = match index < middle {
            true => (self.path(index, from, middle), self.part(middle, to)),
            false => (self.path(index, middle, to), self.part(from, middle)),
        };
        path.push(sibling);
        path
    }

    /// PROOF: that the tree of the first `old` leaves is the beginning of the one of the first `new`.
    pub fn consistency(&self, old: u64, new: u64) -> Vec<Hash> {
        match old {
            0 => Vec::new(),
            _ => self.subproof(old, (0, new), true),
        }
    }

    fn subproof(&self, old: u64, (from, to): (u64, u64), is_whole: bool) -> Vec<Hash> {
        if old == to {
            let own = (!is_whole).then(|| self.part(from, to));
            return own.into_iter().collect();
        }
        let middle = from + left_of(to - from);
        let (mut proof, sibling) = match old <= middle {
            true => (
                self.subproof(old, (from, middle), is_whole),
                self.part(middle, to),
            ),
            false => (
                self.subproof(old, (middle, to), false),
                self.part(from, middle),
            ),
        };
        proof.push(sibling);
        proof
    }
}

/// So that the crate makes its own proofs of it.
impl Tiles for Tree {
    type Error = Infallible;

    fn tile(&self, Place { level, index }: Place) -> Result<Vec<Hash>, Infallible> {
        let wide = (WIDTH as u64).pow(level);
        let first = index * WIDTH as u64;
        let places = first..first + WIDTH as u64;
        let whole = places.map_while(|place| {
            let from = place * wide;
            (from + wide <= self.size()).then(|| self.part(from, from + wide))
        });
        Ok(whole.collect())
    }
}

/// The root that a leaf and a proof of its place make; `None` where the proof has another length than the path.
pub fn root_over(leaf: &Hash, index: u64, size: u64, proof: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    if size == 1 {
        return proof.is_empty().then_some(*leaf);
    }
    let (sibling, rest) = proof.split_last()?;
    let middle = left_of(size);
    match index < middle {
        true => Some(above(&root_over(leaf, index, middle, rest)?, sibling)),
        false => {
            let right = root_over(leaf, index - middle, size - middle, rest)?;
            Some(above(sibling, &right))
        }
    }
}

/// How many hashes the proof of a place has.
pub fn path_length(index: u64, size: u64) -> usize {
    if index >= size || size == 1 {
        return 0;
    }
    let middle = left_of(size);
    match index < middle {
        true => 1 + path_length(index, middle),
        false => 1 + path_length(index - middle, size - middle),
    }
}

/// How many hashes the proof of a growth has.
pub fn consistency_length(old: u64, new: u64) -> usize {
    match old == 0 || old >= new {
        true => 0,
        false => length(old, new, true),
    }
}

fn length(old: u64, new: u64, is_whole: bool) -> usize {
    if old == new {
        return usize::from(!is_whole);
    }
    let middle = left_of(new);
    match old <= middle {
        true => 1 + length(old, middle, is_whole),
        false => 1 + length(old - middle, new - middle, false),
    }
}

/// Both roots that a proof of consistency makes, where the old one is given as it is claimed.
pub fn roots_over(old: u64, new: u64, claimed: &Hash, proof: &[Hash]) -> Option<(Hash, Hash)> {
    match old == 0 || old > new {
        true => None,
        false => both(old, new, Some(claimed), proof),
    }
}

/// `whole` is the old tree's root while the way has only gone to the left.
fn both(old: u64, new: u64, whole: Option<&Hash>, proof: &[Hash]) -> Option<(Hash, Hash)> {
    if old == new {
        return match (whole, proof) {
            (Some(root), []) | (None, [root]) => Some((*root, *root)),
            _ => None,
        };
    }
    let (sibling, rest) = proof.split_last()?;
    let middle = left_of(new);
    match old <= middle {
        true => {
            let (before, after) = both(old, middle, whole, rest)?;
            Some((before, above(&after, sibling)))
        }
        false => {
            let (before, after) = both(old - middle, new - middle, None, rest)?;
            Some((above(sibling, &before), above(sibling, &after)))
        }
    }
}

/// Whether a proof of consistency holds.
pub fn continues(old: (u64, &Hash), new: (u64, &Hash), proof: &[Hash]) -> bool {
    if old.0 == 0 {
        let none = sha256(&[]);
        return proof.is_empty() && *old.1 == none && (new.0 > 0 || *new.1 == none);
    }
    roots_over(old.0, new.0, old.1, proof) == Some((*old.1, *new.1))
}
