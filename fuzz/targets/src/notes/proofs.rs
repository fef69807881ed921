//! Proofs of inclusion and of consistency, as values and as texts, against trees whose leaves are known.

use postern_transparency::inclusion::InclusionProof;
use postern_transparency::key::{Kind, VerifierKey};
use postern_transparency::note::Note;
use postern_transparency::proof::{self, MAX_HASHES, verify_consistency, verify_inclusion};
use postern_transparency::tree::{Hash, leaf};

use super::changes::{self, change_proof, edited, flip, near};
use super::keys::{KNOWN, content, is_of_the_tree, note_of, with_tree};
use super::reader;
use super::told;
use super::tree::{Tree, consistency_length, continues, path_length, root_over, roots_over};
use crate::bytes::Bytes;

/// What a proof of inclusion is about.
struct Place {
    leaf: Hash,
    index: u64,
    size: u64,
    root: Hash,
    hashes: Vec<Hash>,
}

impl Place {
    /// It holds exactly where the root is the one that the hashes make.
    fn holds(&self) -> bool {
        let Self {
            leaf,
            index,
            size,
            root,
            hashes,
        } = self;
        let holds = verify_inclusion(leaf, *index, (*size, root), hashes).is_ok();
        let made = root_over(leaf, *index, *size, hashes);
        assert_eq!(holds, made == Some(*root), "{index} of {size}");
        holds
    }

    /// Under the root of a tree it holds exactly where everything is so.
    fn holds_in(&self, tree: &Tree) -> bool {
        let holds = self.holds();
        let Self { index, size, .. } = *self;
        if size <= tree.size() && self.root == tree.root(size) {
            let is_so =
                || self.leaf == tree.leaf(index) && self.hashes == tree.inclusion(index, size);
            assert_eq!(holds, index < size && is_so(), "{index} of {size}");
        }
        holds
    }
}

/// A small tree of leaves out of an input, some of them equal, or the large one.
fn with_some_tree(bytes: &mut Bytes<'_>, tried: impl FnOnce(&mut Bytes<'_>, &Tree)) {
    if bytes.one_in(2) {
        return with_tree(|tree| tried(bytes, tree));
    }
    let (size, seed) = (bytes.below(41), bytes.byte());
    let others = 1 + bytes.below(64);
    let leaves = (0..size).map(|index| vec![seed, (index % others) as u8]);
    tried(bytes, &Tree::of(leaves));
}

/// The proof of a leaf of a tree holds, and what the crate makes is the same; it does not once it was changed.
pub fn inclusion_of_a_tree(bytes: &mut Bytes<'_>) {
    with_some_tree(bytes, |bytes, tree| {
        if tree.size() == 0 {
            return;
        }
        let size = 1 + u64::from(bytes.number()) % tree.size();
        let index = u64::from(bytes.number()) % size;
        let mut place = Place {
            leaf: tree.leaf(index),
            index,
            size,
            root: tree.root(size),
            hashes: tree.inclusion(index, size),
        };
        assert!(place.holds_in(tree));
        if bytes.one_in(8) {
            assert_eq!(
                proof::inclusion(tree, index, size),
                Ok(place.hashes.clone())
            );
            assert_eq!(proof::root(tree, size), Ok(place.root));
        }
        for _ in 0..bytes.below(3) {
            match bytes.below(7) {
                0 => flip(bytes, &mut place.leaf),
                1 => flip(bytes, &mut place.root),
                2 => place.index = near(bytes, place.index),
                3 => place.size = near(bytes, place.size),
                4 => {
                    place.size = u64::from(bytes.number()) % (tree.size() + 1);
                    place.root = tree.root(place.size);
                }
                5 => place.leaf = tree.leaf(u64::from(bytes.number()) % tree.size()),
                _ => change_proof(bytes, &mut place.hashes),
            }
            place.holds_in(tree);
        }
    });
}

