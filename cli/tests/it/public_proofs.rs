//! Proofs of one event (R54): `postern audit prove`, and `postern audit verify` of what it has printed.

use postern_transparency::checkpoint::Checkpoint;
use postern_transparency::inclusion::InclusionProof;
use postern_transparency::key::{Kind, SigningKey};
use postern_transparency::note::Note;

use crate::gateway::{Gateway, run};
use crate::golden;
use crate::logs::{Files, Log, ORIGIN, log_key, witness_key};
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

#[tokio::test]
async fn r54_a_proof_is_compared_with_the_checkpoints_that_were_kept() {
    let (log, files, key) = (Log::of(30), Files::new(), key());
    let other = "gate.example/audit/58507561-55cb-400d-b62c-05475945ca0d";
    let other = SigningKey::new(other, Kind::Ed25519, &[2; 32]).unwrap();
    let thief = SigningKey::new(ORIGIN, Kind::Ed25519, &[9; 32]).unwrap();
    let write = |name: &str, note: Note| files.write(name, note.to_string());
    let same = write("same.txt", log.checkpoint(30));
    let old = write("old.txt", log.checkpoint(20));
    let fork = write("fork.txt", log.rewritten(8).checkpoint(30));
    let old_fork = write("old-fork.txt", log.rewritten(8).checkpoint(20));
    let foreign = write("foreign.txt", log.checkpoint_by(30, &other));
    let forged = write("forged.txt", log.checkpoint_by(30, &thief));
    let altered = log.checkpoint(30).to_string().replace("\n30\n", "\n31\n");
    let altered = files.write("altered.txt", altered);
    let empty = write("empty.txt", log.checkpoint(0));
    let odd = Checkpoint {
        origin: ORIGIN.to_owned(),
        size: 0,
        root: [7; 32],
    };
    let odd = write("odd.txt", odd.sign(&log_key()).unwrap());
    let text = files.write("text.txt", "hello\n");
    let proof = files.write("event-8.tlog-proof", log.proof(8, 30).to_string());
    let both = other.verifier().to_string();
    for (kept, code, told, why) in [
        (vec![&same], 0, "same.txt: the same tree\n", ""),
        (
            vec![&empty],
            0,
            "empty.txt: an empty log, which every log continues\n",
            "",
        ),
        (
            vec![&odd],
            1,
            "odd.txt: it has no rows, and another tree than none\n",
            "1 fault\n",
        ),
        (
            vec![&old],
            1,
            "old.txt: not compared: it has 20 rows, and the proof's checkpoint 30\n",
            "postern: the proof holds, but 1 checkpoint could not be compared with its own\n",
        ),
        (
            vec![&same, &fork],
            1,
            "fork.txt: a fork: the log's key has signed two trees of 30 rows\n",
            "postern: the proof does not agree with the checkpoints: 1 fault\n",
        ),
        (
            vec![&old, &old_fork],
            1,
            "old-fork.txt: a fork: the log's key has signed two trees of 20 rows\n",
            "1 fault\n",
        ),
        (
            vec![&foreign],
            1,
            "foreign.txt: it is of the log gate.example/audit/58507561",
            "1 fault\n",
        ),
        (
            vec![&forged, &altered],
            1,
            "forged.txt: no known key has signed it\n",
            "2 faults\n",
        ),
        (
            vec![&altered],
            1,
            "altered.txt: a signature of a known key does not hold\n",
            "1 fault\n",
        ),
        (vec![&text], 3, "", "text.txt is not a checkpoint"),
    ] {
        let mut words = vec!["audit", "verify", &proof, "--key", &key, "--key", &both];
        for file in &kept {
            words.extend(["--checkpoint", file.as_str()]);
        }
        let output = run(&words, &[], "").await;
        assert_eq!(output.code, code, "{kept:?}: {}", output.stderr);
        assert!(output.stdout.contains(told), "{kept:?}: {}", output.stdout);
        assert!(output.stderr.contains(why), "{kept:?}: {}", output.stderr);
        let is_told = output.stdout.contains("in the log, unchanged");
        assert_eq!(is_told, !why.contains("fault") && code != 3, "{kept:?}");
    }
}

#[tokio::test]
async fn r54_files_may_come_with_crlf_and_a_byte_order_mark() {
    let (log, files) = (Log::of(12), Files::new());
    let odd = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let newest = files.write("newest.txt", odd(&log.checkpoint(12).to_string()));
    let keys = files.write("keys.txt", odd(&format!("{}\n", key())));
    let export = files.write("log.ndjson", odd(&log.export()));
    let proof = files.write("e.tlog-proof", odd(&log.proof(4, 12).to_string()));
    let keys = format!("@{keys}");
    for file in [&export, &proof] {
        let words = [
            "audit",
            "verify",
            file,
            "--key",
            &keys,
            "--checkpoint",
            &newest,
        ];
        let output = run(&words, &[], "").await;
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{file}");
        assert!(
            output.stdout.contains("checkpoint of 12 rows: signed by"),
            "{}",
            output.stdout
        );
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
