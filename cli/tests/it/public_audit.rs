//! `postern audit` with public keys (R54): what somebody cannot do unseen who has every key of the gateway.

use postern_transparency::key::{Kind, SigningKey};
use postern_transparency::print_hash;
use serde_json::json;

use crate::gateway::{Gateway, Output, Reply, json as answer, run};
use crate::golden;
use crate::logs::{Files, Log, ORIGIN, ROOT, cosigned, log_key, witness_key};

pub fn key() -> String {
    log_key().verifier().to_string()
}

/// Runs `audit verify` with the log's public key.
pub async fn verified(export: &str, more: &[&str]) -> Output {
    let key = key();
    let words = ["audit", "verify", "-", "--key", &key];
    run(&[&words[..], more].concat(), &[], export).await
}

pub fn text(body: impl ToString) -> Reply {
    Reply {
        status: 200,
        headers: vec![("content-type", "text/plain; charset=utf-8".to_owned())],
        body: body.to_string(),
    }
}

#[tokio::test]
async fn r54_a_log_is_checked_with_public_keys_alone() {
    let (log, files) = (Log::of(40), Files::new());
    let (one, two) = (witness_key(1), witness_key(2));
    let newest = cosigned(log.checkpoint(40), &one);
    let newest = files.write("newest.txt", newest.to_string());
    let old = cosigned(cosigned(log.checkpoint(25), &two), &one);
    let old = files.write("old.txt", old.to_string());
    let both = ["--checkpoint", &newest, "--checkpoint", &old];
    let output = verified(&log.export(), &both).await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    golden::check("output/audit-verify-public.txt", &output.stdout);

    let witness = one.verifier().to_string();
    let [first, second] = [
        ["--witness", &witness],
        ["--witness", &two.verifier().to_string()],
    ]
    .map(|flag| flag.map(str::to_owned));
    let words: Vec<&str> = both
        .into_iter()
        .chain(first.iter().map(String::as_str))
        .collect();
    let output = verified(&log.export(), &words).await;
    golden::check("output/audit-verify-witnessed.txt", &output.stdout);
    // What is proven ends where not every witness has seen it.
    let words: Vec<&str> = words
        .into_iter()
        .chain(second.iter().map(String::as_str))
        .collect();
    let output = verified(&log.export(), &words).await;
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert!(output.stdout.starts_with("25 rows of"), "{}", output.stdout);
    assert!(
        output.stdout.contains(
            "not proven: the last 15 rows, which no checkpoint has under it that every witness has cosigned\n"
        ),
        "{}",
        output.stdout
    );

    // Rows behind the newest checkpoint.
    let output = verified(&log.export(), &["--checkpoint", &old]).await;
    assert_eq!(output.code, 0, "{}", output.stderr);
    let told = "not proven: the last 15 rows, which no checkpoint has under it yet\n";
    assert!(output.stdout.contains(told), "{}", output.stdout);

    // Both kinds of keys in one pass.
    let key = key();
    let words = [&["audit", "verify", "-", "--key", &key][..], &both].concat();
    let output = run(&words, &[("ROOT_KEYS", ROOT)], &log.export()).await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    assert!(
        output.stdout.contains("whole, in order and unchanged"),
        "{}",
        output.stdout
    );
    assert!(!output.stdout.contains("not checked"), "{}", output.stdout);
}

#[tokio::test]
async fn r54_an_old_checkpoint_catches_who_has_every_key() {
    let (log, files) = (Log::of(40), Files::new());
    let forged = log.rewritten(10);
    // Under the keys of the gateway all is well: they can write every link anew.
    let output = run(
        &["audit", "verify", "-"],
        &[("ROOT_KEYS", ROOT)],
        &forged.export(),
    )
    .await;
    assert_eq!(output.code, 0, "{}", output.stderr);
    // The public key signs the forged log as well: who has it all signs a new checkpoint.
    let newest = files.write("newest.txt", forged.checkpoint(40).to_string());
    let output = verified(&forged.export(), &["--checkpoint", &newest]).await;
    assert_eq!(output.code, 0, "{}", output.stderr);
    // But not one that was kept elsewhere.
    let old = files.write("old.txt", log.checkpoint(25).to_string());
    let output = verified(
        &forged.export(),
        &["--checkpoint", &newest, "--checkpoint", &old],
    )
    .await;
    assert_eq!(output.code, 1);
    let told = "old.txt: it has another tree of 25 rows: the log was written anew";
    assert!(output.stdout.contains(told), "{}", output.stdout);
    let told = "postern: the log does not agree with its public checkpoints: 1 fault\n";
    assert_eq!(output.stderr, told);
    // Of what came before the change, both logs are the same.
    let early = files.write("early.txt", log.checkpoint(9).to_string());
    let output = verified(&forged.export(), &["--checkpoint", &early]).await;
    assert_eq!(output.code, 0, "{}", output.stderr);
}

