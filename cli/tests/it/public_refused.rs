//! `postern audit` with public keys (R54): what cannot be checked, and gateways without such keys.

use serde_json::json;

use crate::gateway::{Gateway, json as answer, problem, run};
use crate::logs::{Files, Log, witness_key};
use crate::public_audit::{key, text, verified};

#[tokio::test]
async fn r54_what_cannot_be_checked_is_refused() {
    let (log, files) = (Log::of(3), Files::new());
    let newest = files.write("newest.txt", log.checkpoint(3).to_string());
    let none = files.write("none.txt", "hello\n");
    let empty = files.write("empty.txt", "\n");
    let large = files.write("large.txt", vec![b'x'; 300_000]);
    let (key, witness) = (key(), witness_key(1).verifier().to_string());
    let at = |file: &str| format!("@{file}");
    let listed = at(&files.write("keys.txt", format!("{key}\n\n")));
    let gone = files.path("gone.txt").to_str().unwrap().to_owned();
    for (words, code, told) in [
        (
            vec!["--key", &key],
            2,
            "standard input is an export, which public keys check against checkpoints: give one with --checkpoint",
        ),
        (
            vec!["--key", "gate.example"],
            2,
            "cannot be used: it is no verifier key",
        ),
        (
            vec!["--key", &witness, "--checkpoint", &newest],
            2,
            "it is the key of a witness: see --witness",
        ),
        (
            vec!["--key", &key, "--witness", &key, "--checkpoint", &newest],
            2,
            "it is the key of a log",
        ),
        (
            vec!["--key", &at(&empty), "--checkpoint", &newest],
            2,
            "empty.txt has no key",
        ),
        (
            vec!["--key", &at(&gone), "--checkpoint", &newest],
            3,
            "gone.txt cannot be read",
        ),
        (
            vec!["--key", &at(&large), "--checkpoint", &newest],
            3,
            "it has more than 262144 bytes",
        ),
        (
            vec!["--key", &key, "--checkpoint", &none],
            3,
            "none.txt is not a checkpoint: it is no signed note",
        ),
        (vec!["--checkpoint", &newest], 2, "--key"),
        (vec![], 3, "there is no key to check with"),
        (vec!["--key", &listed, "--checkpoint", &newest], 0, ""),
    ] {
        let words = [&["audit", "verify", "-"][..], &words].concat();
        let output = run(&words, &[], &log.export()).await;
        assert_eq!(output.code, code, "{words:?}: {}", output.stderr);
        assert!(output.stderr.contains(told), "{words:?}: {}", output.stderr);
    }
    let checkpoint = log.checkpoint(3).to_string();
    for (given, told) in [
        (
            checkpoint.as_str(),
            "standard input is not an export of the audit log: it is a checkpoint\n",
        ),
        (&checkpoint.replace('\n', "\r\n"), "it is a checkpoint\n"),
        (
            "hello\n",
            "it has no row, and it is no proof of one event either\n",
        ),
        (
            "",
            "it has no row, and it is no proof of one event either\n",
        ),
    ] {
        let output = verified(given, &[]).await;
        assert_eq!(output.code, 3, "{given}: {}", output.stderr);
        assert!(output.stderr.contains(told), "{given}: {}", output.stderr);
    }
    let output = verified("hello\n", &["--checkpoint", &newest]).await;
    assert_eq!(output.code, 3, "{}", output.stderr);
}

#[tokio::test]
async fn a_gateway_without_public_checkpoints_says_so() {
    let key = key();
    for (words, reply, code, told) in [
        (
            vec!["audit", "checkpoint"],
            problem(404, "audit_keys_not_set"),
            6,
            "audit_keys_not_set",
        ),
        (
            vec!["audit", "prove", "1"],
            problem(503, "audit_tree_behind"),
            9,
            "audit_tree_behind",
        ),
        (
            vec!["audit", "checkpoint"],
            answer(200, &json!({})),
            9,
            "not an answer of a Postern gateway",
        ),
        (
            vec!["audit", "checkpoint", "--key", &key],
            text("hello\n"),
            1,
            "the gateway's checkpoint is not believed",
        ),
    ] {
        let gateway = Gateway::start(vec![reply]).await;
        let output = gateway.run(&words).await;
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (code, ""),
            "{}",
            output.stderr
        );
        assert!(output.stderr.contains(told), "{}", output.stderr);
    }
}
