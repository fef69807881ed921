//! Keys of both readers, and the log of one tree: its key signs nothing but checkpoints of that tree. The loose keys
//! sign whatever an input says.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::LazyLock;

use postern_transparency::checkpoint::Checkpoint;
use postern_transparency::key::{Kind, SigningKey, VerifierKey};
use postern_transparency::tree::Hash;

use super::reader;
use super::tree::Tree;

/// The log of the tree.
pub const ORIGIN: &str = "example.com/log";
/// A log that signs everything.
pub const LOOSE: &str = "example.com/loose";
/// A witness that signs everything.
pub const WITNESS: &str = "witness.example/w";
/// When the witness has cosigned the tree's checkpoints.
pub const COSIGNED_AT: u64 = 1_900_000_000;
/// Leaves of the tree: more than two tiles.
const LEAVES: u64 = 600;

/// Keys of the tests of Go's own package `note`.
pub const OF_GO: [&str; 2] = [
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
];

fn signer(name: &str, kind: Kind, number: u8) -> SigningKey {
    SigningKey::new(name, kind, &[number; 32]).expect("a name")
}

static LOG: LazyLock<SigningKey> = LazyLock::new(|| signer(ORIGIN, Kind::Ed25519, 1));

/// The keys that sign everything; a witness's has the name of a log.
pub static LOOSE_KEYS: LazyLock<[SigningKey; 4]> = LazyLock::new(|| {
    [
        signer(LOOSE, Kind::Ed25519, 2),
        signer(WITNESS, Kind::Cosignature, 3),
        signer(LOOSE, Kind::Cosignature, 4),
        signer("\u{e9}t\u{e9}.example/\u{7530}", Kind::Ed25519, 5),
    ]
});

/// The witness.
pub fn witness() -> &'static SigningKey {
    &LOOSE_KEYS[1]
}

/// The key of the tree's log, for who verifies.
pub fn log() -> VerifierKey {
    LOG.verifier()
}

/// All keys that are known, as each reader has them.
pub static KNOWN: LazyLock<(Vec<VerifierKey>, Vec<reader::Key>)> = LazyLock::new(|| {
    let of_go = OF_GO.map(|text| VerifierKey::parse(text).expect("a key"));
    let loose = LOOSE_KEYS.iter().map(SigningKey::verifier);
    let keys: Vec<VerifierKey> = of_go.into_iter().chain([log()]).chain(loose).collect();
    let read = |key: &VerifierKey| reader::key(&key.to_string()).expect("a key");
    let second = keys.iter().map(read).collect();
    (keys, second)
});

thread_local! {
    static TREE: Tree = Tree::of((0..LEAVES).map(content));
    static NOTES: RefCell<HashMap<u64, String>> = RefCell::default();
}

/// The content of a leaf of the tree.
pub fn content(index: u64) -> Vec<u8> {
    format!("event {index}").into_bytes()
}

/// With the tree.
pub fn with_tree<R>(ask: impl FnOnce(&Tree) -> R) -> R {
    TREE.with(ask)
}

/// The note of the tree's checkpoint of a size: signed by the log, and cosigned.
pub fn note_of(size: u64) -> String {
    if let Some(known) = NOTES.with_borrow(|notes| notes.get(&size).cloned()) {
        return known;
    }
    let checkpoint = Checkpoint {
        origin: ORIGIN.to_owned(),
        size,
        root: with_tree(|tree| tree.root(size)),
    };
    let mut note = checkpoint.sign(&LOG).expect("a note");
    note.add(witness().sign_at(&checkpoint.text(), COSIGNED_AT));
    let note = note.to_string();
    NOTES.with_borrow_mut(|notes| notes.insert(size, note.clone()));
    note
}

/// What the tree's log has signed is so.
pub fn is_of_the_tree(origin: &str, size: u64, root: &Hash) {
    if origin == ORIGIN {
        let is_so = with_tree(|tree| size <= tree.size() && tree.root(size) == *root);
        assert!(is_so, "nobody has signed this root of {size} leaves");
    }
}
