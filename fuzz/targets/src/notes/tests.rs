//! The target itself: what is right is taken, so that its comparisons are not of refusals alone.

use std::fs;
use std::path::Path;

use super::*;

#[test]
fn what_is_right_is_taken_and_what_is_not_is_refused() {
    let signers = |text: &str| note(text).map(|signed| signed.len());
    assert_eq!(signers(seeds::NOTE_OF_GO), Some(2));
    assert_eq!(signers(&seeds::NOTE_OF_GO.replacen("If", "if", 1)), None);
    assert_eq!(signers(&keys::note_of(5)), Some(2));
    for (index, size) in [(0, 1), (2, 5), (300, 600), (599, 600)] {
        let proof = seeds::proof(index, size);
        assert!(proofs::text(&proof), "{proof}");
        let other = proof.replacen(&format!("index {index}\n"), "index 1\n", 1);
        assert!(!proofs::text(&other), "{other}");
    }
}

/// Texts of the corpus, by what they are: each is taken as such, but for those that were changed.
#[test]
fn what_the_corpus_keeps_is_what_it_is_called() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/notes");
    for (name, is_right) in [
        ("note-of-go", true),
        ("checkpoint", true),
        ("checkpoint-with-another-size", false),
        ("proof", true),
        ("proof-of-another-place", false),
        ("request-to-a-witness", true),
    ] {
        let kept = fs::read_to_string(folder.join(name)).expect(name);
        let (kind, text) = kept.split_at(1);
        let is_taken = match kind {
            "0" => note(text).is_some_and(|signed| !signed.is_empty()),
            "4" => proofs::text(text),
            _ => witness::request_as_it_is(&mut Bytes::new(text.as_bytes())).status() == 200,
        };
        assert_eq!(is_taken, is_right, "{name}");
    }
}