/// Hashes of nothing, as many as the path is long, hold for the root that they make and for no other.
pub fn inclusion(bytes: &mut Bytes<'_>) {
    let (index, size) = (changes::number(bytes), changes::number(bytes));
    let length = match bytes.one_in(4) {
        true => bytes.below(70),
        false => path_length(index, size),
    };
    let leaf = changes::hash(bytes);
    let hashes: Vec<Hash> = (0..length).map(|_| changes::hash(bytes)).collect();
    let made = root_over(&leaf, index, size, &hashes);
    let mut place = Place {
        root: made.unwrap_or_else(|| changes::hash(bytes)),
        leaf,
        index,
        size,
        hashes,
    };
    assert_eq!(place.holds(), made.is_some());
    match bytes.below(5) {
        0 => flip(bytes, &mut place.leaf),
        1 => flip(bytes, &mut place.root),
        2 => place.index = near(bytes, index),
        3 => place.size = near(bytes, size),
        _ => change_proof(bytes, &mut place.hashes),
    }
    place.holds();
}

/// What a proof of consistency is about.
struct Growth {
    old: u64,
    old_root: Hash,
    new: u64,
    new_root: Hash,
    hashes: Vec<Hash>,
}

impl Growth {
    fn holds(&self) -> bool {
        let (old, new) = ((self.old, &self.old_root), (self.new, &self.new_root));
        let holds = verify_consistency(old, new, &self.hashes).is_ok();
        let made = continues(old, new, &self.hashes);
        assert_eq!(holds, made, "{} to {}", self.old, self.new);
        holds
    }

    fn holds_in(&self, tree: &Tree) -> bool {
        let holds = self.holds();
        let (old, new) = (self.old, self.new);
        let are_true = old.max(new) <= tree.size()
            && (self.old_root, self.new_root) == (tree.root(old), tree.root(new));
        if are_true {
            let is_so = old <= new && self.hashes == tree.consistency(old, new);
            assert_eq!(holds, is_so, "{old} to {new}");
        }
        holds
    }
}

/// The proof that a tree has grown holds, and what the crate makes is the same; it does not once it was changed.
pub fn consistency_of_a_tree(bytes: &mut Bytes<'_>) {
    with_some_tree(bytes, |bytes, tree| {
        let new = u64::from(bytes.number()) % (tree.size() + 1);
        let old = u64::from(bytes.number()) % (new + 1);
        let mut growth = Growth {
            old,
            old_root: tree.root(old),
            new,
            new_root: tree.root(new),
            hashes: tree.consistency(old, new),
        };
        assert!(growth.holds_in(tree));
        if bytes.one_in(8) {
            assert_eq!(
                proof::consistency(tree, old, new),
                Ok(growth.hashes.clone())
            );
        }
        for _ in 0..bytes.below(3) {
            match bytes.below(7) {
                0 => flip(bytes, &mut growth.old_root),
                1 => flip(bytes, &mut growth.new_root),
                2 => growth.old = near(bytes, growth.old),
                3 => growth.new = near(bytes, growth.new),
                4 => {
                    growth.old = u64::from(bytes.number()) % (tree.size() + 1);
                    growth.old_root = tree.root(growth.old);
                }
                5 => {
                    growth.new = u64::from(bytes.number()) % (tree.size() + 1);
                    growth.new_root = tree.root(growth.new);
                }
                _ => change_proof(bytes, &mut growth.hashes),
            }
            growth.holds_in(tree);
        }
    });
}

/// Hashes of nothing hold for the roots that they make and for no others.
pub fn consistency(bytes: &mut Bytes<'_>) {
    let (old, new) = (changes::number(bytes), changes::number(bytes));
    let length = match bytes.one_in(4) {
        true => bytes.below(70),
        false => consistency_length(old, new),
    };
    let claimed = changes::hash(bytes);
    let hashes: Vec<Hash> = (0..length).map(|_| changes::hash(bytes)).collect();
    let made = roots_over(old, new, &claimed, &hashes);
    let (old_root, new_root) = made.unwrap_or_else(|| (claimed, changes::hash(bytes)));
    let mut growth = Growth {
        old,
        old_root,
        new,
        new_root,
        hashes,
    };
    assert_eq!(growth.holds(), made.is_some());
    match bytes.below(5) {
        0 => flip(bytes, &mut growth.old_root),
        1 => flip(bytes, &mut growth.new_root),
        2 => growth.old = near(bytes, old),
        3 => growth.new = near(bytes, new),
        _ => change_proof(bytes, &mut growth.hashes),
    }
    growth.holds();
}

