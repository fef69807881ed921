//! The Merkle tree of RFC 6962, section 2.1: hashes of leaves and nodes, and the frontier that a tree
//! grows by.

use sha2::{Digest as _, Sha256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// The hash of a leaf: SHA-256(0x00 ‖ content).
pub fn leaf(content: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0]);
    hasher.update(content);
    hasher.finalize().into()
}

/// The hash of a node: SHA-256(0x01 ‖ left ‖ right).
pub fn node(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([1]);
    hasher.update(left);
    hasher.update(right);
    hasher.finalize().into()
}

/// The root of a tree without leaves: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// The roots of the complete subtrees that a tree consists of, the largest first: one for each bit of
/// its size. All that is needed to add leaves and to know the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

impl Frontier {
    /// The frontier of a tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// A frontier as it was stored; `None` where there are not as many hashes as the size has bits.
    pub fn stored(size: u64, hashes: Vec<Hash>) -> Option<Self> {
        let is_whole = hashes.len() == size.count_ones() as usize;
        is_whole.then_some(Self { size, hashes })
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots, the largest subtree first.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Adds a leaf by its hash.
    pub fn append(&mut self, leaf: Hash) {
        let mut hash = leaf;
        let mut size = self.size;
        while size & 1 == 1 {
            // One hash for each bit: there is one.
            if let Some(left) = self.hashes.pop() {
                hash = node(&left, &hash);
            }
            size >>= 1;
        }
        self.hashes.push(hash);
        self.size += 1;
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        let mut hashes = self.hashes.iter().rev();
        match hashes.next() {
            Some(last) => hashes.fold(*last, |right, left| node(left, &right)),
            None => empty_root(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{LEAVES, ROOTS, unhex};

    #[test]
    fn roots_are_those_of_rfc_6962() {
        let mut frontier = Frontier::new();
        assert_eq!(
            frontier.root(),
            unhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        );
        for (content, root) in LEAVES.iter().zip(ROOTS) {
            frontier.append(leaf(content));
            assert_eq!(frontier.root(), unhex(root), "of {}", frontier.size());
        }
    }

    #[test]
    fn a_stored_frontier_goes_on_and_one_that_lacks_a_hash_does_not() {
        let mut whole = Frontier::new();
        for size in 0..70_u64 {
            let stored = Frontier::stored(size, whole.hashes().to_vec());
            assert_eq!(stored.as_ref(), Some(&whole));
            assert_eq!(Frontier::stored(size, vec![[0; 32]; 65]), None);
            whole.append(leaf(&size.to_be_bytes()));
        }
        assert_eq!(whole.hashes().len(), 3);
    }
}
