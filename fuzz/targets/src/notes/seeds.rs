//! What the target begins with: notes, keys, proofs and requests, right and wrong ones, and choices that make them.

use postern_transparency::inclusion::InclusionProof;
use postern_transparency::note::Note;
use postern_transparency::witness::AddCheckpoint;

use super::keys::{KNOWN, LOOSE, LOOSE_KEYS, OF_GO, content, note_of, with_tree};
use crate::bytes::piece;

/// A note of the tests of Go's own package `note`.
pub const NOTE_OF_GO: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n\
    \u{2014} EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

/// The proof that the tree has a leaf.
pub fn proof(index: u64, size: u64) -> String {
    InclusionProof {
        index,
        hashes: with_tree(|tree| tree.inclusion(index, size)),
        checkpoint: Note::parse(&note_of(size)).expect("a note"),
        extra: Some(content(index)),
    }
    .to_string()
}

/// The request to cosign that the tree has grown.
pub fn request(old: u64, new: u64) -> String {
    AddCheckpoint {
        old,
        proof: with_tree(|tree| tree.consistency(old, new)),
        checkpoint: Note::parse(&note_of(new)).expect("a note"),
    }
    .to_string()
}

/// Texts as they are, with the digit that says what they are.
pub fn texts() -> Vec<String> {
    let checkpoint = format!("{LOOSE}\n5\n{}\nmore\n", "A".repeat(43) + "=");
    let extended = LOOSE_KEYS[0].sign_at(&checkpoint, 0);
    let cosigned = LOOSE_KEYS[1]
        .sign_at(&checkpoint, 1_700_000_000)
        .to_string();
    let mut texts = vec![
        format!("0{NOTE_OF_GO}"),
        format!("0{}", NOTE_OF_GO.replacen("If", "if", 1)),
        format!("0{}", NOTE_OF_GO.replacen('\n', "\n\n", 1)),
        format!("0{}", note_of(5)),
        format!("0{checkpoint}\n{extended}\n{cosigned}\n"),
        format!("4{}", proof(0, 1)),
        format!("4{}", proof(2, 5)),
        format!("4{}", proof(300, 600)),
        format!("4{}", proof(2, 5).replacen("index 2", "index 3", 1)),
        format!("60{}", request(0, 3)),
        format!("65{}", request(5, 9)),
        format!("65{}", request(5, 600)),
        format!("65{}", request(5, 9).replacen("old 5", "old 4", 1)),
        format!("={cosigned}\n{}\n", "A".repeat(43) + "="),
    ];
    let keys = KNOWN.0.iter().map(|key| format!("2{key}"));
    // Other texts of what is read: an id in capitals, names with blanks.
    let capitals = |key: &str| {
        let (name, rest) = key.split_once('+').expect("a name");
        let (id, rest) = rest.split_once('+').expect("an id");
        format!("2{name}+{}+{rest}", id.to_uppercase())
    };
    texts.extend(OF_GO.map(capitals));
    texts.push(format!("={}\n", cosigned.replacen('.', "\u{a0}", 1)));
    texts.push(format!("={}\n", cosigned.replacen('.', "\t", 1)));
    texts.extend(keys.chain(OF_GO.map(|key| format!("2{}", key.replacen('7', "8", 1)))));
    texts
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = texts().into_iter().map(String::into_bytes).collect();
    // A note that two keys sign, and one byte that is flipped.
    seeds.push(
        [
            &[1, 0][..],
            &piece("a\n"),
            &[1, 0, 3, 7, 1, 3, 9, 1, 0, 1, 0, 5],
        ]
        .concat(),
    );
    seeds.push(vec![1, 1, 1, 3, 1, 9, 6, 0, 1, 0, 3, 1, 5, 1, 3, 1, 7, 0]);
    // Keys: of a seed, and of bytes.
    seeds.push(
        [
            &[3][..],
            &piece("a"),
            &[0, 1, 7],
            &piece("said"),
            &[3, 0, 1, 9, 1],
        ]
        .concat(),
    );
    seeds.push(
        [
            &[3][..],
            &piece("w"),
            &[1, 1, 7],
            &piece("said"),
            &[3, 1, 5, 0],
        ]
        .concat(),
    );
    seeds.push([&[3][..], &piece("a"), &[0, 0], &[1], &[0; 31]].concat());
    // Proofs of trees: as they are, and changed in each of the ways.
    for kind in [5, 7, 8, 10, 12] {
        for last in 0..8 {
            seeds.push(vec![kind, 2, 1, 44, 1, 20, 0, 0, 0, 0, last, 1, 2, last, 3]);
            seeds.push(vec![
                kind, 0, 21, 9, 40, 1, 11, 1, 3, 0, 2, last, 1, 2, last, 3,
            ]);
        }
    }
    // Places and growths of large trees, with hashes of nothing.
    for kind in [9, 11] {
        seeds.push([&[kind, 3, 1, 5, 3, 1, 9, 0][..], &[7; 12], &[0, 1, 1]].concat());
        seeds.push([&[kind, 2, 40, 1, 3, 0][..], &[9; 70], &[4, 0, 1]].concat());
    }
    seeds
}
