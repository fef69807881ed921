//! Proofs against the vectors of Certificate Transparency's own tests, against each other at every small
//! size, and counted at a large one.

use proptest::prelude::*;

use super::*;
use crate::testing::{LEAVES, Memory, ROOTS, contents, unhex};
use crate::tree::{Frontier, leaf};

const A: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const B: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
const C: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";

fn vectors() -> Memory {
    Memory::of(LEAVES.iter().map(|content| content.to_vec()))
}

fn leaf_of(number: u64) -> Hash {
    leaf(&contents(number + 1).last().expect("a leaf"))
}

#[test]
fn proofs_are_those_of_rfc_6962() {
    let memory = vectors();
    let rows = [
        (0, 1, vec![]),
        (5, 8, vec![A, B, ROOTS[3]]),
        (
            2,
            3,
            vec!["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
        ),
    ];
    for (index, size, expected) in rows {
        let expected: Vec<Hash> = expected.into_iter().map(unhex).collect();
        assert_eq!(
            inclusion(&memory, index, size),
            Ok(expected),
            "{index} of {size}"
        );
    }
    let proof = [C, B, ROOTS[3]].map(unhex).to_vec();
    assert_eq!(consistency(&memory, 6, 8), Ok(proof.clone()));
    let [six, eight] = [ROOTS[5], ROOTS[7]].map(unhex);
    assert_eq!(verify_consistency((6, &six), (8, &eight), &proof), Ok(()));
    assert_eq!(consistency(&memory, 0, 8), Ok(Vec::new()));
    assert_eq!(consistency(&memory, 8, 8), Ok(Vec::new()));
}

#[test]
fn every_proof_of_a_small_tree_holds_and_no_other_does() {
    const SIZE: u64 = 37;
    let memory = Memory::of(contents(SIZE));
    let roots: Vec<Hash> = (0..=SIZE)
        .map(|size| root(&memory, size).expect("a root"))
        .collect();
    for size in 0..=SIZE {
        let at = usize::try_from(size).expect("small");
        for index in 0..size {
            let proof = inclusion(&memory, index, size).expect("a proof");
            let own = leaf_of(index);
            let verify = |leaf: &Hash, index, size, root, proof: &[Hash]| {
                verify_inclusion(leaf, index, (size, root), proof)
            };
            assert_eq!(verify(&own, index, size, &roots[at], &proof), Ok(()));
            let other = leaf_of(index + 1);
            assert_eq!(
                verify(&other, index, size, &roots[at], &proof),
                Err(Unproven)
            );
            let next = index + 1;
            assert_eq!(verify(&own, next, size, &roots[at], &proof), Err(Unproven));
            assert_eq!(verify(&own, size, size, &roots[at], &proof), Err(Unproven));
            let longer = [&proof[..], &[own]].concat();
            assert_eq!(
                verify(&own, index, size, &roots[at], &longer),
                Err(Unproven)
            );
            if let Some((_, shorter)) = proof.split_last() {
                assert_eq!(
                    verify(&own, index, size, &roots[at], shorter),
                    Err(Unproven)
                );
            }
        }
        for old in 0..=size {
            let then = usize::try_from(old).expect("small");
            let proof = consistency(&memory, old, size).expect("a proof");
            let verify = |old, old_root, new, new_root, proof: &[Hash]| {
                verify_consistency((old, old_root), (new, new_root), proof)
            };
            assert_eq!(verify(old, &roots[then], size, &roots[at], &proof), Ok(()));
            let longer = [&proof[..], &[[7; 32]]].concat();
            assert_eq!(
                verify(old, &roots[then], size, &roots[at], &longer),
                Err(Unproven)
            );
            let forged = [7; 32];
            assert_eq!(
                verify(old, &forged, size, &roots[at], &proof),
                Err(Unproven)
            );
            if old > 0 {
                assert_eq!(
                    verify(old, &roots[then], size, &forged, &proof),
                    Err(Unproven)
                );
            }
            if old < size {
                assert_eq!(consistency(&memory, size, old), Err(Unmade::Range));
                assert_eq!(
                    verify(size, &roots[at], old, &roots[then], &proof),
                    Err(Unproven)
                );
            }
        }
    }
    assert_eq!(inclusion(&memory, SIZE, SIZE), Err(Unmade::Range));
}

#[test]
fn a_tree_that_was_written_anew_is_no_continuation() {
    let memory = Memory::of(contents(300));
    let old = root(&memory, 200).expect("a root");
    let rewritten = contents(300)
        .enumerate()
        .map(|(number, content)| match number {
            17 => b"nothing happened".to_vec(),
            _ => content,
        });
    let rewritten = Memory::of(rewritten);
    let new = root(&rewritten, 300).expect("a root");
    for memory in [&memory, &rewritten] {
        let proof = consistency(memory, 200, 300).expect("a proof");
        assert_eq!(
            verify_consistency((200, &old), (300, &new), &proof),
            Err(Unproven)
        );
    }
}

/// A million leaves: a proof has as many hashes as the tree has levels, and reads at most three times as
/// many tiles as those have, wherever it is.
#[test]
fn r54_proofs_of_a_million_leaves_cost_logarithmic_work() {
    const SIZE: u64 = 1_000_000;
    let memory = Memory::of(contents(SIZE));
    let whole = memory.edge.frontier().root();
    assert_eq!(root(&memory, SIZE), Ok(whole));
    for index in [0, 1, 255, 256, 65_535, 524_288, 777_777, SIZE - 1] {
        memory.reads.set(0);
        let proof = inclusion(&memory, index, SIZE).expect("a proof");
        assert!(proof.len() <= 20, "{} hashes", proof.len());
        assert!(memory.reads.get() <= 40, "{} tiles", memory.reads.get());
        let own = leaf(format!("event {index}").as_bytes());
        assert_eq!(
            verify_inclusion(&own, index, (SIZE, &whole), &proof),
            Ok(())
        );
    }
    for old in [1, 255, 256, 257, 65_536, 524_289, 999_999] {
        let old_root = root(&memory, old).expect("a root");
        memory.reads.set(0);
        let proof = consistency(&memory, old, SIZE).expect("a proof");
        assert!(proof.len() <= 21, "{} hashes", proof.len());
        assert!(memory.reads.get() <= 40, "{} tiles", memory.reads.get());
        assert_eq!(
            verify_consistency((old, &old_root), (SIZE, &whole), &proof),
            Ok(())
        );
    }
}

proptest! {
    #[test]
    fn roots_of_tiles_are_those_of_frontiers(size in 0_u64..3_000, more in 0_u64..3_000) {
        let memory = Memory::of(contents(size + more));
        let mut frontier = Frontier::new();
        contents(size).for_each(|content| frontier.append(leaf(&content)));
        prop_assert_eq!(root(&memory, size), Ok(frontier.root()));
        let proof = consistency(&memory, size, size + more).expect("a proof");
        let whole = memory.edge.frontier().root();
        prop_assert_eq!(
            verify_consistency((size, &frontier.root()), (size + more, &whole), &proof),
            Ok(())
        );
    }

    #[test]
    fn no_text_of_hashes_makes_the_verifiers_fail(
        index: u64,
        size: u64,
        count in 0_usize..70,
    ) {
        let proof = vec![[1; 32]; count];
        let hash = [2; 32];
        prop_assert_eq!(verify_inclusion(&hash, index, (size, &hash), &proof), Err(Unproven));
        let same = index == size && count == 0;
        let verified = verify_consistency((index, &hash), (size, &hash), &proof);
        prop_assert_eq!(verified.is_ok(), same && index > 0);
    }
}