/// The text of a proof, as the second reader has it.
struct Text<'t> {
    index: u64,
    hashes: Vec<Hash>,
    extra: Option<Vec<u8>>,
    note: reader::Note<'t>,
}

fn read(input: &str) -> Option<Text<'_>> {
    let rest = input.strip_prefix("c2sp.org/tlog-proof@v1\n")?;
    let (extra, rest) = match rest.strip_prefix("extra ") {
        Some(rest) => {
            let (encoded, rest) = rest.split_once('\n')?;
            (Some(reader::base64(encoded)?), rest)
        }
        None => (None, rest),
    };
    let (index, mut rest) = rest.strip_prefix("index ")?.split_once('\n')?;
    let mut hashes = Vec::new();
    let note = loop {
        match rest.split_once('\n')? {
            ("", note) => break note,
            (hash, behind) => {
                hashes.push(reader::hash(hash)?);
                rest = behind;
            }
        }
    };
    (hashes.len() <= MAX_HASHES).then_some(Text {
        index: reader::number(index)?,
        hashes,
        extra,
        note: reader::note(note)?,
    })
}

/// A text is a proof for both readers or for none, and proves the same to both.
pub fn text(input: &str) -> bool {
    let (proof, second) = (InclusionProof::parse(input), read(input));
    assert_eq!(proof.is_ok(), second.is_some(), "{input}");
    let (Ok(proof), Some(second)) = (proof, second) else {
        return false;
    };
    assert_eq!(proof.to_string(), input, "two texts of one proof");
    assert_eq!(
        (proof.index, &proof.hashes, &proof.extra),
        (second.index, &second.hashes, &second.extra)
    );
    let entry = proof.extra.clone().unwrap_or_else(|| content(proof.index));
    let (keys, second_keys) = &*KNOWN;
    let witnesses: Vec<VerifierKey> = keys
        .iter()
        .filter(|key| key.kind() == Kind::Cosignature)
        .cloned()
        .collect();
    let proven = proof.verify(&entry, keys, &witnesses);
    let tried = second.note.tried(second_keys);
    let (opened, cosigned) = (reader::opened(&second.note, &tried), tried.signed(&[4]));
    let expected = opened.zip(cosigned).filter(|(checkpoint, _)| {
        let made = root_over(&leaf(&entry), second.index, checkpoint.size, &second.hashes);
        made == Some(checkpoint.root)
    });
    assert_eq!(proven.is_ok(), expected.is_some(), "{proven:?}: {input}");
    let (Ok(proven), Some((checkpoint, cosigned))) = (proven, expected) else {
        return false;
    };
    let found = &proven.checkpoint;
    assert_eq!(
        (found.origin.as_str(), found.size, found.root),
        (checkpoint.origin, checkpoint.size, checkpoint.root)
    );
    assert_eq!(told(Ok(proven.cosigned)), Some(cosigned));
    is_of_the_tree(&found.origin, found.size, &found.root);
    if found.origin == super::keys::ORIGIN {
        assert_eq!(
            entry,
            content(proof.index),
            "this entry is at another place"
        );
        let own = with_tree(|tree| tree.inclusion(proof.index, found.size));
        assert_eq!(proof.hashes, own);
    }
    true
}

/// A proof of the tree as a text, some of whose parts are those of other proofs, or changed in some places.
pub fn text_of_the_tree(bytes: &mut Bytes<'_>) {
    let most = with_tree(Tree::size);
    let size = 1 + u64::from(bytes.number()) % most;
    let index = u64::from(bytes.number()) % size;
    let other = |bytes: &mut Bytes<'_>, own: u64, end: u64| match bytes.one_in(8) {
        true => u64::from(bytes.number()) % end,
        false => own,
    };
    let (named, entry) = (other(bytes, index, most), other(bytes, index, most));
    let signed = other(bytes, size, most + 1);
    let proof = InclusionProof {
        index: named,
        hashes: with_tree(|tree| tree.inclusion(index, size)),
        checkpoint: Note::parse(&note_of(signed)).expect("a note"),
        extra: (!bytes.one_in(8)).then(|| content(entry)),
    };
    let printed = proof.to_string();
    let is_whole = (named, entry, signed) == (index, index, size);
    let given = edited(bytes, &printed);
    assert!(text(&given) || !is_whole || given != printed, "{printed}");
}
