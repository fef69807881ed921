//! Proofs of one event (R54): `postern audit prove`, and `postern audit verify` of what it has printed.

use postern_transparency::inclusion::InclusionProof;

use crate::gateway::{Gateway, run};
use crate::golden;
use crate::logs::{Files, Log, witness_key};
use crate::public_audit::{key, text};

#[tokio::test]
async fn r54_one_event_is_proven_to_who_has_nothing_but_a_key() {
    let (log, files, key) = (Log::of(30), Files::new(), key());
    let proof = log.proof(8, 30).to_string();
    let gateway = Gateway::start(vec![text(&proof), text(&proof), text(log.proof(9, 30))]).await;
    let output = gateway.run(&["audit", "prove", "8", "--key", &key]).await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    assert_eq!(output.stdout, proof);
    let output = gateway.run(&["audit", "prove", "8"]).await;
    assert_eq!((output.code, output.stdout.as_str()), (0, proof.as_str()));
    assert!(
        output.stderr.contains("nobody has verified this proof"),
        "{}",
        output.stderr
    );
    let output = gateway.run(&["audit", "prove", "8", "--key", &key]).await;
    assert_eq!((output.code, output.stdout.as_str()), (1, ""));
    assert!(output.stderr.contains("is of event 9"), "{}", output.stderr);
    assert_eq!(gateway.asked()[0], "GET /org/audit/8/proof");

    let file = files.write("event-8.tlog-proof", &proof);
    let output = run(&["audit", "verify", &file, "--key", &key], &[], "").await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    golden::check("output/audit-verify-proof.txt", &output.stdout);
    let output = run(&["audit", "verify", "-"], &[], &proof).await;
    assert_eq!(output.code, 3, "{}", output.stderr);

    let (other, short) = (log.rewritten(8).proof(8, 30), log.proof(8, 20));
    let swapped = with_event_of(&log, &other);
    let witness = witness_key(1).verifier().to_string();
    let unseen = [&["--key", &key][..], &["--witness", &witness]].concat();
    let own = ["--key", &key].to_vec();
    for (text, words, told) in [
        (
            swapped,
            &own,
            "the event is not in the tree of its checkpoint",
        ),
        (
            proof.replace("index 7", "index 8"),
            &own,
            "the event is not in the tree of its checkpoint",
        ),
        (
            proof.replace("\n30\n", "\n31\n"),
            &own,
            "a signature of a known key does not hold",
        ),
        (
            proof.replace("extra ", "extra !"),
            &own,
            "it is no inclusion proof",
        ),
        (without_event(&proof), &own, "it has no event in it"),
        (
            short.to_string(),
            &unseen,
            "witness.example/w1 has not cosigned it",
        ),
    ] {
        let output = run(&[&["audit", "verify", "-"][..], words].concat(), &[], &text).await;
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (1, ""),
            "{told}: {}",
            output.stderr
        );
        assert!(output.stderr.contains(told), "{told}: {}", output.stderr);
    }
}

/// The genuine proof of event 8 around the event of another one.
fn with_event_of(log: &Log, other: &InclusionProof) -> String {
    let mut proof = log.proof(8, 30);
    proof.extra.clone_from(&other.extra);
    proof.to_string()
}

fn without_event(proof: &str) -> String {
    let kept = proof.lines().filter(|line| !line.starts_with("extra "));
    kept.map(|line| format!("{line}\n")).collect()
}