#[tokio::test]
async fn r54_a_fork_shows_to_two_readers_who_compare() {
    let (log, files) = (Log::of(30), Files::new());
    let fork = log.rewritten(7);
    let mine = files.write("mine.txt", log.checkpoint(30).to_string());
    let theirs = files.write("theirs.txt", fork.checkpoint(30).to_string());
    for (export, own) in [(log.export(), &mine), (fork.export(), &theirs)] {
        let output = verified(&export, &["--checkpoint", own]).await;
        assert_eq!(output.code, 0, "each alone is fooled: {}", output.stderr);
        let output = verified(&export, &["--checkpoint", &mine, "--checkpoint", &theirs]).await;
        assert_eq!(output.code, 1);
        let told = "theirs.txt: a fork: the log's key has signed two trees of 30 rows";
        assert!(output.stdout.contains(told), "{}", output.stdout);
    }
    // Without an export: the gateway would have to prove that its log continues the other's.
    let key = key();
    let other = files.write("other.txt", fork.checkpoint(20).to_string());
    let proof = log
        .consistency(20, 30)
        .iter()
        .map(print_hash)
        .collect::<Vec<_>>();
    let proof = answer(200, &json!({ "from": 20, "to": 30, "hashes": proof }));
    let gateway = Gateway::start(vec![text(log.checkpoint(30)), proof.clone()]).await;
    let words = ["audit", "checkpoint", "--key", &key, "--since", &other];
    let output = gateway.run(&words).await;
    assert_eq!((output.code, output.stdout.as_str()), (1, ""));
    let told = "postern: the log does not continue the checkpoint of 20 rows";
    assert!(output.stderr.starts_with(told), "{}", output.stderr);
    let asked = [
        "GET /org/audit/checkpoint",
        "GET /org/audit/consistency?from=20&to=30",
    ];
    assert_eq!(gateway.asked(), asked);
    // The same of its own log.
    let own = files.write("own.txt", log.checkpoint(20).to_string());
    let gateway = Gateway::start(vec![text(log.checkpoint(30)), proof]).await;
    let output = gateway
        .run(&[
            "audit",
            "checkpoint",
            "--fresh",
            "--key",
            &key,
            "--since",
            &own,
        ])
        .await;
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert_eq!(output.stdout, log.checkpoint(30).to_string());
    assert!(
        output
            .stderr
            .starts_with("it continues the checkpoint of 20 rows\nsigned by "),
        "{}",
        output.stderr
    );
    assert_eq!(gateway.asked()[0], "GET /org/audit/checkpoint?fresh=true");
    // A log that became shorter, and another one of the same size.
    for (now, told) in [
        (log.checkpoint(12), "the log has lost its end"),
        (fork.checkpoint(20), "does not continue"),
    ] {
        let gateway = Gateway::start(vec![text(now)]).await;
        let output = gateway
            .run(&["audit", "checkpoint", "--key", &key, "--since", &own])
            .await;
        assert_eq!(output.code, 1);
        assert!(output.stderr.contains(told), "{}", output.stderr);
    }
}

#[tokio::test]
async fn r54_what_does_not_fit_is_told_with_its_place() {
    let (log, files) = (Log::of(12), Files::new());
    let newest = files.write("newest.txt", log.checkpoint(12).to_string());
    let longer = files.write("longer.txt", Log::of(20).checkpoint(20).to_string());
    let stranger = SigningKey::new(ORIGIN, Kind::Ed25519, &[9; 32]).unwrap();
    let unknown = files.write("unknown.txt", log.checkpoint_by(12, &stranger).to_string());
    let broken = log.checkpoint(12).to_string().replace("\n12\n", "\n11\n");
    let broken = files.write("broken.txt", broken);
    let export = log.export();
    let lines: Vec<&str> = export.lines().collect();
    let without = |left: usize| {
        let kept = lines.iter().enumerate().filter(|(at, _)| *at != left);
        kept.map(|(_, line)| format!("{line}\n"))
            .collect::<String>()
    };
    let mut swapped = lines.clone();
    swapped.swap(4, 5);
    let doubled = [&lines[..6], &lines[5..]].concat().join("\n");
    let elsewhere = export.replace("48507561", "58507561");
    for (given, checkpoint, told) in [
        (
            export.clone(),
            &longer,
            "longer.txt: the log ends with row 12, but the checkpoint has seen row 20",
        ),
        (
            export.clone(),
            &unknown,
            "unknown.txt: no known key has signed it",
        ),
        (
            export.clone(),
            &broken,
            "broken.txt: a signature of a known key does not hold",
        ),
        (without(3), &newest, "line 4: row 4 is missing"),
        (
            without(3),
            &newest,
            "newest.txt: its 12 rows cannot be compared: the rows here end after row 3",
        ),
        (
            without(11),
            &newest,
            "newest.txt: the log ends with row 11, but the checkpoint has seen row 12",
        ),
        (swapped.join("\n"), &newest, "line 5: row 5 is missing"),
        (doubled, &newest, "line 7: row 6 is there twice"),
        (
            elsewhere,
            &newest,
            "newest.txt: it is of the log gate.example/audit/48507561",
        ),
        (
            export.replace("token.mint", "token.leak"),
            &newest,
            "newest.txt: it has another tree of 12 rows",
        ),
        (
            export.replacen("\"link\":\"", "\"link\":\"0", 1),
            &newest,
            "line 2: row 2 does not follow on the row before it",
        ),
    ] {
        let output = verified(&given, &["--checkpoint", checkpoint]).await;
        assert_eq!(output.code, 1, "{told}: {}", output.stdout);
        assert!(output.stdout.contains(told), "{told}: {}", output.stdout);
    }
    // Both kinds of keys: what each has found is counted.
    let key = key();
    let words = [
        "audit",
        "verify",
        "-",
        "--key",
        &key,
        "--checkpoint",
        &newest,
    ];
    let output = run(&words, &[("ROOT_KEYS", ROOT)], &without(11)).await;
    assert_eq!(output.code, 1);
    assert_eq!(output.stdout.lines().count(), 2, "{}", output.stdout);
    let told = "postern: the log does not agree with its public checkpoints: 1 fault; \
                the log is not whole: 1 fault\n";
    assert_eq!(output.stderr, told);
    // A witness that has seen none of it.
    let witness = witness_key(1).verifier().to_string();
    let output = verified(&export, &["--checkpoint", &newest, "--witness", &witness]).await;
    assert_eq!(output.code, 1);
    let told = "no checkpoint that fits is cosigned by every witness\n";
    assert_eq!(output.stdout, told);
}
