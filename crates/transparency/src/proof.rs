//! Proofs of a Merkle tree (RFC 6962, section 2.1; verified as in RFC 9162): that a leaf is in a tree, and
//! that a tree is the beginning of another. Making one reads a few tiles, whatever the size.

use crate::tiles::{Tiles, Unmade, subtree};
use crate::tree::{Hash, empty_root, node};

/// Most hashes of a proof.
pub const MAX_HASHES: usize = 63;

/// A part of a tree: the leaves from `from` up to, and without, `to`.
#[derive(Clone, Copy)]
struct Span {
    from: u64,
    to: u64,
}

impl Span {
    fn len(self) -> u64 {
        self.to - self.from
    }

    /// The two parts that the tree has below its root: the left one is the largest power of two of leaves
    /// that leaves something.
    fn split(self) -> (Self, Self) {
        let left = (self.len().next_power_of_two() / 2).max(1);
        let middle = self.from + left;
        let [from, to] = [self.from, self.to];
        (Self { from, to: middle }, Self { from: middle, to })
    }

    fn root<T: Tiles>(self, tiles: &T) -> Result<Hash, Unmade<T::Error>> {
        let len = self.len();
        if len == 0 {
            return Ok(empty_root());
        }
        if len.is_power_of_two() {
            let height = len.trailing_zeros();
            return subtree(tiles, height, self.from >> height);
        }
        let (left, right) = self.split();
        Ok(node(&left.root(tiles)?, &right.root(tiles)?))
    }
}

/// The root that the tree had when it was of this size.
///
/// # Errors
/// When the store cannot be read, or the tree is smaller.
pub fn root<T: Tiles>(tiles: &T, size: u64) -> Result<Hash, Unmade<T::Error>> {
    Span { from: 0, to: size }.root(tiles)
}

/// The proof that the leaf of this index is in the tree of this size: from the leaf's sibling to the root's
/// child.
///
/// # Errors
/// When the store cannot be read, or the tree has no such leaf.
pub fn inclusion<T: Tiles>(
    tiles: &T,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, Unmade<T::Error>> {
    if index >= size {
        return Err(Unmade::Range);
    }
    let mut span = Span { from: 0, to: size };
    let mut siblings = Vec::new();
    while span.len() > 1 {
        let (left, right) = span.split();
        let (next, sibling) = match index < left.to {
            true => (left, right),
            false => (right, left),
        };
        siblings.push(sibling.root(tiles)?);
        span = next;
    }
    siblings.reverse();
    Ok(siblings)
}

/// The proof that the tree of the size `old` is the beginning of the one of the size `new`. It is empty
/// where `old` is 0 or both are equal.
///
/// # Errors
/// When the store cannot be read, or `old` is larger than `new`.
pub fn consistency<T: Tiles>(tiles: &T, old: u64, new: u64) -> Result<Vec<Hash>, Unmade<T::Error>> {
    if old > new {
        return Err(Unmade::Range);
    }
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let mut span = Span { from: 0, to: new };
    let mut hashes = Vec::new();
    // Down to the subtree that ends where the old tree ends.
    while span.to != old {
        let (left, right) = span.split();
        let (next, sibling) = match old <= left.to {
            true => (left, right),
            false => (right, left),
        };
        hashes.push(sibling.root(tiles)?);
        span = next;
    }
    // The old tree itself, which the verifier has, is left out.
    if span.from != 0 {
        hashes.push(span.root(tiles)?);
    }
    hashes.reverse();
    Ok(hashes)
}

/// A proof that proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unproven;

/// Whether the leaf of this hash has this index in the tree of this size and root.
///
/// # Errors
/// [`Unproven`].
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    (size, root): (u64, &Hash),
    proof: &[Hash],
) -> Result<(), Unproven> {
    if index >= size {
        return Err(Unproven);
    }
    let mut walk = Walk::new(index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        hash = match walk.step()? {
            Side::Left => node(sibling, &hash),
            Side::Right => node(&hash, sibling),
        };
    }
    holds(walk.is_over() && hash == *root)
}

/// Whether the tree of the first size and root is the beginning of the second.
///
/// # Errors
/// [`Unproven`].
pub fn verify_consistency(
    (old, old_root): (u64, &Hash),
    (new, new_root): (u64, &Hash),
    proof: &[Hash],
) -> Result<(), Unproven> {
    if old > new {
        return Err(Unproven);
    }
    if old == 0 {
        let is_beginning = *old_root == empty_root() && (new > 0 || old_root == new_root);
        return holds(proof.is_empty() && is_beginning);
    }
    if old == new {
        return holds(proof.is_empty() && old_root == new_root);
    }
    let mut walk = Walk::new(old - 1, new - 1);
    walk.skip_complete();
    let (first, rest) = match old.is_power_of_two() {
        true => (old_root, proof),
        false => proof.split_first().ok_or(Unproven)?,
    };
    let (mut of_old, mut of_new) = (*first, *first);
    for hash in rest {
        match walk.step()? {
            Side::Left => {
                of_old = node(hash, &of_old);
                of_new = node(hash, &of_new);
            }
            Side::Right => of_new = node(&of_new, hash),
        }
    }
    holds(walk.is_over() && of_old == *old_root && of_new == *new_root)
}

fn holds(is_proven: bool) -> Result<(), Unproven> {
    match is_proven {
        true => Ok(()),
        false => Err(Unproven),
    }
}

/// On which side of the path the next hash of a proof is.
enum Side {
    Left,
    Right,
}

/// The way from a leaf to the root, as RFC 9162, section 2.1.3.2, walks it.
struct Walk {
    index: u64,
    last: u64,
}

impl Walk {
    fn new(index: u64, last: u64) -> Self {
        Self { index, last }
    }

    fn up(&mut self) {
        self.index >>= 1;
        self.last >>= 1;
    }

    /// Up to the root of the largest complete subtree that ends here.
    fn skip_complete(&mut self) {
        while self.index & 1 == 1 {
            self.up();
        }
    }

    fn step(&mut self) -> Result<Side, Unproven> {
        if self.last == 0 {
            return Err(Unproven);
        }
        let side = match self.index & 1 == 1 || self.index == self.last {
            true => {
                while self.index & 1 == 0 && self.index != 0 {
                    self.up();
                }
                Side::Left
            }
            false => Side::Right,
        };
        self.up();
        Ok(side)
    }

    fn is_over(&self) -> bool {
        self.last == 0
    }
}

#[cfg(test)]
mod tests;
